"""Lines of queues, quotas and the model plane."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from warroom.simulator.axes import Axes
from warroom.simulator.dice import Dice
from warroom.simulator.line_desk import LineDesk
from warroom.simulator.line_states import SECOND
from warroom.simulator.line_still import Still
from warroom.simulator.tick import Tick

_DRIFT: Final = 0.2
_WRONG: Final = 0.002
_REFUSED: Final = 0.001
_NULLS: Final = 0.1


class PlaneLines:
    """Says what happens to messages, quotas, features and models."""

    def __init__(self, axes: Axes, dice: Dice, desk: LineDesk) -> None:
        self._axes, self._dice, self._desk = axes, dice, desk
        topology = self._topology = axes.topology
        self._queues = [(at, one, axes.runs(one.target)) for at, one in enumerate(topology.queues)]
        # A little less than half, so that rounding hides no line.
        self._late = 0.49 * np.array([[one.late_s] for one in topology.queues]).reshape(-1, 1)
        self._features = [(at, one, self._place(one.producer), tuple(self._place(name) for name in one.consumers))
                          for at, one in enumerate(topology.features)]  # fmt: skip
        self._models = [(at, one, self._place(one.service)) for at, one in enumerate(topology.models)]
        self._quotas = [(at, one, self._place(self._caller(one.service))) for at, one in enumerate(topology.quotas)]
        self._journeys = [(at, one, self._place(one.entry)) for at, one in enumerate(topology.journeys)]
        self._most = np.array([one.limit_bytes or np.inf for one in topology.features], np.float64)
        # All that `quota_refused`, `feature_bytes` and `feature_nulls` follow from.
        self._still = Still("quota_refused", "plan", "stored", "quarantined")
        self._refusing = self._spoiled = False

    def live(self, tick: Tick, ns: int) -> None:
        """A second passes, from `ns` (nanoseconds) on."""
        if not self._still.since(tick.moment):
            self._refusing = bool((tick.quota_refused > _REFUSED).any())
            self._spoiled = bool(((tick.feature_bytes > self._most) | (tick.feature_nulls > _NULLS)).any())
        queued = tick.moment.queued
        # What is there is taken up at least as fast as this second's was.
        if self._queues and (queued.depth > self._late * queued.consumed).any():
            self._behind(tick, ns)
        if self._refusing:
            self._refused(tick, ns)
        self._wrong(tick, ns)
        for at, _, _, _ in self._features:
            self._feature(tick, ns, at)
        for at, _, _ in self._models:
            self._model(tick, ns, at)

    def _behind(self, tick: Tick, ns: int) -> None:
        for at, queue, (service, regions) in self._queues:
            for region in regions:
                if tick.queue_lag[at, region] > 0.5 * queue.late_s and self._dice.share() < 0.15:
                    words = {"queue": queue.name, "lag_seconds": round(float(tick.queue_lag[at, region]), 1),
                             "depth": round(float(tick.depth[at, region]))}  # fmt: skip
                    self._say(ns, (service, region), "warn", "consumer is behind", words)

    def _refused(self, tick: Tick, ns: int) -> None:
        for at, quota, place in self._quotas:
            if tick.quota_refused[at] > _REFUSED and self._dice.share() < 0.4:
                words = {"quota": quota.name, "limit": round(float(tick.quota_limit[at]), 1),
                         "used": round(float(tick.quota_used[at]), 1)}  # fmt: skip
                self._say(ns, place, "warn", "quota exceeded", words)

    def _wrong(self, tick: Tick, ns: int) -> None:
        if tick.second % 15 != 5:
            return
        for at, journey, place in self._journeys:
            wrong, asked = float(tick.wrong[at].sum()), float(tick.requests[at].sum())
            if wrong > _WRONG * max(asked, 1.0):
                words = {"journey": journey.name, "count": round(wrong * 15)}
                self._say(ns, place, "warn", "reconciliation found differences", words)

    def _feature(self, tick: Tick, ns: int, at: int) -> None:
        _, one, producer, consumers = self._features[at]
        phase = tick.second % max(1, round(min(one.refresh_s, 600.0)))
        if phase not in (3, 8) and not self._spoiled:
            return
        age, rows, size = float(tick.feature_age[at]), float(tick.feature_rows[at]), float(tick.feature_bytes[at])
        stuck = age > 2.5 * one.refresh_s
        if phase == 3:
            words: dict[str, Any] = {"feature": one.name, "status": "success", "rows": 0 if stuck else round(rows)}
            self._say(ns, producer, "info", "feature job finished", words)
        elif phase == 8:
            loaded = {"feature": one.name, "rows": round(rows), "bytes": round(size), "age_seconds": round(age)}
            for place in consumers:
                self._say(ns, place, "info", "feature file loaded", loaded)
        for place in consumers:
            if one.limit_bytes and size > one.limit_bytes and self._dice.share() < 0.5:
                limit = max(1, round(one.rows * one.limit_bytes / max(one.bytes, 1.0)))
                words = {"error": f"too many features: {round(max(rows, limit + 1))} > {limit}", "feature": one.name}
                self._say(ns, place, "fatal", "panic", words)
            if tick.feature_nulls[at] > _NULLS and self._dice.share() < 0.2:
                words = {"feature": one.name, "null_percent": round(100 * float(tick.feature_nulls[at]), 1)}
                self._say(ns, place, "warn", "unknown or empty features", words)

    def _model(self, tick: Tick, ns: int, at: int) -> None:
        _, model, place = self._models[at]
        dice = self._dice
        if tick.llm_limited[at] > 0.01 and dice.share() < 0.6:
            words: dict[str, Any] = {"provider": model.provider, "status": 429, "retry_after": dice.between(1, 20)}
            self._say(ns, place, "warn", "provider refused", words)
        if model.kind == "llm" and dice.share() < 0.2:
            words = {"model": model.name, "tokens": round(float(tick.llm_length[at]) * (0.6 + 0.8 * dice.share())),
                     "quality": round(float(tick.llm_quality[at]), 2)}  # fmt: skip
            self._say(ns, place, "info", "answer given", words)
        if tick.second % 60 == 20 and tick.psi[at] > _DRIFT:
            drift = tick.psi_by_feature[at]
            most = int(drift.argmax())
            words = {
                "model": model.name,
                "feature": self._topology.features[most].name,
                "psi": round(float(drift[most]), 3),
            }
            self._say(ns, place, "warn", "drift report", words)
        if tick.second % 300 == 40 and model.kind != "llm":
            words = {"model": model.name, "age_seconds": round(float(tick.label_age[at]))}
            self._say(ns, place, "info", "labels joined", words)

    def _say(self, ns: int, place: tuple[int, int], level: str, msg: str, fields: dict[str, Any]) -> None:
        service, region = place
        self._desk.add(service, region, ns + int(self._dice.share() * SECOND), level, msg, fields)

    def _place(self, name: str) -> tuple[int, int]:
        service, regions = self._axes.runs(name)
        return service, regions[0] if regions else 0

    def _caller(self, name: str) -> str:
        topology = self._topology
        if topology.services[topology.service_index[name]].kind != "external":
            return name
        return next((edge.source for edge in topology.edges if edge.target == name), topology.entries[0])
