"""The variables of a dashboard: asked for one after the other, since each may stand in the next one's question.

Invariant: pure. Whoever drives `choosing` sends the answer, or the exception, to each question it yields.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from warroom.dashboards.model import Dashboard, Option, Variable
from warroom.dashboards.sources import NO_BOOK, Book, source_of_variable
from warroom.dashboards.values import Chosen, Scope
from warroom.dashboards.variables import choose, in_order, options_of, wanted_of
from warroom.tui.dashboards.questions import Question, question_for, words_for

Picked: TypeAlias = Mapping[str, Sequence[str]]
"""Values by the name of their variable."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable with what can be chosen and what is; `error` says why its options are not known."""

    variable: Variable
    options: tuple[Option, ...]
    chosen: Chosen
    error: str = ""

    @property
    def label(self) -> str:
        """What people call it."""
        return self.variable.label or self.variable.name

    @property
    def text(self) -> str:
        """What is chosen, for people."""
        if self.chosen.all_of:
            return "All"
        return " + ".join(one.text for one in self.chosen.options) or ("" if self.is_typed else "none")

    @property
    def is_typed(self) -> bool:
        """Whether its value is typed, not picked."""
        return self.variable.kind == "textbox"

    @property
    def is_shown(self) -> bool:
        """Whether readers see it."""
        return self.variable.hiding != "variable" and self.variable.kind not in {"constant", "unsupported", "groupby"}


Choosing: TypeAlias = Generator[Question, Any, tuple[Scope, tuple[Choice, ...]]]


def choosing(dashboard: Dashboard, scope: Scope, picked: Picked, book: Book = NO_BOOK) -> Choosing:
    """Yields what to ask; returns the scope with every variable in it, and the choices in the order of the file."""
    found: dict[str, Choice] = {}
    for variable in in_order(dashboard.variables):
        options: tuple[Option, ...] = ()
        error = ""
        try:
            answer = yield from _asked(dashboard, variable, scope, book)
            options = options_of(variable, answer, scope)
        except ValueError as wrong:
            error = str(wrong)
            options = variable.current if variable.kind == "query" else options_of(variable, (), scope)
        chosen = choose(variable, options, scope, picked.get(variable.name, ()))
        found[variable.name] = Choice(variable, options, chosen, error)
        scope = replace(scope, values={**scope.values, variable.name: chosen})
    return scope, tuple(found[one.name] for one in dashboard.variables if one.name in found)


def _asked(
    dashboard: Dashboard, variable: Variable, scope: Scope, book: Book
) -> Generator[Question, Any, Sequence[str]]:
    """The words of which a variable's options are made."""
    if variable.kind == "datasource":
        return (variable.query,) if variable.query else ()
    if variable.kind != "query":
        return ()
    wanted = wanted_of(variable, scope, source_of_variable(dashboard, variable, book).kind)
    if wanted is None:
        return ()
    answer = yield question_for(wanted, scope.end)
    if isinstance(answer, Exception):
        raise ValueError(str(answer))
    try:
        return words_for(wanted, answer)
    except (KeyError, TypeError) as wrong:
        raise ValueError("the server answered with no values") from wrong
