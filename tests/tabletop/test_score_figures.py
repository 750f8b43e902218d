"""Objectives that users' shares say nothing of: the score asks the production itself for them."""

from __future__ import annotations

import pytest

from warroom.tabletop.figures import Figures
from warroom.tabletop.library import installed
from warroom.tabletop.model import Scenario
from warroom.tabletop.replay import WorldDeed, replay
from warroom.tabletop.score.curves import HELD, breach, restored

BEGUN, DONE = 60, 200
STRICT = 0.9
"""A share of lost requests that none of this comes near, so that objectives alone decide."""


def scenario(name: str) -> Scenario:
    found = installed().find(name)
    assert found is not None
    return found.scenario


def test_users_of_one_country_are_well_when_the_objective_is_met_again():
    slow = scenario("slice-shipping")
    deeds = [WorldDeed(DONE, "finish", "revert_table", 1)]
    curve = replay(slow, 90_001, deeds, DONE + HELD + 120, 1_767_603_600.0)
    began, ended = breach(curve, STRICT), restored(curve, STRICT, curve.seconds - 1)
    assert began is not None
    assert BEGUN < began < DONE
    assert ended is not None
    assert DONE <= ended < DONE + 90
    times = curve.figures["p95(checkout)"]
    assert len(times) == curve.seconds == len(curve.missed)
    assert times[began] > 2 >= times[ended]


@pytest.mark.parametrize("name", [one.scenario.metadata.id for one in installed().newest])
def test_all_that_objectives_and_milestones_ask_for_is_taken_down(name: str):
    asked = Figures(scenario(name)).told
    assert asked
    for slo in scenario(name).world.slo:
        assert any(one in slo.sli.replace(" ", "") or one in slo.sli for one in asked), slo.sli
