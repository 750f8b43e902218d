"""The story from now on, beat by beat: suspicion, proof, decision, the way back, recovery, the end.

Invariant: each beat looks at the incident first, and leaves alone what somebody else has done already.
"""

from __future__ import annotations

from typing import Any

from warroom.demo import world as w
from warroom.demo.past import DEPLOYED, SERVICE
from warroom.demo.scene import Scene
from warroom.incident.words import Status

RESOLVED_AT = 395.0
"""Second of the story at which it is resolved when nobody takes longer."""
_LEAK = f"{w.BAD_VERSION} keeps its connection"
_WAY_BACK = f"Roll back to {w.GOOD_VERSION}"
_ROLLBACK = f"Roll {SERVICE} back"


async def play(scene: Scene) -> None:
    """The whole story; returns when it is resolved, or over."""
    await suspicion(scene)
    await proof(scene)
    choice = await decision(scene)
    await way_back(scene, choice)
    await recovery(scene)
    await ending(scene)


async def suspicion(s: Scene) -> None:
    """What went out, and when."""
    await s.say(3, "sofia", "Diffing everything that went out today against the onset.")
    leader = s.state.commander or s.lead.name
    await s.say(12, "june", f"Hello @{s.you}. {leader} leads; one checkout in ten fails. b tells the story so far.")
    await s.step(16, "marek", "check-dependencies", "Postgres, Redis, provider: within limits; only the pool is full")
    growth = "Four more open connections a second for 20 minutes now; a restart helps one pod for three"
    await s.do(23, "tomas", "add-note", pane="timeline", text=growth)
    await s.say(31, "sofia", f"{SERVICE} {w.BAD_VERSION} went live 90 seconds before the first failed checkout.")
    await s.do(37, "marek", "record-change", kind="deploy", service=SERVICE, version=w.BAD_VERSION,
               text="retry of timed-out payments", occurred_at=_deployed(s), pane="metrics")  # fmt: skip
    await s.step(40, "sofia", "check-changes", f"one suspect: {w.BAD_VERSION}, 90 s before the onset")
    await s.do(45, "sofia", "propose-hypothesis", pane="hypotheses", text=f"{_LEAK} when a payment times out")
    await s.say(52, "ana", f"@marek what would it take to go back to {w.GOOD_VERSION}?")
    await s.at(58)
    if not s.state.status.is_over and not any(task.assignee == s.you for task in s.state.tasks):
        title = "Ask support whether carts survive the error"
        await s.lead.act({"type": "add-task", "title": title, "assignee": s.you, "time_box_minutes": 10}, "tasks")
        number = s.task(title)
        await s.say(60, "ana", f"@{s.you} could you take task {number}? It is yours under Tasks, key 7.")
    await s.say(66, "marek", "Three minutes. There is no schema change in it, I read the migrations.")


async def proof(s: Scene) -> None:
    """Evidence, so that the decision is not a guess."""
    await s.at(75)
    await s.cast["tomas"].act({"type": "pin-evidence", "evidence": _evidence(s)}, "metrics")
    pins = [len(s.state.evidence)] if s.state.evidence else []
    leak = s.hypothesis(_LEAK)
    if leak is not None:
        await s.do(83, "tomas", "support-hypothesis", pane="hypotheses", hypothesis=leak, pins=pins,
                   evidence="the pool fills from the minute of the deploy")  # fmt: skip
    await s.do(88, "june", "count-impact", counter="failed checkouts", value=2410, source="order service")
    await s.say(95, "sofia", f"One pod back on {w.GOOD_VERSION}: no leaked connection in 90 seconds.")
    if leak is not None:
        await s.do(101, "sofia", "support-hypothesis", pane="hypotheses", hypothesis=leak,
                   evidence="one pod on the old version does not leak")  # fmt: skip


