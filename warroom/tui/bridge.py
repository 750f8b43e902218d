"""The one place where the client's world becomes Textual messages, and the console's wishes become the client's.

Invariant: nothing here blocks the console, and nothing the client does can reach a widget but by a message.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App

    from warroom.client.view import Settled, View


class Wire(Protocol):
    """What the console needs of a client in its own thread; `warroom.client.thread.ClientThread` is one."""

    @property
    def latest(self) -> View: ...

    def start(self) -> None: ...
    def stop(self, timeout: float = 1.0) -> None: ...
    def submit(self, command: Mapping[str, Any], incident: str = "", *, pressed: float = 0.0) -> Future[Settled]: ...
    def follow(self, incident: str) -> None: ...
    def leave(self, incident: str) -> None: ...
    def follow_lobby(self) -> None: ...
    def present(self, incident: str, looking_at: str = "", idle: int = 0, typing: bool = False) -> None: ...
    def light(self, incident: str, target: str, shown: Mapping[str, Any] | None = None) -> None: ...
    def watch(self, incident: str, panel: Mapping[str, Any]) -> str: ...
    def unwatch(self, panel: str) -> None: ...
    def tail(self, incident: str, query: str) -> str: ...
    def untail(self, key: str) -> None: ...
    def request(self, method: str, *, timeout: float = 10.0, **params: Any) -> Future[Any]: ...
    def seen(self, n: int) -> None: ...


Opener = Callable[[Callable[["View"], None]], Wire]
"""Makes the client, given what to call with each new view; may take seconds (it may start a server) and may raise."""


class Wake(Message, bubble=False):
    """The newest view of everything. Several in the queue collapse into the last."""

    def __init__(self, view: View) -> None:
        self.view = view
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Wake)


class Opened(Message, bubble=False):
    """There is a client now; the newest view is its `latest`, and further ones follow."""


class OpenFailed(Message, bubble=False):
    """No client could be made; `words` say why and what to do."""

    def __init__(self, words: str) -> None:
        self.words = words
        super().__init__()


class Answered(Message, bubble=False):
    """The answer to a request or a command, handed to the callback that waits for it, in the console's own loop."""

    def __init__(self, future: Future[Any], then: Callable[[Future[Any]], None]) -> None:
        self.future, self.then = future, then
        super().__init__()


class Bridge:
    """Opens the client in the background and carries messages both ways."""

    def __init__(self, app: App[Any], opener: Opener) -> None:
        self._app = app
        self._opener = opener
        self._closed = threading.Event()
        self.wire: Wire | None = None

    def open(self) -> None:
        """Begin to open the client; `Opened` or `OpenFailed` follows."""
        threading.Thread(target=self._open, name="warroom-open", daemon=True).start()

    def _open(self) -> None:
        try:
            wire = self._opener(self._woken)
            wire.start()
        except Exception as error:
            self._post(OpenFailed(str(error) or type(error).__name__))
            return
        self.wire = wire
        if self._closed.is_set():
            wire.stop()
            return
        self._post(Opened())

    def close(self) -> None:
        """End the client; returns within about a second."""
        self._closed.set()
        if self.wire is not None:
            self.wire.stop()

    def submit(
        self,
        command: Mapping[str, Any],
        incident: str,
        then: Callable[[Future[Any]], None] | None = None,
        pressed: float = 0.0,
    ) -> bool:
        """Queue a command; False while there is no client to keep it. `then` gets the answer in the console's loop.
        `pressed` is the moment of its key (`time.monotonic()`), for its trace.
        """
        if self.wire is None:
            return False
        more = {"pressed": pressed} if pressed else {}
        future = self.wire.submit(command, incident, **more)
        if then is not None:
            future.add_done_callback(lambda done: self._post(Answered(done, then)))
        return True

    def ask(self, method: str, then: Callable[[Future[Any]], None], **params: Any) -> bool:
        """Ask the server one question; False while there is no client."""
        if self.wire is None:
            return False
        future = self.wire.request(method, **params)
        future.add_done_callback(lambda done: self._post(Answered(done, then)))
        return True

    def _woken(self, view: View) -> None:
        self._post(Wake(view))

    def _post(self, message: Message) -> None:
        if not self._closed.is_set():
            self._app.post_message(message)
