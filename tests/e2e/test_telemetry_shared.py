"""What one person looks at, all see: log lines, a trace, a metric, each asked of its server once, and kept when pinned.

Three people with three tokens in three terminals, by real keys: one leads, one responds, one may only watch. The
Prometheus is Debian's; Loki and Jaeger answer as they were recorded, and a question they do not know fails the test.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.house import Person, Served
from tests.e2e.telemetry_servers import JaegerServer, LokiServer
from tests.e2e.terminal import Terminal
from tests.real_servers import PROMETHEUS, SickExporter, start_prometheus

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not PROMETHEUS, reason="Prometheus is not installed"),
]

LOGS = '{service_name="shop"}'
TRACE = "0af7651916cd43dd8448eb211c80319c"
METRIC = "sum(sick_error_ratio)"
STEP = 2
"""Seconds between two points of the five minutes that are looked at."""


class Backends:
    """A sick service, the three servers that know of it, and the room's server that asks them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.service = stack.enter_context(SickExporter(rate=50.0, error_ratio=0.25))
        self.prometheus = stack.enter_context(start_prometheus(folder / "production", {"shop": [self.service.target]}))
        self.loki = stack.enter_context(LokiServer())
        self.jaeger = stack.enter_context(JaegerServer())
        settings = {
            "WARROOM_PROMETHEUS__URL": self.prometheus.url,
            "WARROOM_LOKI__URL": self.loki.url,
            "WARROOM_JAEGER__URL": self.jaeger.url,
        }
        self.owner = Person("olga", folder, settings)
        self.room = Served(self.owner)
        stack.enter_context(self.room.start())

    def queries(self) -> int:
        """How many range queries Prometheus has answered, by its own count."""
        found = re.findall(
            r'^prometheus_http_requests_total\{[^}]*handler="/api/v1/query_range"[^}]*\} (\S+)$',
            self.prometheus.get("/metrics"),
            re.MULTILINE,
        )
        return int(sum(map(float, found)))

    def die(self) -> None:
        """None of the three answers any more."""
        self.loki.close()
        self.jaeger.close()
        self.prometheus.kill()


@pytest.fixture
def backends(tmp_path: Path) -> Iterator[Backends]:
    with ExitStack() as stack:
        found = Backends(tmp_path, stack)
        yield found
        assert found.loki.unknown == []
        assert found.jaeger.unknown == []


def test_what_one_looks_at_all_see_and_what_is_pinned_outlives_its_servers(backends: Backends, tmp_path: Path) -> None:
    incident = backends.owner.run("declare", "Shop answers with errors").strip()
    with ExitStack() as stack:
        screens = [
            stack.enter_context(enter(backends, name, access, tmp_path))
            for name, access in (("ana", "commander"), ("ben", "responder"), ("cleo", "observer"))
        ]
        for screen in screens:
            for initials in ("AN", "BE", "CL"):
                screen.until(initials)
        lead(screens)
        lines_are_shared(backends, screens)
        an_observer_sees_no_more_than_what_is_shown(screens)
        a_trace_is_shared(backends, screens)
        a_metric_is_shared(backends, screens)
        backends.die()
        _, ben, cleo = screens
        evidence_opens_in_the_console(ben)
        evidence_opens_in_the_console(cleo)
        for screen in screens:
            screen.press("ctrl+q")
            assert screen.ends() == 0
    evidence_is_in_commands_and_documents(backends.owner, incident)


def enter(backends: Backends, name: str, access: str, folder: Path) -> Terminal:
    """Somebody on a machine of their own, let in by an invitation, who opens the only incident."""
    screen = Person(name, folder).console("join", backends.room.invite(access))
    screen.until("Shop answers with errors").press("enter")
    return screen.until("Timeline")


def lead(screens: list[Terminal]) -> None:
    """The first takes command, which the spotlight belongs to."""
    screens[0].press(":")
    screens[0].until("/accept").type("command\r")
    for screen in screens:
        screen.until("IC ana")


def ask(screen: Terminal, query: str) -> None:
    """Type a query into the pane's line, in place of what stands there."""
    screen.press("/", "ctrl+u")
    screen.type(query)
    screen.until(lambda now: query in now.rows[now.cursor[0]]).press("enter")
    screen.until(lambda now: query in "".join(now.rows[:2]))


def go_there(screens: list[Terminal], notice: str) -> None:
    """Everybody but the first is told where they point, and goes there."""
    for screen in screens:
        screen.until(notice).press("O")


def lines_are_shared(backends: Backends, screens: list[Terminal]) -> None:
    """The same lines on all screens as they come, of one tail."""
    ana, *others = screens
    backends.loki.say("listening on 8080")
    ana.press("L")
    ana.until("listening on 8080").press("t")
    ana.until("15m, 3h, 2d").type("5m\r")
    ask(ana, LOGS)
    ana.until("listening on 8080").press("o")
    ana.until("everybody is shown this")
    go_there(others, "ana points at logs")
    for screen in others:
        screen.until(lambda now: LOGS in "".join(now.rows[:2])).until("listening on 8080")
    for number in range(5):
        backends.loki.say(f"order {number} refused: no connection left", level="error")
        for screen in screens:
            screen.until(f"order {number} refused")
    assert backends.loki.tails_of(LOGS) == 1
    ana.press("p")
    ana.until("pinned: it stays readable").until("entry 3 synced")


