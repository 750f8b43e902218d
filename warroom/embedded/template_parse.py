"""Go templates as rule files have them, read into a tree: pure, nothing is evaluated here.

Syntax: https://pkg.go.dev/text/template, without `define`, `template`, `block`, `break` and `continue`, which rule
files have no use for and which are refused in words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, TypeAlias


class TemplateError(ValueError):
    """A template that cannot be read, or that cannot be filled in; one sentence."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, a number, true, false or nil."""

    value: Any


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name.field.field`; without a name it is the data itself, with `.` the current element."""

    name: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A function by name, called with what follows it in its command."""

    name: str


@dataclass(frozen=True, slots=True)
class Nested:
    """A pipeline in parentheses, and fields of its result."""

    pipe: Pipe
    path: tuple[str, ...] = ()


Operand: TypeAlias = Constant | Variable | Function | Nested


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands, each handing its result to the next as its last argument. `names` are the variables that it sets;
    `fresh` whether they are new ones.
    """

    commands: tuple[tuple[Operand, ...], ...]
    names: tuple[str, ...] = ()
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """Words that stay as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline whose result is written, unless it sets variables."""

    pipe: Pipe


@dataclass(slots=True)
class Block:
    """`if`, `with` or `range`: what to do with the pipeline's result, and what otherwise."""

    kind: str
    pipe: Pipe
    body: list[Node] = field(default_factory=list)
    otherwise: list[Node] = field(default_factory=list)


Node: TypeAlias = Text | Action | Block

_ACTION = re.compile(r"\{\{(?P<left>-(?=\s))?(?P<said>\s*/\*.*?\*/\s*|(?:\"(?:\\.|[^\"\\\n])*\"|`[^`]*`|[^\"`])*?)"
                     r"(?P<right>(?<=\s)-)?\}\}", re.DOTALL)  # fmt: skip
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<text>\"(?:\\.|[^\"\\\n])*\"|`[^`]*`)|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<assign>:?=)|(?P<variable>\$\w*(?:\.\w+)*)|(?P<field>\.(?:\w+(?:\.\w+)*)?)|(?P<word>\w+)|(?P<sign>[|(),])"
)
_REFUSED = ("define", "template", "block", "break", "continue")
_BLOCKS = ("if", "with", "range")


def parse(source: str, functions: Collection[str]) -> tuple[Node, ...]:
    """Raises TemplateError with what is wrong, also for a function that is none of `functions`."""
    return tuple(_Reader(source, functions).read())


