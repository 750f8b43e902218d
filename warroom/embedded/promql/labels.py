"""Label sets as functions of label sets: groups, signatures, label_replace and label_join."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from warroom.embedded.promql.errors import execution
from warroom.embedded.series_index import pattern
from warroom.telemetry.series import Labels

_TEMPLATE = re.compile(r"\$(?:\$|\{([^}]*)\}|([A-Za-z0-9_]+))")


@lru_cache(maxsize=200_000)
def keeping(labels: Labels, names: frozenset[str]) -> Labels:
    """Only labels of those names."""
    return tuple(pair for pair in labels if pair[0] in names)


@lru_cache(maxsize=200_000)
def dropping(labels: Labels, names: frozenset[str]) -> Labels:
    """Without labels of those names."""
    return tuple(pair for pair in labels if pair[0] not in names)


def with_labels(labels: Labels, fresh: Sequence[tuple[str, str]]) -> Labels:
    """With other values of some labels; an empty value takes a label away."""
    named = dict(labels)
    for name, value in fresh:
        if value:
            named[name] = value
        else:
            named.pop(name, None)
    return tuple(sorted(named.items()))


def replacing(destination: str, template: str, source: str, text: str) -> Callable[[Labels], Labels]:
    """What `label_replace` does to a label set. Raises PromqlError in Prometheus's words."""
    try:
        wanted = pattern(text)
    except ValueError:
        raise execution(f"invalid regular expression in label_replace(): {text}") from None
    _named(destination, "label_replace")

    def change(labels: Labels) -> Labels:
        found = wanted.fullmatch(dict(labels).get(source, ""))
        if found is None:
            return labels

        def part(said: re.Match[str]) -> str:
            if said[0] == "$$":
                return "$"
            name = said[1] if said[1] is not None else said[2]
            try:
                return found[int(name) if name.isdigit() else name] or ""
            except (IndexError, KeyError):
                return ""

        return with_labels(labels, [(destination, _TEMPLATE.sub(part, template))])

    return change


def joining(destination: str, separator: str, sources: Sequence[str]) -> Callable[[Labels], Labels]:
    """What `label_join` does to a label set. Raises PromqlError in Prometheus's words."""
    _named(destination, "label_join")

    def change(labels: Labels) -> Labels:
        named = dict(labels)
        return with_labels(labels, [(destination, separator.join(named.get(source, "") for source in sources))])

    return change


def _named(name: str, function: str) -> None:
    if not name:
        raise execution(f"invalid destination label name in {function}(): {name}")
