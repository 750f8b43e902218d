"""What a target means in arrays: 1 where it applies, 0 elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from warroom.simulator.layout import Array, Layout
from warroom.simulator.spec import named


def in_regions(layout: Layout, aim: Mapping[str, Any]) -> Array:
    """(R,)"""
    if "region" not in aim:
        return np.ones(layout.regions)
    chosen = named(aim["region"])
    return np.array([float(one.name in chosen) for one in layout.topology.regions])


def zone_share(layout: Layout, aim: Mapping[str, Any]) -> Array:
    """(R,): the share of each region that a zone is; 1 where none is named."""
    if "zone" not in aim:
        return np.ones(layout.regions)
    chosen = named(aim["zone"])
    return np.array([sum(z in chosen for z in one.zones) / max(len(one.zones), 1) for one in layout.topology.regions])


def cells(layout: Layout, aim: Mapping[str, Any]) -> Array:
    """(S, R): the services that are named, all of them when none is, in the regions that are named."""
    mask = np.zeros((layout.rows, layout.regions))
    rows = (
        [layout.topology.service_index[one] for one in named(aim["service"])]
        if "service" in aim
        else range(layout.users)
    )
    for row in rows:
        mask[row] = in_regions(layout, aim)
    return mask * layout.present


def links(layout: Layout, aim: Mapping[str, Any], *, outgoing: bool = False) -> Array:
    """(E, R): an edge, the edges to a service (from it when `outgoing`), or those between two networks."""
    mask = np.zeros((layout.links, layout.regions))
    topology, regions = layout.topology, in_regions(layout, aim)
    if "edge" in aim:
        for one in named(aim["edge"]):
            mask[topology.edge_index[one]] = regions
    elif "service" in aim:
        rows = [topology.service_index[one] for one in named(aim["service"])]
        side = layout.source if outgoing else layout.target
        mask[np.isin(side, rows)] = regions
    elif "network" in aim:
        chosen = set(named(aim["network"]))
        for at, edge in enumerate(topology.edges):
            ends = {layout.service(edge.source).network, layout.service(edge.target).network}
            mask[at] = regions * float(ends == chosen if len(chosen) > 1 else bool(ends & chosen))
    elif "journey" in aim:
        mask[layout.edges + [one.name for one in topology.journeys].index(str(aim["journey"]))] = regions
    else:
        mask[:] = regions * zone_share(layout, aim)
    return mask


def journeys(layout: Layout, aim: Mapping[str, Any]) -> Array:
    """(K, R)"""
    chosen = named(aim["journey"]) if "journey" in aim else None
    rows = np.array([float(chosen is None or one.name in chosen) for one in layout.topology.journeys])
    found: Array = rows[:, None] * in_regions(layout, aim)[None, :]
    return found


def slice_of(layout: Layout, aim: Mapping[str, Any]) -> tuple[str, str, float] | None:
    """The dimension, the value and the share of the users, when a part of them is named."""
    given = aim.get("slice")
    if not isinstance(given, Mapping) or not given:
        return None
    dimension, value = next(iter(given.items()))
    return str(dimension), str(value), layout.topology.slices[str(dimension)][str(value)]


def touched(layout: Layout, row: int) -> Array:
    """(K,): the share of each journey's requests that come by a service."""
    found: Array = np.minimum(layout.visits[row], 1.0)
    return found
