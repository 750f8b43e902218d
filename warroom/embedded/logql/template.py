"""The templates of `line_format` and `label_format`: the part of Go's text/template that log queries use.

Fields, pipelines, brackets, calls of the functions in `template_functions`, `if`, `else if`, `else`, `with`, comments
and trimmed spaces. Loops, variables and nested templates are refused when a query is read, so nothing runs for long.

Invariant: a template that was read can be filled in with any labels; what goes wrong then is a TemplateError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, TypeAlias

from warroom.embedded.logql.lexer import unescaped
from warroom.embedded.logql.template_functions import FUNCTIONS, LONGEST, TemplateError, Value, printed, truth
from warroom.embedded.logql.template_time import GoTime


@dataclass(slots=True)
class Context:
    """What a template is filled in with: the labels, the line, its nanoseconds. `dot` is what `.` is at the moment."""

    labels: Mapping[str, str]
    line: str
    ns: int
    dot: Value = None


Filled: TypeAlias = Callable[[Context], str]
Evaluated: TypeAlias = Callable[[Context], Value]

_ACTION = re.compile(
    r"\{\{(?P<trim>-\s)?\s*(?:/\*.*?\*/|(?P<inside>(?:\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`|(?!\}\}).)*?))\s*(?P<end>(?<=\s)-)?\}\}",
    re.DOTALL,
)
_WORD = re.compile(
    r"\s*(?:(?P<string>\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`)|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<field>(?:\.[A-Za-z_][A-Za-z0-9_]*)+)|(?P<dot>\.)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[()|])|(?P<other>\S))",
)
_KEYWORDS = frozenset({"if", "else", "end", "with"})
_REFUSED = frozenset({"range", "template", "define", "block", "break", "continue"})
_DEEPEST = 20


@lru_cache(256)
def template(text: str) -> Filled:
    """What fills a template in.

    Raises:
        ValueError: the text is none that is known here; one sentence. What it returns raises TemplateError.
    """
    parts = _Parts(text)
    filled, closed = _list(parts, 0)
    if closed:
        raise ValueError(f"unexpected {{{{{closed}}}}}")
    return filled


class _Parts:
    """Texts and actions of a template in turn."""

    def __init__(self, text: str) -> None:
        self._parts = iter(list(_split(text)))

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        return self._parts


def _split(text: str) -> Iterator[tuple[str, bool]]:
    at, trim = 0, False
    while True:
        start = text.find("{{", at)
        plain = text[at:] if start < 0 else text[at:start]
        found = _ACTION.match(text, start) if start >= 0 else None
        if start >= 0 and found is None:
            raise ValueError("unclosed action")
        plain = plain.lstrip() if trim else plain
        if found is not None and found["trim"]:
            plain = plain.rstrip()
        if plain:
            yield plain, False
        if found is None:
            return
        if found["inside"] is not None:
            yield found["inside"].strip(), True
        at, trim = found.end(), found["end"] is not None


def _list(parts: _Parts, depth: int) -> tuple[Filled, str]:
    """Everything up to an `else` or `end`, and that action."""
    if depth > _DEEPEST:
        raise ValueError(f"conditions are nested more than {_DEEPEST} deep")
    nodes: list[Filled] = []
    for text, action in parts:
        word = text.split(None, 1)[0] if text.split() else ""
        if not action:
            nodes.append(lambda _context, text=text: text)  # type: ignore[misc]
        elif word in ("else", "end"):
            return _joined(nodes), text
        elif word in ("if", "with"):
            nodes.append(_condition(parts, text, depth))
        elif word in _REFUSED:
            raise ValueError(f"{{{{{word}}}}} is not known here; fields, functions, if and with are")
        elif word.startswith("$"):
            raise ValueError("variables are not known here; fields, functions, if and with are")
        else:
            nodes.append(_shown(_pipeline(text)))
    return _joined(nodes), ""


def _joined(nodes: list[Filled]) -> Filled:
    if len(nodes) == 1:
        return nodes[0]
    known = tuple(nodes)

    def filled(context: Context) -> str:
        said = "".join([node(context) for node in known])
        if len(said) > LONGEST:
            raise TemplateError(f"a line longer than {LONGEST} characters is not made here")
        return said

    return filled


def _condition(parts: _Parts, text: str, depth: int) -> Filled:
    word, _, said = text.partition(" ")
    test = _pipeline(said)
    then, closed = _list(parts, depth + 1)
    otherwise: Filled = _nothing
    if closed.startswith("else"):
        rest = closed.removeprefix("else").strip()
        if rest.split(None, 1)[:1] in (["if"], ["with"]):
            otherwise = _condition(parts, rest, depth + 1)
            closed = "end"
        elif rest:
            raise ValueError(f"unexpected {rest.split()[0]!r} in else")
        else:
            otherwise, closed = _list(parts, depth + 1)
    if closed != "end":
        raise ValueError("unexpected EOF" if not closed else f"unexpected {{{{{closed}}}}}")

    def filled(context: Context) -> str:
        value = test(context)
        if not truth(value):
            return otherwise(context)
        if word == "if":
            return then(context)
        outer, context.dot = context.dot, value
        try:
            return then(context)
        finally:
            context.dot = outer

    return filled


def _nothing(_context: Context) -> str:
    return ""


def _shown(evaluated: Evaluated) -> Filled:
    return lambda context: printed(evaluated(context))


# -- what stands between the braces ------------------------------------------------------------------------------------


def _pipeline(text: str) -> Evaluated:
    words = [(found.lastgroup or "", found[found.lastgroup or 0]) for found in _WORD.finditer(text)]
    words = words[::-1]
    evaluated = _piped(words, 0)
    if words:
        _unexpected(words[-1])
    return evaluated


Words: TypeAlias = list[tuple[str, str]]
"""Kinds and texts, the next one last."""


def _piped(words: Words, depth: int) -> Evaluated:
    if depth > _DEEPEST:
        raise ValueError(f"brackets are nested more than {_DEEPEST} deep")
    evaluated = _command(words, None, depth)
    while words and words[-1] == ("sign", "|"):
        words.pop()
        evaluated = _command(words, evaluated, depth)
    return evaluated


def _command(words: Words, given: Evaluated | None, depth: int) -> Evaluated:
    if not words:
        raise ValueError("missing value for command")
    kind, text = words[-1]
    if kind == "name" and text not in ("true", "false", "nil"):
        words.pop()
        return _call(text, _operands(words, depth), given)
    first = _operand(words, depth)
    if given is not None:
        raise ValueError(f"non executable command in pipeline stage 2: {text}")
    if words and words[-1][1] not in ("|", ")"):
        raise ValueError(f"can't give argument to non-function {text}")
    return first


def _operands(words: Words, depth: int) -> list[Evaluated]:
    found = []
    while words and words[-1] not in (("sign", "|"), ("sign", ")")):
        found.append(_operand(words, depth))
    return found


def _operand(words: Words, depth: int) -> Evaluated:
    kind, text = words.pop()
    if kind == "string":
        value = text[1:-1] if text[0] == "`" else unescaped(text[1:-1])
        return lambda _context: value
    if kind == "number":
        number: Value = int(text) if text.lstrip("+-").isdigit() else float(text)
        return lambda _context: number
    if kind == "field":
        return _field(tuple(text[1:].split(".")))
    if kind == "dot":
        return lambda context: context.labels if context.dot is None else context.dot
    if (kind, text) == ("sign", "("):
        inner = _piped(words, depth + 1)
        if not words or words.pop() != ("sign", ")"):
            raise ValueError("unclosed left paren")
        return inner
    if kind == "name":
        if text in ("true", "false"):
            return lambda _context: text == "true"
        return _call(text, [], None)
    return _unexpected((kind, text))


def _unexpected(word: tuple[str, str]) -> NoReturn:
    raise ValueError(f"unexpected {word[1]!r} in operand")


def _field(names: tuple[str, ...]) -> Evaluated:
    def evaluated(context: Context) -> Value:
        value: Value = context.labels if context.dot is None else context.dot
        for name in names:
            if not isinstance(value, Mapping):
                raise TemplateError(f"can't evaluate field {name} in type string")
            value = value.get(name, "")
        return value

    return evaluated


def _call(name: str, operands: list[Evaluated], given: Evaluated | None) -> Evaluated:
    if name == "__line__":
        return lambda context: context.line
    if name == "__timestamp__":
        return lambda context: GoTime(context.ns)
    known = FUNCTIONS.get(name)
    if known is None:
        raise ValueError(f'function "{name}" not defined')
    every = [*operands, given] if given is not None else operands
    least, most, function = known
    if len(every) < least or (most is not None and len(every) > most):
        raise ValueError(f"wrong number of args for {name}: want {least} got {len(every)}")
    arguments = tuple(every)

    def evaluated(context: Context) -> Value:
        try:
            return function(*[argument(context) for argument in arguments])
        except TemplateError:
            raise
        except (ValueError, TypeError, ArithmeticError, LookupError) as wrong:
            raise TemplateError(f"error calling {name}: {wrong}") from None

    return evaluated
