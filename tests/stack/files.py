"""The files of the bundled stack as tests read them: rules, dashboards, and what their queries ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
STACK = ROOT / "stack"
COMPOSE = ROOT / "docker-compose.observability.yml"
RULES = sorted((STACK / "prometheus/rules").glob("*.yml"))
DASHBOARDS = sorted((STACK / "grafana/dashboards").glob("*.json"))

_GROUPING = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_AGGREGATIONS = frozenset({"sum", "min", "max", "avg", "group", "count", "topk", "bottomk", "quantile"})
_WORDS = _GROUPING | _AGGREGATIONS | {"and", "or", "unless", "bool", "offset", "inf", "nan"}
_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|\{|\}|\[[^\]]*\]|\d[\w.]*|[A-Za-z_:][\w:]*|[()]|\s+|.', re.DOTALL
)


@dataclass(frozen=True)
class Query:
    """One query of a panel, with the dashboard's variables filled in. `kind` is the data source's type."""

    board: str
    panel: str
    kind: str
    expr: str

    def __str__(self) -> str:
        return f"{self.board}: {self.panel}: {self.expr}"


def load(path: Path) -> Any:
    """A YAML file of the stack."""
    return yaml.safe_load(path.read_text("utf-8"))


def boards() -> dict[str, dict[str, Any]]:
    """Every dashboard by the name of its file."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in DASHBOARDS}


def rules() -> Iterator[dict[str, Any]]:
    """Every rule of the bundle."""
    for path in RULES:
        for group in load(path)["groups"]:
            yield from group["rules"]


def alerts() -> dict[str, dict[str, Any]]:
    """Every alerting rule by its name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> set[str]:
    """The names of the recording rules."""
    return {rule["record"] for rule in rules() if "record" in rule}


def filled(expr: str) -> str:
    """A query with Grafana's variables in it replaced as Grafana would."""
    for name, value in (("$__rate_interval", "1m"), ("$__interval", "1m"), ("$__range", "1h"), ("$__auto", "1m")):
        expr = expr.replace(name, value)
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", ".*", expr)


def queries() -> Iterator[Query]:
    """Every query of every panel, annotation and variable of every dashboard."""
    for board, content in boards().items():
        for panel in content["panels"]:
            for target in panel.get("targets", ()):
                if "expr" in target:
                    yield Query(board, panel["title"], target["datasource"]["type"], filled(target["expr"]))
        for mark in content["annotations"]["list"]:
            if "expr" in mark:
                yield Query(board, mark["name"], "prometheus", filled(mark["expr"]))
        for variable in content["templating"]["list"]:
            found = re.fullmatch(r"label_values\((.*), \w+\)", variable.get("definition", ""))
            if found:
                yield Query(board, f"${variable['name']}", "prometheus", filled(found[1]))


def metric_names(expr: str) -> set[str]:
    """The metrics that a PromQL expression reads. It must be one that parses; nothing else is told apart here."""
    names: set[str] = set()
    tokens = [token for token in _TOKEN.findall(expr) if not token.isspace()]
    depth = labels = 0
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        before = tokens[place - 1] if place else ""
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
        elif token == "(" and (labels or before in _GROUPING):
            labels += 1
        elif token == ")" and labels:
            labels -= 1
        elif re.match(r"[A-Za-z_:]", token) and not depth and not labels and after != "(" and token not in _WORDS:
            names.add(token)
    return names
