"""A dashboard that is being shown: where its panels lie, what has to be asked for them, and what they show.

Invariant: no input and no output. A panel keeps what it shows until all of its new answers are there, so that it is
drawn once for each refresh and never half; a question that several panels have is given out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Any

from warroom.dashboards.answers import Answer, Failed
from warroom.dashboards.data import Listing, PanelData
from warroom.dashboards.layout import ROWS_PER_UNIT, Placed, lay_out
from warroom.dashboards.model import Dashboard
from warroom.dashboards.panel_data import panel_data
from warroom.dashboards.queries import Asked, Query, queries
from warroom.dashboards.sources import NO_BOOK, Book
from warroom.dashboards.units import Locale
from warroom.dashboards.values import Scope
from warroom.tui.dashboards.lists import question_of_list, rows_of_list
from warroom.tui.dashboards.picking import Choice, Choosing, Picked, choosing
from warroom.tui.dashboards.questions import Question, answer_of, question_of
from warroom.tui.dashboards.texts import ListRow

_NOTHING = Asked(())
_WIDE, _TALL = 100, 2.0
"""From so many cells on a unit of height is so many rows, about as high as in a browser."""


@dataclass(slots=True)
class _Panel:
    """One panel on the sheet. `asked_in` is the turn that it was last asked for; `missing` is still to come."""

    placed: Placed
    data: PanelData
    asked: Asked = _NOTHING
    asked_in: int = 0
    answered: bool = False
    missing: set[Question] = field(default_factory=set)
    rows: tuple[ListRow, ...] | None = None


class Sheet:
    """One dashboard. `at` says which time is shown; every new time, choice or width is a new turn."""

    def __init__(self, dashboard: Dashboard, *, zone: tzinfo = UTC, book: Book = NO_BOOK) -> None:
        self.dashboard = dashboard
        self.zone = zone
        self.book = book
        self.choices: tuple[Choice, ...] = ()
        self.folded: dict[str, bool] = {}
        self.width = 0
        self.scope = Scope({}, 0.0, 3600.0, title=dashboard.title, uid=dashboard.uid, zone=zone)
        self._turn = 1
        self._order: tuple[str, ...] = ()
        self._panels: dict[str, _Panel] = {}
        self._answers: dict[Question, Any] = {}

    # Times, variables, places

    def choosing(self, picked: Picked) -> Choosing:
        """The way to a value for every variable; its outcome goes to `settle`."""
        return choosing(self.dashboard, replace(self.scope, values={}), picked, self.book)

    def settle(self, scope: Scope, choices: tuple[Choice, ...]) -> None:
        """Take over what is chosen; panels are placed anew, since they may be repeated for other values."""
        self.choices = choices
        self.scope = replace(self.scope, values=scope.values)
        self._fresh()
        self.place(self.width)

    def at(self, start: float, end: float) -> None:
        """Show another time: from now on every panel has to be asked for anew."""
        self.scope = replace(self.scope, start=start, end=max(end, start + 1.0))
        self._fresh()
        for one in self._panels.values():
            own = replace(one.placed.scope, start=self.scope.start, end=self.scope.end)
            one.placed = replace(one.placed, scope=own)

    def _fresh(self) -> None:
        self._turn += 1
        self._answers.clear()

    def place(self, width: int) -> None:
        """Lay the panels out in so many cells."""
        self.width = width
        tall = _TALL if width >= _WIDE else ROWS_PER_UNIT
        made = lay_out(self.dashboard, self.scope, width, folded=self.folded, rows_per_unit=tall) if width > 0 else ()
        panels: dict[str, _Panel] = {}
        for one in made:
            old = self._panels.get(one.key)
            if old is None or old.placed.collapsed != one.collapsed or old.placed.hidden != one.hidden:
                panels[one.key] = _Panel(one, self._computed(one, _NOTHING, {}))
            else:
                old.placed = one
                panels[one.key] = old
        self._panels = panels
        self._order = tuple(panels)

    def fold(self, key: str) -> bool:
        """Fold a row, or open it. Returns whether there is such a row."""
        one = self._panels.get(key)
        if one is None or one.placed.panel.kind != "row":
            return False
        self.folded[key] = not one.placed.collapsed
        self.place(self.width)
        return True

    # What there is

    @property
    def keys(self) -> tuple[str, ...]:
        """The panels by their keys, from above."""
        return self._order

    @property
    def height(self) -> int:
        """Rows of the whole board."""
        return max((one.placed.y + one.placed.h for one in self._panels.values()), default=0)

    def placed(self, key: str) -> Placed:
        """Where a panel lies."""
        return self._panels[key].placed

    def data(self, key: str) -> PanelData:
        """What a panel shows now."""
        return self._panels[key].data

    def rows(self, key: str) -> tuple[ListRow, ...] | None:
        """The rows of a list panel; None while they are not known."""
        return self._panels[key].rows

    def give_rows(self, key: str, rows: tuple[ListRow, ...]) -> None:
        """The rows of a list that the caller knows of."""
        self._panels[key].rows = rows

    def is_waiting(self, key: str) -> bool:
        """Whether nothing was answered for a panel yet."""
        return not self._panels[key].answered

    def queries(self, key: str) -> Sequence[Query]:
        """The queries of a panel, as they are asked for the present time."""
        one = self._panels[key].placed
        return queries(self.dashboard, one.panel, one.scope, book=self.book).queries

    # Asking

    def wanted(self, keys: Iterable[str]) -> list[Question]:
        """What has to be asked so that these panels show the present time; each question is given out once."""
        given: list[Question] = []
        known = {question for one in self._panels.values() for question in one.missing}
        for key in keys:
            one = self._panels.get(key)
            if one is None or one.asked_in == self._turn:
                continue
            one.asked_in = self._turn
            placed = one.placed
            one.asked = queries(self.dashboard, placed.panel, placed.scope, book=self.book)
            needed = {question_of(query) for query in one.asked.queries}
            listed = question_of_list(one.data.body) if isinstance(one.data.body, Listing) else None
            if listed is not None:
                needed.add(listed)
            one.missing = {question for question in needed if question not in self._answers}
            fresh = sorted((question for question in one.missing if question not in known), key=repr)
            known |= one.missing
            given += fresh
            if not one.missing:
                self._complete(one)
        return given

    def took(self, question: Question, result: Any) -> list[str]:
        """An answer, or the exception in its place, came. Returns the panels that look different now."""
        waiting = [key for key, one in self._panels.items() if question in one.missing]
        if not waiting:
            return []
        self._answers[question] = result
        changed = []
        for key in waiting:
            one = self._panels[key]
            one.missing.discard(question)
            if not one.missing:
                first, before = not one.answered, (one.data, one.rows)
                self._complete(one)
                if first or (one.data, one.rows) != before:
                    changed.append(key)
        return changed

    def _complete(self, one: _Panel) -> None:
        answers = {}
        for query in one.asked.queries:
            question = question_of(query)
            if question in self._answers:
                answers[query.ref] = self._answer(question, query)
        one.data = self._computed(one.placed, one.asked, answers)
        one.answered = True
        body = one.data.body
        listed = question_of_list(body) if isinstance(body, Listing) else None
        if listed is not None and isinstance(body, Listing):
            result = self._answers.get(listed)
            if isinstance(result, Exception):
                one.data = replace(one.data, errors=(str(result),))
            one.rows = rows_of_list(body, result, self.scope.end)

    def _answer(self, question: Question, query: Query) -> Answer:
        """The answer to a query; read once for all panels that have it."""
        result = self._answers[question]
        if isinstance(result, Exception):
            return Failed(str(result))
        if isinstance(result, _Read):
            return result.answer
        answer = answer_of(query, result)
        self._answers[question] = _Read(answer)
        return answer

    def _computed(self, placed: Placed, asked: Asked, answers: Mapping[str, Answer]) -> PanelData:
        here = Locale(placed.scope.end, self.zone)
        return panel_data(
            self.dashboard,
            placed.panel,
            placed.scope,
            asked,
            answers,
            here=here,
            book=self.book,
            collapsed=placed.collapsed,
            hidden=placed.hidden,
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """An answer that was read once."""

    answer: Answer
