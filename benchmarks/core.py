"""The core's figures: the cost of one more event at any length of log, the chain's speed, the snapshot's."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter

from benchmarks.report import Figure
from warroom.incident import commands as c
from warroom.incident.chain import seal_all, verify
from warroom.incident.decide import decide
from warroom.incident.decode import fold
from warroom.incident.record import Record
from warroom.incident.snapshot import decode, encode
from warroom.incident.state import Actor, IncidentState
from warroom.incident.words import Access

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LENGTHS = (100, 100_000)
SALT = b"0123456789abcdef"


def command(number: int) -> c.Command:
    """What a busy room says: notes and chat, now and then a task, a finding or an update."""
    if number % 400 == 7:
        return c.AddTask(title=f"Look at shard {number}", assignee="jana")
    if number % 1000 == 11:
        return c.PublishUpdate(text=f"We are still looking at the database ({number}).")
    if number % 3 == 0:
        return c.PostChat(text=f"shard {number} looks fine from here")
    return c.AddNote(text=f"Error rate on checkout is {number % 97} % and the queue holds {number} messages.")


def step(state: IncidentState, number: int) -> tuple[tuple[Record, ...], IncidentState]:
    """Decide, seal and fold one command by one of thirty people."""
    actor = Actor(f"person-{number % 30}", Access.RESPONDER)
    at = START + timedelta(seconds=number)
    ask = c.DeclareIncident(title="Checkout fails for one customer in five") if number == 0 else command(number)
    verdict = decide(state, ask, actor, at)
    if not isinstance(verdict, tuple):
        raise RuntimeError(verdict.words)
    return seal_all(state, verdict, actor, at, "benchmark", number + 1, [SALT] * len(verdict))


def grow(state: IncidentState, upto: int) -> tuple[list[Record], IncidentState]:
    """Go on until the log holds `upto` events."""
    records: list[Record] = []
    while state.seq < upto:
        made, state = step(state, state.seq)
        records.extend(made)
    return records, state


def best(work: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest of `rounds`, with the garbage collector out of the way."""
    times = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            began = perf_counter()
            work()
            times.append(perf_counter() - began)
    finally:
        gc.enable()
    return min(times)


def growth() -> tuple[Figure, list[Record]]:
    """One more event on a short log and on a long one, taken in turns so that both see the same machine."""
    records, short = grow(IncidentState(id="INC-7K3Q"), LENGTHS[0])
    tail, long = grow(short, LENGTHS[1])

    def more(state: IncidentState) -> Callable[[], object]:
        return lambda: grow(state, state.seq + 300)

    costs = [(best(more(short), 5), best(more(long), 5)) for _ in range(4)]
    fast, slow = (min(pair[side] for pair in costs) / 300 * 1e6 for side in (0, 1))
    figure = Figure(
        name="one more event (decide, seal, evolve): 100,000 events in the log",
        value=f"{slow:.1f} µs, {slow / fast:.2f}x",
        reference=f"{fast:.1f} µs at 100 events",
        goal="at most 1.2x",
        met=slow <= 1.2 * fast,
    )
    return figure, [*records, *tail]


def main() -> list[Figure]:
    """Every figure of the core."""
    flat, records = growth()
    proof = best(lambda: verify(records), 3)
    few = records[:10_000]
    refold = best(lambda: fold(few), 3)
    state = fold(few)
    data = encode(state)
    out, back = best(lambda: encode(state), 7), best(lambda: decode(data), 7)
    rate = len(records) / proof
    return [
        flat,
        Figure("verify", f"{rate:,.0f} records/s", "", "at least 100,000 records/s", rate >= 100_000),
        Figure(
            "snapshot of 10,000 entries: encode",
            f"{out * 1e3:.1f} ms, {len(data) / 1e6:.2f} MB",
            f"fold of the same log {refold * 1e3:.0f} ms",
            "at most 15 ms",
            out <= 0.015,
        ),
        Figure(
            "snapshot of 10,000 entries: decode",
            f"{back * 1e3:.1f} ms",
            f"fold of the same log {refold * 1e3:.0f} ms",
            "at most 100 ms",
            back <= 0.1,
        ),
    ]


if __name__ == "__main__":
    for figure in main():
        print(
            f"{figure.name}: {figure.value} (reference {figure.reference or 'none'}; goal {figure.goal}) {figure.met}"
        )
