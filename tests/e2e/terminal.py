"""A program in a pseudo-terminal of its own, as a person has it: keys go in, cells come out.

The terminal is `pyte`, fed by a thread that reads what the program writes. Nothing here sleeps: whoever waits is woken
by each piece of output and looks again, until a deadline. Children are ended by their own pid.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

PATIENCE = 30.0
"""Seconds until a screen that does not come is a failure, on a busy machine."""

KEYS = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "backspace": "\x7f", "space": " ", "delete": "\x1b[3~",
    "shift+tab": "\x1b[Z", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
    "home": "\x1b[H", "end": "\x1b[F", "pageup": "\x1b[5~", "pagedown": "\x1b[6~",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f8": "\x1b[19~", "f9": "\x1b[20~",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}  # fmt: skip
"""What a terminal sends for the keys that are not letters."""

_KITTY = re.compile(rb"\x1b\[[<>=][0-9;]*u")
"""The keyboard protocol's own sequences, which pyte would print."""

_ASKS_FRAMES = b"\x1b[?2026$p"

_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_NAMED = {
    "black": (0, 0, 0), "red": (205, 49, 49), "green": (13, 188, 121), "brown": (229, 229, 16), "blue": (36, 114, 200),
    "magenta": (188, 63, 188), "cyan": (17, 168, 205), "white": (229, 229, 229),
}  # fmt: skip
_INK, _PAPER = (214, 222, 235), (11, 15, 20)


def private_home(folder: Path) -> dict[str, str]:
    """The environment of a person with a home of their own in `folder`, on a terminal with all colours."""
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    places = {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state",
              "XDG_CACHE_HOME": "cache", "XDG_RUNTIME_DIR": "run"}  # fmt: skip
    for place in places.values():
        (folder / place).mkdir(parents=True, exist_ok=True, mode=0o700)
    own = {name: str(folder / place) for name, place in places.items()}
    return {**kept, **own, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "TZ": "UTC"}


