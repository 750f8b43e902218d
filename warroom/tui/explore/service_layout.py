"""Where the services stand in the map: in columns from who is called by nobody to who calls nobody. Pure.

Invariant: every service is in exactly one column, also when they call each other in circles, and the order does not
depend on the order in which they were told.
"""

from __future__ import annotations

from collections.abc import Mapping

from warroom.telemetry.graph import Health, ServiceGraph, ServiceNode

BADNESS: Mapping[Health, int] = {"red": 0, "amber": 1, "unknown": 2, "green": 3}
"""Worst first."""


def neighbours(graph: ServiceGraph) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Who calls each service and whom it calls, with calls; calls of a service to itself are left out."""
    callers: dict[str, dict[str, int]] = {node.name: {} for node in graph.nodes}
    callees: dict[str, dict[str, int]] = {node.name: {} for node in graph.nodes}
    for edge in graph.edges:
        if edge.parent != edge.child and edge.parent in callees and edge.child in callers:
            callees[edge.parent][edge.child] = callees[edge.parent].get(edge.child, 0) + edge.calls
            callers[edge.child][edge.parent] = callers[edge.child].get(edge.parent, 0) + edge.calls
    return callers, callees


def columns_of(graph: ServiceGraph) -> tuple[tuple[ServiceNode, ...], ...]:
    """The columns from left to right: a service stands right of all that call it, but for calls that close a circle.

    Within a column the worst come first, then by name.
    """
    callers, callees = neighbours(graph)
    depth = _depths(sorted(callers), callers, callees)
    columns: dict[int, list[ServiceNode]] = {}
    for node in graph.nodes:
        columns.setdefault(depth[node.name], []).append(node)
    order = [columns[place] for place in sorted(columns)]
    return tuple(tuple(sorted(column, key=lambda node: (BADNESS[node.health], node.name))) for column in order)


def _depths(
    names: list[str], callers: Mapping[str, Mapping[str, int]], callees: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """The longest way from a root; of a circle, the member with fewest callers outside of it is taken as its root."""
    depth = dict.fromkeys(names, 0)
    waiting = {name: len(callers[name]) for name in names}
    left = set(names)
    while left:
        free = sorted(name for name in left if waiting[name] <= 0)
        chosen = free or [min(left, key=lambda name: (waiting[name], name))]
        for name in chosen:
            left.discard(name)
            for child in callees[name]:
                if child in left:
                    depth[child] = max(depth[child], depth[name] + 1)
                    waiting[child] -= 1
    return depth


def reached(start: str, links: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
    """Everything that `start` leads to over these links, without itself."""
    found: set[str] = set()
    todo = [start]
    while todo:
        for name in links.get(todo.pop(), ()):
            if name not in found and name != start:
                found.add(name)
                todo.append(name)
    return frozenset(found)
