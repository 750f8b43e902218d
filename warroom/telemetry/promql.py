"""Putting a variable's value into a PromQL expression so that it stays a value.

Invariant: whatever the value is, the expression keeps its structure: the value can neither end the string it
stands in, nor act as a pattern in a regex matcher.

Strings and escapes: https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals; patterns: RE2.
"""

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_PATTERN_SIGNS = re.compile(r"[\\.+*?()|\[\]{}^$]")
_CONTROLS = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TOKEN = re.compile(
    r"""  "(?:[^"\\\n]|\\.)*"   | '(?:[^'\\\n]|\\.)*'   | `[^`]*`   | \#[^\n]*   | ["'`]  """,
    re.VERBOSE,
)


def variables_of(expr: str) -> frozenset[str]:
    """Names of the variables that an expression uses, `$name` or `${name}`."""
    return frozenset(braced or bare for braced, bare in _VARIABLE.findall(expr))


def substitute(expr: str, values: Mapping[str, str], durations: Mapping[str, str]) -> str:
    """`expr` with its variables replaced: `values` inside of quotes, `durations` (our own words) anywhere.

    Raises ValueError naming the variable that is unknown or stands where its value could change the expression.
    """
    done: list[str] = []
    at = 0
    for token in _TOKEN.finditer(expr):
        done.append(_outside(expr[at : token.start()], values, durations))
        done.append(_inside(token[0], "".join(done).rstrip(), values, durations))
        at = token.end()
    done.append(_outside(expr[at:], values, durations))
    return "".join(done)


def plain(text: str, values: Mapping[str, str]) -> str:
    """Variables replaced in a text for people, such as a title; unknown ones stay as they are written."""
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


def _outside(text: str, values: Mapping[str, str], durations: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name in durations:
            return durations[name]
        if name in values:
            raise ValueError(f'${name} stands outside of quotes; write it as a label value: label="${name}"')
        raise ValueError(_unknown(name, values, durations))

    return _VARIABLE.sub(value, text)


def _inside(token: str, before: str, values: Mapping[str, str], durations: Mapping[str, str]) -> str:
    """A string with its values put in; comments stay as they are."""
    if token.startswith("#"):
        return token
    if len(token) == 1:
        raise ValueError(f"a string that begins with {token} does not end")
    quote = token[0]
    pattern = before.endswith(("=~", "!~"))

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name in durations:
            return durations[name]
        if name not in values:
            raise ValueError(_unknown(name, values, durations))
        text = values[name]
        if pattern:
            text = _PATTERN_SIGNS.sub(lambda sign: "\\" + sign[0], text)
        if quote == "`":
            if "`" in text:
                raise ValueError(f'the value of ${name} has a backtick in it; use "${name}" instead')
            return text
        return _escaped(text, quote)

    return quote + _VARIABLE.sub(value, token[1:-1]) + quote


def _escaped(text: str, quote: str) -> str:
    text = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    for sign, escape in _CONTROLS.items():
        text = text.replace(sign, escape)
    return "".join(sign if ord(sign) >= 32 else f"\\x{ord(sign):02x}" for sign in text)


def _unknown(name: str, values: Mapping[str, str], durations: Mapping[str, str]) -> str:
    known = ", ".join(f"${name}" for name in (*sorted(values), *sorted(durations)))
    return f"${name} is not a variable here; there are {known}"
