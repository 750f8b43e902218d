"""The metrics of the model plane: features, models, language models, and what decides over them (flags, settings).

Names beside the usual ones are those of warroom's own model dashboards (`model_requests_total` and its kin).
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import numpy as np

from warroom.simulator.axes import Axes, Floats
from warroom.simulator.meters import Family, still
from warroom.simulator.seconds import Seconds

_MEMORY = {"scorer": 1.5e9, "classifier": 2.5e9, "llm": 6e9}
_MEMORY_LIMIT = {"scorer": 3e9, "classifier": 4e9, "llm": 12e9}


def model_families(axes: Axes) -> tuple[Family, ...]:
    """All of them, in a fixed order."""
    return (*_features(axes), *_models(axes), *_language_models(axes))


def _of(name: str) -> Callable[[Seconds], Floats]:
    return attrgetter(name)


def _features(axes: Axes) -> tuple[Family, ...]:
    features = axes.topology.features
    limits = np.array([one.limit_bytes for one in features], np.float64)
    refresh = np.array([one.refresh_s for one in features], np.float64)
    runs = axes.features.__class__(
        tuple({**one, "status": "success"} for one in axes.features.labels), axes.features.places, axes.features.sources
    )
    return (
        Family("feature_job_runs_total", "sum", runs, still(1.0 / refresh), "Runs of the job that writes it."),
        Family("feature_age_seconds", "gauge", axes.features, _of("feature_age"), "Age of what is served.", "seconds"),
        Family("feature_rows", "gauge", axes.features, _of("feature_rows"), "Rows of what is served."),
        Family("feature_file_bytes", "gauge", axes.features, _of("feature_bytes"), "Size of what is served.", "bytes"),
        Family("feature_file_limit_bytes", "gauge", axes.features, still(limits), "What readers take.", "bytes"),
        Family("feature_null_ratio", "gauge", axes.features, _of("feature_nulls"), "Share of values that are missing."),
    )  # fmt: skip


def _models(axes: Axes) -> tuple[Family, ...]:
    models = axes.topology.models
    where = axes.topology.service_index
    service = np.array([where[one.service] for one in models], np.intp)
    memory = np.array([_MEMORY[one.kind] for one in models])
    limit = np.array([_MEMORY_LIMIT[one.kind] for one in models])
    each = axes.of_models()

    def failed(t: Seconds) -> Floats:
        served = t.served.take(service, axis=-2)
        total = np.maximum(served.sum(-1), 1e-9)
        share: Floats = (served * t.own_errors.take(service, axis=-2)).sum(-1) / total
        return share

    def bad_input(t: Seconds) -> Floats:
        return t.requests_model * np.clip(t.fallback, 0, 1)

    def latency(t: Seconds) -> Floats:
        served = t.served.take(service, axis=-2)
        mean: Floats = (served * t.latency.take(service, axis=-2)).sum(-1) / np.maximum(served.sum(-1), 1e-9)
        return mean

    asked = "model_requests_total", "Predictions asked for."
    errors = "model_errors_total", "Errors of a model by type and severity."
    return (
        Family(asked[0], "count", axes.of_models(status="ok"), lambda t: t.requests_model * (1 - failed(t)), asked[1]),
        Family(asked[0], "count", axes.of_models(status="error"), lambda t: t.requests_model * failed(t), asked[1]),
        Family(errors[0], "count", axes.of_models(type="bad_input", severity="warning"), bad_input, errors[1]),
        Family(errors[0], "count", axes.of_models(type="rate_limited", severity="warning"),
               lambda t: t.requests_model * t.llm_limited, errors[1]),
        Family("model_active_connections", "gauge", each, lambda t: np.rint(t.requests_model * latency(t)),
               "Connections to a model now."),
        Family("model_memory_bytes", "gauge", each, still(memory), "Memory that a model uses.", "bytes"),
        Family("model_memory_limit_bytes", "gauge", each, still(limit), "Memory that a model may use.", "bytes"),
        Family("model_prediction_mean", "gauge", each, _of("prediction_mean"), "Mean of what it predicts."),
        Family("model_prediction_stddev", "gauge", each, _of("prediction_std"), "Spread of what it predicts."),
        Family("model_auc", "gauge", each, _of("auc_measured"), "Area under the curve, on labels that have arrived."),
        Family("model_calibration_error", "gauge", each, _of("calibration"), "How far predictions are from outcomes."),
        Family("model_label_age_seconds", "gauge", each, _of("label_age"), "Age of the newest label.", "seconds"),
        Family("model_fallback_ratio", "gauge", each, _of("fallback"), "Share answered by the fallback rule."),
        Family("model_kpi_ratio", "gauge", each, _of("kpi"), "The business figure it is for; 1 is usual."),
        Family("model_input_psi", "gauge", axes.model_features, _of("psi_by_feature"),
               "Population stability index of an input; above 0.2 its distribution has moved."),
        Family("model_slice_positive_ratio", "gauge", axes.groups, _of("group_rate"), "Share of a group answered yes."),
        Family("model_slice_share", "gauge", axes.groups, _of("group_share"), "Share of cases that are of a group."),
    )  # fmt: skip


def _language_models(axes: Axes) -> tuple[Family, ...]:
    models = axes.topology.models

    def talks(at: int) -> bool:
        return models[at].kind == "llm"

    each = axes.of_models(talks, provider=True)
    asked = "llm_requests_total", "Calls to the provider by its answer."
    return (
        Family(asked[0], "count", axes.of_models(talks, provider=True, status="200"),
               lambda t: t.requests_model * (1 - t.llm_limited) * (1 - t.llm_cached), asked[1]),
        Family(asked[0], "count", axes.of_models(talks, provider=True, status="429"),
               lambda t: t.requests_model * t.llm_limited, asked[1]),
        Family("llm_tokens_total", "sum", each, _of("llm_tokens"), "Tokens sent and received."),
        Family("llm_cost_usd_total", "sum", each, _of("llm_cost"), "What the tokens cost."),
        Family("llm_answer_tokens", "gauge", each, _of("llm_length"), "Mean length of an answer."),
        Family("llm_answer_quality_score", "gauge", each, _of("llm_quality"),
               "A judge's mean mark of a sample, 0 to 1."),
        Family("llm_cached_ratio", "gauge", each, _of("llm_cached"), "Share answered from the cache."),
    )  # fmt: skip
