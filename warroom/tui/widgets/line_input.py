"""A line to type in that keeps all that is pasted: lines of a log become one line, none is dropped."""

from __future__ import annotations

from textual.events import Paste
from textual.widgets import Input


class LineInput(Input):
    """Textual's `Input`, except for pasted text of several lines: they are joined with blanks."""

    def on_paste(self, event: Paste) -> None:
        """Insert all of it, in place of what is selected."""
        event.prevent_default()
        event.stop()
        text = " ".join(line.strip() for line in event.text.splitlines() if line.strip())
        if text:
            self.replace(text, *self.selection)
