"""What is told without points: where the team looked, how long it did not see, who spoke, where time went.

None of it is a fault by itself, so none of it counts; it is for the people who talk about the exercise afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from warroom.incident import events as e
from warroom.tabletop.score.beliefs import beliefs, true_ones
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import Share, Sighting, Unscored
from warroom.tabletop.score.terms import Evidence, Terms, content_words, plain

SILENCE = 180.0
_PANES = {"metrics": "metric", "traces": "trace", "changes": "text"}
"""What kind of pin stands for which kind of question, where the names differ."""
_ALIKE = 0.6
"""Of their words, what two tasks or hypotheses have to share to be the same work twice."""


def unscored(log: ExerciseLog, terms: Terms) -> Unscored:
    """All of it."""
    spent = dict(_dead_ends(log, terms))
    return Unscored(
        panes=dict(sorted(Counter(pin.kind for pin in log.state.evidence if pin.who not in log.hosts).items())),
        sightings=tuple(_sighting(log, one) for one in terms.evidence),
        duplicates=tuple(_duplicates(log)),
        gaps=tuple(_silences(log)),
        voices=_voices(log),
        dead_ends=spent,
        dead_end_seconds=round(sum(spent.values()), 3),
    )


def _sighting(log: ExerciseLog, evidence: Evidence) -> Sighting:
    """First mentioned: pinned with the same question, or said with at least half of its words."""
    wanted = content_words(evidence.text)
    kind = _PANES.get(evidence.pane, evidence.pane)
    query = plain(evidence.query)
    for told in log.own:
        if evidence.visible is not None and told.second < evidence.visible:
            continue
        if isinstance(told.event, e.EvidencePinned):
            pin = told.event.evidence
            same = bool(query) and plain(pin.query) == query and pin.kind == kind
            if same or _says(f"{pin.title} {pin.note}", wanted):
                return Sighting(evidence.text, evidence.visible, told.second, told.seq)
        elif _says(_words(told.event), wanted):
            return Sighting(evidence.text, evidence.visible, told.second, told.seq)
    return Sighting(evidence.text, evidence.visible, None)


def _says(text: str, wanted: frozenset[str]) -> bool:
    return bool(wanted) and len(wanted & content_words(text)) * 2 >= len(wanted)


def _words(event: e.Event | None) -> str:
    """What somebody said in an entry, or nothing."""
    match event:
        case e.ChatPosted(text=text) | e.NoteAdded(text=text) | e.UpdatePublished(text=text):
            return text
        case e.HypothesisProposed(text=text) | e.ImpactDescribed(text=text) | e.SummaryChanged(summary=text):
            return text
        case e.HypothesisSupported(evidence=text) | e.HypothesisRefuted(evidence=text):
            return text
        case e.HypothesisConfirmed(evidence=text) | e.TaskFinished(result=text) | e.IncidentDeclined(reason=text):
            return text
        case e.TaskAdded(title=text) | e.DecisionOpened(question=text):
            return text
        case e.DecisionTaken(choice=choice, reason=reason):
            return f"{choice} {reason}".strip()
        case _:
            return ""


def _duplicates(log: ExerciseLog) -> Iterator[tuple[int, int]]:
    """Pairs of tasks, hypotheses or actions that are the same thing, the second while the first was open."""
    seen: list[tuple[str, int, frozenset[str]]] = []
    for told in log.running:
        match told.event:
            case e.TaskAdded(title=text):
                kind = "task"
            case e.HypothesisProposed(text=text):
                kind = "hypothesis"
            case e.EvidencePinned() as pinned:
                kind, text = f"pin {pinned.evidence.kind}", f"{pinned.evidence.title} {pinned.evidence.query}"
            case _:
                continue
        words = content_words(text)
        for other, seq, before in seen:
            if other == kind and words and len(words & before) >= _ALIKE * len(words | before):
                yield seq, told.seq
                break
        seen.append((kind, told.seq, words))


def _silences(log: ExerciseLog) -> Iterator[tuple[float, float]]:
    """Times over three minutes in which no player did anything, from the first alert or deed to the end."""
    alert = next((told.second for told, _ in log.all_of(e.AlertAttached)), None)
    times = [one.second for one in log.running if one.second <= log.answered]
    starts = [one for one in (alert, times[0] if times else None) if one is not None]
    before = min(starts, default=0.0)
    for second in [*(one for one in times if one > before), log.answered]:
        if second - before > SILENCE:
            yield round(before, 3), round(second, 3)
        before = max(before, second)


def _voices(log: ExerciseLog) -> tuple[Share, ...]:
    """Who said how much, the most first."""
    entries: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for told in log.running:
        text = _words(told.event)
        if text:
            entries[told.actor] += 1
            characters[told.actor] += len(text)
    whole = sum(characters.values()) or 1
    found = [Share(who, entries[who], said, round(said / whole, 4)) for who, said in characters.items()]
    return tuple(sorted(found, key=lambda one: (-one.characters, one.who)))


def _dead_ends(log: ExerciseLog, terms: Terms) -> Iterator[tuple[int, float]]:
    """Seconds in which a theory that was wrong was the likeliest live one, by its number."""
    true = true_ones(log, terms)
    held = beliefs(log, terms, true)
    spent: Counter[int] = Counter()
    for place, belief in enumerate(held):
        until = held[place + 1].second if place + 1 < len(held) else log.answered
        lasted = min(until, log.answered) - belief.second
        live = {number: p for number, p in belief.by_number.items() if p > 0}
        if lasted > 0 and live and belief.truth < max(live.values()):
            leader = max(live, key=lambda number: (live[number], -number))
            spent[leader] += lasted  # type: ignore[assignment]
    yield from sorted((number, round(float(seconds), 3)) for number, seconds in spent.items())
