"""LogQL text as tokens, one at a time.

Follows Loki's lexer: words mean something only where they can (a function's name only before its parenthesis), and a
number with a unit is a duration or a size. Invariant: a token knows where it begins, so that every mistake has a place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from warroom.embedded.logql import units
from warroom.embedded.logql.errors import ParseError

LONGEST = 131_072
"""Characters of a query at most, as in Loki."""

RANGE_OPERATIONS = frozenset({
    "count_over_time", "rate", "rate_counter", "bytes_over_time", "bytes_rate", "avg_over_time", "sum_over_time",
    "min_over_time", "max_over_time", "stdvar_over_time", "stddev_over_time", "quantile_over_time", "first_over_time",
    "last_over_time", "absent_over_time",
})  # fmt: skip
VECTOR_OPERATIONS = frozenset({
    "sum", "avg", "max", "min", "count", "stddev", "stdvar", "bottomk", "topk", "sort", "sort_desc", "approx_topk",
})  # fmt: skip
_FUNCTIONS = RANGE_OPERATIONS | VECTOR_OPERATIONS | {
    "vector", "label_replace", "bytes", "duration", "duration_seconds", "ip",
}  # fmt: skip
_NAMES = {"bytes": "BYTES_CONV", "duration": "DURATION_CONV", "duration_seconds": "DURATION_SECONDS_CONV"}
_SIGNS = frozenset({
    ",", ".", "{", "}", "=", "!=", "=~", "!~", "!>", "|=", "|~", "|>", "|", "(", ")", "[", "]", "+", "-", "*", "/",
    "%", "^", "==", ">", ">=", "<", "<=",
})  # fmt: skip
_WORDS = frozenset({
    "unwrap", "by", "without", "bool", "label_replace", "offset", "on", "ignoring", "group_left", "group_right", "or",
    "and", "unless", "json", "regexp", "logfmt", "unpack", "pattern", "label_format", "line_format", "ip",
    "decolorize", "drop", "keep",
})  # fmt: skip
_FLAGS = frozenset({"--strict", "--keep-empty"})

Kind: TypeAlias = str
"""STRING, IDENTIFIER, NUMBER, DURATION, BYTES, RANGE, FUNCTION_FLAG, $end, or the sign or word itself."""

_SPACE = re.compile(r"(?:[\s\ufeff]+|#[^\n]*)*")
_WORD = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DURATION = re.compile(r"[\dnuµmshdwy.]+")
_BYTES = re.compile(r"[\dBikKMGTP.]+")
_CALLED = re.compile(r"\s*(?:\(|(?:by|without)\s*\()", re.IGNORECASE)
_COMMA = re.compile(r"\s*,")
_NAMES_INSIDE = re.compile(r"\s*(?:[^\W\d]\w*\s*(?:,\s*[^\W\d]\w*\s*)*)?\)")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|[abfnrtv\\\"'])")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """`text` as written, a string's without its quotes; `number` is what a duration (ns), size or range (ns) says."""

    kind: Kind
    text: str
    line: int
    column: int
    number: int = 0

    @property
    def name(self) -> str:
        """What an error calls it."""
        if self.kind in _FUNCTIONS and self.kind not in _WORDS:
            return _NAMES.get(self.kind, self.kind.upper())
        return self.kind


