"""Ending a console that is told to end by a signal, also when nobody reads its terminal any more.

Invariant: `LIMIT` seconds after the first signal the console is over or the process gone, whatever the terminal does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

GRACE = 0.8
"""Seconds for the console to end by itself before its output is thrown away."""
LIMIT = 2.3
"""Seconds until the process ends without any more ado."""

_RESTORED = b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[<u\x1b[?1049l\x1b[?25h"
"""Mouse, paste, keyboard protocol and alternate screen off, cursor shown (xterm's private modes)."""


class Ending:
    """What SIGTERM and SIGHUP do to a console.

    A full terminal that is not read blocks the thread that writes to it, and soon the whole console with it. So after
    `GRACE` seconds its output goes nowhere, which lets it end in order, and after `LIMIT` seconds the process is ended.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._told = False
        self._ended = threading.Event()
        self._before: list[Any] | None = None
        with contextlib.suppress(termios.error, OSError, ValueError):
            self._before = termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ is not None else None

    def listen(self) -> None:
        """Take both signals from here on; call it in the main thread."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end)

    def _end(self, number: int, _frame: object) -> None:
        if self._told:
            return
        self._told = True
        # First of all, since whatever comes next may find the console blocked.
        threading.Thread(target=self._watch, args=(number,), name="ending", daemon=True).start()
        self._app.exit()

    def _watch(self, number: int) -> None:
        if self._ended.wait(GRACE):
            return
        with contextlib.suppress(OSError, termios.error):
            self._let_go()
        deadline = time.monotonic() + LIMIT - GRACE
        while time.monotonic() < deadline and not self._ended.wait(0.05):
            self._wake_writer(number)
        if not self._ended.wait(max(0.0, deadline - time.monotonic())):
            os._exit(128 + number)

    def _let_go(self) -> None:
        """Send all further output nowhere, and restore the terminal as far as it takes anything."""
        if sys.__stderr__ is None or sys.__stdin__ is None:
            return
        output, name = sys.__stderr__.fileno(), ""
        with contextlib.suppress(OSError):
            name = os.ttyname(output)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, output)
        os.close(nowhere)
        if self._before is not None:
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._before)
        if name:
            # Opened anew: not to block is a property of what is open, and that is shared with the shell.
            terminal = os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            with contextlib.suppress(OSError):
                os.write(terminal, _RESTORED)
            os.close(terminal)

    def _wake_writer(self, number: int) -> None:
        """A write that is blocked already stays with the terminal; interrupted, it is tried anew and goes nowhere."""
        for thread in threading.enumerate():
            if thread.name == "textual-output" and thread.ident is not None:
                signal.pthread_kill(thread.ident, number)

    def over(self) -> None:
        """The console has ended in order: nothing is forced any more."""
        self._ended.set()
