"""A client without a network that also has logs: a page of a shop's lines, and tails that are fed by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from tests.tui.explore.answering import AnsweringWire
from tests.tui.local_wire import LocalWire
from warroom.client.view import TailView
from warroom.telemetry import shapes
from warroom.telemetry.log_buffer import LogBuffer
from warroom.telemetry.logs import LogLine, LogPage
from warroom.telemetry.series import Full, Series, encode

TRACE = "7f1c9a3b5d2e4f60718293a4b5c6e02a"

SAID: tuple[tuple[str, str, str], ...] = (
    ("error", "checkout-api", "pool exhausted: waited 3000ms for conn, in_use=40 max=40 route=/checkout"),
    ("warn", "cart-svc", "retry 2/5 upstream=checkout-api backoff=240ms err=\"deadline exceeded\""),
    ("info", "pgbouncer", "stats: cl_active=198 cl_waiting=212 sv_idle=0 maxwait=4.8s"),
    ("error", "payments", '{"level":"error","msg":"context deadline exceeded","ms":4120,"order":"o-51823"}'),
    ("info", "trafficctl", "shift eu-west-1->eu-central-1 18% (target 30%)"),
    ("warn", "edge-gateway", "upstream 503 route=/checkout client=mobile-ios pop=fra2 attempt=1"),
    ("debug", "cart-svc", "cache hit key=sess:41f2 ttl=287s"),
    ("info", "payments", "authorize ok psp=adyen dur=412ms amount=4990"),
    ("info", "checkout-api", "pod ready rev=v2.13.8 node=ip-10-4-7-12"),
)  # fmt: skip


def lines_until(end: float, count: int, seed: int = 1) -> list[LogLine]:
    """So many lines of the last hour before `end` (seconds since the epoch), oldest first, denser to the end."""
    chance = random.Random(seed)
    ages = sorted((3600 * chance.random() ** 2 for _ in range(count)), reverse=True)
    made = []
    for at, age in enumerate(ages):
        weights = [6 if age < 2400 else 0, 4, 3, 5 if age < 2400 else 0, 1, 3, 4, 4, 1]
        level, service, text = chance.choices(SAID, weights)[0]
        metadata = [("detected_level", level)]
        if level in ("error", "warn"):
            metadata.append(("trace_id", TRACE if at % 3 == 0 else f"{chance.getrandbits(128):032x}"))
        labels = (("env", "prod"), ("namespace", "shop"), ("service_name", service))
        ns = round((end - age) * 1e9) + at
        made.append(LogLine(ns, text.replace("51823", str(50_000 + at)), labels, tuple(metadata)))
    return made


class LogsWire(AnsweringWire):
    """`lines` are what a query finds, whatever it is; `tails` the tails that were asked for, by key."""

    def __init__(self, told: LocalWire, lines: Sequence[LogLine], answers: Mapping[str, Any] | None = None) -> None:
        super().__init__(told, {**self._answers(), **(answers or {})})
        self.lines = list(lines)
        self.tailed: dict[str, str] = {}

    def _answers(self) -> dict[str, Any]:
        return {
            "logs": self._page,
            "logs.matrix": self._matrix,
            "logs.labels": {"values": ["env", "namespace", "pod", "service_name"]},
            "logs.values": lambda params: {
                "values": ["cart-svc", "checkout-api", "edge-gateway", "payments", "pgbouncer"]
                if params["label"] == "service_name" else ["prod", "stage"]
            },
            "logs.patterns": ValueError("this Loki keeps no patterns: pattern_ingester is not enabled"),
        }  # fmt: skip

    def _page(self, params: Mapping[str, Any]) -> Any:
        found = [one for one in self.lines if params["start"] <= one.ns / 1e9 <= params["end"]]
        if params.get("direction", "backward") == "backward":
            found.reverse()
        kept = found[: params["limit"]]
        return shapes.plain(LogPage(tuple(kept), full=len(found) > len(kept)))

    def _matrix(self, params: Mapping[str, Any]) -> Any:
        step = params["step"]
        count = int((params["end"] - params["start"]) / step) + 1
        levels: dict[str, list[float]] = {}
        for line in self.lines:
            at = int((line.ns / 1e9 - params["start"]) / step)
            if 0 <= at < count:
                levels.setdefault(line.level, [0.0] * count)[at] += 1
        series = tuple(
            Series((("detected_level", level),), level, params["start"], step, tuple(values))
            for level, values in levels.items()
        )
        return orjson.loads(encode(Full("", 1, params["start"], step, count, series)))

    def tail(self, incident: str, query: str) -> str:
        key = f"tail-{len(self.tailed) + 1}"
        self.tailed[key] = query
        tails = {**self.latest.tails, key: TailView(key, incident, query, LogBuffer())}
        self.show(replace(self.latest, tails=tails))
        return key

    def untail(self, key: str) -> None:
        self.tailed.pop(key, None)
        self.show(replace(self.latest, tails={name: one for name, one in self.latest.tails.items() if name != key}))

    def come(self, lines: Sequence[LogLine], **changes: Any) -> None:
        """Lines come on every tail."""
        tails = dict(self.latest.tails)
        for key, tail in tails.items():
            tail.buffer.extend(lines)
            tails[key] = replace(tail, version=tail.version + 1, **changes)
        self.show(replace(self.latest, tails=tails))

    def new_lines(self, count: int, *, text: str = "") -> list[LogLine]:
        """Lines of just now."""
        now = self.now()
        assert isinstance(now, datetime)
        base = round(now.timestamp() * 1e9)
        made = []
        for at in range(count):
            level, service, words = SAID[at % len(SAID)]
            labels = (("env", "prod"), ("namespace", "shop"), ("service_name", service))
            said = text or words
            said = said if said[0] == "{" else f"{said} n={at}"
            made.append(
                LogLine(
                    base + at * 1_000_000,
                    said,
                    labels,
                    (("detected_level", level),),
                )
            )
        return made
