"""Nothing is forgotten: each event has its fold and its sentence, each command its rule and what it requires."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache

import pytest
from hypothesis import Phase, find, settings

from tests.incident.core_room import BEN, CHIEF, JANA, WATCHER, CoreRoom, person
from tests.incident.core_strategies import of_model
from warroom.incident import commands as c
from warroom.incident import events as e
from warroom.incident.decide import AFTER_THE_END, RULES, decide, may_see
from warroom.incident.describe import _SENTENCES, describe
from warroom.incident.evolve import FOLDS
from warroom.incident.record import kind_of
from warroom.incident.rules.rule import Need
from warroom.incident.state import IncidentState
from warroom.incident.verdict import Reason, Refusal
from warroom.incident.words import Access, Duty

EVENTS = e.Event.__subclasses__()
COMMANDS = c.Command.__subclasses__()


@cache
def sample_of(model):
    """Any one of that model."""
    quick = settings(max_examples=1, phases=[Phase.generate], database=None)
    return find(of_model(model), lambda _: True, settings=quick)


@pytest.mark.parametrize("event", EVENTS, ids=lambda cls: cls.TAG)
def test_each_event_has_a_fold_and_a_sentence(event):
    assert event in FOLDS
    assert event in _SENTENCES
    assert e.TAGS[event.TAG] is event
    sample = sample_of(event)
    assert describe(sample)
    assert e.EVENT.validate_python(sample.model_dump()) == sample


def test_no_fold_or_sentence_is_for_an_event_that_is_not():
    assert set(FOLDS) == set(_SENTENCES) == set(EVENTS)


def test_each_command_has_a_rule_and_a_requirement():
    assert set(RULES) == set(COMMANDS)
    assert all(isinstance(need, Need) for need, _ in RULES.values())
    assert set(COMMANDS) >= AFTER_THE_END


def test_tags_are_kebab_names_of_their_classes():
    for cls in (*EVENTS, *COMMANDS):
        words = "".join(f" {letter}" if letter.isupper() else letter for letter in cls.__name__).split()
        assert "-".join(words).lower() == kind_of(cls.TAG)
        assert re.fullmatch(r"[a-z-]+(\.[2-9])?", cls.TAG)
    assert all("." not in cls.TAG for cls in COMMANDS)


# What a bare responder, a commander's token, and the one who holds command may ask, while another person leads.
LEADERS_ONLY = {
    "accept-incident", "decline-incident", "change-severity", "change-status", "reopen-incident", "merge-incident",
    "absorb-incident",
}  # fmt: skip
COMMANDER_ACCESS_ONLY = {"redact-entry", "change-privacy", "add-member", "remove-member"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.TAG)
def test_every_command_by_every_access_level(command):
    sample = sample_of(command)
    room = CoreRoom.declared()
    room.does(c.TakeCommand(), JANA)
    state = IncidentState() if command is c.DeclareIncident else room.state

    def barred(actor) -> bool:
        verdict = decide(state, sample, actor, room.at)
        return isinstance(verdict, Refusal) and verdict.words in {
            "an observer may read, and change nothing",
            "this needs commander access",
            "this is for the incident commander (jana) or commander access",
        }

    assert barred(WATCHER)
    assert barred(BEN) == (command.TAG in LEADERS_ONLY | COMMANDER_ACCESS_ONLY)
    assert barred(JANA) == (command.TAG in COMMANDER_ACCESS_ONLY)
    assert not barred(CHIEF)
    assert not barred(person("root", Access.ADMIN))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.TAG)
def test_nobody_learns_of_what_they_may_not_see(command):
    if command is c.DeclareIncident:
        return
    sample = sample_of(command)
    secret = CoreRoom.declared(private=True)
    nothing = CoreRoom()
    scoped = person("ben", Access.ADMIN, "INC-0000")
    for room, actor in ((secret, BEN), (secret, WATCHER), (secret, scoped), (nothing, CHIEF)):
        verdict = decide(room.state, sample, actor, room.at)
        assert verdict == Refusal(Reason.NOT_FOUND, "there is no incident INC-7K3Q")
        assert not may_see(room.state, actor)


def test_who_may_see_a_private_incident():
    room = CoreRoom.declared(private=True)
    assert may_see(room.state, JANA)
    assert may_see(room.state, CHIEF)
    assert not may_see(room.state, BEN)
    room.does(c.AssignRole(duty=Duty.SME, who="ben"), JANA)
    assert may_see(room.state, BEN)
    room.does(c.ReleaseRole(duty=Duty.SME, who="ben"), JANA)
    assert not may_see(room.state, BEN)
    room.does(c.AddMember(who="ben"), CHIEF)
    assert may_see(room.state, BEN)
    room.does(c.RemoveMember(who="ben"), CHIEF)
    assert not may_see(room.state, BEN)
    room.does(c.ChangePrivacy(private=False), CHIEF)
    assert may_see(room.state, BEN)
    assert may_see(room.state, WATCHER)


@pytest.mark.parametrize("access", Access)
def test_scopes_bound_every_access_level(access):
    room = CoreRoom.declared()
    assert not may_see(room.state, person("ben", access, "INC-0000"))
    assert may_see(room.state, person("ben", access, "INC-0000", room.state.id))
    refused = decide(IncidentState(), c.DeclareIncident(title="x"), person("ben", access, room.state.id), room.at)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NOT_ALLOWED


CORE_WITHOUT_MODELS = (
    "words",
    "state",
    "vector",
    "ids",
    "text",
    "record",
    "record_json",
    "snapshot",
    "measures",
    "lobby",
    "observed",
)


def test_what_the_first_paint_needs_loads_no_pydantic():
    imports = "; ".join(f"import warroom.incident.{name}" for name in CORE_WITHOUT_MODELS)
    program = f"{imports}; import sys; print(sorted(m for m in sys.modules if m.partition('.')[0] == 'pydantic'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
