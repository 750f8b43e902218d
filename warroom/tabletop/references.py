"""Whether every id that a scenario names is one that it has.

Invariant: pure; gives places and sentences, in the order of the file's sections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import TypeAlias

from warroom.document import ValuePath
from warroom.incident.words import Duty
from warroom.tabletop.expressions import condition, number
from warroom.tabletop.model import Scenario
from warroom.tabletop.vocabulary import ACTION_STATES, FAULT_STATES, INJECT_STATES, Reference

Wrong: TypeAlias = tuple[ValuePath, str]


def wrong_references(scenario: Scenario) -> Iterator[Wrong]:
    """Each id that is there twice or names nothing, with a sentence that says so."""
    yield from _twice(scenario)
    yield from _of_parts(scenario)
    yield from _of_actions(scenario)
    yield from _of_the_truth(scenario)
    for path, text, is_number in expressions_of(scenario):
        read = number(text) if is_number else condition(text)
        for reference in read.references:
            yield from _spoken(scenario, path, reference)
    yield from _of_events(scenario)


def expressions_of(scenario: Scenario) -> Iterator[tuple[ValuePath, str, bool]]:
    """Every expression of a scenario with its place, and whether it is a number."""
    for i, slo in enumerate(scenario.world.slo):
        yield ("world", "slo", i, "sli"), slo.sli, True
    for section in ("faults", "observability_faults"):
        for i, fault in enumerate(getattr(scenario, section)):
            yield from _given(((section, i, "when"), fault.when), ((section, i, "until"), fault.until))
    for section in ("injects", "hints", "milestones"):
        for i, one in enumerate(getattr(scenario, section)):
            yield from _given(((section, i, "when"), one.when))
    for i, action in enumerate(scenario.actions):
        yield from _given((("actions", i, "works_when"), action.works_when))
        for k, effect in enumerate(action.effects):
            yield from _given((("actions", i, "effects", k, "when"), effect.when))
    for i, text in enumerate(scenario.abort.stop_conditions):
        yield ("abort", "stop_conditions", i), text, False


def _given(*pairs: tuple[ValuePath, str | None]) -> Iterator[tuple[ValuePath, str, bool]]:
    for path, text in pairs:
        if text is not None:
            yield path, text, False


def _twice(scenario: Scenario) -> Iterator[Wrong]:
    sections: dict[str, tuple[str, ...]] = {
        name: tuple(one.id for one in getattr(scenario, name))
        for name in ("objectives", "changes", "red_herrings", "injects", "hints", "actions", "milestones")
    }
    sections["faults"] = tuple(one.id for one in scenario.all_faults)
    sections["world.slo"] = tuple(slo.id for slo in scenario.world.slo)
    for name, ids in sections.items():
        for ident, times in Counter(ids).items():
            if times > 1:
                path: ValuePath = (*name.split("."), _last(ids, ident)) if name != "faults" else ("faults",)
                yield path, f"the id {ident!r} is there {times} times; each needs its own"
    # States are asked of an id alone, so these three share one set of names.
    shared = Counter((*sections["faults"], *sections["injects"], *sections["actions"]))
    for i, action in enumerate(scenario.actions):
        if shared[action.id] > sections["actions"].count(action.id):
            yield ("actions", i, "id"), f"{action.id!r} is also the id of a fault or an inject; give it another"


def _last(ids: tuple[str, ...], ident: str) -> int:
    return len(ids) - 1 - ids[::-1].index(ident)


def _of_parts(scenario: Scenario) -> Iterator[Wrong]:
    changes = [one.id for one in scenario.changes]
    faults = [one.id for one in scenario.all_faults]
    injects = [one.id for one in scenario.injects]
    for section in ("faults", "observability_faults"):
        for i, fault in enumerate(getattr(scenario, section)):
            if fault.cause is not None and fault.cause.ref:
                yield from _unknown((section, i, "cause", "ref"), fault.cause.ref, changes, "change")
    for i, herring in enumerate(scenario.red_herrings):
        for key, ids in (("change", changes), ("fault", faults), ("inject", injects)):
            if getattr(herring, key):
                yield from _unknown(("red_herrings", i, key), getattr(herring, key), ids, key)
    yield from _of_people(scenario)


def _of_people(scenario: Scenario) -> Iterator[Wrong]:
    objectives = [one.id for one in scenario.objectives]
    for section in ("injects", "milestones"):
        for i, one in enumerate(getattr(scenario, section)):
            if one.objective:
                yield from _unknown((section, i, "objective"), one.objective, objectives, "objective")
    milestones = [one.id for one in scenario.milestones]
    for i, hint in enumerate(scenario.hints):
        if hint.milestone:
            yield from _unknown(("hints", i, "milestone"), hint.milestone, milestones, "milestone")
    for i, inject in enumerate(scenario.injects):
        if "_" in inject.to and inject.to not in {duty.value for duty in Duty}:
            yield from _unknown(("injects", i, "to"), inject.to, [duty.value for duty in Duty], "duty")


def _of_actions(scenario: Scenario) -> Iterator[Wrong]:
    faults = [one.id for one in scenario.all_faults]
    actions = [one.id for one in scenario.actions]
    for i, action in enumerate(scenario.actions):
        for k, effect in enumerate(action.effects):
            if effect.kind in ("begin_fault", "end_fault"):
                path: ValuePath = ("actions", i, "effects", k, "target")
                name = effect.target.get("fault")
                if not isinstance(name, str):
                    yield path, f"{effect.kind} names the fault, like {{fault: F1}}"
                else:
                    yield from _unknown(path, name, faults, "fault")
    for i, step in enumerate(scenario.reference):
        yield from _unknown(("reference", i, "action"), step.action, actions, "action")


def _of_the_truth(scenario: Scenario) -> Iterator[Wrong]:
    sealed = scenario.sealed
    actions = [one.id for one in scenario.actions]
    faults = [one.id for one in scenario.all_faults]
    if isinstance(sealed.onset, str):
        yield from _unknown(("sealed", "onset"), sealed.onset, faults, "fault")
    for i, together in enumerate(sealed.accepted_mitigations):
        for k, ident in enumerate(together):
            yield from _unknown(("sealed", "accepted_mitigations", i, k), ident, actions, "action")
    for i, ident in enumerate(sealed.harmful):
        yield from _unknown(("sealed", "harmful", i), ident, actions, "action")
    known = [*faults, *(one.id for one in scenario.red_herrings)]
    for ident in sealed.alert_groups:
        yield from _unknown(("sealed", "alert_groups", ident), ident, known, "fault or red herring")


def _of_events(scenario: Scenario) -> Iterator[Wrong]:
    for i, milestone in enumerate(scenario.milestones):
        if milestone.event is not None:
            yield from _in_event(scenario, ("milestones", i, "event"), milestone.event)
    for i, inject in enumerate(scenario.injects):
        if inject.expected is not None:
            yield from _in_event(scenario, ("injects", i, "expected", "event"), inject.expected.event)


def _in_event(scenario: Scenario, path: ValuePath, event: str) -> Iterator[Wrong]:
    name, _, arguments = event.partition(":")
    noun = name.partition(".")[0]
    for argument in arguments.split("|") if arguments else ():
        if noun == "action":
            yield from _unknown(path, argument, [one.id for one in scenario.actions], "action")
        elif noun == "inject":
            yield from _unknown(path, argument, [one.id for one in scenario.injects], "inject")
        elif noun == "hint":
            yield from _unknown(path, argument, [one.id for one in scenario.hints], "hint")
        elif name == "hypothesis.names" and argument != "GT":
            yield path, f"hypothesis.names is followed by GT, the sealed truth, not by {argument[:40]!r}"


def _spoken(scenario: Scenario, path: ValuePath, reference: Reference) -> Iterator[Wrong]:
    faults = [one.id for one in scenario.all_faults]
    if reference.kind == "event":
        yield from _in_event(scenario, path, reference.name)
    elif reference.kind == "slo":
        yield from _unknown(path, reference.name, [slo.id for slo in scenario.world.slo], "objective of world.slo")
    elif reference.kind == "fault":
        yield from _unknown(path, reference.name, faults, "fault")
    elif reference.kind == "state":
        ident, _, state = reference.name.rpartition(".")
        groups = (
            ("fault", faults, FAULT_STATES),
            ("action", [one.id for one in scenario.actions], ACTION_STATES),
            ("inject", [one.id for one in scenario.injects], INJECT_STATES),
        )
        for noun, ids, states in groups:
            if ident in ids:
                if state not in states:
                    yield path, f"{noun} {ident!r} is never {state!r}; its states are {', '.join(states)}"
                return
        known = [ident for _, ids, _ in groups for ident in ids]
        yield from _unknown(path, ident, known, "fault, action or inject")


def _unknown(path: ValuePath, name: str, known: Collection[str], noun: str) -> Iterator[Wrong]:
    if name in known:
        return
    near = get_close_matches(name, known, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"it has {_listed(known)}"
    yield path, f"{name[:60]!r} is no {noun} of this scenario; {advice}"


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:10]) + (" ..." if len(found) > 10 else "") if found else "none"
