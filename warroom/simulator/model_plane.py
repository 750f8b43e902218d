"""The model plane: inputs that age, models that drift, answers by group, labels that come late, tokens of a provider.

Axes: F features, M models, G groups. Formulas are simple on purpose and stand beside each figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Layout

STALE_AFTER: Final = 4.0
"""Refreshes that may be missed before answers suffer."""
USUAL_PSI: Final = 0.012
CACHED_ANSWERS: Final = 0.12
FALLBACK_LOSS: Final = 0.12
"""What a simple rule instead of the model costs: share of the answers that are worse."""
LABELS: Final = 3_600
"""Minutes of true quality that are kept until their labels arrive."""


@dataclass(slots=True)
class ModelSecond:
    """One second of the plane; the names are those of `Tick`."""

    prediction_mean: Array
    prediction_std: Array
    auc: Array
    auc_measured: Array
    label_age: Array
    psi: Array
    calibration: Array
    fallback: Array
    kpi: Array
    llm_limited: Array
    llm_tokens: Array
    llm_cost: Array
    llm_length: Array
    llm_quality: Array
    llm_cached: Array
    requests_model: Array
    psi_by_feature: Array
    group_rate: Array
    group_share: Array
    harm: Array
    """Share of the answers that are wrong beyond what is usual."""


class ModelPlane:
    """State of the plane."""

    def __init__(self, layout: Layout) -> None:
        topology = layout.topology
        self._layout = layout
        self.models, self.features = topology.models, topology.features
        self.age: Array = np.array([one.refresh_s * 0.3 for one in self.features])
        self.refresh = np.array([one.refresh_s for one in self.features])
        self.stored: tuple[Array, Array] = (
            np.array([one.rows for one in self.features]), np.array([one.bytes for one in self.features]),
        )  # fmt: skip
        """(F,) each: rows and bytes."""
        self.uses = np.array([[float(f.name in m.features) for f in self.features] for m in self.models])
        self.uses = self.uses.reshape(len(self.models), len(self.features))
        self.version = np.zeros(len(self.models))
        self.truth: list[Array] = []
        """The true quality of past minutes, oldest first; what labels will say when they arrive."""
        groups = max(layout.groups, 1)
        self.group_share = np.full((len(self.models), groups), np.nan)
        self.group_rate = np.full((len(self.models), groups), np.nan)
        for at, model in enumerate(self.models):
            for number, (name, share) in enumerate(model.groups.items()):
                self.group_share[at, number] = share
                self.group_rate[at, number] = model.group_rate.get(name, model.prediction_mean)
        self._rows = [topology.service_index[one.service] for one in self.models]
        self.label_age = self._of("label_delay_s")
        self._last: ModelSecond | None = None

    def _of(self, name: str) -> Array:
        return np.array([float(getattr(one, name)) for one in self.models])

    def refresh_features(self, knobs: Knobs, quarantined: Array) -> None:
        """Features are written anew when they are due, unless their job is stuck or the feed is held back."""
        if not len(self.age):
            return
        older = self.age + 1
        due = older >= self.refresh
        if np.logical_or.reduce(due):
            older[due & (knobs.feature_stop < 0.5) & (quarantined < 0.5)] = 0.0
        self.age = older

    def step(self, knobs: Knobs, second: int, served: Array, quarantined: Array, noise: Array) -> ModelSecond:
        """The plane in one second; `served` (S, R) requests a second, `noise` one standard normal value a model."""
        if not self.models and self._last is not None:
            return self._last
        stale = np.minimum(np.maximum(self.age / (STALE_AFTER * self.refresh) - 1, 0.0), 5.0) / 5.0
        nulls = knobs.feature_nulls * (quarantined < 0.5)
        drift = knobs.drift * self.uses
        trouble = drift**2 + self.uses * ((stale * 1.2) ** 2 + (nulls * 1.8) ** 2)
        # PSI of two normal distributions of the same width is the squared distance of their means.
        psi_by_feature = (
            self.uses * USUAL_PSI * (1 + 0.2 * np.abs(noise)[:, None]) + trouble * (1 - knobs.fallback)[:, None]
        )
        used = np.maximum(self.uses.sum(axis=1), 1)
        strain = np.sqrt(trouble.sum(axis=1) / used) if self.uses.size else np.zeros(len(self.models))
        auc = np.clip(self._of("auc") + knobs.auc - 0.09 * strain, 0.5, 1.0)
        worse = np.minimum(0.25 * (self._of("auc") - auc).clip(0) / 0.1, 1.0) * (1 - knobs.fallback)
        mean = (
            self._of("prediction_mean") * (1 + 0.01 * noise)
            + self._of("prediction_std") * 0.5 * (drift.sum(axis=1) - (self.uses * nulls).sum(axis=1)) / used
        )
        std = self._of("prediction_std") * (1 - 0.45 * (self.uses * np.maximum(stale, nulls)).max(axis=1, initial=0.0))
        quality = np.clip(np.where(self._llm, self._of("auc") * knobs.llm_quality, auc), 0.0, 1.0)
        measured = self._labels(knobs, second, quality)
        requests = served[self._rows].sum(axis=1) if self._rows else np.zeros(0)
        limited, tokens, length = self._provider(knobs, requests)
        harm = worse + FALLBACK_LOSS * 0.25 * knobs.fallback
        rate = self.group_rate * knobs.group_rate * (1 + 0.01 * noise)[:, None]
        rate = np.where(knobs.fallback[:, None] > 0, self.group_rate, rate)
        self._last = ModelSecond(
            prediction_mean=np.maximum(mean, 0.0), prediction_std=np.maximum(std, 0.0), auc=auc, auc_measured=measured,
            label_age=self.label_age, psi=psi_by_feature.max(axis=1, initial=0.0),
            calibration=0.015 * (1 + 0.1 * np.abs(noise)) + 0.12 * strain * (1 - knobs.fallback),
            fallback=knobs.fallback,
            kpi=np.clip(1 - 1.6 * worse - FALLBACK_LOSS * knobs.fallback + 0.01 * noise, 0.0, 2.0)
            * np.where(self._llm, 0.4 + 0.6 * knobs.llm_quality, 1.0),
            llm_limited=limited, llm_tokens=tokens, llm_cost=tokens / 1000 * self._of("cost_per_1k"), llm_length=length,
            llm_quality=np.where(self._llm, np.clip(self._of("auc") * knobs.llm_quality + 0.005 * noise, 0, 1), np.nan),
            llm_cached=np.where(self._llm, np.maximum(CACHED_ANSWERS, knobs.fallback * 0.7), 0.0),
            requests_model=requests,
            psi_by_feature=psi_by_feature, group_rate=rate, group_share=self.group_share, harm=harm,
        )  # fmt: skip
        return self._last

    @property
    def _llm(self) -> Any:
        return np.array([one.kind == "llm" for one in self.models], dtype=bool)

    def _labels(self, knobs: Knobs, second: int, quality: Array) -> Array:
        """What the labels that have arrived say: the truth of `label_age` ago; a minute is one point."""
        delay = self._of("label_delay_s") * knobs.label_delay
        # Labels that are not there age by a second a second, and come back three times as fast.
        self.label_age = np.where(
            self.label_age < delay, np.minimum(self.label_age + 1, delay), np.maximum(self.label_age - 3, delay)
        )
        if second % 60 == 0:
            self.truth = [*self.truth[-LABELS:], quality]
        if not self.truth:
            return quality
        back = np.minimum((self.label_age / 60).astype(int) + 1, len(self.truth))
        early = self.label_age / 60 >= len(self.truth)
        found = np.array([self.truth[-int(one)][at] for at, one in enumerate(back)])
        base: Array = np.where(early, self._of("auc"), found)
        return base

    def _provider(self, knobs: Knobs, requests: Array) -> tuple[Array, Array, Array]:
        """Share of the requests that the provider answers with 429, tokens a second, and tokens of an answer."""
        length = self._of("tokens_out") * knobs.llm_length
        cached = np.maximum(CACHED_ANSWERS, knobs.fallback * 0.7)
        asked = requests * (1 - cached) * (self._of("tokens_in") + length) * self._llm
        limit = self._of("tokens_per_s") * knobs.llm_limit
        limited = np.where((limit > 0) & (asked > limit), 1 - limit / np.maximum(asked, 1e-9), 0.0)
        return limited, asked * (1 - limited), np.where(self._llm, length, 0.0)
