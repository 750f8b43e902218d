"""docs/hostile-input.md: attack every door of real servers, and write down what each case got.

Invariant: every number on the page was counted in the run that wrote it; a case that got another answer is told.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

from tests.docs import hostile_alone, hostile_fields, hostile_files, hostile_port
from tests.intake.hostile_requests import CASES as REQUESTS
from tests.intake.hostile_requests import MOST_BYTES, ROUTING_KEY, SECRET
from tests.intake.open_door import ask
from tests.server import hostile
from tests.server.house import House, house
from warroom.client.client import Client
from warroom.incident.words import Access
from warroom.participants.intake.door import Door, DoorSettings
from warroom.participants.intake.listener import serve_door
from warroom.participants.intake.participant import Intake
from warroom.participants.intake.quarantine import Quarantine
from warroom.participants.intake.reading import Bounds
from warroom.participants.intake.rules import load_rules

LIMITS = {"hello_seconds": 0.5, "failures": 10_000, "invite_failures": 10_000}
GUESSING = "guessing"
DOORS = {
    "http": "Server port: HTTP",
    "handshake": "Server port: handshake",
    "web page": "Server port: web pages (one origin allowed)",
    "hello": "Server port: first frame",
    "frames": "Server port: frames",
    "fields": "Server port: every field of every frame",
    "commands": "Commands",
    "command fields": "Commands: every field of every command",
    "requests": "Requests",
    "hidden": "What must stay hidden",
    "floods": "Floods",
    "intake": "Alert intake",
    "settings file": "Settings file",
    "environment": "Environment",
    "keymap file": "Keymap file",
    "playbook file": "Playbook file",
    "rule file": "Rule file of the intake",
    "panel file": "Panel file",
    "archive": "Archive of an incident",
    "backup": "Backup",
    "arguments": "Command line",
}
Row = tuple[str, str, str, str]
"""Door, case, expected, got."""


@dataclass
class Bystander:
    """Somebody in another room who writes a note, waits for its ack, and writes the next, all the time."""

    sent: int = 0
    acked: int = 0
    refused: int = 0
    waits: list[float] = field(default_factory=list)

    async def write(self, home: House, stop: asyncio.Event) -> None:
        raw = await home.raw(await home.token("bystander"))
        incident = await raw.declare()
        n = 1
        while not stop.is_set():
            n += 1
            began = time.perf_counter()
            self.sent += 1
            await raw.command(n, incident, type="add-note", text=f"note {n}")
            said = await raw.until("outcome", n=n)
            self.waits.append(time.perf_counter() - began)
            if said["reason"]:
                self.refused += 1
            else:
                self.acked += 1
            await asyncio.sleep(0.025)
        await raw.close()


@asynccontextmanager
async def writing(home: House, bystander: Bystander) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(bystander.write(home, stop))
    try:
        yield
    finally:
        stop.set()
        await task


def port_cases() -> list[hostile.Case]:
    """Cases that share one server."""
    shared = [*hostile.CASES, *hostile_fields.CASES, *hostile_port.CASES]
    return [one for one in shared if GUESSING not in one.name]


def expected() -> list[tuple[str, str, str]]:
    """(door, case, answer) of every case there is."""
    return sorted(
        (
            *((one.door, one.name, one.expected) for one in port_cases()),
            *((one.door, one.name, one.expected) for one in hostile.CASES if GUESSING in one.name),
            *((one.door, one.name, one.expected) for one in hostile_alone.ALONE),
            *(("intake", name, f"http {status}") for name, _, status in REQUESTS),
            *((one.door, one.name, one.expected) for one in hostile_files.CASES),
        ),
        key=lambda row: list(DOORS).index(row[0]),
    )


async def attack_port(base: Path, bystander: Bystander) -> list[Row]:
    """Run the shared cases and the intake's against one server with a bystander, the others against their own."""
    rows: list[Row] = []
    async with house(base / "shared", limits=LIMITS) as home:
        mine = await home.raw(await home.token("sam"), client="attacked-room")
        attacked = await mine.declare()
        token = await home.token("eve", Access.COMMANDER)
        async with writing(home, bystander):
            for one in port_cases():
                rows.append((one.door, one.name, one.expected, await _told(hostile.run(one, home, token, attacked))))
            rows += await _attack_intake(home)
        await mine.close()
        if home.fatal:
            raise RuntimeError(f"the server stopped: {home.fatal}")
    for number, one in enumerate(one for one in hostile.CASES if GUESSING in one.name):
        async with house(base / f"guarded-{number}") as home:
            got = await hostile.run(one, home, await home.token("eve"), "INC-0000")
            rows.append((one.door, one.name, one.expected, got))
    for number, alone in enumerate(hostile_alone.ALONE):
        got = await _told(hostile_alone.run_alone(alone, base / f"alone-{number}"))
        rows.append((alone.door, alone.name, alone.expected, got))
    return rows


