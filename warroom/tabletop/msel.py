"""The events list of an exercise as a table (MSEL): out of a scenario into CSV, and back.

The columns are those that exercise planners use: number, time, from, faction, to, team, method, subject, message,
expected action, tab. `faction` stays empty; `team` is `all`, or the duty that is written to.

Invariant: what was exported reads back as the same injects, and a wrong cell is named by its row and column.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pydantic import ValidationError

from warroom.tabletop.acts import Expected, HintSpec, InjectSpec
from warroom.tabletop.model import Scenario

COLUMNS: Final = (
    "number", "time", "from", "faction", "to", "team", "method", "subject", "message", "expected action", "tab",
)  # fmt: skip
MOST_ROWS: Final = 500
MOST_BYTES: Final = 512 * 1024
_CLOCK: Final = re.compile(r"(?:([0-9]{1,2}):)?([0-5]?[0-9]):([0-5][0-9])")
_EXPECTED: Final = re.compile(r"(?P<forces>[^;]*?)(?:;\s*(?P<event>\S+) within (?P<within>\S+))?")
_METHODS: Final = {
    "channel": "channel", "chat": "channel", "slack": "channel", "teams": "channel", "dm": "dm", "direct message": "dm",
    "im": "dm", "call": "call", "phone": "call", "telephone": "call", "radio": "call", "email": "email",
    "e-mail": "email", "mail": "email", "news": "news", "social media": "news", "tv": "news", "press": "news",
    "page": "page", "pager": "page", "sms": "page",
}  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t")


class MselError(ValueError):
    """A table that cannot be used: one sentence for each wrong cell."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def write_msel(scenario: Scenario) -> str:
    """The injects and hints of a scenario as CSV, in the order of their times, those on a condition last."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for inject in sorted(scenario.injects, key=lambda one: (one.at is None, one.at or 0)):
        writer.writerow([_safe(cell) for cell in _row(inject)])
    for hint in scenario.hints:
        time = hint.when or clock_of(hint.after)
        cells = (hint.id, time, "facilitator", "", "all", "all", "hint", "", hint.text, f"{hint.cost:g} points", "hint")
        writer.writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def clock_of(seconds: int) -> str:
    """Seconds as `0:12:30`."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _row(inject: InjectSpec) -> tuple[str, ...]:
    expected = inject.forces
    if inject.expected is not None:
        expected += f"; {inject.expected.event} within {inject.expected.within}s"
    tab = ("contingency" if inject.contingency else "inject") + (" whispered" if inject.whispered else "")
    time = clock_of(inject.at) if inject.at is not None else str(inject.when)
    return (
        inject.id, time, inject.from_, "", inject.to, inject.to, inject.method, inject.subject, inject.text, expected,
        tab,
    )  # fmt: skip


def _safe(cell: str) -> str:
    # A spreadsheet would run a cell that begins like a formula.
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def read_msel(text: str, source: str) -> tuple[tuple[InjectSpec, ...], tuple[HintSpec, ...]]:
    """The injects and hints of a table. Columns may stand in any order; others than the known ones are passed over.

    Raises:
        MselError: with every cell that is wrong, as `file:row: column: what`.
    """
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise MselError([f"{source}:1: is larger than {MOST_BYTES // 1024} KiB; split it"])
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as error:
        raise MselError([f"{source}:1: is not CSV: {error}"]) from None
    if not rows:
        raise MselError([f"{source}:1: the file is empty; its first row has the columns {', '.join(COLUMNS)}"])
    heads = [head.strip().lower() for head in rows[0]]
    missing = [name for name in ("time", "from", "message") if name not in heads]
    if missing:
        raise MselError([f"{source}:1: has no column {missing[0]!r}; the first row has {', '.join(COLUMNS)}"])
    if len(rows) > MOST_ROWS:
        raise MselError([f"{source}:{MOST_ROWS + 1}: has more than {MOST_ROWS} rows"])
    injects: list[InjectSpec] = []
    hints: list[HintSpec] = []
    problems: list[str] = []
    for at, cells in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        # A row may end early; what it does not say is empty.
        filled = [*cells, *([""] * (len(heads) - len(cells)))]
        row = {head: _plain(cell.strip()) for head, cell in zip(heads, filled, strict=False)}
        try:
            found = _read_row(row, len(injects) + len(hints) + 1)
        except ValidationError as error:
            problems += _told(error, f"{source}:{at}")
        except ValueError as error:
            problems.append(f"{source}:{at}: {error}")
        else:
            hints.append(found) if isinstance(found, HintSpec) else injects.append(found)
    if problems:
        raise MselError(problems[:20])
    return tuple(injects), tuple(hints)


def _read_row(row: dict[str, str], count: int) -> InjectSpec | HintSpec:
    tab = row.get("tab", "").lower()
    time = _time(row.get("time", ""))
    number = row.get("number", "")
    ident = number if number[:1].isalpha() else f"I{number or count}"
    if tab == "hint" or row.get("method", "").lower() == "hint":
        cost = re.match(r"\d+(\.\d+)?", row.get("expected action", ""))
        timing = {"after": time} if isinstance(time, int) else {"when": time}
        return HintSpec.model_validate(
            {"id": ident, "text": row["message"], **timing, "cost": float(cost[0]) if cost else 3}
        )
    expected = _EXPECTED.fullmatch(row.get("expected action", ""))
    forces = (expected["forces"] if expected else row.get("expected action", "")).strip()
    content: dict[str, Any] = {
        "id": ident,
        ("at" if isinstance(time, int) else "when"): time,
        "to": row.get("to") or row.get("team") or "all",
        "from": row["from"],
        "method": _method(row.get("method", "")),
        "subject": row.get("subject", ""),
        "text": row["message"],
        "forces": forces or "decide",
        "whispered": "whispered" in tab,
        "contingency": "contingency" in tab,
    }
    if expected and expected["event"]:
        content["expected"] = Expected.model_validate({"event": expected["event"], "within": expected["within"]})
    return InjectSpec.model_validate(content)


def _time(cell: str) -> int | str:
    found = _CLOCK.fullmatch(cell)
    if found:
        return int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3])
    if re.fullmatch(r"[0-9]{1,4}", cell):
        return int(cell) * 60
    if not cell:
        raise ValueError("time: is missing; write it as h:mm:ss, as minutes, or as a condition")
    return cell


def _method(cell: str) -> str:
    if not cell:
        return "channel"
    known = _METHODS.get(cell.lower())
    if known is None:
        raise ValueError(f"method: {cell[:40]!r} is not known; use one of {', '.join(sorted(set(_METHODS.values())))}")
    return known


def _told(error: ValidationError, where: str) -> Iterable[str]:
    columns = {
        "at": "time",
        "when": "time",
        "after": "time",
        "text": "message",
        "id": "number",
        "event": "expected action",
    }
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0]) if detail["loc"] else "row"
        yield f"{where}: {columns.get(name, name)}: {detail['msg']}"
