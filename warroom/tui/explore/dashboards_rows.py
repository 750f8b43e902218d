"""Rows of the dashboards pane's lists: Grafana's dashboards, a board's variables, a variable's values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warroom.dashboards.model import Option
from warroom.tui.dashboards.picking import Choice
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, justify, safe


@dataclass(frozen=True, slots=True)
class Found:
    """A dashboard of the list."""

    uid: str
    title: str
    folder: str
    tags: tuple[str, ...]

    @property
    def words(self) -> str:
        """What is copied."""
        return self.title


def found_in(result: Any) -> tuple[Found, ...]:
    """The dashboards of an answer, by folder and title."""
    rows = result.get("dashboards", ()) if isinstance(result, Mapping) else ()
    made = [
        Found(
            str(one.get("uid", "")),
            str(one.get("title", "")),
            str(one.get("folder") or ""),
            tuple(str(tag) for tag in one.get("tags") or ()),
        )
        for one in rows
        if isinstance(one, Mapping) and one.get("uid")
    ]
    return tuple(sorted(made, key=lambda one: (one.folder.casefold(), one.title.casefold())))


def render_found(row: Found, width: int, _selected: bool, palette: Palette) -> Sequence[Line]:
    """Title at the left, tags and folder at the right."""
    left: list[Span] = [
        (f"{glyphs().small_square} ", style(palette.accent)),
        (safe(row.title), style(palette.text, bold=True)),
    ]
    right: list[Span] = [(f" {safe(row.folder)}", style(palette.soft))] if row.folder else []
    tags: Span = ("  ".join(f"#{safe(tag)}" for tag in row.tags[:6]), style(palette.muted))
    if row.tags and width >= 70:
        right = [tags, *right]
    return [justify(left, right, width, gap=2)]


def key_of_found(row: Found) -> Hashable:
    """A dashboard is known by its uid."""
    return row.uid


def render_choice(row: Choice, width: int, _selected: bool, palette: Palette) -> Sequence[Line]:
    """A variable: what it is called, what is chosen, and from how many; or why its values are not known."""
    value = safe(row.text)
    left: list[Span] = [(f"{safe(row.label):<16} ", style(palette.soft)), (value, style(palette.text, bold=True))]
    kind = "typed" if row.is_typed else "several of" if row.variable.multi else "one of"
    right: list[Span] = [(kind if row.is_typed else f"{kind} {len(row.options)}", style(palette.muted))]
    if row.error:
        right = [(f"{glyphs().cross} {safe(row.error)}", style(palette.bad))]
    return [justify(left, right, width, gap=2)]


def key_of_choice(row: Choice) -> Hashable:
    """A variable is known by its name."""
    return row.variable.name


@dataclass(frozen=True, slots=True)
class Value:
    """A value that can be picked; `picked` says whether it is."""

    option: Option
    picked: bool


def render_value(row: Value, width: int, _selected: bool, palette: Palette) -> Sequence[Line]:
    """A value with its sign; picked ones are bold as well."""
    g = glyphs()
    sign: Span = (f"{g.tick if row.picked else g.ring} ", style(palette.good if row.picked else palette.muted))
    text: Span = (safe(row.option.text), style(palette.text, bold=row.picked))
    other = row.option.value if row.option.value not in (row.option.text, "$__all") else ""
    return [justify([sign, text], [(safe(other), style(palette.muted))] if other else [], width, gap=2)]


def key_of_value(row: Value) -> Hashable:
    """A value is known by itself."""
    return row.option.value


def variables_line(choices: Sequence[Choice], width: int, palette: Palette, key: str) -> Line:
    """The bar of variables: label and what is chosen, as many as have room; the rest is counted."""
    shown = [one for one in choices if one.is_shown]
    if not shown:
        return []
    line: list[Span] = [(f" {key} ", style(palette.accent, bold=True))]
    room = width - 4
    for at, one in enumerate(shown):
        value = safe(one.text)[:40]
        label = "" if one.variable.hiding == "label" else f"{safe(one.label)} "
        sign = f"{glyphs().cross} " if one.error else ""
        size = len(label) + len(value) + len(sign) + 3
        if size > room:
            line.append((f"+{len(shown) - at} more", style(palette.muted)))
            break
        room -= size
        line += [
            (label, style(palette.muted)),
            (sign, style(palette.bad)),
            (value or "''", style(palette.text, bold=True)),
            ("   ", style(palette.text)),
        ]
    return line
