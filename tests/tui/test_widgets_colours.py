"""Signs and colours: every role has a colour in every theme, what must be read can be, and no sign is two cells."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.theme import BUILTIN_THEMES, Theme

from warroom.tui import glyphs
from warroom.tui.palette import HUES, Palette, build_palette, mix
from warroom.tui.themes import ANSI, MONO, NIGHT, THEMES, pick_theme


def palette_for(theme: Theme) -> Palette:
    return build_palette({**theme.to_color_system().generate(), **theme.variables}, theme.name, ansi=theme.ansi)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [theme for theme in THEMES if not theme.ansi], ids=lambda theme: theme.name)
def test_text_can_be_read_in_every_theme(theme: Theme) -> None:
    palette = palette_for(theme)
    least = 7.0 if "high" in theme.name else 4.5
    for colour in (palette.text, palette.soft, palette.accent, *palette.severities, *palette.statuses, *palette.people):
        assert contrast(colour, palette.background) >= least, colour
    assert contrast(palette.muted, palette.background) >= 4.5
    assert contrast(palette.faint, palette.background) >= 3
    for colour in palette.severities:
        assert contrast(colour, palette.background) >= 4.5, "a badge is this colour behind the background's"


@pytest.mark.parametrize("theme", [*THEMES, *BUILTIN_THEMES.values()], ids=lambda theme: theme.name)
def test_every_role_has_a_colour_rich_knows(theme: Theme) -> None:
    from rich.color import Color

    palette = palette_for(theme)
    for field in dataclasses.fields(palette):
        value = getattr(palette, field.name)
        for colour in value if isinstance(value, tuple) else [value]:
            if isinstance(colour, str) and field.name != "name":
                Color.parse(colour)
    assert len(palette.severities) == 6
    assert len(palette.hues) == len(HUES)


def test_own_themes_define_the_same_variables() -> None:
    names = set(NIGHT.variables)
    for theme in THEMES:
        assert names <= set(theme.variables), theme.name


def test_worse_is_brighter_without_colour() -> None:
    shades = [luminance(palette_for(MONO).severity(name)) for name in glyphs.SEVERITIES]
    assert shades == sorted(shades, reverse=True)


def test_a_person_keeps_a_colour_and_several_differ() -> None:
    palette = palette_for(NIGHT)
    assert palette.person("Ana") == palette.person("ana")
    assert len({palette.person(name) for name in ("ana", "marek", "sofia", "june", "tomas", "eva", "li")}) >= 4


@pytest.mark.parametrize(
    ("environ", "colours", "wanted", "theme"),
    [
        ({}, 1 << 24, None, "warroom-night"),
        ({}, None, "warroom-light", "warroom-light"),
        ({"NO_COLOR": "1"}, 16, "ansi-dark", MONO.name),
        ({"NO_COLOR": ""}, 256, None, "warroom-night"),
        ({}, 16, None, ANSI.name),
        ({}, 16, "warroom-light", ANSI.name),
        ({}, 8, "ansi-light", "ansi-light"),
    ],
)
def test_the_first_theme(environ: dict[str, str], colours: int | None, wanted: str | None, theme: str) -> None:
    assert pick_theme(environ, colours, wanted=wanted) == theme


@given(st.floats(allow_nan=False))
def test_mixing_is_total(amount: float) -> None:
    assert len(mix("#0b0f14", "#ff5370", amount)) == 7
    assert mix("default", "red", amount) == "red"


def test_tables_have_single_cells_and_ascii_is_ascii() -> None:
    for field in dataclasses.fields(glyphs.Glyphs):
        if field.name == "ascii":
            continue
        rich, plain = getattr(glyphs.UNICODE, field.name), getattr(glyphs.ASCII, field.name)
        assert len(rich) == len(plain) == cell_len(rich) == cell_len(plain)
        assert plain.isascii()
        assert all(ord(char) < 0x10000 for char in rich)


@pytest.mark.parametrize(
    ("encoding", "environ", "plain"),
    [
        ("utf-8", {}, False), ("UTF8", {}, False), ("ascii", {}, True), ("latin-1", {}, True), (None, {}, True),
        ("utf-8", {"TERM": "linux"}, True), ("utf-8", {"WARROOM_ASCII": "1"}, True),
        ("utf-8", {"WARROOM_ASCII": ""}, False),
    ],
)  # fmt: skip
def test_the_table_a_terminal_can_show(encoding: str | None, environ: dict[str, str], plain: bool) -> None:
    assert glyphs.select(encoding, environ).ascii is plain


@pytest.mark.parametrize(
    ("severity", "badge"),
    [
        ("SEV1", "▲ SEV1"), ("sev-3", "■ SEV3"), ("5", "○ SEV5"),
        ("unset", "◌ SEV unset"), (None, "◌ SEV unset"), ("x", "◌ SEV unset"),
    ],
)  # fmt: skip
def test_badges_say_the_severity_by_sign_and_word(severity: str | None, badge: str) -> None:
    assert glyphs.severity_badge(severity) == badge


def test_each_severity_and_status_has_its_own_sign() -> None:
    for table in (glyphs.UNICODE, glyphs.ASCII):
        glyphs.use(table)
        try:
            assert len({glyphs.severity_badge(name)[0] for name in (*glyphs.SEVERITIES, None)}) == 6
            assert len({glyphs.status_glyph(name) for name in glyphs.STATUSES}) >= 7
        finally:
            glyphs.use(glyphs.UNICODE)
    assert glyphs.status_glyph("something else") == "□"


@pytest.mark.parametrize(
    ("function", "seconds", "text"),
    [
        (glyphs.age, 12, "12s"), (glyphs.age, 2850, "47m"), (glyphs.age, 5 * 3600, "5h"), (glyphs.age, 260_000, "3d"),
        (glyphs.age, -4, "0s"), (glyphs.clock, 5027, "01:23:47"), (glyphs.clock, 360_000, "100:00:00"),
        (glyphs.countdown, 252, "in 04:12"), (glyphs.countdown, -130, "overdue 02:10"),
        (glyphs.countdown, 3852, "in 1:04:12"),
        (glyphs.time_of_day, 1_780_000_000, "20:26:40"), (glyphs.time_of_day, 1e300, "--:--:--"),
    ],
)  # fmt: skip
def test_times_as_people_read_them(function: object, seconds: float, text: str) -> None:
    assert callable(function)
    assert function(seconds) == text
