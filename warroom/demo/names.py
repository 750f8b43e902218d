"""Who is in the demo, and what its incidents are called.

Invariant: importing this loads next to nothing, so that the first frame does not wait for it.
"""

from __future__ import annotations

from warroom.incident.ids import incident_id

CAST = ("ana", "marek", "sofia", "june", "tomas")
"""Commander, operations, database expert, communications, scribe."""
ELSEWHERE = "petra"
"""Works on the smaller incident."""
ALERTMANAGER = "alertmanager"


def incident_ids(seed: int) -> tuple[str, str, str]:
    """The ids of the main incident, the smaller one and the one that is over."""
    first, second, third = (incident_id(0x5EED0 + seed * 7919 + number * 104_729) for number in range(3))
    return first, second, third


def name_beside(wanted: str) -> str:
    """`wanted`, or with a number behind where somebody of the demo has that name."""
    taken = {name.casefold() for name in (*CAST, ELSEWHERE, ALERTMANAGER)}
    bare = wanted.strip()[:60] or "you"
    name, number = bare, 1
    while name.casefold() in taken:
        number += 1
        name = f"{bare}-{number}"
    return name
