"""Settings read from files, the environment and flags, by precedence: flags > environment > file > default.

Invariant: whatever is written anywhere, reading gives settings or one `SettingsError` that names file and line (or the
variable), the key, and what would be right. No secret is ever in its text.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from warroom.settings import fields as shapes
from warroom.settings.fields import Settings
from warroom.settings.places import Places, places

PREFIX = "WARROOM_"
SYSTEM_FILE = Path("/etc/warroom/config.toml")
LARGEST_FILE = 256 * 1024
_NOT_SETTINGS = frozenset({"WARROOM_CONFIG", "WARROOM_COMPLETE"})
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})


class SettingsError(ValueError):
    """Something in the settings is wrong; the text is one sentence for each thing."""


@dataclass(frozen=True, slots=True)
class Item:
    """One setting: `key` is dotted (`prometheus.url`), `kind` its type."""

    key: str
    kind: Any
    default: Any
    help: str
    secret: bool
    choices: tuple[str, ...]

    @property
    def variable(self) -> str:
        """`WARROOM_PROMETHEUS__URL`."""
        return PREFIX + self.key.upper().replace(".", "__")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each key where its value came from: `default`, `FILE:LINE`, a variable or `flag`."""

    settings: Settings
    origins: Mapping[str, str]
    files: tuple[Path, ...]

    def value(self, key: str) -> Any:
        """The value of a dotted key."""
        found: Any = self.settings
        for part in key.split("."):
            found = getattr(found, part)
        return found


def items() -> tuple[Item, ...]:
    """Every setting, in the order of the dataclasses."""
    return tuple(_items(Settings, ""))


def _items(shape: type, above: str) -> Iterable[Item]:
    kinds = get_type_hints(shape, vars(shapes))
    blank = shape()
    for one in fields(shape):
        kind = kinds[one.name]
        if isinstance(kind, type) and is_dataclass(kind):
            yield from _items(kind, f"{above}{one.name}.")
        else:
            about = one.metadata
            yield Item(
                f"{above}{one.name}", kind, getattr(blank, one.name), about["help"], about["secret"], about["choices"]
            )


def load(
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    env: Mapping[str, str] = os.environ,
    where: Places | None = None,
) -> Loaded:
    """Read everything. `config` is the one file to read in place of the system's and the person's own.

    Raises:
        SettingsError: with a line for all that is wrong.
    """
    known = {item.key: item for item in items()}
    values: dict[str, Any] = {}
    origins = dict.fromkeys(known, "default")
    problems: list[str] = []
    named = config or (Path(env["WARROOM_CONFIG"]) if env.get("WARROOM_CONFIG") else None)
    candidates = (named,) if named else (SYSTEM_FILE, (where or places(env)).config_file)
    read: list[Path] = []
    for path in candidates:
        text = _text_of(path, must_exist=named is not None)
        if text is None:
            continue
        read.append(path)
        for key, (value, line) in _read_file(path, text, known, problems).items():
            values[key], origins[key] = value, f"{path}:{line}"
    for name, text in sorted(env.items()):
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS:
            _read_variable(name, text, known, values, origins, problems)
    for key, value in (flags or {}).items():
        if value is not None:
            values[key], origins[key] = value, "flag"
    if problems:
        raise SettingsError("\n".join(problems))
    return Loaded(_built(Settings(), "", values), origins, tuple(read))


def _built(into: Any, above: str, values: Mapping[str, Any]) -> Any:
    changed: dict[str, Any] = {}
    for one in fields(into):
        key, now = f"{above}{one.name}", getattr(into, one.name)
        if is_dataclass(now):
            changed[one.name] = _built(now, f"{key}.", values)
        elif key in values:
            changed[one.name] = values[key]
    return replace(into, **changed)


def _text_of(path: Path, *, must_exist: bool) -> str | None:
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_FILE + 1)
        if len(body) > LARGEST_FILE:
            raise SettingsError(f"{path}: is larger than {LARGEST_FILE // 1024} KiB; this is no configuration")
        return body.decode("utf-8")
    except FileNotFoundError:
        if must_exist:
            raise SettingsError(f"{path}: there is no such file") from None
        return None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None


