"""What a command prints: data to stdout, talk to stderr.

Invariant: with `--json` stdout holds JSON alone, and nothing is coloured that is not a terminal's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from warroom.cli.exits import Exit, Stop

_READABLE = 100
"""Columns of text at most; longer lines are hard to read."""


def say(words: str) -> None:
    """A sentence for the person, on stderr."""
    click.echo(words, err=True)


def data(text: str) -> None:
    """A line of data, on stdout."""
    click.echo(text, color=has_colour(sys.stdout))


def put_json(kind: str, body: Mapping[str, Any]) -> None:
    """One JSON object on stdout; `schema` names its shape and version first."""
    import orjson

    whole = {"schema": f"warroom.{kind}/1", **body}
    click.echo(orjson.dumps(whole, default=_plain, option=orjson.OPT_INDENT_2))


def put_line(body: Mapping[str, Any]) -> None:
    """One JSON object on one line of stdout."""
    import orjson

    click.echo(orjson.dumps(body, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set | tuple):
        return sorted(value)
    return str(value)


def has_colour(stream: Any) -> bool:
    """Whether to colour: a terminal that can, and nobody who said no."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or bool(getattr(stream, "isatty", lambda: False)())


def heading(text: str) -> str:
    return click.style(text, bold=True)


_SEVERITY = {"SEV1": "bright_red", "SEV2": "red", "SEV3": "yellow", "SEV4": "cyan", "SEV5": "blue"}


def severity_word(severity: str, width: int = 0) -> str:
    """The severity, coloured; the word itself carries the meaning."""
    return click.style(severity.ljust(width), fg=_SEVERITY.get(severity), bold=severity in ("SEV1", "SEV2"))


def table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> Iterable[str]:
    """Columns aligned by their widest cell; a line is cut at the terminal's edge, if there is one."""
    widths = [max(len(click.unstyle(row[at])) for row in [heads, *rows]) for at in range(len(heads))]
    room = terminal_width()
    for row in [[heading(head) for head in heads], *rows]:
        cells = [cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        plain = click.unstyle(line)
        yield line if room is None or len(plain) <= room else plain[: room - 1] + "…"


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None when it is none, so that nothing is cut in a file."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None


def prose(text: str, hang: int = 0) -> None:
    """Text for reading, on stdout: broken between words at the terminal's width, further lines `hang` columns in.

    A paragraph is filled anew, lines that are indented or items of a list stay apart. Where stdout is no terminal the
    text is as it was.
    """
    room = terminal_width()
    if room is None:
        data(text)
        return
    from textwrap import wrap

    width = max(hang + 20, min(room, _READABLE))
    for line in _filled(text):
        further = " " * (hang or len(line) - len(line.lstrip()))
        for part in wrap(line, width, subsequent_indent=further, break_on_hyphens=False) or [""]:
            data(part)


def _filled(text: str) -> list[str]:
    """The lines of a text, those of a paragraph joined to one."""
    lines: list[str] = []
    for line in text.split("\n"):
        apart = not line.strip() or line[0] in " \t-*" or not lines or not lines[-1] or lines[-1][0] in " \t"
        if apart:
            lines.append(line.rstrip())
        else:
            lines[-1] += " " + line.rstrip()
    return lines


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be undone. Where nobody can answer, `--yes` is needed.

    Raises:
        Stop: no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Stop(Exit.USAGE, f"{question} Say --yes: there is no terminal to ask on")
    if not click.confirm(question, err=True):
        raise Stop(Exit.REFUSED, "nothing was done")