class Tokens:
    """The tokens of a text. `peek` is the next one, `take` goes past it."""

    def __init__(self, text: str) -> None:
        if len(text.encode("utf-8", "surrogatepass")) >= LONGEST:
            raise ParseError(f"input size too long ({len(text)} > {LONGEST})")
        try:
            text.encode()
        except UnicodeEncodeError as wrong:
            raise ParseError("invalid UTF-8 encoding", 1, wrong.start + 1) from None
        self._text = text
        self._at = 0
        self._next: Token | None = None

    @property
    def peek(self) -> Token:
        """The next token; `$end` after the last."""
        if self._next is None:
            self._next = self._read()
        return self._next

    def take(self) -> Token:
        """The next token, which is then past."""
        token = self.peek
        self._next = None
        return token

    def has(self, *kinds: Kind) -> bool:
        """Whether the next token is of one of these kinds."""
        return self.peek.kind in kinds

    def skip(self, kind: Kind) -> bool:
        """Go past the next token when it is of that kind."""
        if self.peek.kind != kind:
            return False
        self._next = None
        return True

    def want(self, *kinds: Kind, shown: tuple[str, ...] | None = None) -> Token:
        """The next token, which must be of one of these kinds.

        Raises:
            ParseError: it is another; `shown` is what the error names as expected, the kinds when not given.
        """
        if self.peek.kind not in kinds:
            self.unexpected(*(kinds if shown is None else shown))
        return self.take()

    def followed_by_comma(self) -> bool:
        """Whether a comma comes after the next token."""
        return bool(self.peek) and _COMMA.match(self._text, self._at) is not None

    def bracket_of_names(self) -> bool:
        """Whether the bracket that comes next holds names, or nothing, and no expression."""
        return bool(self.peek) and _NAMES_INSIDE.match(self._text, self._at) is not None

    def unexpected(self, *expected: str) -> None:
        """Refuse the next token. Raises ParseError always."""
        token = self.peek
        wanted = f", expecting {' or '.join(expected)}" if 0 < len(expected) <= 4 else ""
        empty = token.kind == "$end" and not self._text.strip()
        line, column = (0, 0) if empty else (token.line, token.column)
        raise ParseError(f"syntax error: unexpected {token.name}{wanted}", line, column)

    def _read(self) -> Token:
        space = _SPACE.match(self._text, self._at)
        start = self._at = space.end() if space is not None else self._at
        if start >= len(self._text):
            return self._token("$end", "", start)
        char = self._text[start]
        if (char.isdecimal() and char.isascii()) or (char == "." and self._text[start + 1 : start + 2].isdecimal()):
            return self._numeric(start)
        if char in '"`':
            return self._string(start, char)
        if char == "[":
            return self._range(start)
        if char == "-" and (found := self._flag_or_negative(start)) is not None:
            return found
        word = _WORD.match(self._text, start)
        return self._word(word[0], start) if word is not None else self._sign(start)

    def _token(self, kind: Kind, text: str, start: int, number: int = 0) -> Token:
        line, column = self._place(start)
        return Token(kind, text, line, column, number)

    def _place(self, at: int) -> tuple[int, int]:
        line = self._text.count("\n", 0, at) + 1
        return line, at - self._text.rfind("\n", 0, at)

    def _numeric(self, start: int) -> Token:
        found = _NUMBER.match(self._text, start)
        text = found[0] if found is not None else self._text[start]
        after = start + len(text)
        kinds: tuple[tuple[Literal["DURATION", "BYTES"], re.Pattern[str]], ...] = (
            ("DURATION", _DURATION), ("BYTES", _BYTES),
        )  # fmt: skip
        for kind, pattern in kinds:
            tail = pattern.match(self._text, after)
            if tail is None:
                continue
            said = text + tail[0]
            try:
                number = units.any_duration(said) if kind == "DURATION" else units.size(said)
            except ValueError:
                continue
            self._at = tail.end()
            return self._token(kind, said, start, number)
        self._at = after
        return self._token("NUMBER", text, start)

    def _flag_or_negative(self, start: int) -> Token | None:
        flag = re.match(r"-[A-Za-z-]*", self._text[start:])
        if flag is not None and flag[0] in _FLAGS:
            self._at = start + len(flag[0])
            return self._token("FUNCTION_FLAG", flag[0], start)
        tail = _DURATION.match(self._text, start + 1)
        if tail is None:
            return None
        try:
            number = units.any_duration(f"-{tail[0]}")
        except ValueError:
            return None
        self._at = tail.end()
        return self._token("DURATION", f"-{tail[0]}", start, number)

    def _string(self, start: int, mark: str) -> Token:
        at = start + 1
        while at < len(self._text) and self._text[at] != mark:
            if mark == '"' and self._text[at] == "\n":
                break
            at += 2 if mark == '"' and self._text[at] == "\\" else 1
        if at >= len(self._text) or self._text[at] != mark:
            raise ParseError("literal not terminated", *self._place(start))
        self._at = at + 1
        text = self._text[start + 1 : at]
        if mark == "`":
            return self._token("STRING", text.replace("\r", ""), start)
        return self._token("STRING", self._unescaped(text, start), start)

    def _unescaped(self, text: str, start: int) -> str:
        try:
            return unescaped(text)
        except ValueError as wrong:
            raise ParseError(str(wrong), *self._place(start)) from None

    def _range(self, start: int) -> Token:
        end = self._text.find("]", start)
        column = start - self._text.rfind("\n", 0, start)
        if end < 0:
            raise ParseError("missing closing ']' in duration", 0, column)
        try:
            number = units.prometheus_duration(self._text[start + 1 : end])
        except ValueError as wrong:
            raise ParseError(str(wrong), 0, column) from None
        self._at = end + 1
        return Token("RANGE", self._text[start + 1 : end], 0, column, number)

    def _word(self, word: str, start: int) -> Token:
        self._at = start + len(word)
        lower = word.lower()
        if lower in _FUNCTIONS:
            called = _CALLED.match(self._text, self._at) is not None
            return self._token(lower if called else "IDENTIFIER", word, start)
        return self._token(lower if lower in _WORDS else "IDENTIFIER", word, start)

    def _sign(self, start: int) -> Token:
        two = self._text[start : start + 2]
        said = two if two in _SIGNS else self._text[start]
        self._at = start + len(said)
        return self._token(said if said in _SIGNS else "IDENTIFIER", said, start)


def unescaped(text: str) -> str:
    """What stands between double quotes, with Go's escapes read.

    Raises:
        ValueError: there is an escape that Go does not have.
    """
    if "\\" not in text:
        return text
    said = bytearray()
    at = 0
    while at < len(text):
        end = text.find("\\", at)
        if end != at:
            end = len(text) if end < 0 else end
            said += text[at:end].encode()
            at = end
            continue
        found = _ESCAPE.match(text, at)
        if found is None:
            raise ValueError("invalid char escape")
        said += _meant(found[1])
        at = found.end()
    return said.decode("utf-8", "replace")


def _meant(escape: str) -> bytes:
    if escape[0] == "x":
        return bytes([int(escape[1:], 16)])
    if escape[0] in "uU":
        code = int(escape[1:], 16)
        return chr(code if code < 0x110000 and not 0xD800 <= code < 0xE000 else 0xFFFD).encode()
    if escape[0].isdigit():
        return bytes([int(escape, 8) & 0xFF])
    return _ESCAPED.get(escape, escape).encode()
