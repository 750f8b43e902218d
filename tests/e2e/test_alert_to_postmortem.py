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

from tests.e2e.curve import drawn, misfits
from tests.e2e.house import Person, Served, stack_alertmanager, stack_prometheus
from tests.e2e.terminal import Terminal
from tests.real_servers import ALERTMANAGER, PROMETHEUS, SickExporter, free_port
from warroom.tui.widgets.units import shown

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not (PROMETHEUS and ALERTMANAGER), reason="Prometheus or Alertmanager is not installed"),
]

WINDOW, STEP, PANEL_COUNT = 90, 1, 2
REQUESTS = 'sum(rate(http_requests_total{job="shop"}[5s]))'
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
    expr: {REQUESTS.replace('"shop"', '"$service"')!r}
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
            "WARROOM_ALERTMANAGER__URL": f"http://127.0.0.1:{alertmanager_port}",
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
    """Fill in the form that is open: a value for each field, Enter to go on, and what sends it after the last."""
    screen.until(title).until("Cancel  esc")
    for place, value in enumerate(values, start=1):
        screen.type(value)
        screen.until(lambda now, value=value: value in now.rows[now.cursor[0]])  # type: ignore[misc]
        before = screen.cursor[0]
        screen.press("ctrl+s" if place == len(values) else "enter")
        screen.until(lambda now, before=before: now.cursor[0] != before or "Cancel  esc" not in now.text)  # type: ignore[misc]
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
    ana.press("down")
    fill(ana, "How bad is it?", "", "only checkout")
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
    fill(ben, "What may be the cause", "v7 leaks connections")
    ana.until("v7 leaks connections")
    ana.press("t")
    fill(ana, "What is to be done", "roll back to v6", "ben", "20")
    ben.until("roll back to v6")
    ana.press("d")
    fill(ana, "Decided", "Roll back or fix?", "roll back", "known to work")
    ben.until("ana: roll back")
    ben.press("1", "p")
    ana.until("Evidence")
    ben.press("7")
    ben.press("a")
    ben.until("acknowledged")
    ben.press("enter")
    fill(ben, "Task done", "v6 is out everywhere")
    ana.until("v6 is out everywhere")
    ben.press("8")
    ben.until("Causes and decisions")
    ben.press("enter")
    fill(ben, "Confirm", "no leak with v6")
    ben.until("confirmed by ben")
    ben.press("escape")
    ana.press("u")
    fill(ana, "Publish an update", "Payments work.")
    ben.until("Payments work.")


def resolve(screens: list[Terminal]) -> None:
    """Identified, monitoring, resolved, each by the form that proposes the next one."""
    ana = screens[0]
    for left in ("investigating", "identified", "monitoring"):
        ana.press("s")
        fill(ana, "Where are we?", "", "")
        for screen in screens:
            screen.until(f"✓ {left}")


def charts_show_what_prometheus_has(production: Production, screens: list[Terminal]) -> None:
    """The last value, the curve and the threshold on all three screens, from one query per panel and interval."""
    asked, since = production.queries(), time.monotonic()
    screens[0].until(lambda _: production.queries() >= asked + 16)
    asked, spent = production.queries() - asked, time.monotonic() - since
    assert asked <= PANEL_COUNT * (spent / STEP + 1), f"{asked} queries in {spent:.1f} s for {PANEL_COUNT} panels"

    for screen in screens:
        for title, query, unit, factor in (("Error ratio", ERRORS, "ratio", 100.0), ("Requests", REQUESTS, "ops", 1.0)):
            chart, now = drawn(screen, title), time.time()
            latest = production.series(query, now - 6, now, 0.05)
            assert chart.value in {shown(value, unit).text for _, value in latest}
            known = production.series(query, now - WINDOW - 10, now, 0.25)
            assert max(height or 0 for height in chart.heights) > chart.dots / 2
            wrong = misfits(chart, known, now, WINDOW, 3.0, factor)
            assert not wrong, f"{screen.name}: {title}: {wrong}\n{screen.text}"
        ratio = drawn(screen, "Error ratio")
        assert ratio.threshold_row is not None
        assert abs(ratio.threshold_row - (ratio.dots - 1 - 5 / ratio.top * (ratio.dots - 1)) // 4) <= 1


def post_mortem_has_it_all(production: Production, incident: str) -> None:
    """What happened is in the document, and the log proves itself."""
    owner = production.owner
    text = owner.run("postmortem", incident)
    for words in (
        f"# Post-mortem {incident}: shop answers with errors",
        "SEV2 (at worst SEV1)",
        "| Led by | ana |",
        "Alert ErrorRatioHigh",
        "| ErrorRatioHigh | critical | shop |",
        NOTE,
        "| ana | Incident commander",
        "| ben | Operations lead",
        "| cleo |",
        "**Confirmed: v7 leaks connections**",
        "confirmed by ben",
        "| T1 | roll back to v6 | ben | done",
        "v6 is out everywhere",
        "- **roll back** (D1, ana at",
        "Because: known to work",
        "### 1. Error ratio",
        "Payments work.",
        "MTTA (time to acknowledge)",
    ):
        assert words in text, f"{words!r} is not in\n{text}"
    # Four in ten requests fail; a rate over a few scrapes is a little beside that.
    last = re.search(r"last (\d+(?:\.\d+)?) %", text)
    assert last is not None, text
    assert 33 <= float(last[1]) <= 47, text
    for left, reached in (("investigating", "identified"), ("identified", "monitoring"), ("monitoring", "resolved")):
        assert f"Status {left} → {reached}" in text
    assert "still firing" not in text
    assert "not on the log" not in text.split("resolved\\_at")[1].splitlines()[0]
    owner.run("verify", incident)
    entries = owner.run("log", incident, "--json").splitlines()
    assert [json.loads(line)["seq"] for line in entries] == list(range(1, len(entries) + 1))
    assert len(owner.json("list", "--all")["incidents"]) == 1
