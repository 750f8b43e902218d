"""What our ruler makes of a rule file and samples is what Prometheus's own rule test makes of them: states, labels,
annotations, recorded values. `promtool test rules` evaluates with Prometheus's code and compares.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from warroom.embedded.alert_store import AlertStore
from warroom.embedded.promql import Engine
from warroom.embedded.ruler import Ruler, read_rules
from warroom.embedded.series_store import SeriesStore
from warroom.telemetry.block import SeriesKey

PROMTOOL = shutil.which("promtool")
pytestmark = [pytest.mark.servers, pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool on the PATH")]

STEP = 15
ROUNDS = 60
FIGURES = (0.0, 1.0, 0.987654, 0.00123, 12.3456, 999.9, 1000.0, 123456.789, 5e-7, 1.5e9, 3661.5, 90061.0, 1e12, -42.5)

# No sample lies on the edge of a range of 50 s: whether it is in changed with Prometheus 3.
RULES = r"""
groups:
  - name: recording
    rules:
      - record: job:requests:rate1m
        expr: sum by (job) (rate(requests_total[50s]))
      - record: job:requests:doubled
        expr: 2 * job:requests:rate1m
        labels: {tier: front, job_kind: "", note: "{{ $labels.job }}"}
      - record: constant
        expr: 42
  - name: alerts
    rules:
      - alert: Busy
        expr: job:requests:rate1m > 5
        for: 45s
        labels: {severity: '{{ if gt $value 8.0 }}critical{{ else }}warning{{ end }}', gone: ""}
        annotations: {summary: '{{ $labels.job }} has {{ $value | printf "%.2f" }}'}
      - alert: Sticky
        expr: level > 7
        for: 30s
        keep_firing_for: 1m
        annotations: {summary: '{{ .Labels.level }}{{ $labels.job }}'}
      - alert: Once
        expr: level == 3
        annotations: {summary: "as it is"}
      - alert: Missing
        expr: absent(up{job="gone"})
        for: 30s
        labels: {severity: warning}
