"""What people type, as values: incidents, times, severities, durations. Sloppy is fine, ambiguous is not.

Invariant: a bad value ends in one sentence that says what would be right.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_AMOUNT = re.compile(r"(\d{1,6})\s*(s|sec|m|min|h|d)(?![a-z])", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def parse_duration(text: str) -> timedelta:
    """`90`, `90s`, `5m`, `1h30m`, `8h`, `2d`; a bare number is minutes.

    Raises:
        ValueError: says what a duration looks like.
    """
    wanted = text.strip()
    if re.fullmatch(r"\d{1,6}", wanted):
        return timedelta(minutes=int(wanted))
    found = _AMOUNT.findall(wanted)
    if not found or _AMOUNT.sub("", wanted).strip():
        raise ValueError(f"{text!r} is not a length of time; use 30m, 8h or 1h30m")
    return timedelta(seconds=sum(int(amount) * _UNITS[unit.lower()] for amount, unit in found))


def parse_time(text: str, now: datetime) -> datetime:
    """`09:41` (the last time it was 09:41 in the zone of `now`), `5m ago`, `now`, or ISO 8601; without a zone: local.

    Raises:
        ValueError: says what a time looks like.
    """
    try:
        return _moment(text, now)
    except OverflowError:
        raise ValueError(f"{text!r} is not a time that a calendar has") from None


def _moment(text: str, now: datetime) -> datetime:
    wanted = text.strip()
    if wanted.lower() == "now":
        return now.astimezone(UTC)
    if wanted.lower().endswith("ago"):
        return (now - parse_duration(wanted[:-3])).astimezone(UTC)
    if clock := _CLOCK.fullmatch(wanted):
        return _last(now, clock).astimezone(UTC)
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        raise ValueError(f"{text!r} is not a time; use 09:41, '5m ago' or 2026-11-21T09:41:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)).astimezone(UTC)


def _last(now: datetime, clock: re.Match[str]) -> datetime:
    hour, minute, second = (int(part or 0) for part in clock.groups())
    try:
        today = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError:
        raise ValueError(f"{clock.group()!r} is no time of day") from None
    return today if today <= now else today - timedelta(days=1)


class TimeType(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        from warroom.cli.context import context

        if isinstance(value, datetime):
            return value
        try:
            return parse_time(value, datetime.now(context().zone))
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


class DurationType(click.ParamType[timedelta]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(value)
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


class SeverityType(click.ParamType[str]):
    name = "severity"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from warroom.incident.words import Severity

        try:
            return Severity.parse(value).value
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


class DutyType(click.ParamType[str]):
    name = "role"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from warroom.incident.words import Duty

        try:
            return Duty.parse(value).value
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


class NumberType(click.ParamType[int]):
    """The number of an entry, a task, a hypothesis or a decision: `3`, `#3`, `T3`."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"[#A-Za-z]?(\d{1,9})", str(value).strip())
        if found is None or int(found.group(1)) < 1:
            self.fail(f"{value!r} is not a number; use 3 or T3", param, ctx)
        return int(found.group(1))


class IncidentType(click.ParamType[str]):
    """An id as people write it; resolved against the server by `context().incident`."""

    name = "inc"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip()
        if text != "-" and not looks_like_incident(text):
            self.fail(f"{value!r} is not an incident id; one looks like INC-7K3Q", param, ctx)
        return text

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from warroom.cli.cached import complete_incident

        return complete_incident(incomplete)


def looks_like_incident(text: str) -> bool:
    """Whether `text` is an id or the beginning of one, as people write them."""
    bare = re.sub(r"^inc[\s-]*", "", text, flags=re.IGNORECASE)
    return bool(re.fullmatch(r"[0-9A-Za-z]{1,8}", bare)) and "U" not in bare.upper()


TIME = TimeType()
DURATION = DurationType()
SEVERITY = SeverityType()
DUTY = DutyType()
NUMBER = NumberType()
INCIDENT = IncidentType()