async def decision(s: Scene) -> str:
    """How to stop it; whoever leads decides. Returns what was chosen."""
    await s.at(106)
    taken = _taken(s)
    if taken or s.reached(Status.MONITORING):
        return taken
    options = [_WAY_BACK, "Restart pods in waves", "Hotfix the retry path"]
    open_ones = [one.number for one in s.state.decisions if not one.choice]
    if not open_ones:
        await s.do(106, "ana", "open-decision", pane="hypotheses", question="How do we stop it?", options=options)
        open_ones = [one.number for one in s.state.decisions if not one.choice]
    number = open_ones[-1] if open_ones else None
    if number is not None and await s.do(
        114, "june", "raise-objection", pane="hypotheses", when=lambda _: not _taken(s), decision=number,
        text="A rollback loses the gift-card fix; support has to know first",
    ):  # fmt: skip
        await s.say(121, "june", "Support knows. No objection any more.")
    if s.yours and not _taken(s):
        await s.cast["marek"].say(f"@{s.state.commander} your call: roll back? d decides it, a yes here will do.")
        s.agreed.clear()
        await s.until(lambda _: bool(_taken(s)) or s.agreed.is_set() or not s.yours, 75.0)
        s.late(126)
        if s.yours and not _taken(s) and not s.agreed.is_set():
            await s.go.wait()
            await s.cast["marek"].say(
                "No answer, and each minute costs ninety checkouts. I prepare the way back; say wait."
            )
    await s.at(130)
    if not _taken(s) and not s.yours:
        about: dict[str, Any] = {"decision": number} if number else {"question": "How do we stop it?"}
        why = "three minutes, no schema change; a hotfix needs twenty"
        await s.commander.act({"type": "take-decision", "choice": _WAY_BACK, "reason": why, **about}, "hypotheses")
    return _taken(s) or _WAY_BACK


async def way_back(s: Scene, choice: str) -> None:
    """Carry the decision out, whatever was chosen."""
    if s.reached(Status.RESOLVED):
        return
    await s.move(134, Status.IDENTIFIED, f"{w.BAD_VERSION} leaks connections on the retry path",
                 "this looks identified to me. s sets the status.")  # fmt: skip
    await s.step(138, "ana", "decide-mitigation", choice[:60])
    kind, version, title = _carried_out(choice)
    if s.task(title) is None:
        await s.do(141, "ana", "add-task", pane="tasks", title=title, assignee="marek", time_box_minutes=5)
    number = s.task(title)
    if number is not None:
        await s.do(145, "marek", "acknowledge-task", pane="tasks", task=number)
    await s.at(149)
    await s.cast["marek"].act({"type": "record-change", "kind": kind, "service": SERVICE, "version": version,
                               "text": f"{w.PODS} pods, in waves"}, "metrics")  # fmt: skip
    s.world.fix(s.clock.now(), version or w.BAD_VERSION)
    s.late(149)
    await s.say(172, "marek", lambda: f"{_done(s)} of {w.PODS} pods done, none of them failing.")
    await s.say(186, "sofia", "The new pods hold 40 connections each and stay there.")
    await s.say(203, "marek", lambda: f"{_done(s)} of {w.PODS}. p99 is coming down.")
    await s.at(229)
    if number is not None and s.task(title) == number:
        await s.cast["marek"].act(
            {"type": "finish-task", "task": number, "result": f"{w.PODS} of {w.PODS} pods"}, "tasks"
        )
    await s.step(233, "marek", "mitigate", f"{w.PODS} of {w.PODS} pods, p99 falling")


async def recovery(s: Scene) -> None:
    """The figures come back, and everybody says what they know."""
    update = "Checkout in Europe is recovering. A few payments may still fail; we keep watching."
    await s.do(240, "june", "publish-update", pane="chat", text=update, next_in_minutes=20)
    await s.step(246, "june", "communicate", "two updates out, support has a text")
    await s.say(254, "sofia", "Pool below half. Nobody waits for a connection any more.")
    leak, general = s.hypothesis(_LEAK), s.hypothesis("Connections are leaked")
    if leak is not None:
        await s.do(260, "sofia", "confirm-hypothesis", pane="hypotheses", hypothesis=leak,
                   evidence=f"the leak ended with the last {w.BAD_VERSION} pod")  # fmt: skip
    if general is not None:
        await s.do(264, "sofia", "confirm-hypothesis", pane="hypotheses", hypothesis=general, evidence="see above")
    await s.move(270, Status.MONITORING, "p99 and errors are back, the queue drains",
                 "p99 and errors are back. Monitoring? s sets it.")  # fmt: skip
    task = s.task("Find what keeps")
    if task is not None:
        await s.do(276, "sofia", "finish-task", pane="tasks", task=task, result="the retry path skips release()")
    task = s.task("Prepare the status page")
    if task is not None:
        await s.do(283, "june", "drop-task", pane="tasks", task=task, reason="not needed any more")
    left = next((t for t in s.state.tasks if t.assignee == s.you and t.status == "open" and not t.follow_up), None)
    if left is not None and left.added_by == s.lead.name:
        await s.say(286, "june", f"@{s.you} I take task {left.number} off you, I am talking to support anyway.")
        await s.cast["june"].act({"type": "assign-task", "task": left.number, "assignee": "june"}, "tasks")
        result = "carts are kept for 24 hours"
        await s.do(289, "june", "finish-task", pane="tasks", task=left.number, result=result)
    await s.do(290, "june", "count-impact", counter="failed checkouts", value=3127, source="order service")
    over = "Some customers in Europe could not pay for about 25 minutes; their carts were kept."
    await s.do(294, "june", "describe-impact", pane="alerts", text=over)
    await s.do(299, "tomas", "add-note", pane="timeline", text="p99 0.33 s, 5xx 0.2 %, pool 43 %, queue half drained")
    await s.at(302)
    note = s.state.timeline[-1] if s.state.seq else None
    if note is not None and note.kind == "note-added":
        await s.commander.act({"type": "pin-entry", "entry": note.seq}, "timeline")
    await s.say(309, "ana", "Nicely done, all. We watch it a little longer before anybody says resolved.")