class Terminal:
    """A program on a screen of `columns` x `rows`. `name` is whose it is, for the words of a failure."""

    def __init__(
        self, name: str, command: Sequence[str], env: Mapping[str, str], columns: int = 120, rows: int = 40
    ) -> None:
        self.name = name
        self.written = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._news = threading.Condition()
        self._ended = False
        self._torn = False
        self._master, slave = pty.openpty()
        self._size(columns, rows)
        setsid = shutil.which("setsid")
        assert setsid, "setsid of util-linux is not installed"
        try:
            # It needs the terminal for its own: the kernel tells a change of size to whoever controls it.
            self._process = subprocess.Popen(
                (setsid, "--ctty", *command), stdin=slave, stdout=slave, stderr=slave, env=dict(env)
            )
        finally:
            os.close(slave)
        self._reader = threading.Thread(target=self._read, name=f"terminal-{name}", daemon=True)
        self._reader.start()

    # What is on it

    @property
    def rows(self) -> list[str]:
        """The screen's rows as text; a wide character counts two cells, of which the second is left out."""
        with self._news:
            self._news.wait_for(lambda: self._ended or not self._torn, 2)
            return [_row(self._screen.buffer[y], self._screen.columns) for y in range(self._screen.lines)]

    @property
    def text(self) -> str:
        """All rows, trimmed on the right."""
        return "\n".join(row.rstrip() for row in self.rows)

    def cells(self, row: int) -> list[Any]:
        """The cells of one row, with `data`, `fg`, `bg`, `bold` and `reverse` each."""
        with self._news:
            return [self._screen.buffer[row][x] for x in range(self._screen.columns)]

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor, which stands where the next letter will."""
        with self._news:
            return self._screen.cursor.y, self._screen.cursor.x

    def mode(self, number: int) -> bool | None:
        """Whether a private mode (1049 other screen, 25 cursor, 1000 mouse) is on; None when it was never touched."""
        with self._news:
            found = [m[2] == b"h" for m in _MODE.finditer(self.written) if str(number).encode() in m[1].split(b";")]
        return found[-1] if found else None

    def find(self, words: str) -> tuple[int, int]:
        """Row and column of the first place where these words stand. AssertionError when they do not."""
        for y, row in enumerate(self.rows):
            if words in row:
                return y, row.index(words)
        raise AssertionError(f"{words!r} is not on the screen of {self.name}:\n{self.text}")

    # What a person does

    def press(self, *keys: str) -> None:
        """Press keys: names of `KEYS` or single characters."""
        for key in keys:
            self._send(KEYS.get(key, key))

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._send(text)

    def resize(self, columns: int, rows: int) -> None:
        """Pull the window to another size."""
        with self._news:
            self._screen.resize(rows, columns)
            self._size(columns, rows)

    def until(self, wanted: str | Callable[[Self], object], *, gone: bool = False, within: float = PATIENCE) -> Self:
        """Wait until these words stand on the screen, or are `gone`, or the condition holds.

        Raises:
            AssertionError: not in time, or the program has ended first; with what was on the screen.
        """

        def holds() -> bool:
            if self._torn:
                return False
            found = (wanted in self.text) if isinstance(wanted, str) else bool(wanted(self))
            return found is not gone

        deadline = time.monotonic() + within
        with self._news:
            while not holds():
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    what = repr(wanted) if isinstance(wanted, str) else getattr(wanted, "__doc__", None) or wanted
                    why = "the program has ended" if self._ended else f"not within {within:g} s"
                    raise AssertionError(
                        f"{self.name}: {what} {'still there' if gone else 'not there'}, {why}:\n{self.text}"
                    )
                # Some conditions look elsewhere as well, so a look now and then without any output.
                self._news.wait(min(left, 0.25))
        return self

    def ends(self, within: float = PATIENCE) -> int:
        """Wait for the end; the exit status. AssertionError when it does not end."""
        try:
            status = self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end:\n{self.text}") from None
        self._reader.join(within)
        return status

    def close(self) -> None:
        """End the program and give the terminal back."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGKILL)
                self._process.wait(5)
        self._reader.join(5)
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def screenshot(self, path: Path) -> None:
        """Write what is on the screen as a PNG."""
        from docs.cells import Cell, paint

        picture = []
        with self._news:
            for y in range(self._screen.lines):
                row = []
                for x in range(self._screen.columns):
                    cell = self._screen.buffer[y][x]
                    ink, paper = _colour(cell.fg, _INK), _colour(cell.bg, _PAPER)
                    if cell.reverse:
                        ink, paper = paper, ink
                    row.append(
                        Cell(cell.data, ink, paper, cell.bold, cell.italics, cell.underscore, cell.strikethrough)
                    )
                picture.append(row)
        paint(picture, path)

    # Inside

    def _send(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._master, data) :]

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                # What Linux says when nobody has the other side open any more.
                data = b""
            with self._news:
                if data:
                    self.written += data
                    self._stream.feed(_KITTY.sub(b"", data))
                    self._answer(data)
                else:
                    self._ended = True
                self._news.notify_all()
            if not data:
                return

    def _answer(self, data: bytes) -> None:
        """Say that frames can be held until they are whole, and hold them: nobody sees half a frame."""
        if _ASKS_FRAMES in data:
            os.write(self._master, b"\x1b[?2026;2$y")
        self._torn = self.written.rfind(b"\x1b[?2026h") > self.written.rfind(b"\x1b[?2026l")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _row(cells: Mapping[int, Any], columns: int) -> str:
    return "".join(cells[x].data for x in range(columns))


def _colour(name: str, default: tuple[int, int, int]) -> tuple[int, int, int]:
    if name == "default":
        return default
    if name in _NAMED:
        return _NAMED[name]
    if name.startswith("bright"):
        return _NAMED.get(name.removeprefix("bright"), default)
    return int(name[0:2], 16), int(name[2:4], 16), int(name[4:6], 16)