def _read_file(path: Path, text: str, known: Mapping[str, Item], problems: list[str]) -> dict[str, tuple[Any, int]]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        at = re.search(r"at line (\d+)", str(wrong))
        words = re.sub(r" \(at .*\)$", "", str(wrong))
        problems.append(f"{path}:{at.group(1) if at else text.count(chr(10)) + 1}: not TOML: {words}")
        return {}
    except RecursionError:
        problems.append(f"{path}:1: is nested too deeply for a configuration")
        return {}
    lines = _lines_of(text)
    found: dict[str, tuple[Any, int]] = {}
    for key, value in _flat(table, "", known):
        line = lines.get(key) or next((at for said, at in lines.items() if said.startswith(f"{key}.")), 1)
        item = known.get(key)
        if item is None:
            problems.append(f"{path}:{line}: {key!r} is not a setting{nearest(key, known)}")
            continue
        try:
            found[key] = (_typed(item, value, path.parent), line)
        except ValueError as wrong:
            problems.append(f"{path}:{line}: {key} {wrong}")
    return found


def _flat(table: Mapping[str, Any], above: str, known: Mapping[str, Item]) -> Iterable[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{above}{name}"
        is_section = any(said.startswith(f"{key}.") for said in known)
        if isinstance(value, dict) and (is_section or (key not in known and value)):
            yield from _flat(value, f"{key}.", known)
        elif is_section:
            yield key, value
        else:
            yield key, value


def _lines_of(text: str) -> dict[str, int]:
    """The line of each key as it is written; good for messages, the parsing itself is tomllib's."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            section = header.group(1).replace('"', "").replace("'", "") + "."
            lines.setdefault(section[:-1], number)
        elif assigned := re.match(r"""\s*([\w."'-]+)\s*=""", line):
            lines.setdefault(section + assigned.group(1).replace('"', "").replace("'", ""), number)
    return lines


def _read_variable(
    name: str,
    text: str,
    known: Mapping[str, Item],
    values: dict[str, Any],
    origins: dict[str, str],
    problems: list[str],
) -> None:
    variables = {item.variable: item for item in known.values()}
    item = variables.get(name)
    if item is None:
        near = nearest(name, variables)
        problems.append(f"environment: {name} is not a setting{near}")
        return
    try:
        values[item.key], origins[item.key] = _from_words(item, text), name
    except ValueError as wrong:
        problems.append(f"environment: {name} {wrong}")


def nearest(key: str, known: Iterable[str]) -> str:
    """`; did you mean 'prometheus.url'?`, or how to list what there is."""
    from difflib import get_close_matches

    candidates = sorted(known)
    near = get_close_matches(key, candidates, n=1, cutoff=0.6)
    if not near:
        last = key.rpartition(".")[2]
        near = [said for said in candidates if said.rpartition(".")[2] == last][:1]
    return f"; did you mean {near[0]!r}?" if near else "; `warroom config` lists all"


def _typed(item: Item, value: Any, beside: Path) -> Any:
    kind = item.kind
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return _bounded(item, value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return _bounded(item, float(value))
    if kind is str and isinstance(value, str):
        return _chosen(item, value)
    if kind == (Path | None) and isinstance(value, str):
        return beside / Path(value).expanduser() if value else None
    if kind == Mapping[str, str] and isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return value
    given = "" if item.secret else f", not {_shown(value)}"
    raise ValueError(f"must be {_words_of(kind)}{given}")


def _from_words(item: Item, text: str) -> Any:
    kind = item.kind
    if kind is bool:
        if text.lower() not in _TRUE | _FALSE:
            raise ValueError(f"must be true or false, not {_shown(text)}")
        return text.lower() in _TRUE
    if kind in (int, float):
        try:
            return _bounded(item, kind(text))
        except (ValueError, OverflowError):
            raise ValueError(f"must be {_words_of(kind)}{_range_of(item)}, not {_shown(text)}") from None
    if kind == (Path | None):
        return Path(text).expanduser() if text else None
    if kind == Mapping[str, str]:
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        if any(not middle for _name, middle, _value in pairs):
            raise ValueError("must be name=value pairs with commas between them")
        return {name.strip(): value.strip() for name, _middle, value in pairs}
    return _chosen(item, text)


def _chosen(item: Item, value: str) -> str:
    if item.choices and value not in item.choices:
        raise ValueError(f"must be one of {', '.join(item.choices)}, not {_shown(value)}")
    if item.key == "telemetry.otlp" and value:
        from warroom.tracing.exporter import address_of

        address_of(value)
    return value


def _bounded(item: Item, value: float) -> float:
    lowest, highest = bounds(item.key)
    if not lowest <= value <= highest:
        raise ValueError(f"must be {_words_of(item.kind)}{_range_of(item)}, not {_shown(value)}")
    return value


def bounds(key: str) -> tuple[float, float]:
    """The least and the greatest value of a numeric setting."""
    return (0, 65_535) if key.endswith("port") else (0.1, 3600)


def _range_of(item: Item) -> str:
    lowest, highest = bounds(item.key)
    return f" from {lowest:g} to {highest:g}"


def _words_of(kind: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path | None: "a path"}
    return words.get(kind, "a table of texts")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
