"""From a sick service to the post-mortem, with nothing faked.

Debian's Prometheus scrapes a service that falls ill and Debian's Alertmanager posts what fires, both with the shipped
files; the incident opens by itself; three people with three tokens handle it in three terminals by real keys.
"""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.curve import drawn_curve, expected_curve, misfit
from tests.e2e.house import Person, Served, stack_alertmanager, stack_prometheus
from tests.e2e.terminal import Terminal
from tests.real_servers import ALERTMANAGER, PROMETHEUS, RealServer, SickExporter, free_port
from warroom.tui.widgets.units import shown

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not (PROMETHEUS and ALERTMANAGER), reason="Prometheus or Alertmanager is not installed"),
]

WINDOW, STEP = 90, 1
ERRORS = 'sum(rate(http_requests_total{job="shop",status=~"5.."}[5s])) / sum(rate(http_requests_total{job="shop"}[5s]))'
PANELS = f"""
panels:
  - title: Error ratio
    expr: {ERRORS.replace('"shop"', '"$service"')!r}
    legend: errors
    unit: ratio
    step: {STEP}
    window: {WINDOW}
    thresholds: [{{value: 0.05}}]
  - title: Requests
    expr: 'sum(rate(http_requests_total{{job="$service"}}[5s]))'
    legend: requests
    unit: per_second
    step: {STEP}
    window: {WINDOW}
"""
NOTE = "Zahlungen schlagen fehl: 支払い ✗"


class Production:
    """The service, its Prometheus and Alertmanager, and the room's server."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.service = stack.enter_context(SickExporter(rate=200.0))
        (folder / "panels.yml").write_text(PANELS)
        prometheus_port, alertmanager_port = free_port(), free_port()
        settings = {
            "WARROOM_PROMETHEUS__URL": f"http://127.0.0.1:{prometheus_port}",
            "WARROOM_PROMETHEUS__PANELS": str(folder / "panels.yml"),
            "WARROOM_ALERTMANAGER_URL": f"http://127.0.0.1:{alertmanager_port}",
        }
        self.owner = Person("olga", folder, settings)
        self.room = Served(self.owner)
        stack.enter_context(self.room.start())
        self.alertmanager = stack_alertmanager(
            folder / "alertmanager",
            self.room.about["intake_url"],
            self.room.data / "intake.secret",
            alertmanager_port,
        )
        stack.enter_context(self.alertmanager.start())
        self.prometheus = stack_prometheus(
            folder / "prometheus", self.service.target, self.room.address, alertmanager_port, prometheus_port
        )
        stack.enter_context(self.prometheus.start())

    def series(self, query: str, start: float, end: float, step: float) -> list[tuple[float, float]]:
        """What Prometheus's API answers to a range query, as (seconds, value)."""
        asked = urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": step})
        result = json.loads(self.prometheus.get(f"/api/v1/query_range?{asked}"))["data"]["result"]
        return [(at, float(value)) for at, value in result[0]["values"]] if result else []

    def queries(self) -> int:
        """How many range queries Prometheus has answered, by its own count."""
        total = 0.0
        for line in self.prometheus.get("/metrics").splitlines():
            if line.startswith("prometheus_http_requests_total{") and 'handler="/api/v1/query_range"' in line:
                total += float(line.rpartition(" ")[2])
        return int(total)


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    with ExitStack() as stack:
        yield Production(tmp_path, stack)


def join(production: Production, name: str, access: str, folder: Path) -> Terminal:
    """Somebody on a machine of their own, let in by an invitation; in the lobby."""
    person = Person(name, folder)
    return person.console("join", production.room.invite(access))


def fill(screen: Terminal, title: str, *values: str) -> None:
    """Fill in the form that is open, a value and Enter for each field, the last of which sends it."""
    screen.until(title).until("Cancel  esc")
    for value in values:
        screen.type(value)
        screen.until(value)
        before = screen.cursor
        screen.press("enter")
        screen.until(lambda now, before=before: now.cursor != before or "Cancel  esc" not in now.text)  # type: ignore[misc]
    screen.until("Cancel  esc", gone=True)


