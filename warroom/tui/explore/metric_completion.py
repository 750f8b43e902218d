"""Offers for a PromQL line: names, labels and values that the server told, and the language's own words.

Invariant: an offer is given at once from what is known; what is not known yet is asked for once, in the background.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from warroom.tui.explore.promql_line import AGGREGATIONS, FUNCTIONS, Place, place_of
from warroom.tui.widgets.prompt import Completion, Word

MOST = 60
"""Offers given at a time."""


class Ask(Protocol):
    """Asks the server beside what is shown; `then` gets the future."""

    def __call__(self, method: str, then: Callable[[Future[Any]], None], **params: Any) -> bool: ...


class Completer:
    """Completes one pane's query line."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._names: tuple[str, ...] = ()
        self._kinds: Mapping[str, Sequence[str]] = {}
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def prepare(self) -> None:
        """Ask for the metrics there are, before somebody types."""

        def came(future: Future[Any]) -> None:
            if future.exception() is None:
                said = future.result() or {}
                self._names = tuple(said.get("values", ()))
                self._kinds = said.get("kinds", {})

        self._ask("metrics.names", came)

    def complete(self, word: Word) -> Sequence[Completion]:
        """What could stand at the cursor."""
        place = place_of(word.line[: word.end])
        kept = word.text[: len(word.text) - len(place.token)] if word.text.endswith(place.token) else word.text
        if place.kind == "metric":
            return self._metrics(kept, place.token.casefold())
        if place.kind in ("label", "grouping"):
            end = "" if place.kind == "grouping" else "="
            return self._matching("metrics.labels", place, kept, end)
        if place.kind == "value":
            return self._matching("metrics.values", place, kept, "")
        return ()

    def _metrics(self, kept: str, token: str) -> list[Completion]:
        names = [name for name in self._names if token in name.casefold()]
        names.sort(key=lambda name: (not name.casefold().startswith(token), name))
        offers = [Completion(kept + name, name, " ".join(self._kinds.get(name, ())[:2])) for name in names[:MOST]]
        if not token:
            return offers
        made = [name for name in (*AGGREGATIONS, *FUNCTIONS) if name.startswith(token)]
        return [*(Completion(f"{kept}{name}(", name, "function") for name in made), *offers]

    def _matching(self, method: str, place: Place, kept: str, end: str) -> list[Completion]:
        token = place.token.casefold()
        found = self._told(method, place.metric, place.label)
        about = place.label or "label"
        return [Completion(f"{kept}{name}{end}", name, about) for name in found if token in name.casefold()][:MOST]

    def _told(self, method: str, metric: str, label: str) -> tuple[str, ...]:
        key = (metric, label)
        if key not in self._known:
            self._known[key] = ()

            def came(future: Future[Any]) -> None:
                if future.exception() is None:
                    self._known[key] = tuple((future.result() or {}).get("values", ()))

            more = {"label": label} if label else {}
            self._ask(method, came, matching=metric, **more)
        return self._known[key]
