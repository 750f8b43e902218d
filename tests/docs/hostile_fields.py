"""Every field of every frame and every command with values it does not take, made from the models themselves.

Invariant: a field that is added to the code is attacked without a line changed here.
"""

from __future__ import annotations

from typing import Any

import orjson

from tests.server.hostile import Attacker, Case
from warroom.incident import commands as c
from warroom.wire import codec

AT = "2026-11-21T09:41:00Z"
PANEL = {
    "title": "x", "query": "up", "unit": "", "legend": "", "source": "prometheus", "window": 3600, "step": 15,
    "thresholds": [{"value": 1.0, "level": "critical", "above": True, "label": ""}],
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "hello": {"protocol": [1, 1], "client": "hostile-types", "first": 1, "token": "", "kind": "cli", "agent": ""},
    "command": {"n": 1, "incident": "", "command": {"type": "add-note", "text": "x"}},
    "confirm": {"n": 0},
    "subscribe": {"position": {"incident": "INC-0000", "epoch": "", "seq": 0, "hash": ""}},
    "unsubscribe": {"incident": "INC-0000"},
    "lobby": {"follow": True},
    "presence": {"incident": "INC-0000", "looking_at": "", "idle": 0, "typing": False},
    "spotlight": {"incident": "INC-0000", "target": "", "shown": {"pane": "logs"}},
    "watch": {"incident": "INC-0000", "id": "a", "panel": PANEL},
    "unwatch": {"id": "a"},
    "tail": {"incident": "INC-0000", "id": "a", "query": "{a=1}", "source": "loki"},
    "untail": {"id": "a"},
    "request": {"id": 1, "method": "server.info", "params": {}},
    "ping": {"at": 0.0},
}
"""A frame of each kind that the server takes, without its `t`."""
WRONG = (None, [[]], {"a": {}}, "\u0000", 1.5, True, -1, 2**70)


def frame_cases() -> list[Case]:
    """One case for each field, also of what is inside: all values of the wrong kind, each on its own connection."""
    assert set(GOOD) == set(codec._UP)
    cases = []
    for kind, good in GOOD.items():
        for path in _paths(good):
            cases.append(Case(f"{kind}: `{'.'.join(path)}` of other kinds", "fields", "close 4400", _wrong(kind, path)))
        cases.append(Case(f"{kind}: a field too many", "fields", "close 4400", _sent(kind, {**good, "sudo": 1})))
        for name in [name for name in good if codec._UP[kind].model_fields[name].is_required()]:
            less = {key: value for key, value in good.items() if key != name}
            cases.append(Case(f"{kind}: `{name}` missing", "fields", "close 4400", _sent(kind, less)))
    return cases


