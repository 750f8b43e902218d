"""Recorded exchanges with real servers, played back under a client, whole or with one thing in them changed.

The transport answers only what was recorded: a request for another path or with other parameters fails the test.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

_FOLDER = Path(__file__).parent / "recorded"
_HARMLESS = frozenset({"direction", "limit", "line_limit", "groupByOperation", "ratePer"})
"""Parameters that a client may name where the recording left the server's default."""


def exchanges(server: str, name: str = "exchanges") -> dict[str, dict[str, Any]]:
    """Exchanges with one server: name -> {request, status, headers, body}."""
    found: dict[str, dict[str, Any]] = json.loads((_FOLDER / server / f"{name}.json").read_text())
    return found


def params_of(exchange: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = exchange["request"].get("params") or {}
    return params


class Replay(httpx.AsyncBaseTransport):
    """Answers one recorded exchange, however often, and anything else with a failure."""

    def __init__(self, exchange: dict[str, Any]) -> None:
        self.exchange = exchange
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        recorded = self.exchange["request"]
        assert request.method == recorded["method"] or (request.method, recorded["method"]) == ("POST", "GET")
        assert request.url.path == recorded["path"], request.url.path
        if recorded["method"] == "GET" and "params" in recorded:
            self._compare(request)
        for name, value in (recorded.get("headers") or {}).items():
            assert request.headers.get(name) == value
        if "json" in recorded:
            assert json.loads(request.content) == recorded["json"]
        return response_of(self.exchange)

    def _compare(self, request: httpx.Request) -> None:
        sent = httpx.QueryParams(request.content.decode()) if request.method == "POST" else request.url.params
        # An interval of nothing is what Loki takes anyway.
        wanted = {
            name: value for name, value in params_of(self.exchange).items() if (name, value) != ("interval", "0s")
        }
        extra = set(sent) - set(wanted) - _HARMLESS
        assert not extra, f"asked for {extra} besides what was recorded"
        if "step" in wanted:
            wanted.pop("limit", None)
        for name, value in wanted.items():
            values = [str(one) for one in (value if isinstance(value, list) else [value])]
            assert name in sent, f"did not ask for {name}"
            assert all(map(_same, sent.get_list(name), values)), (name, sent.get_list(name), values)


def response_of(exchange: dict[str, Any]) -> httpx.Response:
    body = exchange["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    kind = (exchange.get("headers") or {}).get("Content-Type", "")
    return httpx.Response(exchange["status"], headers={"Content-Type": kind} if kind else {}, content=text.encode())


def mutations(
    exchange: dict[str, Any], ignored: frozenset[str], seed: int, most: int = 40
) -> Iterator[tuple[str, Any]]:
    """Copies of an exchange, each with one thing changed that a client relies on, and in words what that was.

    `ignored` are keys, or paths with dots, that the client does not read.
    """
    chance = random.Random(seed)
    paths = list(_paths(exchange["body"], (), ignored))
    for path in chance.sample(paths, min(most, len(paths))):
        changed = copy.deepcopy(exchange)
        if not path:
            changed["body"] = _changed(exchange["body"], chance)
        else:
            place = changed["body"]
            for step in path[:-1]:
                place = place[step]
            if isinstance(place, dict) and place[path[-1]] and chance.random() < 0.3:
                del place[path[-1]]
            else:
                place[path[-1]] = _changed(place[path[-1]], chance)
        yield ".".join(map(str, path)), changed
    broken = copy.deepcopy(exchange)
    broken["status"] = 500 if exchange["status"] < 400 else 200
    yield "status", broken


def _paths(value: Any, path: tuple[Any, ...], ignored: frozenset[str]) -> Iterator[tuple[Any, ...]]:
    if path and (str(path[-1]) in ignored or ".".join(map(str, path)) in ignored):
        return
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from _paths(inside, (*path, key), ignored)
    elif isinstance(value, list):
        if value:
            yield path
        for index, inside in enumerate(value):
            yield from _paths(inside, (*path, index), ignored)
    else:
        yield path


def _changed(value: Any, chance: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"7{value}"
    if isinstance(value, list):
        return [one for index, one in enumerate(value) if index != chance.randrange(len(value))][: len(value) - 1]
    return "changed"


def _same(sent: str, recorded: str) -> bool:
    """Equal, or the same number; nanoseconds that passed as seconds in a float are exact to a microsecond."""
    if sent == recorded:
        return True
    try:
        one, other = float(sent.removesuffix("s")), float(recorded.removesuffix("s"))
    except ValueError:
        return False
    return abs(one - other) <= (1000 if other > 1e18 else 0)
