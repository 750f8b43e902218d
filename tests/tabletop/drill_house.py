"""A small exercise for the tests of the drill: a bad version of checkout, how to find it, what may be done about it."""

from __future__ import annotations

from datetime import UTC, datetime

from warroom.embedded.rule_files import read_rules
from warroom.embedded.ruler import RuleGroup
from warroom.tabletop.drill import Telemetry
from warroom.tabletop.load import parse_scenario
from warroom.tabletop.model import Scenario
from warroom.tabletop.runbook import Runbook, parse_runbook

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
QUIET = Telemetry(scrape=5, traces_per_second=0.5, logs=True, ruler_every=15)
"""Enough telemetry to find the fault by, and little of what no test here looks at."""

SCENARIO = """
apiVersion: warroom/v1
kind: Scenario
metadata:
  id: test-bad-checkout
  code: autumn
  title: Checkouts fail
  duration: {expected: 10m, hard_stop: 20m}
  solo: true
world:
  topology: shop
  load: {diurnal: false, noise: 0.02}
  slo: [{id: users, sli: availability, at_least: 0.985}]
  history: {warmup: 1h, changes_per_hour: 1}
  seed: 7
roles:
  required: [incident_commander, operations_lead, communications_lead, scribe]
  absent: [{duty: scribe, from: 3m, to: 6m, why: "on a train"}]
  private_briefs: {communications_lead: "Support has forty tickets about failed payments."}
briefing: "It is Monday morning. You are on call for the shop."
changes:
  - {id: C1, at: 58s, kind: deploy, service: checkout, version: v656, text: "checkout v656: new address form", by: ci}
  - {id: C2, at: 50s, kind: deploy, service: recommend, version: v89, text: "recommend v89", by: ci}
faults:
  - {id: F1, type: error_rate, target: {service: checkout}, params: {rate: 0.7}, at: 60s, ramp: 10s,
     cause: {kind: change, ref: C1}}
  - {id: F2, type: latency_add, target: {service: cart}, params: {ms: 400}}
observability_faults:
  - {id: V1, type: tool_degraded, target: {tool: jaeger}, params: {down: 1}, at: 2m, until: "state(F1.ended)"}
injects:
  - {id: I1, at: 4m, to: communications_lead, from: CEO, method: dm, whispered: true,
     text: "What do I tell the board?", forces: comms.exec_update}
  - {id: I2, when: "no_event(role.assigned:incident_commander, 2m)", to: all, from: Manager, method: channel,
     text: "Who is running this?", forces: roles.commander, contingency: true}
  - {id: I3, at: 5m, to: all, from: Support, method: channel, text: "Forty tickets by now.", forces: severity}
hints:
  - {id: H1, text: "What went out just before?", cost: 4, after: 30s}
actions:
  - {id: rollback-checkout, title: Roll checkout back, kind: rollback, target: checkout, takes: 60s,
     needs: operations_lead, approval: incident_commander, verdict: accepted,
     effects: [{kind: end_fault, target: {fault: F1}}]}
  - {id: scale-checkout, title: Scale checkout up, kind: scale, target: checkout, takes: 30s, verdict: neutral,
     cooldown: 2m, effects: [{kind: scale, target: {service: checkout}, params: {replicas_x: 1.5}}]}
  - {id: restart-cart, title: Restart cart, kind: restart, target: cart, takes: 20s, verdict: harmful, cooldown: 3m,
     effects: [{kind: begin_fault, target: {fault: F2}}]}
  - {id: flag-off, title: Turn the new form off, kind: flag, target: checkout, takes: 10s, verdict: neutral,
     works_when: "state(rollback-checkout.done)", fails_with: "The flag service does not know this form."}
milestones:
  - {id: M1, event: incident.declared, due: 5m}
sealed:
  root_cause: {entity: v656, kind: change, service: checkout, mechanism: error, category: change,
               text: "The new version of checkout fails seven of ten requests."}
  aliases: [[checkout], [v656, version, deploy, release]]
  onset: F1
  accepted_mitigations: [[rollback-checkout]]
  harmful: [restart-cart]
  story: |
    Version v656 of checkout was rolled out.

    Its new address form fails seven of ten requests.
reference: [{at: 6m, action: rollback-checkout}]
scoring: {declare_by: 3m}
"""

RUNBOOK = """
apiVersion: warroom/v1
kind: Runbook
metadata: {id: shop-test, title: "Shop, shortened", version: 1}
users:
  title: Share of requests served well
  query: 'sum(rate(user_requests_total{outcome="ok"}[1m])) / sum(rate(user_requests_total[1m]))'
  healthy: "value >= 0.985"
checks:
  - id: cpu
    title: Is a service short of CPU?
    ask: metrics
    query: 'avg by (service) (process_cpu_utilisation) > 0.9'
    takes: 20s
    suspects: [{text: "{service} is short of CPU", probability: 0.4, actions: [{kind: scale, target: "{service}"}]}]
  - id: own-errors
    title: Which service fails for its own reason?
    ask: metrics
    query: >-
      sum by (service) (rate(http_requests_total{status="500"}[1m]))
      / sum by (service) (rate(http_requests_total[1m])) > 0.05
    takes: 30s
    suspects:
      - text: "the deploy {version} of {service} fails its requests ({change})"
        probability: 0.6
        actions: [{kind: rollback, target: "{service}"}]
        supported_by:
          title: Its log says so
          ask: logs
          query: '{service_name="$service"} |= "request failed"'
          holds: "count >= 3"
      - text: "users send {service} something it cannot read"
        probability: 0.15
        refuted_by: {title: "{service} had a deploy", ask: changes, query: 'service=$service kind=deploy last=20m'}
"""

RULES = """
groups:
  - name: shop
    rules:
      - alert: UsersFail
        expr: sum(rate(user_requests_total{outcome="failed"}[1m])) / sum(rate(user_requests_total[1m])) > 0.02
        for: 30s
        labels: {severity: critical, service: edge}
        annotations: {summary: "{{ $value | humanizePercentage }} of requests fail"}
"""


def scenario(text: str = SCENARIO) -> Scenario:
    """The exercise."""
    return parse_scenario(text, "test.yaml").scenario


def runbook() -> Runbook:
    """The runbook of its players."""
    return parse_runbook(RUNBOOK, "shop.yaml")


def rules() -> tuple[RuleGroup, ...]:
    """The alert rules of its ruler."""
    return read_rules(RULES, "shop.yml")
