"""The one modal that asks: any `Form` as fields, one below the other, with the reason why it cannot be sent yet.

Invariant: what was typed is kept when the form is left without sending, and is there again when it is opened anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Button, Input, Label, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from warroom.tui.forms import Field, Form, Values
from warroom.tui.slash import Payload, SlashError
from warroom.tui.typeahead import OpeningScreen
from warroom.tui.widgets.line_input import LineInput


class FormScreen(ModalScreen[Payload | None], OpeningScreen):
    """Dismisses with the command, or None. `drafts` holds what was typed and not sent, by field name."""

    DEFAULT_CSS = """
    FormScreen { align: center middle; background: $background 60%; }
    FormScreen > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 94%;
        border: round $border; border-title-style: bold; background: $surface; padding: 0 1;
    }
    FormScreen.-dangerous > Vertical { border: round $error; }
    FormScreen VerticalScroll { height: auto; max-height: 100%; }
    FormScreen Label { color: $text-muted; margin: 1 0 0 0; }
    FormScreen Input, FormScreen TextArea { background: $panel; border: none; padding: 0 1; }
    FormScreen TextArea { height: 4; }
    FormScreen OptionList { height: auto; max-height: 12; border: none; background: $panel; padding: 0; }
    FormScreen .note { color: $text-muted; margin: 1 0 0 0; }
    FormScreen #problem { color: $error; height: auto; display: none; text-style: bold; margin: 1 0 0 0; }
    FormScreen #buttons { height: 1; align-horizontal: right; margin: 1 0 0 0; }
    FormScreen Button { margin: 0 0 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "send", "Send"),
        Binding("ctrl+enter", "send", "Send", show=False),
    ]

    def __init__(self, form: Form, drafts: dict[str, str]) -> None:
        super().__init__()
        self.form, self.drafts = form, drafts
        self.keep_early()
        self.set_class(form.dangerous, "-dangerous")

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self.form.title
            with VerticalScroll(can_focus=False):
                if self.form.note:
                    yield Static(self.form.note, classes="note", markup=False)
                for field in self.form.fields:
                    yield Label(field.label + (f"  ({field.hint})" if field.hint else ""), markup=False)
                    yield self._widget(field)
            yield Static("", id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Cancel  esc", id="cancel", compact=True)
                yield Button("Send  ^s", id="send", compact=True, variant="error" if self.form.dangerous else "primary")

    def _widget(self, field: Field) -> Input | TextArea | OptionList:
        value = self.drafts.get(field.name) or field.value
        if field.choices:
            return _choices(field, value)
        if field.lines > 1:
            return TextArea(value, id=f"field-{field.name}", compact=True, tab_behavior="focus")
        suggester = SuggestFromList(field.suggestions, case_sensitive=False) if field.suggestions else None
        placeholder = ", ".join(field.suggestions[:6])
        return LineInput(value, id=f"field-{field.name}", compact=True, suggester=suggester, placeholder=placeholder)

    def on_mount(self) -> None:
        fields = self.form.fields
        empty = next((one for one in fields if one.choices or not (self.drafts.get(one.name) or one.value)), fields[0])
        first = self.query_one(f"#field-{empty.name}")
        self.set_focus(first)
        self.release_early(first)

    def values(self) -> dict[str, str]:
        """What stands in the fields now, trimmed."""
        found: dict[str, str] = {}
        for field in self.form.fields:
            widget = self.query_one(f"#field-{field.name}")
            if isinstance(widget, OptionList):
                at = widget.highlighted
                found[field.name] = field.choices[at].value if at is not None and field.choices else ""
            elif isinstance(widget, TextArea):
                found[field.name] = widget.text.strip()
            elif isinstance(widget, Input):
                found[field.name] = widget.value.strip()
        return found

    def action_cancel(self) -> None:
        """Leave; what was typed stays for the next time."""
        typed = {field.name for field in self.form.fields if not field.choices}
        self.drafts.update({name: text for name, text in self.values().items() if name in typed})
        self.dismiss(None)

    def action_send(self) -> None:
        """Build the command, or say what is missing."""
        values = self.values()
        try:
            self._require(values)
            payload = self.form.build(values)
        except SlashError as error:
            problem = self.query_one("#problem", Static)
            problem.update(str(error))
            problem.display = True
            return
        self.drafts.clear()
        self.dismiss(payload)

    def _require(self, values: Values) -> None:
        for field in self.form.fields:
            if field.needed and not values[field.name]:
                self.query_one(f"#field-{field.name}").focus()
                raise SlashError(f"{field.label} is missing")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next field, and sends from the last."""
        event.stop()
        self._advance(event.input)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a choice goes on as well."""
        event.stop()
        self._advance(event.option_list)

    def _advance(self, chosen: Widget) -> None:
        names = [f"field-{field.name}" for field in self.form.fields]
        # From where the focus is: a second Enter may come before the first has moved it.
        here = self.focused if self.focused is not None and self.focused.id in names else chosen
        place = names.index(here.id or "") + 1
        if place < len(names):
            self.set_focus(self.query_one(f"#{names[place]}"))
        else:
            self.action_send()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "send":
            self.action_send()
        else:
            self.action_cancel()


def _choices(field: Field, value: str) -> OptionList:
    width = max(len(choice.label) for choice in field.choices) if field.choices else 0
    prompts: Sequence[Option] = [
        Option(f"{choice.label:<{width}}  {choice.help}".rstrip().replace("[", "\\["), id=f"choice-{number}")
        for number, choice in enumerate(field.choices)
    ]
    found = OptionList(*prompts, id=f"field-{field.name}", compact=True)
    values = [choice.value for choice in field.choices]
    found.highlighted = values.index(value) if value in values else 0 if values else None
    return found


class ConfirmScreen(ModalScreen[bool]):
    """A question before something dangerous; the default is no."""

    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; background: $background 60%; }
    ConfirmScreen > Vertical { width: 60; height: auto; border: round $error; background: $surface; padding: 1 2; }
    ConfirmScreen Horizontal { height: 1; align-horizontal: right; margin: 1 0 0 0; }
    ConfirmScreen Button { margin: 0 0 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No"),
        Binding("y", "answer(True)", "Yes"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self.question, markup=False)
            with Horizontal():
                yield Button("No  esc", id="no", compact=True)
                yield Button("Yes  y", id="yes", compact=True, variant="error")

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    def action_answer(self, yes: bool) -> None:
        """Answer and close."""
        self.dismiss(yes)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")