def an_observer_sees_no_more_than_what_is_shown(screens: list[Terminal]) -> None:
    """Of another query they are told that it is not theirs to ask; the one that is shown they see again."""
    cleo = screens[-1]
    cleo.press("/", "ctrl+u")
    cleo.type('{service_name="secret"}\r')
    cleo.until("needs responder access").press("O")
    cleo.until(lambda now: LOGS in "".join(now.rows[:2])).until("order 4 refused").until(
        "needs responder access", gone=True
    )


def a_trace_is_shared(backends: Backends, screens: list[Terminal]) -> None:
    """The same waterfall on all screens, of one question."""
    ana, *others = screens
    ana.press("T")
    ana.until("Traces")
    ask(ana, "frontend")
    ana.until("GET /checkout").press("end", "enter")
    ana.until("payment.Charge").press("o")
    ana.until("everybody is shown this")
    go_there(others, "ana points at traces")
    for screen in others:
        screen.until("payment.Charge")
    assert backends.jaeger.count(f"/api/traces/{TRACE}") == 1
    ana.press("p")
    ana.until("entry 4 synced")


def a_metric_is_shared(backends: Backends, screens: list[Terminal]) -> None:
    """The same curve on all screens, of one question at each step; one of them goes along by itself."""
    ana, ben, cleo = screens
    ana.press("M")
    ask(ana, METRIC)
    ana.until("25 %")
    alone = pace(backends)
    cleo.press("W")
    cleo.until("you follow the spotlight")
    ana.press("o")
    ana.until("everybody is shown this")
    go_there([ben], "ana points at metrics")
    for screen in (ben, cleo):
        screen.until(lambda now: METRIC in "".join(now.rows[:2])).until("25 %")
    together = pace(backends)
    assert alone <= 1
    assert together <= 1
    backends.service.error_ratio = 0.75
    for screen in screens:
        screen.until("75 %")
    ana.press("p")
    ana.until("entry 5 synced")
    cleo.press("W")
    cleo.until("you go your own way again")


def pace(backends: Backends, steps: int = 4) -> float:
    """Range queries that Prometheus counts for each step, without the one that stands at the fence."""
    before, began = backends.queries(), time.monotonic()
    backends.prometheus.wait_until(lambda: backends.queries() >= before + steps, "asked")
    asked, spent = backends.queries() - before, time.monotonic() - began
    return (asked - 1) / (spent / STEP)


def evidence_opens_in_the_console(screen: Terminal) -> None:
    """Enter on each entry opens what it pinned, with no server behind it, and Esc leads back to the entry."""
    leave_pane(screen)
    screen.press("2")
    keys = {3: "end", 2: "up", 1: "up"}
    for number, words in ((3, "75 %"), (2, "payment.Charge"), (1, "order 4 refused")):
        screen.press(keys[number])
        screen.until(lambda now, number=number: selected(now) == number).press("enter")  # type: ignore[misc]
        screen.until(lambda now, number=number: f"evidence {number}" in "".join(now.rows[:2]))  # type: ignore[misc]
        screen.until(words)
        leave_pane(screen)


def leave_pane(screen: Terminal) -> None:
    """Back to the board: first from the cursor, if there is one, then from the pane."""
    if "cursor" in screen.rows[0]:
        screen.press("escape")
        screen.until(lambda now: "cursor" not in now.rows[0])
    screen.press("escape")
    screen.until("Timeline")


def selected(screen: Terminal) -> int:
    """The number of the evidence whose entry is selected, as its fine print tells; 0 for none."""
    above, found, _ = screen.text.partition("· evidence-pinned")
    numbers = re.findall(r"Evidence (\d+)", above) if found else []
    return int(numbers[-1]) if numbers else 0


def evidence_is_in_commands_and_documents(owner: Person, incident: str) -> None:
    """The lines, the waterfall and the curve, from the log alone."""
    lines, trace, metric = (owner.run("evidence", "show", incident, str(number)) for number in (1, 2, 3))
    assert all(f"order {number} refused: no connection left" in lines for number in range(5))
    assert "listening on 8080" in lines
    assert "payment.Charge" in trace
    assert "GET /checkout" in trace
    assert METRIC in metric
    assert "last 75" in metric
    document = owner.run("postmortem", incident)
    for words in (LOGS, "order 4 refused: no connection left", "payment.Charge", METRIC, "last 75"):
        assert words in document, f"{words!r} is not in\n{document}"
    assert owner.run("verify", incident).startswith(f"{incident}: whole")
