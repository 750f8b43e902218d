"""Lines of `key=value` pairs, read as Loki's decoder reads them.

Invariant: reading takes time linear in the line; a broken pair is left out and does not end the line, unless strict.
"""

from __future__ import annotations

import re

Found = list[tuple[str, str]]

_SIMPLE = re.compile(r'([^\s="\x00-\x20]+)=(?:"([^"\\]*)"|([^\s="\x00-\x20]*))(?=[\x00-\x20]|$)')
_WHOLE = re.compile(r'(?>[^\s="\x00-\x20]+=(?:"[^"\\]*"|[^\s="\x00-\x20]*)(?: |$))++')
_EACH = re.compile(r'([^ =]+)=(?:"([^"]*)"|([^ ]*))')
_PAIR = re.compile(
    r'[\x00-\x20]*(?:(?P<key>[^="\x00-\x20]+)(?:=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^="\x00-\x20]*)(?P<bad>[="])?)'
    r'|(?P<quote>"))?|(?P<stray>[="]))',
    re.DOTALL,
)
_WORD_END = re.compile(r"[\x00-\x20]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_KNOWN = frozenset("\"\\/'bfnrtu")


def pairs_of(line: str, strict: bool = False) -> tuple[Found, str]:
    """Keys and values in turn, and what was wrong with the line: empty when nothing was. `strict` ends at a mistake."""
    if _WHOLE.fullmatch(line) is not None:
        return [(key, bare or quoted) for key, quoted, bare in _EACH.findall(line)], ""
    found: Found = []
    wrong = ""
    at, size = 0, len(line)
    while at < size:
        simple = _SIMPLE.match(line, at)
        if simple is not None:
            found.append((simple[1], simple[3] if simple[2] is None else simple[2]))
            at = simple.end() + 1
            continue
        pair = _PAIR.match(line, at)
        if pair is None:
            at += 1
            continue
        mistake, at = _read(line, pair, found)
        if mistake:
            wrong = mistake
            if strict:
                break
    return found, wrong


def _read(line: str, pair: re.Match[str], found: Found) -> tuple[str, int]:
    """Take one pair. Returns what is wrong with it, and where the next begins."""
    if pair["stray"] is not None:
        return _unexpected(line, pair.start("stray"))
    if pair["quote"] is not None:
        return _unexpected(line, pair.start("quote"))
    if pair["bad"] is not None:
        if pair["bad"] == '"' and pair["bare"] == "":
            return f"logfmt syntax error at pos {len(line) + 1} : unterminated quoted value", len(line)
        return _unexpected(line, pair.start("bad"))
    if pair["quoted"] is None:
        found.append((pair["key"], pair["bare"] or ""))
        return "", pair.end()
    value = _unquoted(pair["quoted"])
    if value is None:
        return f"logfmt syntax error at pos {pair.end() + 1} : invalid quoted value", pair.end()
    found.append((pair["key"], value))
    return "", pair.end()


def _unexpected(line: str, at: int) -> tuple[str, int]:
    end = _WORD_END.search(line, at)
    sign = "'\"'" if line[at] == '"' else f"'{line[at]}'"
    return f"logfmt syntax error at pos {at + 1} : unexpected {sign}", len(line) if end is None else end.start()


def _unquoted(text: str) -> str | None:
    """What a quoted value means; None when it has an escape that there is not."""
    if "\\" not in text:
        return text
    if any(found[2] is not None and found[2] not in _KNOWN for found in _ESCAPE.finditer(text)):
        return None
    return _ESCAPE.sub(lambda found: _meant(found), text)


def _meant(found: re.Match[str]) -> str:
    if found[1] is not None:
        code = int(found[1], 16)
        return " " if 0xD800 <= code < 0xE000 else chr(code)
    return _ESCAPED.get(found[2], found[2])
