"""The file that somebody who writes a scenario begins with: small, whole, and able to run."""

from __future__ import annotations

from typing import Final

_TEXT: Final = """\
apiVersion: warroom/v1
kind: Scenario
metadata:
  id: {id}                      # never changes; only hosts see it
  code: {code}                  # what players see; it may tell less than the id
  title: Some customers cannot pay
  version: 1
  difficulty: 2                 # 1 to 5
  duration: {{expected: 20m, hard_stop: 40m}}
  audience: [sre]
  tags: [change]
objectives:
  - {{id: O1, text: Find the change behind a symptom}}
world:
  topology: shop                # `warroom tabletop lint` says what it has
  slo:
    - {{id: availability, sli: availability, at_least: 0.995}}
  seed: 1
roles:
  required: [incident_commander, operations_lead]
briefing: |
  It is Tuesday, ten in the morning. Support says that some customers cannot pay. You are on call.
changes:
  - {{id: C1, at: 2m, kind: deploy, service: payment, version: v150, text: Payment client with new time-outs, by: dana}}
faults:
  - id: F1
    type: error_rate
    target: {{service: payment}}
    params: {{rate: 0.4}}
    at: 2m
    ramp: 30s
    cause: {{kind: change, ref: C1}}
red_herrings:
  - {{id: R1, text: The provider had a bad day last week and is well today, inject: I1}}
injects:
  - id: I1
    at: 4m
    to: all
    from: Support
    text: Last week it was the payment provider. Shall we call them?
    forces: diagnosis.provider_or_us
  - id: I2
    when: no_event(role.assigned:incident_commander, 5m)
    to: all
    from: Head of operations
    text: Who is leading this?
    forces: roles.take_command
    contingency: true
hints:
  - {{id: H1, after: 8m, cost: 3, text: Compare the versions of the payment service.}}
actions:
  - id: rollback_payment
    title: Roll payment back
    kind: rollback
    target: payment
    takes: 2m
    approval: incident_commander
    effects: [{{kind: end_fault, target: {{fault: F1}}}}]
    verdict: accepted
    result: Payment runs the version before.
  - id: scale_payment
    title: Double the payment replicas
    kind: scale
    target: payment
    takes: 3m
    effects: [{{kind: scale, target: {{service: payment}}, params: {{replicas_x: 2}}}}]
    verdict: neutral
    result: Twice as many replicas serve.
  - id: restart_payment
    title: Restart payment everywhere
    kind: restart
    target: payment
    takes: 90s
    effects: [{{kind: restart, target: {{service: payment}}, params: {{downtime_s: 45}}}}]
    verdict: harmful
    cooldown: 3m
    result: All replicas were started again.
milestones:
  - {{id: M1, event: incident.declared, due: 6m, objective: O1}}
  - {{id: M2, when: met(availability) for 3m, due: 20m}}
sealed:
  root_cause:
    entity: payment v150
    kind: deploy
    service: payment
    mechanism: time-outs shorter than the provider's answers
    category: change
    text: The deploy of payment v150 fails payments
  aliases: [[payment], [deploy, version, v150, release]]
  onset: F1
  propagation:
    - {{source: payment, target: checkout, effect: checkouts fail}}
  contributing:
    - {{text: The deploy went to all replicas at once, words: [at once, canary]}}
  accepted_mitigations: [[rollback_payment]]
  harmful: [restart_payment]
  decisive_evidence:
    - text: Payment fails by itself
      ask: metrics
      query: sum(rate(http_requests_total{{service="payment",status="500"}}[2m]))
      expect: value > 1
    - {{text: A deploy just before, ask: changes, query: service=payment kind=deploy last=30m}}
  story: |
    A new version of the payment service fails four requests in ten.
reference:
  - {{at: 8m, action: rollback_payment}}
debrief:
  - What told you that it was not the provider?
"""


def beginning(ident: str) -> str:
    """A scenario file of that id which passes every check."""
    return _TEXT.format(id=ident, code=ident)
