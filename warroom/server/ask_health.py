"""Questions about the product itself: its health, and the stack that it looks after.

What answers is put together with the server, not by it: the server only hands out what it is given.
"""

from __future__ import annotations

from typing import Any

from warroom.incident.words import Access
from warroom.server.asking import MaybeIncident, Method, Question


async def _health(ask: Question, _: MaybeIncident) -> Any:
    report = ask.desk.reports.get("health")
    return {"health": None, "words": "this server makes no health checks"} if report is None else {"health": report()}


async def _stack(ask: Question, _: MaybeIncident) -> Any:
    report = ask.desk.reports.get("stack")
    words = "this server looks after no stack; `warroom stack status` asks the engine of your own machine"
    return {"stack": None, "words": words} if report is None else {"stack": report(), "words": ""}


METHODS: dict[str, Method] = {
    "health": Method(Access.OBSERVER, MaybeIncident, _health),
    "stack": Method(Access.OBSERVER, MaybeIncident, _stack),
}
