"""From the tokens of an expression to its tree.

Invariant: pure and bounded; a tree is at most `MOST_DEPTH` deep, and every name and argument in it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias

from warroom.tabletop.tokens import ExpressionError, Token, tokens_of
from warroom.tabletop.vocabulary import DUTIES, EVENTS, FUNCTIONS, STATES, Argument, Function, Gives, Reference

MOST_DEPTH: Final = 30
_KEYWORDS: Final = frozenset({"and", "or", "not", "for", "true", "false"})
_COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})
_NOUNS: Final[dict[Gives, str]] = {"condition": "a condition, true or false", "number": "a number"}


@dataclass(frozen=True, slots=True)
class Constant:
    value: float | bool


@dataclass(frozen=True, slots=True)
class Call:
    """A name with its arguments: `words` without the duration, `seconds` the duration."""

    name: str
    words: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Not:
    of: Node


@dataclass(frozen=True, slots=True)
class Logic:
    word: Literal["and", "or"]
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """Something that has to have been true for so long; `place` is its number within the expression."""

    of: Node
    seconds: float
    place: int


@dataclass(frozen=True, slots=True)
class Compare:
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Sum:
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negate:
    of: Node


Node: TypeAlias = Constant | Call | Not | Logic | Flow | Compare | Sum | Negate


def parse(text: str, wanted: Gives) -> tuple[Node, tuple[Reference, ...]]:
    """The tree of an expression that gives a condition or a number, and what it speaks of.

    Raises:
        ExpressionError: the text is none; one sentence with the column.
    """
    parser = _Parser(tokens_of(text))
    node, gives = parser.either()
    rest = parser.here
    if rest.kind != "end":
        raise ExpressionError(f"{rest.text!r} is not expected here; join conditions with `and` or `or`", rest.column)
    if gives != wanted:
        raise ExpressionError(f"says {_NOUNS[gives]}, where {_NOUNS[wanted]} is needed", 1)
    return node, tuple(parser.references)


_Typed: TypeAlias = tuple[Node, Gives]


@dataclass(slots=True)
class _Parser:
    tokens: tuple[Token, ...]
    at: int = 0
    depth: int = 0
    places: int = 0
    references: list[Reference] = field(default_factory=list)

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.here
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def accept(self, *texts: str) -> Token | None:
        return self.take() if self.here.kind in ("sign", "word") and self.here.text in texts else None

    def either(self) -> _Typed:
        """A condition or a number, whichever stands here."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise ExpressionError("is nested too deeply; write it in several", self.here.column)
        try:
            return self._logic("or")
        finally:
            self.depth -= 1

    def _logic(self, word: Literal["and", "or"]) -> _Typed:
        column = self.here.column
        first = self._logic("and") if word == "or" else self._not()
        if self.here.text != word or self.here.kind != "word":
            return first
        parts = [_as("condition", first, column, word)]
        while self.accept(word):
            column = self.here.column
            parts.append(_as("condition", self._logic("and") if word == "or" else self._not(), column, word))
        return Logic(word, tuple(parts)), "condition"

    def _not(self) -> _Typed:
        denials = 0
        while self.accept("not"):
            denials += 1
        column = self.here.column
        node = self._lasting()
        if not denials:
            return node
        inner = _as("condition", node, column, "not")
        return (Not(inner) if denials % 2 else inner), "condition"

    def _lasting(self) -> _Typed:
        column = self.here.column
        node = self._test()
        word = self.accept("for")
        if word is None:
            return node
        span = self.take()
        if span.kind != "number" or not span.is_duration:
            raise ExpressionError("`for` is followed by a duration like 3m", span.column)
        self.places += 1
        return Flow(_as("condition", node, column, "for"), span.number, self.places), "condition"

    def _test(self) -> _Typed:
        column = self.here.column
        left = self._sum()
        if self.here.kind != "sign" or self.here.text not in _COMPARISONS:
            return left
        sign = self.take()
        right_column = self.here.column
        right = self._sum()
        if self.here.kind == "sign" and self.here.text in _COMPARISONS:
            raise ExpressionError("compares twice in a row; join two comparisons with `and`", self.here.column)
        numbers = (_as("number", left, column, sign.text), _as("number", right, right_column, sign.text))
        return Compare(sign.text, *numbers), "condition"

    def _sum(self) -> _Typed:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> _Typed:
        return self._chain(("*", "/"), self._unary)

    def _chain(self, signs: tuple[str, str], read: Callable[[], _Typed]) -> _Typed:
        column = self.here.column
        left = read()
        for _ in range(MOST_DEPTH * 4):
            sign = self.accept(*signs)
            if sign is None:
                return left
            right_column = self.here.column
            right = _as("number", read(), right_column, sign.text)
            left = (Sum(sign.text, _as("number", left, column, sign.text), right), "number")
        raise ExpressionError("has too many terms; write it in several", self.here.column)

    def _unary(self) -> _Typed:
        negative = False
        while self.accept("-"):
            negative = not negative
        token = self.take()
        node = self._atom(token)
        return (Negate(_as("number", node, token.column, "-")), "number") if negative else node

    def _atom(self, token: Token) -> _Typed:
        if token.kind == "number":
            return Constant(token.number), "number"
        if token.kind == "sign" and token.text == "(":
            inner = self.either()
            self._close(token)
            return inner
        if token.kind == "word" and token.text in ("true", "false"):
            return Constant(token.text == "true"), "condition"
        if token.kind == "word" and token.text not in _KEYWORDS:
            return self._call(token)
        shown = f"before {token.text!r}" if token.text else "at the end"
        raise ExpressionError(f"something is missing {shown}", token.column)

    def _close(self, opened: Token) -> None:
        if not self.accept(")"):
            raise ExpressionError(f"the parenthesis of column {opened.column} is not closed", self.here.column)

    def _call(self, token: Token) -> _Typed:
        function = FUNCTIONS.get(token.text)
        if function is None:
            raise ExpressionError(f"{token.text[:60]!r} is not known; {_advice(token.text, FUNCTIONS)}", token.column)
        words: list[str] = []
        seconds: float | None = None
        opened = self.accept("(")
        if opened and not (not function.arguments and self.accept(")")):
            for at, kind in enumerate(function.arguments):
                if at and not self.accept(","):
                    if len(function.arguments) - at <= function.optional:
                        break
                    raise ExpressionError(_usage(function), self.here.column)
                given = self._argument(function, kind)
                if kind == "duration":
                    seconds = given.number
                else:
                    words.append(given.text)
            if self.here.text == ",":
                raise ExpressionError(_usage(function), self.here.column)
            self._close(opened)
        elif function.arguments:
            raise ExpressionError(_usage(function), token.column)
        return Call(function.name, tuple(words), seconds), function.gives

    def _argument(self, function: Function, kind: Argument) -> Token:
        token = self.take()
        if kind == "duration":
            if token.kind != "number" or not token.is_duration:
                raise ExpressionError(_usage(function), token.column)
            return token
        if token.kind != "word" or not token.text:
            raise ExpressionError(_usage(function), token.column)
        _check(kind, token)
        self.references.append(Reference(kind, token.text, token.column))
        return token


