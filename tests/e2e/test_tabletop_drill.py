"""A whole exercise in pseudo-terminals: a host and two players, real keys, from the invitation to the review.

Real backends are configured throughout, at a door that counts who comes: during an exercise nobody may.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.e2e.house import Person
from tests.e2e.terminal import Terminal
from tests.e2e.test_alert_to_postmortem import fill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

LONG = 120.0
"""Seconds for what takes minutes of the exercise."""


class Trap:
    """A port of this machine that whatever is configured points to. `come` is how many connected."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.come = 0
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            self.come += 1
            peer.close()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.close()


class Drill:
    """A host's terminal and those of two players, all in the room while the exercise runs."""

    def __init__(self, folder: Path, stack: ExitStack, trap: Trap, scenario: str, speed: str) -> None:
        url = f"http://127.0.0.1:{trap.port}"
        backends = ("PROMETHEUS", "LOKI", "JAEGER", "GRAFANA", "ALERTMANAGER")
        self.host = Person("hana", folder, {f"WARROOM_{name}__URL": url for name in backends})
        run = ("tabletop", "run", scenario, "--players", "2", "--speed", speed)
        self.screen = stack.enter_context(self.host.console(*run))
        self.screen.until("Press any key", within=LONG)
        codes = re.findall(r"warroom join (\S+#\S+)", self.screen.text)
        assert len(codes) == 2, self.screen.text
        self.players = [
            stack.enter_context(Person(name, folder).console("join", code, "--name", name))
            for name, code in zip(("ana", "ben"), codes, strict=True)
        ]
        self._opens()
        self.incident = re.search(r"INC-\w{4,8}", self.screen.text)[0]  # type: ignore[index]
        for player in self.players:
            player.until("EXERCISE").until("triage")
            player.press("enter")
            player.until("Timeline")
        for one in (self.screen, *self.players):
            one.until("PAUSED", gone=True)

    def _opens(self) -> None:
        """Press a key until the host's screen opens: what is typed before the terminal waits for a key is dropped."""
        for _ in range(20):
            self.screen.press("enter")
            with suppress(AssertionError):
                self.screen.until("PAUSED", within=6.0)
                return
        self.screen.until("PAUSED")

    def leave(self) -> None:
        """Everybody goes; each terminal is as it was before."""
        for screen in (*self.players, self.screen):
            screen.press("ctrl+q")
            assert screen.ends() == 0
            assert screen.mode(1049) is False

    def review(self) -> str:
        """The report, read by the host."""
        return self.host.run("tabletop", "review", self.incident)


def says(screen: Terminal, words: str) -> None:
    """Do something by its word."""
    screen.press(":")
    screen.until(f"/{words.split()[0]}")
    screen.type(f"{words}\r")


def proposes(screen: Terminal, words: str, percent: str) -> None:
    """Say in the open form what may be the cause, and how likely it is."""
    screen.until("What may be the cause").until("Cancel  esc")
    screen.type(words)
    screen.until(words)
    screen.press("tab")
    screen.type(percent)
    screen.until(percent)
    screen.press("ctrl+s")
    screen.until("Cancel  esc", gone=True)


def test_a_deploy_is_found_and_taken_back(tmp_path: Path, trap: Trap) -> None:
    with ExitStack() as stack:
        drill = Drill(tmp_path, stack, trap, "first-drill", "5x")
        ana, ben = drill.players
        drill.screen.press("E")
        drill.screen.until("Facilitator").until("error rate cart")
        ana.press("r")
        fill(ana, "Who does what?", "", "")
        ana.until("IC ana")
        ben.until("HighErrorRatio", within=LONG)
        says(ana, "accept")
        ben.until("investigating")
        ben.press("h")
        proposes(ben, "the deploy of cart v303", "90")
        ana.press("8")
        ana.until("Causes and decisions").until("the deploy of cart v303").until("90%")
        ana.press("escape")
        ben.press("X")
        ben.until("Roll the basket service back")
        ben.press("enter")
        ben.until("Ask for")
        ben.press("ctrl+s")
        drill.screen.until("Roll the basket", within=LONG)
        ana.press("u")
        fill(ana, "Publish an update", "Impact: baskets fail. We do: roll back cart.")
        ben.until("done: All basket replicas run v302", within=LONG)
        for left in ("investigating", "identified", "monitoring"):
            ana.press("s")
            fill(ana, "Where are we?", "", "")
            ana.until(f"✓ {left}")
        for screen in (drill.screen, ana, ben):
            screen.until("finished", within=LONG)
        drill.leave()
    text = drill.review()
    for words in ("EXERCISE", "cart v303", "Roll the basket service back", "finished"):
        assert words in text, words
    score = json.loads(drill.host.run("tabletop", "review", drill.incident, "--format", "json"))
    assert score["total"] > 50
    assert trap.come == 0, "something reached outside"


def test_nothing_is_wrong_and_the_team_says_so(tmp_path: Path, trap: Trap) -> None:
    with ExitStack() as stack:
        drill = Drill(tmp_path, stack, trap, "noop-noise", "10x")
        ana, ben = drill.players
        ana.press("r")
        fill(ana, "Who does what?", "", "")
        ben.until("IC ana")
        ben.press("M")
        ben.until("opens the query line")
        ben.press("escape")
        ben.until("Timeline")
        ben.press("h")
        proposes(ben, "nothing is wrong: a false alarm", "80")
        says(ana, "decline All figures are within bounds: a false alarm")
        ana.until("Decline?")
        ana.press("y")
        ana.until("Decline?", gone=True)
        for screen in (drill.screen, ana, ben):
            screen.until("finished", within=LONG)
        drill.leave()
    assert "a false alarm" in drill.review()
    score = json.loads(drill.host.run("tabletop", "review", drill.incident, "--format", "json"))
    assert score["total"] > 40
    assert trap.come == 0, "something reached outside"