def _paths(value: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for key, inner in value.items():
        here = (*at, key)
        found.append(here)
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            inner = inner[0]
        if isinstance(inner, dict) and key not in ("command", "params", "shown"):
            found += _paths(inner, here)
    return found


def _wrong(kind: str, path: tuple[str, ...]) -> Any:
    async def attack(a: Attacker) -> str:
        got = set()
        for value in WRONG:
            frame = orjson.loads(orjson.dumps(GOOD[kind]))
            if _takes(kind, path, frame, value):
                continue
            got.add(await _answer(a, kind, frame, value))
        return ", ".join(sorted(got)) or "nothing was sent"

    return attack


def _takes(kind: str, path: tuple[str, ...], frame: dict[str, Any], value: Any) -> bool:
    """Put `value` into the frame; whether that is a frame the models take."""
    inner: Any = frame
    for key in path[:-1]:
        inner = inner[key][0] if isinstance(inner[key], list) else inner[key]
    inner[path[-1]] = value
    try:
        data = _dumped({"t": kind, **frame})
        codec.decode_up(data)
    except ValueError:
        return False
    return True


def _dumped(frame: dict[str, Any]) -> bytes:
    huge = orjson.dumps({key: _small(value) for key, value in frame.items()})
    return huge.replace(b'"2^70"', str(2**70).encode())


def _small(value: Any) -> Any:
    """What orjson cannot write (an integer above 64 bits) as a mark."""
    if isinstance(value, dict):
        return {key: _small(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_small(inner) for inner in value]
    return "2^70" if value == 2**70 else value


def _sent(kind: str, frame: dict[str, Any]) -> Any:
    async def attack(a: Attacker) -> str:
        return await _answer(a, kind, frame, None)

    return attack


async def _answer(a: Attacker, kind: str, frame: dict[str, Any], _: Any) -> str:
    socket = await (a.opened() if kind == "hello" else a.admitted())
    if kind != "hello":
        await socket.until("welcome")
    await socket.frame(_dumped({"t": kind, **frame}))
    return await socket.end()


# -- commands ----------------------------------------------------------------------------------------------------------

ALERT = {"fingerprint": "f", "name": "n", "starts_at": AT}
EVIDENCE = {"title": "x"}
PANEL = {"title": "x", "query": "up"}
PLAYBOOK = {"id": "p", "title": "p", "version": 1, "steps": [{"id": "s", "title": "s"}]}
RIGHT: dict[str, Any] = {
    **dict.fromkeys(("text", "title", "summary", "reason", "brief", "question", "choice", "counter"), "x"),
    **dict.fromkeys(("value", "entry", "task", "hypothesis", "decision", "in_minutes"), 1),
    **dict.fromkeys(("to", "who", "assignee"), "sam"),
    **dict.fromkeys(("into", "other"), "INC-AAAA"),
    "url": "https://x.example", "duty": "scribe", "status": "identified", "severity": "SEV2", "at": AT,
    "milestone": "detected_at", "private": True, "services": [], "alert": ALERT, "evidence": EVIDENCE,
    "panel": PANEL, "number": 1, "playbook": "p", "step": "s", "fingerprint": "f",
    "inject": "I1", "action": "look", "rubric": "calm", "speed": 2.0, "second": 30, "ends": AT, "outcome": "done",
    "sealed": "c2VhbGVk", "stage": 1, "probability": 0.5,
}  # fmt: skip


def good_command(cls: type[c.Command]) -> dict[str, Any]:
    """A command of that class that can be read."""
    said = {name: RIGHT[name] for name, field in cls.model_fields.items() if field.is_required()}
    if cls is c.AttachPlaybook:
        said["playbook"] = PLAYBOOK
    if cls is c.StopExercise:
        said["reason"] = "finished"
    said["type"] = cls.TAG
    c.COMMAND.validate_python(said)
    return said


def command_cases() -> list[Case]:
    """Each field of each command as an object where none fits, a list, and a text or number of the wrong kind."""
    cases = []
    for cls in c.Command.__subclasses__():
        good = good_command(cls)
        for name in [name for name in cls.model_fields if name != "type"]:
            label = f"{cls.TAG}: `{name}` of other kinds"
            cases.append(Case(label, "command fields", "refused invalid", _command(good, name)))
        cases.append(Case(f"{cls.TAG}: a field too many", "command fields", "refused invalid", _command(good, "sudo")))
    return cases


def _command(good: dict[str, Any], name: str) -> Any:
    async def attack(a: Attacker) -> str:
        socket = await a.admitted()
        await socket.until("welcome")
        got, n = set(), 0
        for value in ({"a": [1]}, [[[]]], "\u0000", -7, 1e300):
            command = {**good, name: value}
            if _is_good(command):
                continue
            n += 1
            await socket.say(t="command", n=n, incident=a.incident, command=command)
            said = await socket.until("outcome")
            named = said["t"] == "outcome" and name in said["words"]
            got.add(f"refused {said['reason']}" if named else f"not about `{name}`: {said['words']}")
        return ", ".join(sorted(got)) or "nothing was sent"

    return attack


def _is_good(command: dict[str, Any]) -> bool:
    try:
        c.COMMAND.validate_python(command)
    except ValueError:
        return False
    return True


CASES = [*frame_cases(), *command_cases()]
