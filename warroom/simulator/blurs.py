"""What goes wrong with looking rather than with what is looked at: missing samples, wrong units, wobbles, late lines,
traces that are not kept.

A factor applies to gauges as it is, and to what a counter gains, so that no counter goes back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator.axes import Floats, Places
from warroom.simulator.dice import Dice
from warroom.telemetry.block import SeriesKey

if TYPE_CHECKING:
    from warroom.simulator.world import ActiveFault

METRIC_BLURS: Final = ("metric_gap", "wrong_unit", "alert_flap", "metric_wobble")
_COUNTING: Final = ("_total", "_bucket", "_sum", "_count")


def fits(key: SeriesKey, service: str, metric: str) -> bool:
    """Whether a series is of that service and metric; an empty one is any. `metric` is a name or a part of one, and
    may begin with its service and a dot (`postgres.replication_lag`)."""
    labels = dict(key)
    head, _, tail = metric.partition(".")
    if tail and not service:
        service, metric = head, tail
    if service and service not in (labels.get("service"), labels.get("peer_service")):
        return False
    name = labels["__name__"]
    wanted = metric.replace(".", "_")
    return not wanted or name == wanted or (wanted in name and not name.endswith(("_bucket", "_sum", "_count")))


class Blurs:
    """Applies what is active to each scrape, and says what is active to those who write lines and keep traces."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._keys: tuple[SeriesKey, ...] = ()
        self._counting = np.zeros(0, bool)
        self._columns: dict[str, Places] = {}
        self._before: Floats | None = None
        self._gained: dict[SeriesKey, float] = {}
        self._extra: Floats | None = None

    def arrange(self, keys: Sequence[SeriesKey]) -> None:
        """The series are these from now on."""
        if self._extra is not None:
            self._gained.update(zip(self._keys, self._extra.tolist(), strict=True))
        self._keys = tuple(keys)
        self._counting = np.array([dict(key)["__name__"].endswith(_COUNTING) for key in self._keys], bool)
        self._columns.clear()
        self._before = None
        if self._extra is not None:
            self._extra = np.array([self._gained.get(key, 0.0) for key in self._keys])

    def apply(self, faults: Sequence[ActiveFault], second: int, row: Floats) -> None:
        """Change one scrape in place."""
        blurs = [one for one in faults if one.fault.type in METRIC_BLURS]
        if not blurs and self._extra is None:
            return
        if self._extra is None:
            self._extra = np.zeros(len(row))
        true = row.copy()
        before = self._before if self._before is not None else true
        gained = np.nan_to_num(np.maximum(true - before, 0.0))
        hidden = np.zeros(len(row), bool)
        gauges = np.ones(len(row))
        for one in blurs:
            columns = self._columns_of(one)
            if one.fault.type == "metric_gap":
                if self._dice.share() < one.fault.value("fraction") * one.severity:
                    hidden[columns] = True
                continue
            factor = _factor(one, second)
            counting = self._counting[columns]
            gauges[columns[~counting]] *= factor
            counters = columns[counting]
            self._extra[counters] += (factor - 1.0) * gained[counters]
        np.copyto(row, np.where(self._counting, true + self._extra, true * gauges))
        row[hidden] = math.nan
        self._before = true

    def _columns_of(self, one: ActiveFault) -> Places:
        found = self._columns.get(one.fault.id)
        if found is None:
            service = str(one.fault.aim.get("service", ""))
            metric = str(one.fault.aim.get("metric", ""))
            exact = metric.partition(".")[2] or metric
            at = [i for i, key in enumerate(self._keys) if fits(key, service, metric)]
            same = [i for i in at if dict(self._keys[i])["__name__"] == exact]
            found = np.array(same or at, np.intp)
            self._columns[one.fault.id] = found
        return found


def _factor(one: ActiveFault, second: int) -> float:
    lived = second - one.begun
    if one.fault.type == "wrong_unit":
        return one.fault.value("factor")
    amplitude = one.fault.value("amplitude") * one.severity
    if one.fault.type == "alert_flap":
        period = max(one.fault.value("period_s"), 2.0)
        return 1.0 + amplitude if lived % period < period / 2 else 1.0
    period = max(one.fault.value("period_s"), 2.0)
    # Two waves of unlike length: it should not look like a machine's.
    wave = 0.7 * math.sin(2 * math.pi * lived / period) + 0.3 * math.sin(2 * math.pi * lived / (0.37 * period) + 1.0)
    return max(1.0 + amplitude * wave, 0.0)


def log_delays(faults: Sequence[ActiveFault], names: Sequence[str]) -> dict[str, float]:
    """By service, the seconds by which its lines come late."""
    found: dict[str, float] = {}
    for one in faults:
        if one.fault.type == "log_delay":
            service = one.fault.aim.get("service")
            seconds = one.fault.value("seconds") * one.severity
            for name in names if not service or service == "*" else (str(service),):
                found[name] = max(found.get(name, 0.0), seconds)
    return found


def kept_share(faults: Sequence[ActiveFault]) -> tuple[float, dict[str, float]]:
    """Of all traces the share that is kept, and by service the share of those that pass through it."""
    whole, by_service = 1.0, dict[str, float]()
    for one in faults:
        if one.fault.type == "trace_sampling_drop":
            factor = 1.0 + (one.fault.value("factor") - 1.0) * one.severity
            service = one.fault.aim.get("service")
            if service and service != "*":
                by_service[str(service)] = by_service.get(str(service), 1.0) * factor
            else:
                whole *= factor
    return whole, by_service
