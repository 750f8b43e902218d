"""What the services of a production do, in the words that spans, routes and log lines use for it."""

from __future__ import annotations

from typing import Final

from warroom.simulator.topology import Edge, Journey, Queue, Service, Topology

_WRITING: Final = ("checkout", "pay", "refund", "apply", "ask", "capture", "order", "submit", "upload")
_STORES: Final = {"database": "postgresql", "cache": "redis"}


def method_of(journey: Journey) -> str:
    """The HTTP method of a journey."""
    return "POST" if any(word in journey.name for word in _WRITING) else "GET"


def route_of(journey: Journey) -> str:
    """The route of a journey."""
    return f"/{journey.name}"


def journey_operation(journey: Journey) -> str:
    """The name of a journey's root span."""
    return f"{method_of(journey)} {route_of(journey)}"


def server_operation(service: Service, topology: Topology) -> str:
    """The name of the spans with which a service answers."""
    if service.kind == "database":
        return "query"
    if service.kind == "cache":
        return "GET"
    queue = next((one for one in topology.queues if one.target == service.name), None)
    if queue is not None:
        return consumer_operation(queue)
    return f"POST /{service.name}" if service.name in _WRITING else f"GET /{service.name}"


def client_operation(edge: Edge) -> str:
    """The name of the spans with which a caller waits."""
    return f"{edge.target} call"


def producer_operation(queue: Queue) -> str:
    """The name of the spans that leave a message."""
    return f"publish {queue.name}"


def consumer_operation(queue: Queue) -> str:
    """The name of the spans that take one."""
    return f"process {queue.name}"


def store_of(service: Service) -> str:
    """Its `db.system`; empty for what is no store."""
    return _STORES.get(service.kind, "")