def check_event(text: str, column: int = 1) -> None:
    """Whether `noun.verb:argument` speaks of an event that there is.

    Raises:
        ExpressionError: it does not.
    """
    name, colon, arguments = text.partition(":")
    if name not in EVENTS:
        raise ExpressionError(f"{name[:60]!r} is not an event; {_advice(name, EVENTS)}", column)
    if colon and not EVENTS[name]:
        raise ExpressionError(f"{name} has nothing after a colon", column)
    if colon and not all(arguments.split("|")):
        raise ExpressionError(f"after the colon of {name} stands {EVENTS[name]}", column)
    if name in ("role.assigned", "role.released"):
        for duty in arguments.split("|") if colon else ():
            if duty not in DUTIES:
                raise ExpressionError(f"{duty[:60]!r} is not a duty; {_advice(duty, DUTIES)}", column)


def _check(kind: Argument, token: Token) -> None:
    if kind == "event":
        check_event(token.text, token.column)
    elif kind == "duty" and token.text not in DUTIES:
        raise ExpressionError(f"{token.text[:60]!r} is not a duty; {_advice(token.text, DUTIES)}", token.column)
    elif kind == "state":
        ident, dot, state = token.text.rpartition(".")
        if not dot or not ident:
            raise ExpressionError("a state is written with what has it, like state(F1.active)", token.column)
        if state not in STATES:
            raise ExpressionError(f"{state[:60]!r} is not a state; {_advice(state, STATES)}", token.column)


def _as(wanted: Gives, given: _Typed, column: int, where: str) -> Node:
    node, gives = given
    if gives != wanted:
        raise ExpressionError(f"{where!r} needs {_NOUNS[wanted]}, and this is {_NOUNS[gives]}", column)
    return node


def _usage(function: Function) -> str:
    shown = {"event": "EVENT", "duration": "5m", "state": "F1.active", "fault": "F1"}
    given = ", ".join(shown.get(kind, kind.upper()) for kind in function.arguments)
    return f"{function.name} is written {function.name}({given})" if given else f"{function.name} is given nothing"


def _advice(text: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(text[:60], names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(names[:12])}"