"""

TEXTS = (
    '{{ $value }}', '{{ $value | humanize }}', '{{ $value | humanize1024 }}', '{{ $value | humanizeDuration }}',
    '{{ $value | humanizePercentage }}', '{{ printf "%.3f|%e|%g|%8.2f|%-8.1f|" $value $value $value $value $value }}',
    '{{ printf "%d %s %q %v %%" 3 "a" "b\\"c" $value }}', '{{ printf "%d" $value }}',
    '{{ or $labels.nothing $labels.job }} {{ and $labels.job $labels.nothing }} {{ not $labels.nothing }}',
    '{{ if and (gt $value 1.0) (eq $labels.job "web") }}yes{{ else if lt $value 0.0 }}less{{ else }}no{{ end }}',
    '{{ $labels.job | toUpper }} {{ title "two words" }} {{ toLower "ABC" }} {{ len $labels.job }}',
    '{{ match "w.b" $labels.job }} {{ reReplaceAll "(.)e(.)" "${2}-$1" $labels.job }} {{ stripPort "host:80" }}',
    '{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}', '{{ $labels }}',
    '{{ with $x := $labels.job }}<{{ . }}{{ $x }}>{{ else }}-{{ end }} a {{- /* gone */ -}} b',
    '{{ query "figure{number=\\"1\\"}" | first | value }} {{ with query "nothing" }}some{{ else }}none{{ end }}',
    '{{ range query "sort(figure{number=~\\"[23]\\"})" }}{{ .Labels.number }}:{{ .Value | humanize }} {{ end }}',
    '{{ $y := $value }}{{ if true }}{{ $y = 5.0 }}{{ end }}{{ $y }}',
    '{{ index $labels "job" }} {{ print 1 2 "a" "b" 3 }}',
    '{{ 1435065584.128 | humanizeTimestamp }} {{ parseDuration "1h30m" }}',
    '{{ "quoted" }}`{{ `raw` }}`', '{{ if $value }}t{{ else }}f{{ end }}',
)  # fmt: skip


def series() -> dict[SeriesKey, list[float | None]]:
    """A counter that goes fast for a while, a level that comes and goes, figures of all sizes."""
    rates = [2.0] * 12 + [9.0] * 12 + [6.0] * 12 + [1.0] * 24
    counts, total = [], 0.0
    for rate in rates:
        total += rate * STEP
        counts.append(total)
    level: list[float | None] = [1.0, 3.0, 8.0, 9.0, 9.0, 1.0, 9.0, 9.0, 9.0, 9.0, 2.0, 2.0, 9.0, *[2.0] * 12]
    level += [None] * 10 + [9.0] * (ROUNDS - len(level) - 10)
    made: dict[SeriesKey, list[float | None]] = {
        (("__name__", "requests_total"), ("instance", "a"), ("job", "web")): [*counts],
        (("__name__", "requests_total"), ("instance", "b"), ("job", "api")): [count / 3 for count in counts],
        (("__name__", "level"), ("job", "web")): level,
    }
    for number, value in enumerate(FIGURES):
        made[("__name__", "figure"), ("job", "web"), ("number", str(number))] = [value] * ROUNDS
    return made


def rules_text() -> str:
    """The rules above, and an alert with every text as an annotation."""
    said = yaml.safe_load(RULES)
    annotations = {f"text_{number:02}": text for number, text in enumerate(TEXTS)}
    said["groups"].append({"name": "texts", "rules": [{"alert": "Text", "expr": "figure", "annotations": annotations}]})
    for group in said["groups"]:
        group["interval"] = f"{STEP}s"
    return yaml.safe_dump(said)


class Run:
    """Our ruler over the samples, round by round, with what fired after each."""

    def __init__(self, text: str) -> None:
        self.store, self.at = SeriesStore(retention=0), 0.0
        self.engine = Engine(self.store)
        self.alerts = AlertStore(lambda: self.at)
        ruler = Ruler(self.engine, self.store, self.alerts, read_rules(text, "rules.yml"))
        self.firing: list[dict[str, list[dict[str, Any]]]] = []
        for number in range(ROUNDS):
            self.at = float(number * STEP)
            for key, values in series().items():
                value = values[number]
                if value is not None:
                    self.store.append_samples(key, (self.at,), (value,))
            ruler.tick(self.at)
            now: dict[str, list[dict[str, Any]]] = {}
            for one in ruler.firing():
                labels = {name: value for name, value in one.labels if name != "alertname"}
                now.setdefault(one.label("alertname"), []).append(
                    {"exp_labels": labels, "exp_annotations": dict(one.annotations)}
                )
            self.firing.append(now)
        assert not [rule for rule in ruler.rules() if rule.error]


def test_alerts_and_recorded_series_are_those_that_promtool_computes(tmp_path: Path) -> None:
    text = rules_text()
    run = Run(text)
    names = [rule["alert"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"] if "alert" in rule]
    assert any("Busy" in now for now in run.firing)
    assert any("Busy" not in now for now in run.firing)
    alert_tests = [
        {"eval_time": f"{number * STEP}s", "alertname": name, "exp_alerts": run.firing[number].get(name, [])}
        for number in range(ROUNDS) for name in names if name != "Text" or number == 3
    ]  # fmt: skip
    queries = ("round(job:requests:rate1m, 0.0001)", "round(job:requests:doubled, 0.0001)", "constant",
               'ALERTS{alertname!="Text"}',
               'ALERTS_FOR_STATE{alertname!="Text"}')  # fmt: skip
    value_tests = [_samples(run.engine, query, number * STEP) for query in queries for number in range(0, ROUNDS, 3)]
    _promtool(tmp_path, text, alert_tests, value_tests)


def test_promtool_notices_another_annotation(tmp_path: Path) -> None:
    text = rules_text()
    told = Run(text).firing[3]["Text"]
    told[0]["exp_annotations"]["text_00"] += "!"
    tests = [{"eval_time": f"{3 * STEP}s", "alertname": "Text", "exp_alerts": told}]
    with pytest.raises(AssertionError, match="text_00"):
        _promtool(tmp_path, text, tests, [])


def _samples(engine: Engine, query: str, at: int) -> dict[str, Any]:
    found = engine.instant(query, float(at))
    samples = [{"labels": _selector(dict(one.labels)), "value": one.value} for one in found.samples]
    return {"expr": query, "eval_time": f"{at}s", "exp_samples": samples}


def _selector(labels: dict[str, str]) -> str:
    name = labels.pop("__name__", "")
    return name + "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def _promtool(folder: Path, text: str, alerts: Sequence[Any], values: Sequence[Any]) -> None:
    assert PROMTOOL is not None
    (folder / "rules.yml").write_text(text)
    shown = [
        {"series": _selector(dict(key)), "values": " ".join("_" if one is None else _written(one) for one in said)}
        for key, said in series().items()
    ]
    # One group reads what another records, and without an order promtool takes them by chance.
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{STEP}s",
        "group_eval_order": [group["name"] for group in yaml.safe_load(text)["groups"]],
        "tests": [{"interval": f"{STEP}s", "input_series": shown, "alert_rule_test": list(alerts),
                   "promql_expr_test": list(values)}],
    }  # fmt: skip
    (folder / "test.yml").write_text(yaml.safe_dump(test))
    done = subprocess.run(
        [PROMTOOL, "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, _differing(done.stdout + done.stderr)


def _written(value: float) -> str:
    return repr(value) if not math.isinf(value) else "Inf"


def _differing(said: str) -> str:
    """The annotations that differ, or all that was said where something else does."""
    expected, _, got = said.partition("got:[")
    pairs = re.compile(r'number="(\d+)"\}\s+Annotations:|(text_\d\d)=("(?:[^"\\]|\\.)*")')
    found: list[dict[str, str]] = []
    for part in (expected, got):
        number, told = "", dict[str, str]()
        for one in pairs.finditer(part):
            number = one[1] or number
            if one[2]:
                told[f"{number}/{one[2]}"] = one[3]
        found.append(told)
    lines = [f"{key}: {found[0][key]} is {found[1].get(key)}" for key in found[0] if found[0][key] != found[1].get(key)]
    return "\n".join(lines) or said[-4000:]