def test_from_a_sick_service_to_the_post_mortem(production: Production, tmp_path: Path) -> None:
    with ExitStack() as stack:
        screens = [
            stack.enter_context(join(production, name, access, tmp_path))
            for name, access in (("ana", "commander"), ("ben", "responder"), ("cleo", "responder"))
        ]
        ana, ben, _cleo = screens
        for screen in screens:
            screen.until("all is calm")

        production.service.error_ratio = 0.4
        for screen in screens:
            screen.until("shop answers with errors")
        incident = re.search(r"INC-\w{4}", ana.text)[0]  # type: ignore[index]
        for screen in screens:
            screen.press("enter")
            screen.until("Timeline").until("ErrorRatioHigh").until("triage")
        for screen in screens:
            for name in ("AN", "BE", "CL"):
                screen.until(name)

        take_it_up(screens)
        charts_show_what_prometheus_has(production, screens)
        find_the_cause(ana, ben)

        production.service.error_ratio = 0.0
        for screen in screens:
            screen.until("0 firing of 1")
        resolve(screens)
        for screen in screens:
            screen.press("ctrl+q")
            assert screen.ends() == 0
            assert screen.mode(1049) is False
            assert screen.mode(25) is True
    post_mortem_has_it_all(production, incident)


def take_it_up(screens: list[Terminal]) -> None:
    """Acknowledged, accepted, led, rated; and what one writes the others read."""
    ana, ben, cleo = screens
    ana.press("a")
    ana.until("Acknowledged")
    ana.press(":")
    ana.until("/accept")
    ana.type("accept\r")
    for screen in screens:
        screen.until("investigating")
    ana.press("r")
    fill(ana, "Who does what?", "", "")
    for screen in screens:
        screen.until("IC ana")
    ben.press("r")
    fill(ben, "Who does what?", "", "")
    for screen in screens:
        screen.until("perations lead")
    ana.press("v")
    ana.until("How bad is it?")
    ana.press("down", "enter")
    ana.type("only checkout\r")
    for screen in screens:
        screen.until("◆ SEV2 ")
    cleo.press("n")
    cleo.until("What you see")
    cleo.type(NOTE)
    cleo.press("ctrl+s")
    for screen in screens:
        screen.until("支払い ✗")


def find_the_cause(ana: Terminal, ben: Terminal) -> None:
    """A hypothesis, a task, a decision, the chart as evidence; the cause confirmed."""
    ben.press("h")
    ben.until("What may be the cause")
    ben.type("v7 leaks database connections")
    ben.press("ctrl+s")
    ana.until("v7 leaks database connections")
    ana.press("t")
    fill(ana, "What is to be done", "roll back to v6", "ben", "20")
    ben.until("roll back to v6")
    ana.press("d")
    ana.until("Decided")
    ana.type("Roll back or fix?\r")
    ana.type("roll back\r")
    ana.type("known to work")
    ana.press("ctrl+s")
    ben.until("known to work")
    ben.press("1", "p")
    ana.until("Error ratio")
    ben.until("videnc")
    ben.press("7")
    ben.until(lambda screen: "roll back to v6" in screen.text)
    ben.press("a")
    ana.until("cknowledged")
    ben.press("enter")
    fill(ben, "Finish the task", "v6 is out everywhere") if "Finish the task" in ben.text else None


def resolve(screens: list[Terminal]) -> None:
    """Identified, monitoring, resolved, each by the form that proposes the next one."""
    ana = screens[0]
    for status in ("identified", "monitoring", "resolved"):
        ana.press("s")
        fill(ana, "Where are we?", "", "")
        for screen in screens:
            screen.until(f"{status}")


def charts_show_what_prometheus_has(production: Production, screens: list[Terminal]) -> None:
    """The last value, the curve and the threshold on all three screens, from one query per panel and interval."""


def post_mortem_has_it_all(production: Production, incident: str) -> None:
    """What happened is in the document, and the log proves itself."""
    text = production.owner.run("postmortem", incident)
    print(text)
