"""A small shop of six services that call each other, and can be made to fail.

    shop ─┬─ checkout ─┬─ payment
          │            └─ inventory
          └─ recommend ── models (small, large)

Every call takes real time and a worker of the service that answers it; counts, spans and log lines come from that call
and nothing else. Invariant: what `Trouble` says is all that fails on purpose.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import figures
from otlp import CLIENT, SERVER, Line, Sender, Span

MODEL_ROUTE = "/v1/predict"


@dataclass(frozen=True)
class Service:
    """What a service answers, how long it takes itself (seconds, on average), and whom it asks."""

    name: str
    route: str
    seconds: float
    workers: int
    asks: tuple[str, ...] = ()
    method: str = "GET"


SERVICES = {
    one.name: one
    for one in (
        Service("shop", "/buy", 0.004, 32, ("recommend", "checkout"), "POST"),
        Service("checkout", "/orders", 0.006, 16, ("inventory", "payment"), "POST"),
        Service("payment", "/charges", 0.012, 8, (), "POST"),
        Service("inventory", "/items/{id}", 0.003, 16),
        Service("recommend", "/recommendations", 0.004, 16, ("models",)),
        Service("models", MODEL_ROUTE, 0.002, 8, (), "POST"),
    )
}

MODELS = {"small": (0.010, 900 * 2**20, 2 * 2**30), "large": (0.045, 6 * 2**30, 8 * 2**30)}
"""Seconds for a prediction, bytes in use and bytes allowed, by model."""


@dataclass
class Trouble:
    """What goes wrong now: a share of failing requests and extra seconds for each, at one service."""

    service: str = "payment"
    ratio: float = 0.0
    seconds: float = 0.0


@dataclass
class Shop:
    """The services, their workers, and the trouble they are in."""

    sender: Sender
    trouble: Trouble = field(default_factory=Trouble)
    luck: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._slots = {name: threading.Semaphore(one.workers) for name, one in SERVICES.items()}
        for name, one in SERVICES.items():
            figures.workers.labels(name).set(one.workers)
            # Known from the first scrape: a counter that appears late hides its first increase.
            figures.requests.labels(name, one.route, one.method, "200")
            figures.requests.labels(name, one.route, one.method, "503")
        for model, (_, used, allowed) in MODELS.items():
            figures.model_memory.labels("models", model).set(used)
            figures.model_memory_limit.labels("models", model).set(allowed)
            for status in ("ok", "error"):
                figures.model_requests.labels("models", model, status)
            for kind, severity in (("timeout", "warning"), ("out_of_memory", "critical"), ("bad_input", "warning")):
                figures.model_errors.labels("models", model, kind, severity)

    def visit(self) -> bool:
        """One customer buys something; whether it worked."""
        return self._serve(SERVICES["shop"], None)

    def predict(self, model: str) -> bool:
        """Somebody asks a model directly. KeyError for one that there is not."""
        return self._serve(SERVICES["models"], None, model)

    def _serve(self, service: Service, caller: Span | None, model: str = "") -> bool:
        """Answer a request. A failure of whom it asks is its own failure."""
        attributes = {"http.request.method": service.method, "http.route": service.route}
        name = f"{service.method} {service.route}"
        if caller is None:
            span = Span(service.name, name, SERVER, secrets.token_hex(16), "", attributes)
        else:
            span = caller.child(service.name, name, SERVER, **attributes)
        with self._worker(service.name):
            began = time.perf_counter()
            self._work(service.seconds)
            why = self._fails(service.name)
            if service.name == "models" and not why:
                why = self._predict(span, model or self.luck.choice(tuple(MODELS)))
            for other in service.asks if not why else ():
                if not self._ask(service, SERVICES[other], span):
                    why = f"{other} does not answer"
                    break
            took = time.perf_counter() - began
        self._told(service, span, took, why)
        return not why

    def _ask(self, asking: Service, asked: Service, span: Span) -> bool:
        call = span.child(asking.name, f"{asked.method} {asked.route}", CLIENT, **{"peer.service": asked.name})
        answered = self._serve(asked, call)
        call.end, call.error = time.time_ns(), "" if answered else f"{asked.name} answers 503"
        self.sender.span(call)
        return answered

    def _predict(self, span: Span, model: str) -> str:
        seconds, used, _ = MODELS[model]
        span.attributes["gen_ai.request.model"] = model
        exemplar = {"trace_id": span.trace_id}
        with figures.model_connections.labels("models", model).track_inprogress():
            began = time.perf_counter()
            self._work(seconds)
            took = time.perf_counter() - began
        figures.model_memory.labels("models", model).set(used * self.luck.uniform(0.98, 1.05))
        figures.model_duration.labels("models", model).observe(took, exemplar)
        # One in a thousand questions is no question; that is the customers' fault and not an incident.
        bad = self.luck.random() < 0.001
        if bad:
            figures.model_errors.labels("models", model, "bad_input", "warning").inc()
        figures.model_requests.labels("models", model, "error" if bad else "ok").inc(1, exemplar)
        return ""

    def _fails(self, name: str) -> str:
        trouble = self.trouble
        if name != trouble.service:
            return ""
        time.sleep(trouble.seconds)
        if self.luck.random() >= trouble.ratio:
            return ""
        if name == "models":
            model = self.luck.choice(tuple(MODELS))
            figures.model_errors.labels("models", model, "out_of_memory", "critical").inc()
            figures.model_requests.labels("models", model, "error").inc()
            return "out of memory"
        return "connection pool exhausted"

    def _told(self, service: Service, span: Span, took: float, why: str) -> None:
        """Count, trace and log one answer."""
        status = "503" if why else "200"
        exemplar = {"trace_id": span.trace_id}
        figures.requests.labels(service.name, service.route, service.method, status).inc(1, exemplar)
        figures.duration.labels(service.name, service.route).observe(took, exemplar)
        span.attributes["http.response.status_code"] = int(status)
        span.end, span.error = time.time_ns(), why
        self.sender.span(span)
        if why:
            level, message = "ERROR", f"{service.method} {service.route} failed: {why}"
        elif took > 0.5:
            level, message = "WARN", f"{service.method} {service.route} was slow"
        elif service.asks:
            level, message = "INFO", f"{service.method} {service.route} answered"
        else:
            return
        attributes = {"status": int(status), "duration_ms": round(took * 1000, 1)}
        self.sender.line(Line(service.name, level, message, span, attributes=attributes))

    @contextmanager
    def _worker(self, name: str) -> Iterator[None]:
        in_flight, in_use = figures.in_flight.labels(name), figures.workers_in_use.labels(name)
        with in_flight.track_inprogress(), self._slots[name], in_use.track_inprogress():
            yield

    def _work(self, seconds: float) -> None:
        """Take about that long: mostly near it, now and then much longer, as real services do."""
        time.sleep(min(self.luck.lognormvariate(0, 0.4) * seconds, 10 * seconds))