class _Reader:
    def __init__(self, source: str, functions: Collection[str]) -> None:
        self._parts = _parts(source)
        self._functions = functions
        self._known = [{"$", "$labels", "$value", "$externalLabels", "$externalURL"}]

    def read(self) -> list[Node]:
        body, closing = self._body()
        if closing:
            raise TemplateError(f"{{{{{closing}}}}} without an if, with or range before it")
        return body

    def _body(self) -> tuple[list[Node], str]:
        """Nodes up to the next `end` or `else`, and that word with what follows it; empty at the end."""
        found: list[Node] = []
        while self._parts:
            part, is_action = self._parts.pop(0)
            if not is_action:
                found.append(Text(part))
                continue
            word = part.split(None, 1)[0] if part.split() else ""
            if word in ("end", "else"):
                return found, " ".join(part.split())
            if word in _REFUSED:
                raise TemplateError(f"{{{{{word}}}}} is not supported in rule files here; write it out")
            if word in _BLOCKS:
                found.append(self._block(word, part.split(None, 1)[1] if " " in part else ""))
            elif part and not part.startswith("/*"):
                found.append(Action(self._pipe(part)))
        return found, ""

    def _block(self, kind: str, said: str) -> Block:
        self._known.append(set())
        made = Block(kind, self._pipe(said))
        made.body, closing = self._body()
        if closing.startswith("else "):
            word, _, rest = closing.removeprefix("else ").partition(" ")
            if word not in ("if", "with"):
                raise TemplateError(f"{{{{{closing}}}}}: after else comes if, with, or nothing")
            made.otherwise = [self._block(word, rest)]
            self._known.pop()
            return made
        if closing == "else":
            made.otherwise, closing = self._body()
        if closing != "end":
            raise TemplateError(f"{{{{{kind}}}}} has no {{{{end}}}}")
        self._known.pop()
        return made

    def _pipe(self, said: str) -> Pipe:
        tokens = _tokens(said)
        names: list[str] = []
        fresh = True
        signs = [index for index, (kind, _) in enumerate(tokens) if kind == "assign"]
        if signs:
            names = [text for kind, text in tokens[: signs[0]] if kind == "variable"]
            fresh = tokens[signs[0]][1] == ":="
            rest = [text for kind, text in tokens[: signs[0]] if kind != "variable"]
            if not 1 <= len(names) <= 2 or rest not in ([], [","]) or any("." in name for name in names):
                raise TemplateError(f"{said!r}: a variable is set as $name := value")
            tokens = tokens[signs[0] + 1 :]
        made = self._commands(tokens, said)
        if tokens:
            raise TemplateError(f"{said!r}: unexpected {tokens[0][1]!r}")
        if fresh:
            self._known[-1].update(names)
        elif not all(any(name in known for known in self._known) for name in names):
            raise TemplateError(f"{said!r}: undefined variable {names[0]!r}")
        return Pipe(made.commands, tuple(names), fresh)

    def _commands(self, tokens: list[tuple[str, str]], said: str) -> Pipe:
        commands: list[tuple[Operand, ...]] = []
        operands: list[Operand] = []
        while tokens and tokens[0][1] != ")":
            kind, text = tokens.pop(0)
            if (kind, text) == ("sign", "|"):
                commands.append(_command(operands, said))
                operands = []
            else:
                operands.append(self._operand(kind, text, tokens, said))
        commands.append(_command(operands, said))
        for operand in (command[0] for command in commands[1:]):
            if not isinstance(operand, Function):
                raise TemplateError(f"{said!r}: after | comes a function")
        return Pipe(tuple(commands))

    def _operand(self, kind: str, text: str, tokens: list[tuple[str, str]], said: str) -> Operand:
        if kind in ("text", "number"):
            return Constant(_constant(kind, text))
        if kind == "variable":
            name, *path = text.split(".")
            if not any(name in known for known in self._known):
                raise TemplateError(f"{said!r}: undefined variable {name!r}")
            return Variable(name, tuple(path))
        if kind == "field":
            return Variable(".", tuple(text[1:].split(".")) if text != "." else ())
        if kind == "word":
            if text in ("true", "false", "nil"):
                return Constant({"true": True, "false": False, "nil": None}[text])
            if text not in self._functions:
                raise TemplateError(f'function "{text}" not defined')
            return Function(text)
        if text == "(":
            inside = self._commands(tokens, said)
            if not tokens:
                raise TemplateError(f"{said!r}: a parenthesis is not closed")
            tokens.pop(0)
            path = tokens.pop(0)[1][1:].split(".") if tokens and tokens[0][0] == "field" and tokens[0][1] != "." else []
            return Nested(inside, tuple(path))
        raise TemplateError(f"{said!r}: unexpected {text!r}")


def _command(operands: list[Operand], said: str) -> tuple[Operand, ...]:
    if not operands:
        raise TemplateError(f"{said!r}: a value or a function is missing")
    if len(operands) > 1 and not isinstance(operands[0], Function):
        raise TemplateError(f"{said!r}: only a function takes arguments")
    return tuple(operands)


def _parts(source: str) -> list[tuple[str, bool]]:
    """Texts and the insides of actions, in order; spaces are trimmed where an action says so."""
    parts: list[tuple[str, bool]] = []
    at, trim = 0, False
    for found in _ACTION.finditer(source):
        text = source[at : found.start()]
        if "{{" in text:
            break
        text = text.lstrip() if trim else text
        text = text.rstrip() if found["left"] else text
        parts += [(text, False)] if text else []
        parts.append((found["said"].strip(), True))
        at, trim = found.end(), bool(found["right"])
    rest = source[at:].lstrip() if trim else source[at:]
    if "{{" in rest:
        raise TemplateError("an action that begins with {{ does not end with }}")
    return [*parts, (rest, False)] if rest else parts


def _tokens(said: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(said):
        token = _TOKEN.match(said, at)
        if token is None or token.lastgroup is None:
            raise TemplateError(f"{said!r}: unexpected {said[at]!r}")
        if token.lastgroup != "space":
            found.append((token.lastgroup, token[0]))
        at = token.end()
    return found


def _constant(kind: str, text: str) -> Any:
    if kind == "number":
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    if text.startswith("`"):
        return text[1:-1]
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        raise TemplateError(f"{text}: a text that cannot be read") from None
