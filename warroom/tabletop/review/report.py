"""The report as Markdown and as one HTML file that needs nothing else.

Invariant: pure but for reading the template; foreign words are escaped and can be no markup, in either form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from warroom.data import data_dirs
from warroom.incident.record import Record
from warroom.review.postmortem import one_line, words
from warroom.tabletop.curve import Curve
from warroom.tabletop.model import Scenario
from warroom.tabletop.review.drawing import Line, Mark, chart, sampled, text_curve, text_lane
from warroom.tabletop.review.told import Told, masked
from warroom.tabletop.score.curves import Curves, shares
from warroom.tabletop.score.shapes import Score

MARKDOWN = "exercise-report.md.j2"
HTML = "exercise-report.html.j2"


class ReportError(Exception):
    """The report cannot be written; the message names the template and the line."""


@dataclass(frozen=True, slots=True)
class Report:
    """What both forms are made from: plain data, and the runs for the curves (None where they were not simulated)."""

    data: dict[str, Any]
    told: Told
    curves: Curves | None
    names: tuple[str, ...] = ()
    """Names that are masked."""


def report(
    records: Sequence[Record],
    scenario: Scenario,
    score: Score,
    curves: Curves | None,
    *,
    at: datetime,
    blameless: bool = False,
) -> Report:
    """Bring together what a report tells. With `blameless` people's names are masked everywhere."""
    told = Told(records, scenario, score, at)
    names = tuple(dict.fromkeys([*told.log.team, *(one.who for one in told.log.state.roles)])) if blameless else ()
    return Report(masked(told.data(), names), told, curves, names)


def markdown(made: Report, *, template_dirs: tuple[Path, ...] | None = None) -> str:
    """The report as Markdown, with the curves as text.

    Raises:
        ReportError: the template is missing or broken.
    """
    body = {**made.data, "curve": _text(made), "shown": _rows}
    text = _render(MARKDOWN, body, template_dirs, html=False)
    return re.sub(r"\n{3,}", "\n\n", text)


def html(made: Report, *, template_dirs: tuple[Path, ...] | None = None) -> str:
    """The report as one HTML page: no script, no font, no image, no address that is fetched.

    Raises:
        ReportError: the template is missing or broken.
    """
    drawn = {"felt": Markup(_felt(made)), "believed": Markup(_believed(made))}  # noqa: S704 (escaped as it is drawn)
    return _render(HTML, {**made.data, **drawn}, template_dirs, html=True)


def _render(template: str, body: dict[str, Any], directories: tuple[Path, ...] | None, *, html: bool) -> str:
    found = directories if directories is not None else tuple(reversed(data_dirs("templates")))
    environment = SandboxedEnvironment(
        loader=FileSystemLoader([str(one) for one in found]),
        undefined=StrictUndefined,
        autoescape=html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(words=words, line=one_line, points=_points, percent=_percent, minutes=_minutes)
    try:
        return environment.get_template(template).render(body)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"{template}:{line}" if line else template
        raise ReportError(f"{where}: {error.message or type(error).__name__}") from error


def _points(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _minutes(value: float) -> str:
    return f"{value:,.0f}"


def _rows(rows: Sequence[str]) -> str:
    """Rows of text for within a fence."""
    return "\n".join(rows).replace("```", "'''")


def _until(made: Report) -> int:
    """How far the curves are drawn: a little beyond the end of the exercise."""
    longest = made.curves.team.seconds if made.curves is not None else 10**9
    return max(60, min(longest - 1, int(made.told.log.end) + 60))


def _lanes(made: Report) -> list[tuple[str, str, list[Mark]]]:
    """What the team did, by lane, each with its letter in a chart of text."""
    data, log = made.data, made.told.log
    kinds = {"harmful": "bad", "right": "good"}
    actions = [
        Mark(one["start"], one["end"], f"{one['title']} ({one['verdict']}, {one['status']})",
             kinds.get(one["verdict"], "plain"), one["title"][:28])
        for one in data["actions"] if one["start"] is not None
    ]  # fmt: skip
    true = made.told.true
    theories = [
        Mark(log.second_of(one.proposed_at), None, f"H{one.number}: {told['text'][:80]}",
             "good" if one.number in true else "plain")
        for one, told in zip(log.hypotheses, data["hypotheses"], strict=True)
    ]  # fmt: skip
    updates = [Mark(log.second_of(one.published_at), None, f"Update to {one.audience}") for one in log.state.updates]
    injects = [Mark(one["second"], None, f"{one['sender']}: {one['text'][:80]}") for one in data["injects"]]
    return [
        ("actions", "A", actions), ("theories", "H", theories), ("updates", "U", updates), ("injects", "I", injects)
    ]  # fmt: skip


def _moments(made: Report) -> list[Mark]:
    titles = {"onset": "begins", "declared": "declared", "sli_restored": "well again", "resolved": "resolved"}
    kinds = {"onset": "bad", "sli_restored": "good"}
    found = [
        Mark(one.second, None, titles[one.id], kinds.get(one.id, "plain"))
        for one in made.told.score.clocks
        if one.id in titles and one.second is not None
    ]
    if made.told.terms.nothing_wrong:
        found = [Mark(one.start, None, "stood down") if one.label == "declared" else one for one in found]
    return found


def _felt(made: Report) -> str:
    if made.curves is None:
        return ""
    until = _until(made)

    def line(label: str, curve: Curve, kind: str, *, area: bool = False) -> Line:
        return Line(label, sampled(shares(curve), until), kind, area=area)

    return chart(
        [
            line("What users lost in this run", made.curves.team, "team", area=True),
            line("If nobody acts", made.curves.nothing, "nothing"),
            line("The reference run", made.curves.reference, "reference"),
        ],
        until,
        title="Share of requests that users lost, and what the team did",
        lanes=[(name, marks) for name, _, marks in _lanes(made)],
        verticals=_moments(made),
    )


def _believed(made: Report) -> str:
    until = float(_until(made))
    lines = []
    for place, one in enumerate(made.data["hypotheses"]):
        steps = made.told.steps(one["number"])
        if steps:
            kind = "truth" if one["true"] else f"theory t{place % 4}"
            label = f"H{one['number']}: {one['text'][:120]}"
            lines.append(Line(label, (*steps, (until, steps[-1][1])), kind, step=True))
    if not lines:
        return ""
    title = "How probable the team held each hypothesis to be"
    return chart(lines, until, title=title, top=1.0, height=160)


def _text(made: Report) -> list[str]:
    if made.curves is None:
        return []
    until = _until(made)
    rows = text_curve(shares(made.curves.team), until)
    if not rows:
        return []
    pad = rows[-2].index("└") + 1
    width = len(rows[-2]) - pad
    lanes = [(name, letter, marks) for name, letter, marks in _lanes(made) if marks]
    drawn = [text_lane(marks, until, letter, pad, width) for _, letter, marks in lanes]
    named = ", ".join(f"{letter} {name}" for name, letter, _ in lanes)
    return [*rows, *drawn, *([f"{'':{pad}}{named}"] if lanes else [])]
