"""Whether a scenario fits the imaginary production that it names: topology, faults, effects, questions.

Invariant: the simulator itself says what it would refuse, so a file that passes runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from warroom.document import ValuePath
from warroom.playbooks.lint import Weight
from warroom.tabletop.model import Scenario

Remark: TypeAlias = tuple[str, Weight, ValuePath, str, str]
_HERE = frozenset({"begin_fault", "end_fault"})


def production_findings(scenario: Scenario) -> Iterator[Remark]:
    """What the simulator says against a scenario."""
    from warroom.simulator.topology import TopologyError
    from warroom.simulator.topology_files import load_topology

    try:
        topology = load_topology(scenario.world.topology).patched([dict(one) for one in scenario.world.patch])
    except (TopologyError, FileNotFoundError) as error:
        yield "topology", Weight.ERROR, ("world",), str(error), "name a topology that there is, and parts that it has"
        return
    from warroom.simulator.effects import Effect, check_effect
    from warroom.simulator.faults import Fault, check_fault

    advice = "`docs/scenarios.md` lists what the simulator knows"
    for section in ("faults", "observability_faults"):
        for i, one in enumerate(getattr(scenario, section)):
            fault = Fault(one.id, one.type, one.target, one.params, float(one.ramp), one.lasts)
            for sentence in check_fault(fault, topology):
                yield "fault", Weight.ERROR, (section, i), sentence, advice
    for i, action in enumerate(scenario.actions):
        for k, effect in enumerate(action.effects):
            if effect.kind in _HERE:
                continue
            for sentence in check_effect(Effect(effect.kind, effect.target, effect.params), topology):
                yield "effect", Weight.ERROR, ("actions", i, "effects", k), sentence, advice
    yield from _alerts(scenario)
    services = {service.name for service in topology.services}
    for i, change in enumerate(scenario.changes):
        if change.service and change.service not in services:
            message = f"{change.service!r} is no service of {scenario.world.topology}"
            yield "service", Weight.ERROR, ("changes", i, "service"), message, f"it has {', '.join(sorted(services))}"


def _alerts(scenario: Scenario) -> Iterator[Remark]:
    from warroom.data import shipped_data_dir
    from warroom.embedded.rule_files import AlertingRule, RuleError, load_rules

    path = shipped_data_dir("scenarios") / "rules" / f"{scenario.world.topology}.yml"
    if not path.is_file():
        return
    try:
        rules = [rule for group in load_rules(path) for rule in group.rules]
    except RuleError as error:
        yield "rules", Weight.ERROR, ("world", "topology"), str(error), "mend the file of alert rules"
        return
    known = sorted({rule.name for rule in rules if isinstance(rule, AlertingRule)})
    for ident, names in scenario.sealed.alert_groups.items():
        for k, name in enumerate(names):
            if name not in known:
                message = f"{name!r} is no alert of {scenario.world.topology}"
                yield "alert", Weight.ERROR, ("sealed", "alert_groups", ident, k), message, f"it has {', '.join(known)}"
