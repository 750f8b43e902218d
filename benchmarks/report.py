"""What one measurement says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value beside its reference of the same run; `met` is None where there is no goal."""

    name: str
    value: str
    reference: str
    goal: str
    met: bool | None
