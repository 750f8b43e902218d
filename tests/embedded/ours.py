"""What the embedded engine answers, held against a real server's answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.embedded.promql_samples import END, MIDDLE, START
from tests.embedded.real_prometheus import Asked, empty, same
from warroom.embedded.promql import Engine, PromqlError
from warroom.telemetry.prometheus_data import Matrix, Text, Vector

Kind = Literal["agrees", "empty", "error", "refused", "wrong"]
RANGES = ((START + 600, START + 6600, 60.0), (END - 1500.25, END + 700, 37.0))
INSTANTS = (MIDDLE, END)
ORDERED = ("sort", "topk", "bottomk")


@dataclass(frozen=True)
class Verdict:
    """`agrees`: the same values; `empty`: both have none; `error`: both refuse alike; `refused`: only ours does;
    `wrong`: another answer.
    """

    kind: Kind
    words: str = ""


def compared(asked: Asked, engine: Engine, query: str) -> Verdict:
    """Both servers' answers at two moments and over two ranges."""
    kinds = []
    for at in INSTANTS:
        ordered = query.startswith(ORDERED)
        kinds.append(_one(asked.instant(query, at), instant(engine, query, at), f"at {at:.3f}", ordered=ordered))
    for span in RANGES:
        kinds.append(_one(asked.range(query, *span), over(engine, query, *span), f"over {span}"))
    for kind in ("wrong", "refused", "agrees", "error"):
        found = next((one for one in kinds if one.kind == kind), None)
        if found is not None:
            return found
    return Verdict("empty")


def instant(engine: Engine, query: str, at: float) -> Any:
    """The engine's answer in the shape of `plain`."""
    return _plain(lambda: engine.evaluate(query, at))


def over(engine: Engine, query: str, start: float, end: float, step: float) -> Any:
    """The engine's answer in the shape of `plain`."""
    return _plain(lambda: engine.range(query, start, end, step))


def _one(theirs: Any, ours: Any, where: str, *, ordered: bool = False) -> Verdict:
    difference = same(theirs, ours, ordered=ordered)
    if difference:
        kind: Kind = "refused" if ours[0] == "error" and theirs[0] != "error" else "wrong"
        return Verdict(kind, f"{where}: {difference}")
    return Verdict("error" if theirs[0] == "error" else "empty" if empty(theirs) else "agrees")


def _plain(ask: Callable[[], Vector | Matrix | Text]) -> Any:
    try:
        found = ask()
    except PromqlError as refused:
        return "error", refused.error_type, str(refused)
    if isinstance(found, Text):
        return "string", found.text
    if isinstance(found, Matrix):
        return "matrix", [(line.labels, list(zip(line.times, line.values, strict=True))) for line in found.lines]
    return "vector", [(one.labels, [(one.at, one.value)]) for one in found.samples]
