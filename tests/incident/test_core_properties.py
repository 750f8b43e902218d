"""What holds for every history: determinism, replay from any prefix, snapshots, sharing, totality."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.incident.core_room import CHIEF, ID, START, CoreRoom, plain
from tests.incident.core_strategies import actors, commands, events, loose_records
from warroom.incident import commands as c
from warroom.incident.chain import verify
from warroom.incident.commands import COMMAND, Command
from warroom.incident.decide import decide
from warroom.incident.decode import fold, payload_of, read_event
from warroom.incident.events import EVENT, TAGS, Event
from warroom.incident.evolve import evolve
from warroom.incident.lobby import lobby_line
from warroom.incident.measures import measures
from warroom.incident.record import Record
from warroom.incident.snapshot import decode, encode
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Refusal

histories = st.lists(st.tuples(commands, actors), min_size=1, max_size=40)
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def played(history: list[tuple[Command, Actor]]) -> CoreRoom:
    room = CoreRoom.declared()
    for command, actor in history:
        room.say(command, actor)
    return room


@given(histories)
@SLOW
def test_every_command_is_answered_and_what_it_leads_to_can_be_read_again(history):
    room = CoreRoom.declared()
    for command, actor in history:
        before, length = room.state, len(room.log)
        verdict = room.say(command, actor)
        assert decide(before, command, actor, room.at) == verdict
        if isinstance(verdict, Refusal):
            assert verdict.words
            assert room.state is before
        else:
            assert [read_event(record) for record in room.log[length:]] == [p.event for p in verdict]
    assert verify(room.log) is None
    assert plain(fold(room.log)) == plain(room.state)
    assert not room.state.opaque


@given(histories, st.data())
@SLOW
def test_a_replay_may_stop_anywhere_and_go_on_from_a_snapshot(history, data):
    room = played(history)
    cut = data.draw(st.integers(0, len(room.log)))
    half = fold(room.log[:cut])
    assert plain(fold(room.log[cut:], half)) == plain(room.state)
    assert plain(fold(room.log[cut:], decode(encode(half)))) == plain(room.state)


@given(histories)
@SLOW
def test_a_snapshot_is_exact_after_every_record(history):
    state = IncidentState()
    for record in played(history).log:
        state = evolve(state, record, read_event(record))
        again = decode(encode(state))
        assert plain(again) == plain(state)
        assert encode(again) == encode(state)


@given(st.lists(loose_records(), max_size=40))
@SLOW
def test_no_sequence_of_records_can_break_the_fold(loose):
    state = IncidentState()
    for record, event in loose:
        # Mostly the next in line, so that most of what is drawn takes effect.
        placed = replace(record, seq=state.seq + 1 if record.seq >= 0 else record.seq)
        after = evolve(state, placed, event)
        if placed.seq != state.seq + 1 or (state.id and placed.incident != state.id):
            assert after is state
        else:
            assert after.seq == state.seq + 1 == len(after.timeline)
            assert after.timeline[-1].seq == after.seq
            assert plain(evolve(state, placed, event)) == plain(after)
        state = after
        lobby_line(state)
        measures(state)
    assert plain(decode(encode(state))) == plain(state)


@given(st.lists(loose_records(), max_size=30), commands, actors)
@SLOW
def test_decide_answers_on_any_state(loose, command, actor):
    state = IncidentState(id=ID)
    for record, event in loose:
        state = evolve(state, replace(record, seq=state.seq + 1, incident=ID), event)
    verdict = decide(state, command, actor, START)
    assert isinstance(verdict, tuple | Refusal)


@given(histories)
@SLOW
def test_a_slice_that_did_not_change_is_the_same_object(history):
    state = IncidentState()
    for record in played(history).log:
        after = evolve(state, record, read_event(record))
        for field in fields(IncidentState):
            old, new = getattr(state, field.name), getattr(after, field.name)
            if field.name in {"timeline", "participants", "seq", "head_hash"}:
                continue
            if plain(old) == plain(new) and not isinstance(old, str | int | bool):
                assert new is old or not old, field.name
        changed = [old.seq for old, new in zip(state.timeline, after.timeline, strict=False) if new is not old]
        assert len(changed) <= 1
        assert not changed or record.tag in {"entry-corrected", "entry-pinned", "entry-unpinned", "entry-redacted"}
        state = after


@given(events)
@SLOW
def test_an_event_survives_its_canonical_bytes(event: Event):
    payload = payload_of(event)
    again = EVENT.validate_json(payload)
    assert again == event
    assert type(again) is TAGS[event.TAG]
    assert payload_of(again) == payload


@given(commands)
@SLOW
def test_a_command_survives_its_json(command: Command):
    assert COMMAND.validate_json(command.model_dump_json()) == command


SECRET = "hunter2-secret"
WORDY = (
    c.AddNote(text=SECRET),
    c.PostChat(text=SECRET),
    c.ChangeSummary(summary=SECRET),
    c.ChangeTitle(title=SECRET),
    c.DescribeImpact(text=SECRET),
    c.AddTask(title=SECRET, assignee="ben"),
    c.ProposeHypothesis(text=SECRET),
    c.OpenDecision(question=SECRET, options=(SECRET,)),
    c.RaiseObjection(decision=1, text=SECRET),
    c.PinEvidence(evidence={"title": SECRET, "query": SECRET, "note": SECRET}),
    c.PinEvidence(evidence={"title": "errors", "kind": "logs", "data": f'{{"lines":[{{"text":"{SECRET}"}}]}}'}),
    c.AddPanel(panel={"title": SECRET, "query": f'rate({{key="{SECRET}"}}[5m])'}),
    c.AddLink(title="wiki", url=f"https://example.test/{SECRET}"),
    c.RecordChange(text=SECRET),
    c.PublishUpdate(text=SECRET),
    c.CorrectEntry(entry=1, text=SECRET),
    c.FinishTask(task=1, result=SECRET),
    c.DropTask(task=2, reason=SECRET),
    c.SupportHypothesis(hypothesis=1, evidence=SECRET),
    c.RefuteHypothesis(hypothesis=1, evidence=SECRET),
    c.TakeDecision(decision=1, choice=SECRET, reason=SECRET),
    c.AttachAlert(
        alert={"fingerprint": "f1", "name": "Sick", "starts_at": START, "summary": SECRET, "labels": {"who": SECRET}}
    ),
    c.CompleteStep(playbook="db", step="a", result=SECRET),
    c.SkipStep(playbook="db", step="b", reason=SECRET),
)
BOOK = {"id": "db", "title": "Database", "version": 1, "steps": ({"id": "a", "title": "A"}, {"id": "b", "title": "B"})}
_WORDS = {"sources", "title", "summary", "impact"}


def tombstoned(log: list[Record]) -> list[Record]:
    """The log as the store keeps it after every redaction on it."""
    gone = {event.entry for record in log if (event := read_event(record)) and event.TAG == "entry-redacted"}
    return [replace(r, payload=None, salt=None) if r.seq in gone else r for r in log]


@given(st.lists(st.tuples(commands, actors), max_size=12), st.permutations(WORDY), st.lists(commands, max_size=12))
@settings(SLOW, max_examples=60)
def test_redaction_takes_the_words_from_the_live_state_and_leaves_what_a_refold_finds(before, wordy, after):
    room = CoreRoom.declared()
    room.does(c.OpenDecision(question="Roll back?"))
    room.does(c.AttachPlaybook(playbook=BOOK))
    room.does(c.ProposeHypothesis(text="the cache"))
    for title in ("one", "two"):
        room.does(c.AddTask(title=title, assignee="ben"))
    for command, actor in before:
        room.say(command, actor)
    secret: list[int] = []
    for command in wordy:
        if room.state.status.is_over:
            room.say(c.ReopenIncident(reason="again"), CHIEF)
        length = len(room.log)
        room.say(command, CHIEF)
        secret.extend(record.seq for record in room.log[length:])
    for command in after:
        room.say(command, CHIEF)
    for seq in secret:
        room.say(c.RedactEntry(entry=seq, reason="a password"), CHIEF)
    kept = tombstoned(room.log)
    assert verify(kept) is None
    refolded = fold(kept)
    for state in (room.state, refolded):
        assert SECRET.encode() not in encode(state)
    assert not any(SECRET.encode() in (record.payload or b"") for record in kept)
    for field in fields(IncidentState):
        if field.name not in _WORDS:
            live, cold = plain(getattr(room.state, field.name)), plain(getattr(refolded, field.name))
            assert live == cold, field.name