async def ending(s: Scene) -> None:
    """What remains, and the all-clear."""
    follow_ups = (("Test for payments that time out on the retry path", "sofia"),
                  ("Alert when the pool is above 80 % for a minute", "marek"),
                  ("Hold a deploy when p99 doubles within five minutes", "ana"))  # fmt: skip
    for number, (title, who) in enumerate(follow_ups):
        await s.do(320 + 8 * number, "ana", "add-task", pane="tasks", title=title, assignee=who, follow_up=True)
    await s.say(348, "tomas", "Timeline is complete as far as I can see. Corrections now, please, while we remember.")
    await s.step(358, "marek", "verify-recovery", "flat for three minutes, from the customer's side too")
    await s.say(368, "june", "Support has had no new complaint for two minutes.")
    await s.do(380, "june", "publish-update", pane="chat", next_in_minutes=0,
               text="Checkout works normally again. We are sorry, and will say what happened.")  # fmt: skip
    await s.move(RESOLVED_AT, Status.RESOLVED, "all figures normal, queue drained",
                 "all figures are normal. Resolved, if you agree: s sets it.")  # fmt: skip
    if s.reached(Status.RESOLVED):
        await s.step(402, "ana", "stand-down", "stood down; the rest are follow-ups")
        await s.say(408, "ana", f"Resolved. Thank you all, and @{s.you} for joining in.")


def _deployed(s: Scene) -> str:
    began = s.state.timeline[0].recorded_at.timestamp() if s.state.seq else s.clock.now() + DEPLOYED * 60
    return _stamp(min(began, s.world.deployed_at))


def _stamp(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).isoformat()


def _done(s: Scene) -> int:
    return s.world.fixed_pods(s.clock.now())


def _taken(s: Scene) -> str:
    """What was decided on how to stop it: the last decision since the story began, not the one on shedding load."""
    chosen = [one.choice for one in s.state.decisions if one.choice]
    return chosen[-1] if len(chosen) > 1 else ""


def _carried_out(choice: str) -> tuple[str, str, str]:
    """Kind of change, version and task for what was chosen."""
    said = choice.casefold()
    if "hotfix" in said or "forward" in said or "patch" in said:
        return "deploy", "v2.14.1", f"Ship v2.14.1 to {SERVICE}, {w.PODS} pods"
    if "restart" in said:
        return "other", w.BAD_VERSION, f"Restart {SERVICE} in waves, retries off"
    return "rollback", w.GOOD_VERSION, f"{_ROLLBACK} to {w.GOOD_VERSION}, {w.PODS} pods"


def _evidence(s: Scene) -> dict[str, Any]:
    """The pool and p99 as everybody saw them, from before the deploy to now, at 15 seconds."""
    end = s.clock.now()
    times = [s.world.deployed_at - 180 + 15 * number for number in range(int((end - s.world.deployed_at + 180) / 15))]
    measures = (("pool in use", w.pool), ("p99 seconds", w.p99))
    series = [{"label": label, "times": times, "values": [f(s.world, at) for at in times]} for label, f in measures]
    return {"title": "Pool and p99 since before the deploy", "query": "made-up data of the demo", "unit": "",
            "start": _stamp(times[0]), "end": _stamp(times[-1]), "step_seconds": 15.0, "series": series,
            "note": f"both turn within 90 s of {w.BAD_VERSION}"}  # fmt: skip
