"""The team of the demo: the automated colleagues of every exercise, and one who leads them through it.

Who leads waits for whoever watches: there is time to act, and without anybody the team comes to the end by itself.

Invariant: they know a `PlayerView` and nothing else, as people do; what is told of figures was asked of the telemetry.
"""

from __future__ import annotations

from collections.abc import Sequence

from warroom.demo import replies
from warroom.demo.stage import Stage
from warroom.demo.story import Story
from warroom.incident.state import Entry
from warroom.tabletop.bots.team import fresh
from warroom.tabletop.deeds import Act
from warroom.tabletop.look import PlayerView
from warroom.tabletop.responders import TEAM, Colleagues

LEAD = "ana"
CAST = (LEAD, *TEAM)
_THINKS = 3
"""Seconds until somebody answers."""


class Crew:
    """Five people beside `you`, who come in at second `arrives`."""

    name = "crew"
    team = CAST

    def __init__(self, seed: int, you: str, arrives: int) -> None:
        self._colleagues = Colleagues(seed, comes=(18, 34), sits=(8, 26))
        self._stage = Stage(LEAD, you, arrives)
        self._story = Story(self._stage)
        self._read = 0
        self._answers: list[tuple[int, str]] = []

    def act(self, view: PlayerView) -> Sequence[Act]:
        """What they ask for in this second."""
        exercise = view.state.exercise
        if exercise is None or not exercise.running:
            return ()
        asked = list(self._colleagues.act(view))
        self._stage.look(view)
        for entry in fresh(view.state, self._read, "chat-posted"):
            if entry.actor not in CAST and entry.actor not in exercise.hosts:
                self._hear(entry, view)
        self._read = view.state.seq
        for due, text in [one for one in self._answers if one[0] <= view.second]:
            self._answers.remove((due, text))
            self._stage.say(LEAD, text)
        self._story.go_on()
        return [*asked, *self._stage.taken()]

    def _hear(self, entry: Entry, view: PlayerView) -> None:
        """What a person says to nobody by name, or to whoever leads, is answered by whoever leads."""
        said = set(replies.words_of(entry.text)) | set(replies.mentioned(entry.text))
        if said & set(TEAM):
            return
        if replies.is_wait(entry.text):
            self._stage.held = True
            text = "we wait. Say go when you want it done."
        elif replies.is_yes(entry.text):
            self._stage.held, self._stage.agreed = False, True
            text = "good. Then we do it."
        else:
            text = replies.answer(entry.text, view.state, self._stage.moment, LEAD)
        self._answers.append((view.second + _THINKS, f"@{entry.actor} {text}"))
