"""Panel files: what to draw for a service, before it is known which service.

A panel file is YAML: a list `panels`, each with `title`, `expr` and, if wanted, `legend`, `unit`, `step`, `window`,
`thresholds`, `source`, `description`. `$service` (and whatever other variables the caller gives) may stand inside
of quotes in `expr`; `$__interval`, `$__rate_interval` and `$__range` stand for durations, as in Grafana.

Invariant: a file either gives panels that can be asked, or one sentence with the file and the field that is wrong.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from warroom.telemetry.panel import Level, Panel, Threshold, Unit
from warroom.telemetry.promql import plain, substitute, variables_of

LARGEST_FILE = 1_000_000
SCRAPE_INTERVAL = 15.0

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNIT_SECONDS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_BUILT_IN = ("__interval", "__rate_interval", "__range")


class PanelFileError(ValueError):
    """A panel file, or a panel of it with its variables, cannot be used; the text names file and field."""


def seconds(said: object) -> float:
    """A duration as Prometheus writes it (`90s`, `1h30m`) or as a number of seconds. Raises ValueError."""
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    found = _DURATION.fullmatch(said) if isinstance(said, str) and said else None
    if found is None:
        raise ValueError(f"{said!r} is not a duration such as 15s, 5m or 1h30m")
    return sum(int(part) * size for part, size in zip(found.groups(), _UNIT_SECONDS, strict=True) if part)


def duration(length: float) -> str:
    """Whole milliseconds (at least one) as a PromQL duration."""
    milliseconds = max(1, round(length * 1000))
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0, le=366 * 86_400, allow_inf_nan=False)]


class ThresholdModel(BaseModel):
    """A threshold as it stands in a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float = Field(allow_inf_nan=False)
    level: Level = "critical"
    above: bool = True


class PanelTemplate(BaseModel):
    """A panel whose variables have no values yet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=120)
    expr: str = Field(min_length=1, max_length=20_000)
    legend: str = Field(default="", max_length=200)
    unit: Unit = "none"
    step: Seconds = 15.0
    window: Seconds = 3600.0
    thresholds: tuple[ThresholdModel, ...] = Field(default=(), max_length=8)
    source: str = Field(default="prometheus", min_length=1, max_length=60)
    description: str = Field(default="", max_length=1000)

    @property
    def variables(self) -> frozenset[str]:
        """Names that need a value before this can be asked."""
        return variables_of(self.expr) - set(_BUILT_IN)

    def resolve(
        self,
        variables: Mapping[str, str],
        *,
        scrape_interval: float = SCRAPE_INTERVAL,
        step: float | None = None,
        window: float | None = None,
    ) -> Panel:
        """The panel with these values; `step` and `window` (seconds) override the file's.

        `$__rate_interval` is max(step + scrape interval, 4 scrape intervals), Grafana's rule: never fewer samples
        than a rate needs. Raises ValueError with the field's name.
        """
        step = self.step if step is None else step
        window = self.window if window is None else window
        durations = {
            "__interval": duration(step),
            "__rate_interval": duration(max(step + scrape_interval, 4 * scrape_interval)),
            "__range": duration(window),
        }
        try:
            expr = substitute(self.expr, variables, durations)
        except ValueError as wrong:
            raise ValueError(f"expr: {wrong}") from None
        return Panel(
            title=plain(self.title, variables),
            expr=expr,
            legend=plain(self.legend, variables),
            unit=self.unit,
            step=step,
            window=window,
            thresholds=tuple(Threshold(line.value, line.level, line.above) for line in self.thresholds),
            source=self.source,
            description=plain(self.description, variables),
        )


class _PanelFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    panels: tuple[PanelTemplate, ...] = Field(max_length=100)


def load_panels(path: Path) -> tuple[PanelTemplate, ...]:
    """The panels of a file, in its order. Raises PanelFileError."""
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_FILE + 1)
    except OSError as failed:
        raise PanelFileError(f"{path}: cannot be read: {failed.strerror}") from None
    if len(body) > LARGEST_FILE:
        raise PanelFileError(f"{path}: is larger than {LARGEST_FILE // 1000} kB")
    return parse_panels(body, str(path))


def parse_panels(body: bytes, name: str) -> tuple[PanelTemplate, ...]:
    """The panels of a file's content; `name` is what errors call it. Raises PanelFileError."""
    try:
        said: Any = yaml.safe_load(body)
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        where = f" line {mark.line + 1}, column {mark.column + 1}:" if mark is not None else ""
        problem = " ".join(str(getattr(wrong, "problem", None) or wrong).split())
        raise PanelFileError(f"{name}:{where} is not YAML: {problem}") from None
    except (RecursionError, ValueError) as wrong:
        raise PanelFileError(f"{name}: is not YAML that can be read: {type(wrong).__name__}") from None
    if not isinstance(said, dict):
        raise PanelFileError(f"{name}: must be a mapping with a list `panels`")
    try:
        panels = _PanelFile.model_validate(said).panels
    except ValidationError as wrong:
        raise PanelFileError("; ".join(_sentence(name, error) for error in wrong.errors()[:5])) from None
    if not panels:
        raise PanelFileError(f"{name}: panels: has no panel in it")
    for index, panel in enumerate(panels):
        try:
            panel.resolve(dict.fromkeys(panel.variables, "x"))
        except ValueError as unusable:
            raise PanelFileError(f"{name}: panels[{index}].{unusable}") from None
    return panels


def resolve_all(
    templates: tuple[PanelTemplate, ...],
    variables: Mapping[str, str],
    *,
    scrape_interval: float = SCRAPE_INTERVAL,
    step: float | None = None,
    window: float | None = None,
) -> tuple[Panel, ...]:
    """Every panel with these values. Raises PanelFileError with the title and field of the first that cannot be."""
    panels = []
    for template in templates:
        try:
            panels.append(template.resolve(variables, scrape_interval=scrape_interval, step=step, window=window))
        except ValueError as wrong:
            raise PanelFileError(f"panel {template.title!r}: {wrong}") from None
    return tuple(panels)


def _sentence(name: str, error: Mapping[str, Any]) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    text = str(error["msg"]).removeprefix("Value error, ")
    shown = error.get("input")
    if isinstance(shown, str | int | float) and error["type"] != "missing" and repr(shown) not in text:
        text += f" (it is {str(shown)[:60]!r})"
    return f"{name}: {where}: {text[0].lower()}{text[1:]}"
