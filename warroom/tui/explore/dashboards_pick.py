"""The variables of the dashboard on screen: the bar that tells them, the lists to pick other values from.

Invariant: a picked value is asked with at once; what other variables offer for it is asked for first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.dashboards.model import Option
from warroom.tui.dashboards.picking import Choice
from warroom.tui.explore.dashboards_rows import (
    Value,
    key_of_choice,
    key_of_value,
    render_choice,
    render_value,
    variables_line,
)
from warroom.tui.explore.dashboards_show import ShownDashboard
from warroom.tui.palette import Palette
from warroom.tui.widgets.row_source import Rows
from warroom.tui.widgets.rows import RowList

ALL = Option("$__all", "All")


class PickedDashboard(ShownDashboard):
    """The part of the dashboards pane that picks values. `picking` is the name of the variable whose values are
    listed, `-` for the list of variables, empty while neither is; `values_with` is what listed values have in them.
    """

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.picking = ""
        self.values_with = ""

    def shown_choices(self) -> tuple[Choice, ...]:
        """The variables that readers see."""
        choices = self.sheet.choices if self.sheet is not None else ()
        return tuple(one for one in choices if one.is_shown)

    def paint_variables(self, width: int, _height: int, palette: Palette) -> Any:
        """The bar of variables."""
        return [variables_line(self.shown_choices(), width, palette, "V")]

    def choices_changed(self) -> None:
        self.query_one("#dashboard-variables").display = bool(self.shown_choices())
        self.fill_picker()

    def do_variables(self) -> None:
        """The dashboard's variables, to pick others."""
        choices = self.shown_choices()
        if not choices:
            self.console.tell("this dashboard has no variables", "warning")
            return
        self.picking = "" if self.picking else "-"
        self.fill_picker()
        self.show_mode()
        if self.picking and len(choices) == 1:
            self.open_choice(choices[0])

    def open_choice(self, choice: Choice) -> None:
        """List a variable's values, or let one be typed."""
        if choice.is_typed:
            self.open_prompt(f"variable:{choice.variable.name}", f"the value of {choice.label}", choice.text)
            return
        self.picking, self.values_with = choice.variable.name, ""
        self.fill_picker()

    def _choice(self, name: str) -> Choice | None:
        return next((one for one in self.shown_choices() if one.variable.name == name), None)

    def fill_picker(self) -> None:
        """Bring the list of variables or of values up to date."""
        rows = self.query_one("#dashboard-picker", RowList)
        choice = self._choice(self.picking)
        if choice is None:
            rows.set_title("Variables")
            rows.show(Rows(self.shown_choices(), key_of_choice, render_choice))
            if self.shown_choices() and not isinstance(rows.selected_row, Choice):
                rows.select(self.shown_choices()[0].variable.name)
            return
        chosen = choice.chosen
        offered = (ALL, *choice.options) if choice.variable.has_all else choice.options
        picked = {"$__all"} if chosen.all_of else {one.value for one in chosen.options}
        values = [
            Value(one, one.value in picked or (one.text, "auto") == ("auto", choice.text))
            for one in offered
            if self.values_with.casefold() in one.text.casefold()
        ]
        rows.set_title(f"{choice.label}: {'several can be picked' if choice.variable.multi else 'pick one'}")
        rows.set_empty(choice.error or "no value passes")
        rows.show(Rows(values, key_of_value, render_value))
        if values and not isinstance(rows.selected_row, Value):
            rows.select(next((one for one in values if one.picked), values[0]).option.value)

    def pick(self, row: Value) -> None:
        """Take a value; of a variable of several, or leave it out again."""
        choice = self._choice(self.picking)
        if choice is None:
            return
        value = row.option.value
        if not choice.variable.multi or value == ALL.value:
            if not choice.variable.multi:
                self.picking = ""
            self.set_variable(choice.variable.name, [value])
            self.show_mode()
            return
        before = [] if choice.chosen.all_of else [one.value for one in choice.chosen.options]
        after = [one for one in before if one != value] if value in before else [*before, value]
        self.set_variable(choice.variable.name, after or [value])

    def set_variable(self, name: str, values: list[str]) -> None:
        """Choose other values, and ask with them."""
        self.picked = {**self.picked, name: values}
        self.choose_values()
