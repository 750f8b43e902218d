"""Every command that the documentation shows exists; every exit status is documented; every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from warroom.cli.exits import Exit
from warroom.cli.main import warroom
from warroom.server.listener import EXIT_STORE_FAILED

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "stack").rglob("*.md"), *ROOT.glob("benchmarks/*.md")]
)
_INLINE = re.compile(r"`(warroom [^`\n]+)`")
_FENCED = re.compile(r"^(?: {4,}|\t)?(?:sudo (?:-\S+ \S+ )*)?(?:env (?:[A-Z_]+=\S+ )+)?(warroom(?: .*)?)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def shown(path: Path) -> Iterator[tuple[int, str]]:
    """(line, command) of each `warroom ...` in code: fenced, indented or inline."""
    fenced = False
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced or line.startswith(("    ", "\t")):
            found = _FENCED.match(line.strip() if fenced else line)
            if found:
                yield from ((number, part) for part in found.group(1).split("&&"))
        else:
            yield from ((number, one) for one in _INLINE.findall(line))


SHOWN = [(path, number, command.strip()) for path in PAGES for number, command in shown(path)]


def fault(command: str) -> str:
    """What is wrong with a command as it is shown, or nothing."""
    words = shlex.split(command, comments=True)[1:]
    ctx, here = click.Context(warroom, info_name="warroom"), warroom
    while words:
        options = {name: one for one in here.params for name in (*one.opts, *one.secondary_opts)}
        word = words.pop(0)
        if word.startswith("-") and word not in ("-", "--help", "--version", "-h"):
            name, _, given = word.partition("=")
            option = options.get(name)
            if not isinstance(option, click.Option):
                return f"{here.name} has no option {name}"
            if not (option.is_flag or given):
                words = words[1:]
        elif isinstance(here, click.Group):
            if re.fullmatch(r"\[.*|[A-Z]+|\.\.\.|…", word):
                return ""
            if word not in here.list_commands(ctx):
                return "" if word in ("--help", "--version", "-h") else f"{here.name} has no command {word}"
            here = here.get_command(ctx, word)  # type: ignore[assignment]
            assert here is not None
    return ""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_shown_exists(path: Path) -> None:
    wrong = [f"{path.name}:{line}: {text}: {fault(text)}" for of, line, text in SHOWN if of == path and fault(text)]
    assert not wrong, "\n".join(wrong)


def test_commands_are_found_at_all() -> None:
    assert len(SHOWN) > 60
    assert {path.name for path, _, _ in SHOWN} >= {"README.md", "operations.md", "security.md"}


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("warroom declare 'x' --severity SEV2", ""),
        ("warroom explode", "warroom has no command explode"),
        ("warroom note INC x --explode", "note has no option --explode"),
        ("warroom token revoke 3f", ""),
        ("warroom token explode", "token has no command explode"),
        ("warroom --explode list", "warroom has no option --explode"),
    ],
)
def test_a_wrong_command_would_be_found(command: str, wrong: str) -> None:
    assert fault(command) == wrong


def test_every_exit_status_is_documented() -> None:
    table = re.findall(r"^\| (\d+) \|", (ROOT / "docs/cli.md").read_text("utf-8"), re.MULTILINE)
    assert set(table) >= {str(int(one)) for one in Exit}
    assert str(EXIT_STORE_FAILED) in table
    operations = (ROOT / "docs/operations.md").read_text("utf-8")
    assert all(
        re.search(rf"(status|[Ee]xit) {int(one)}\b", operations) for one in (Exit.REFUSED, Exit.USAGE, Exit.DAMAGED)
    )
    assert re.search(rf"status {EXIT_STORE_FAILED}\b", operations)


def anchors(path: Path) -> set[str]:
    """Anchors that a Markdown page offers, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    bare = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", head).replace("`", "").strip().lower() for head in heads]
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in bare}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    wrong = []
    for found in _LINK.finditer(path.read_text("utf-8")):
        link = found.group(1) or found.group(2)
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            wrong.append(f"{link}: there is no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            wrong.append(f"{link}: there is no such heading")
    assert not wrong, f"{path.name}: {wrong}"
