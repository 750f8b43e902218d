"""Value mappings and thresholds as Grafana 6 and before wrote them.

Invariant: nothing here raises; what cannot be read is left out.
"""

from __future__ import annotations

from typing import Any

from warroom.dashboards.said import Raw, as_number, listed, parts, text


def old_thresholds(said: str | list[Any], colours: list[Any]) -> list[dict[str, Any]]:
    """Steps from `"50,80"` or `["50", "80"]` and one colour more than there are numbers."""
    given = said.split(",") if isinstance(said, str) else said
    numbers = [value for value in map(as_number, given) if value is not None]
    names = [one for one in colours if isinstance(one, str)]
    if not numbers or len(names) <= len(numbers):
        return []
    return [{"value": value, "color": name} for value, name in zip([None, *numbers], names, strict=False)]


def old_mappings(raw: Raw) -> list[dict[str, Any]]:
    """Mappings from `valueMaps` (mappingType 1) or `rangeMaps` (2), in the shape of today."""
    if as_number(raw.get("mappingType")) == 2:
        ranges = [
            {"from": as_number(one.get("from")), "to": as_number(one.get("to")), "result": {"text": text(one, "text")}}
            for _, one in parts(raw, "rangeMaps")
            if one.get("from") != "null"
        ]
        return [{"type": "range", "options": one} for one in ranges]
    found: list[dict[str, Any]] = []
    for _, one in parts(raw, "valueMaps"):
        value, result = text(one, "value"), {"text": text(one, "text")}
        if value == "null":
            found.append({"type": "special", "options": {"match": "null", "result": result}})
        else:
            found.append({"type": "value", "options": {value: result}})
    return found


def has_old_mappings(raw: Raw) -> bool:
    """Whether a panel or a column style brings mappings of the old kind."""
    return bool(listed(raw, "valueMaps") or listed(raw, "rangeMaps"))
