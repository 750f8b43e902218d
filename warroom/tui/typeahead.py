"""Keys that come faster than the screen can follow: each acts where it would have acted had the person waited.

Over a slow line several keys arrive at once, and all of them are handed to what has the focus at that moment, also
those meant for the form or the line that the first of them opens. Invariant: such a key is handed on in its order; it
is never lost, and never acts as a key of what lies beneath.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.events import Key

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget


class OpeningScreen:
    """A screen that keeps the keys that come before its fields are there."""

    early: list[Key] | None

    def keep_early(self) -> None:
        """From now on keys are kept."""
        self.early = []

    def release_early(self, focused: Widget) -> None:
        """The fields are there and this one has the focus: it gets what was kept."""
        kept, self.early = self.early or (), None
        for event in kept:
            hand_on(event, focused)


def aim(event: Key, app: App[Any]) -> None:
    """Remember what had the focus when the key came in."""
    event.aim = app.focused or app.screen  # type: ignore[attr-defined]


def redirect(event: Key, app: App[Any]) -> bool:
    """Hand a key that nothing has used to what has the focus by now, if that is something else; whether it was."""
    screen = app.screen
    if isinstance(screen, OpeningScreen) and screen.early is not None:
        screen.early.append(event)
        return True
    target = app.focused or screen
    if getattr(event, "aim", target) is target:
        return False
    hand_on(event, target)
    return True


def hand_on(event: Key, target: Widget) -> None:
    """Give a key to a widget as if it had been pressed there."""
    fresh = event.copy()
    fresh.aim = target  # type: ignore[attr-defined]
    target._forward_event(fresh)
