"""Transformations: the author's steps from the first frames to what is shown.

Invariant: total. A step that is not known, or whose options make no sense, gives its frames back as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from warroom.dashboards.model import Transformation
from warroom.dashboards.patterns import finds
from warroom.dashboards.said import Raw
from warroom.dashboards.tables import Frame
from warroom.dashboards.transform_calculate import calculate_field, filter_by_value
from warroom.dashboards.transform_fields import (
    convert_types,
    extract_fields,
    filter_fields,
    format_string,
    format_time,
    labels_to_fields,
    organize,
    rename_by_regex,
)
from warroom.dashboards.transform_join import join_by_field, join_by_labels, merge, series_to_rows
from warroom.dashboards.transform_rows import (
    group_by,
    grouping_to_matrix,
    limit,
    reduce_frames,
    sort_by,
    time_series_table,
    transpose,
)
from warroom.dashboards.values import Scope, fill_text

Frames: TypeAlias = tuple[Frame, ...]
Step: TypeAlias = Callable[[Frames, Raw, Scope], Frames]


def _each(step: Callable[[Frame, Raw, Scope], Frame]) -> Step:
    return lambda frames, options, scope: tuple(step(one, options, scope) for one in frames)


def _by_ref(frames: Frames, options: Raw, _: Scope) -> Frames:
    said = options.get("include")
    wanted = said if isinstance(said, str) else ""
    return tuple(one for one in frames if finds(f"^(?:{wanted})$", one.ref)) if wanted else frames


def _concatenate(frames: Frames, _options: Raw, _scope: Scope) -> Frames:
    longest = max((one.length for one in frames), default=0)
    fields = [each for one in frames for each in one.fields if one.length == longest]
    return (Frame(frames[0].ref, tuple(fields), "table"),) if frames and longest else frames


_STEPS: Final[Mapping[str, Step]] = {
    "organize": _each(organize),
    "filterFieldsByName": _each(filter_fields),
    "renameByRegex": _each(rename_by_regex),
    "convertFieldType": _each(convert_types),
    "formatTime": _each(format_time),
    "formatString": _each(format_string),
    "extractFields": _each(extract_fields),
    "labelsToFields": labels_to_fields,
    "labelsToFieldsColumns": labels_to_fields,
    "calculateField": _each(calculate_field),
    "filterByValue": _each(filter_by_value),
    "filterByRefId": _by_ref,
    "reduce": reduce_frames,
    "merge": merge,
    "seriesToRows": series_to_rows,
    "joinByField": join_by_field,
    "seriesToColumns": join_by_field,
    "joinByLabels": join_by_labels,
    "concatenate": _concatenate,
    "groupBy": _each(group_by),
    "groupingToMatrix": _each(grouping_to_matrix),
    "sortBy": _each(sort_by),
    "limit": _each(limit),
    "timeSeriesTable": time_series_table,
    "prepareTimeSeries": lambda frames, _options, _scope: frames,
    "transpose": _each(transpose),
}


def known_steps() -> frozenset[str]:
    """The ids of the transformations that are done."""
    return frozenset(_STEPS)


def transformed(frames: Frames, steps: Sequence[Transformation], scope: Scope) -> Frames:
    """The frames after all steps that are not switched off."""
    for one in steps:
        step = _STEPS.get(one.kind)
        if step is None or one.disabled or not frames:
            continue
        pattern = fill_text(one.refs, scope).strip()
        if pattern:
            pattern = pattern if pattern.startswith("/") else f"^(?:{pattern})$"
            mine = tuple(each for each in frames if finds(pattern, each.ref))
            frames = tuple(each for each in frames if each not in mine) + step(mine, one.options, scope)
        else:
            frames = step(frames, one.options, scope)
    return frames
