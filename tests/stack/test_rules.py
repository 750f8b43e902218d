"""Every rule of the bundle is accepted by Prometheus's own checker, and every alert fires when it should and only then.

The cases are in `alert_cases.py`; `promtool test rules` evaluates them with Prometheus's own engine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack.alert_cases import CASES, SHOP, Case, latency_burn, requests
from tests.stack.files import RULES, alerts, load, recorded, rules

PROMTOOL = shutil.which("promtool")

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed"),
]


def promtool(*words: str) -> None:
    """Run it. AssertionError with what it said when it finds something wrong."""
    assert PROMTOOL
    done = subprocess.run((PROMTOOL, *words), capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def firing(alert: str) -> str:
    return f'count by (alertname) (ALERTS{{alertname="{alert}", alertstate="firing"}})'


def scenario(case: Case, series: dict[str, str], at: str, fires: bool) -> dict[str, Any]:
    """One test of promtool: whether the alert fires at that time."""
    labels = f'{{alertname="{case.alert}"}}'
    return {
        "interval": case.interval,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"{firing(case.alert)} > bool 0",
                "eval_time": at,
                "exp_samples": [{"labels": labels, "value": 1}] if fires else [],
            }
        ],
    }


def run_tests(folder: Path, tests: list[dict[str, Any]], evaluated: str) -> None:
    content = {
        "rule_files": [str(path) for path in RULES],
        "evaluation_interval": evaluated,
        # What is recorded comes before the alert that reads it; else it would read the value of a step ago.
        "group_eval_order": [group["name"] for path in RULES for group in load(path)["groups"]],
        "tests": tests,
    }
    (folder / "tests.yml").write_text(yaml.safe_dump(content))
    promtool("test", "rules", str(folder / "tests.yml"))


def test_prometheus_accepts_every_rule_file() -> None:
    promtool("check", "rules", *map(str, RULES))


def test_every_alert_has_a_case() -> None:
    assert {case.alert for case in CASES} == set(alerts())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_it_fires_when_it_should(case: Case, tmp_path: Path) -> None:
    tests = [scenario(case, case.fires, case.at, True)]
    if case.not_yet:
        tests.append(scenario(case, case.fires, case.not_yet, False))
    run_tests(tmp_path, tests, case.evaluated)


@pytest.mark.parametrize("case", [case for case in CASES if case.quiet], ids=lambda case: case.alert)
def test_it_is_silent_just_below(case: Case, tmp_path: Path) -> None:
    run_tests(tmp_path, [scenario(case, case.quiet, case.at, False)], case.evaluated)


def test_the_promise_of_latency_has_a_budget_of_its_own(tmp_path: Path) -> None:
    case = latency_burn()
    run_tests(
        tmp_path,
        [scenario(case, case.fires, case.at, True), scenario(case, case.quiet, case.at, False)],
        case.evaluated,
    )


def test_a_burst_that_is_over_pages_nobody(tmp_path: Path) -> None:
    """The hour's ratio is still above the line, the five minutes' is not: the short window ends the alert."""
    case = next(case for case in CASES if case.alert == "ErrorBudgetBurnFast")
    burst = {
        f'http_requests_total{{{SHOP}, status="200"}}': "0+1000x120",
        f'http_requests_total{{{SHOP}, status="503"}}': "0+0x59 0+400x10 4000+0x50",
    }
    run_tests(
        tmp_path,
        [scenario(case, burst, "1h8m", True), scenario(case, burst, "1h25m", False)],
        case.evaluated,
    )


def test_a_service_that_never_failed_has_the_ratio_zero(tmp_path: Path) -> None:
    flawless = {name: values for name, values in requests(100, 0).items() if "503" not in name}
    run_tests(
        tmp_path,
        [
            {
                "interval": "15s",
                "input_series": [{"series": name, "values": values} for name, values in flawless.items()],
                "promql_expr_test": [
                    {
                        "expr": "service:error_ratio:rate5m",
                        "eval_time": "10m",
                        "exp_samples": [{"labels": f"service:error_ratio:rate5m{{{SHOP}}}", "value": 0}],
                    },
                    {
                        "expr": "slo:budget_left_ratio:7d",
                        "eval_time": "10m",
                        "exp_samples": [
                            {"labels": f'slo:budget_left_ratio:7d{{{SHOP}, slo="availability"}}', "value": 1}
                        ],
                    },
                ],
            }
        ],
        "15s",
    )


def test_what_people_read_names_the_service_and_the_figure(tmp_path: Path) -> None:
    """A service without a label of its own is called by its job."""
    series = {
        'http_requests_total{job="web", status="200"}': "0+90x100",
        'http_requests_total{job="web", status="500"}': "0+10x100",
    }
    run_tests(
        tmp_path,
        [
            {
                "interval": "15s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {
                        "alertname": "HighErrorRate",
                        "eval_time": "10m",
                        "exp_alerts": [
                            {
                                "exp_labels": {"job": "web", "severity": "critical", "signal": "errors"},
                                "exp_annotations": {
                                    "summary": "web answers with errors",
                                    "description": "10% of the requests failed in the last minute; 5 % is the limit.",
                                },
                            }
                        ],
                    }
                ],
            }
        ],
        "15s",
    )


def test_every_alert_says_how_bad_what_and_why() -> None:
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in {"critical", "page", "warning", "none"}, name
        assert set(rule["annotations"]) == {"summary", "description"}, name
        # A title that changed with every evaluation would open an incident again and again.
        assert "$value" not in rule["annotations"]["summary"], name


def test_names_are_said_once() -> None:
    names = [rule["alert"] for rule in rules() if "alert" in rule]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+:[a-z_]+(:\w+)?", name) for name in recorded())