async def _told(attack: object) -> str:
    try:
        return str(await attack)  # type: ignore[misc]
    except TimeoutError:
        return "no answer in time"


async def _attack_intake(home: House) -> list[Row]:
    """The intake's door, with the real participant behind it and the server behind that."""
    rows: list[Row] = []
    token = await home.token("intake", Access.RESPONDER)
    told = DoorSettings(SECRET, {"shop": ROUTING_KEY}, per_second=1e6, burst=10**6, bounds=Bounds(size=MOST_BYTES))
    async with Client(home.url, token, kind="automation") as client, Intake(client, load_rules(None)) as intake:
        await client.live(10)
        door = Door(told, intake.handle, Quarantine(secrets=[SECRET, ROUTING_KEY]))
        listener = await serve_door(door.app)
        try:
            for name, request, status in REQUESTS:
                answer = await ask(listener, request)
                leaked = SECRET in answer.body.decode() or ROUTING_KEY in answer.body.decode()
                got = f"http {answer.status}" + (", and it told a secret" if leaked else "")
                rows.append(("intake", name, f"http {status}", got))
        finally:
            await listener.stop()
    return rows


def page() -> str:
    """Attack everything and describe it."""
    with tempfile.TemporaryDirectory() as place:
        base = Path(place)
        bystander = Bystander()
        rows = asyncio.run(attack_port(base, bystander))
        (base / "files").mkdir()
        rows += hostile_files.rows(base / "files")
    return written(rows, bystander)


def written(rows: list[Row], bystander: Bystander) -> str:
    """The page for these rows."""
    wrong = [row for row in rows if row[2] != row[3]]
    waits = sorted(bystander.waits)
    count = Counter(row[0] for row in rows)
    lines = [
        "# Hostile input",
        "",
        "Written by `make hostile`, which attacks real servers, a real intake and the real commands, and checks the",
        "exact answer of each case. The tables are the ones that `make test` runs.",
        "",
        f"**{len(rows)} cases, {len(rows) - len(wrong)} answered exactly as expected, {len(wrong)} not.**",
        "",
        "While the server and the intake were attacked, somebody in another room wrote notes:",
        f"{bystander.sent:,} sent, {bystander.acked:,} acknowledged, {bystander.refused} refused.",
        f"The median wait was {waits[len(waits) // 2] * 1000:.1f} ms, the longest {waits[-1] * 1000:.0f} ms;",
        "attackers, server and writer shared one process.",
        "",
        "A server gives half a second for a hello here, so that silence takes less long; all other limits are the",
        "shipped ones, except that guessing is unlimited for the cases that are not about guessing.",
        "",
        "| Door | Cases | Answers |",
        "|---|---:|---|",
    ]
    for door, title in DOORS.items():
        answers = Counter(row[3] for row in rows if row[0] == door)
        said = ", ".join(f"{answer} ({times})" for answer, times in answers.most_common())
        lines.append(f"| [{title}](#{_anchor(title)}) | {count[door]} | {said} |")
    lines += [
        "",
        "`http N`: the status. `close N`: the close code, see [protocol.md](protocol.md). `cut`: the connection is",
        "ended without an answer. `refused REASON`: the answer to the command or request; the connection goes on.",
        "`exit N`: the status of the command, with a sentence and without a traceback. A case about a field sends",
        "several values.",
    ]
    for door, title in DOORS.items():
        lines += ["", f"## {title}", "", "| Case | Answer |", "|---|---|"]
        for _, name, wanted, got in [row for row in rows if row[0] == door]:
            answer = got if got == wanted else f"**{got}**, expected {wanted}"
            lines.append(f"| {_cell(name)} | {_cell(answer)} |")
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    """The anchor that GitHub makes of a heading."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\x1b", "ESC")


if __name__ == "__main__":
    sys.exit("run `make hostile`")
