"""What a suite of checks is made of: one list of checks per kind of server, run against whatever stands in for it.

A check asks through the client, holds what must be true of any such server, and returns what the client read. Of a
recording it is known what must have been read, so there the reading is compared too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry.fake_server import Asked, FakeServer, Reply
from warroom.telemetry import shapes
from warroom.telemetry.errors import TelemetryError

FOLDER = Path(__file__).parent / "recorded"


@dataclass(frozen=True)
class Ask:
    """Times to ask about, seconds since the epoch: `at`, and a range of whole steps that ends there."""

    start: float
    end: float
    step: float
    at: float


@dataclass(frozen=True)
class Check:
    """`recordings` are the exchanges that the questions get, by the end of their path; after a bar stands what does
    where the first is not there. `since` is the first version that can pass, `anywhere` whether a server with any
    data in it can.
    """

    name: str
    run: Callable[[Any, Ask], Awaitable[Any]]
    recordings: Mapping[str, str]
    since: tuple[int, ...] = ()
    anywhere: bool = False

    def exchange(self, end: str, exchanges: Mapping[str, Any]) -> str:
        """Name of the recording for a path's end."""
        return next(name for name in self.recordings[end].split("|") if name in exchanges)

    def exchanges(self, exchanges: Mapping[str, Any]) -> list[str]:
        """Names of all its recordings."""
        return [self.exchange(end, exchanges) for end in self.recordings]


class Suite:
    """The checks of one kind of server."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}

    def __call__(
        self, since: tuple[int, ...] = (), anywhere: bool = False, **recordings: str
    ) -> Callable[[Callable[[Any, Ask], Awaitable[Any]]], Callable[[Any, Ask], Awaitable[Any]]]:
        """Register a check. In the names of `recordings` stands `_` for the slashes and dashes of a path's end."""

        def register(run: Callable[[Any, Ask], Awaitable[Any]]) -> Callable[[Any, Ask], Awaitable[Any]]:
            name = run.__name__
            self.checks[name] = Check(name, run, recordings, since, anywhere)
            return run

        return register

    def named(self, version: str) -> list[str]:
        """Checks that a server of that version can pass."""
        return [name for name, check in self.checks.items() if numbers(version) >= check.since]

    def recorded(self, exchanges: Mapping[str, Any]) -> list[str]:
        """Checks that these recordings suffice for."""
        return [
            name
            for name, check in self.checks.items()
            if all(any(one in exchanges for one in text.split("|")) for text in check.recordings.values())
        ]


@dataclass(frozen=True)
class Recording:
    """Exchanges with one server, and what the client read of them by check."""

    server: str
    exchanges: Mapping[str, Mapping[str, Any]]
    readings: Mapping[str, Any]

    @property
    def version(self) -> str:
        return self.server.partition("-")[2]


def recording(server: str) -> Recording:
    """Of a file in `recorded/`, such as prometheus-2.42.0."""
    said = json.loads((FOLDER / f"{server}.json").read_text())
    return Recording(server, said["exchanges"], said["readings"])


def numbers(version: str) -> tuple[int, ...]:
    """3.5.3+ds1 as (3, 5, 3)."""
    return tuple(int(part) for part in version.partition("+")[0].partition("-")[0].split("."))


def ask_of(exchange: Mapping[str, Any]) -> Ask:
    """The times that a recorded question was about."""
    params = exchange["request"].get("params") or {}
    params = params if isinstance(params, dict) else dict(params)
    at = float(params.get("time") or params.get("end") or 1000.0)
    return Ask(
        float(params.get("start") or at - 60), float(params.get("end") or at), float(params.get("step") or 5), at
    )


def player(exchanges: Mapping[str, Mapping[str, Any]], check: Check) -> FakeServer:
    """A server that answers a check's questions with its recordings; of the rest it knows nothing."""

    def answer(asked: Asked) -> Reply:
        ends = sorted(check.recordings, key=len, reverse=True)
        path = asked.path.replace("/", "_").replace("-", "_")
        found = next((check.exchange(end, exchanges) for end in ends if path.endswith(end)), None)
        if found is None:
            return Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")
        exchange = exchanges[found]
        body = exchange["body"]
        # A body that is a text is JSON when the server said so, as Alertmanager's own errors are.
        raw = isinstance(body, str) and (not body or "json" not in exchange["kind"])
        return Reply(exchange["status"], (body if raw else json.dumps(body)).encode(), exchange["kind"])

    return FakeServer(answer)


async def outcome(check: Check, client: Any, ask: Ask) -> Any:
    """What a check returns, as plain values."""
    return shapes.plain(await check.run(client, ask))


# -- changed recordings ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One change of a recording, and what it was, for the message of a failed test."""

    exchange: Mapping[str, Any]
    told: str


def changes(exchange: Mapping[str, Any], ignored: Collection[str], seed: str, count: int) -> Iterator[Change]:
    """`count` seeded changes of an exchange: a field is dropped, gets another type or another value, an element is
    dropped or doubled, the status is another. Nothing below a field whose name is in `ignored` is touched, nor the
    status when "status" is.
    """
    dice = random.Random(seed)  # the same changes in every run
    places = [place for place in _places(exchange["body"], ()) if not set(ignored) & set(place)]
    for _ in range(count):
        changed = deepcopy(dict(exchange))
        if "status" not in ignored and dice.random() < 0.08:
            changed["status"] = 500 if exchange["status"] == 200 else 200
            yield Change(changed, f"status {changed['status']}")
        elif places:
            place = dice.choice(places)
            how = _change(changed, place, dice)
            yield Change(changed, f"{'.'.join(map(str, place)) or 'body'}: {how}")


def _places(value: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if at or not children:
        yield at
    for key, child in children:
        yield from _places(child, (*at, key))


def _change(changed: dict[str, Any], place: tuple[Any, ...], dice: random.Random) -> str:
    holder, key = changed, "body"
    for inner in place:
        holder, key = holder[key], inner
    old = holder[key]
    ways = ["type"]
    if isinstance(old, bool | int | float | str | list) and old != []:
        ways.append("value")
    # What says nothing may be left out; and a body that is gone is one of another type.
    if place and old not in ({}, [], "", None):
        ways.append("drop")
    how = dice.choice(ways)
    if how == "drop":
        del holder[key]
    elif how == "type":
        holder[key] = 12345 if isinstance(old, str | dict | list) else {"was": old}
    else:
        holder[key] = _another(old)
    return how


def _another(old: Any) -> Any:
    """A value of the same type that is not the old one."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float):
        return old + 1
    return f"{old}x" if isinstance(old, str) else [*old, old[-1]]


async def unnoticed(
    check: Check,
    recorded: Recording,
    client: Any,
    swap: Callable[[str, Any], None],
    ignored: Mapping[str, Collection[str]],
    count: int,
) -> list[str]:
    """Changes of a check's recordings that it passes all the same. `swap` puts an exchange in place of a named one."""
    passed = []
    for name in check.exchanges(recorded.exchanges):
        exchange = recorded.exchanges[name]
        error = "error" in name
        skipped = {*ignored.get("", ()), *ignored.get("error" if error else "", ()), *ignored.get(name, ())}
        for change in changes(exchange, skipped, f"{recorded.server} {name}", count):
            swap(name, change.exchange)
            try:
                found = await outcome(check, client, ask_of(exchange))
            except (AssertionError, TelemetryError, LookupError, ValueError, pytest.fail.Exception):
                continue
            if found == recorded.readings[check.name]:
                passed.append(f"{name} {change.told}")
        swap(name, exchange)
    return passed
