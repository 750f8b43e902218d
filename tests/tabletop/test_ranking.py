"""The book scores higher than a guess, and a guess higher than nobody, with seeds that nothing was tuned on.

Two scenarios by default; `WARROOM_RANKING=all` plays every one that ships with two seeds, which takes an hour or two.
"""

from __future__ import annotations

import os

import pytest

from warroom.tabletop.bots import NAMES
from warroom.tabletop.drill import Telemetry
from warroom.tabletop.headless import run_headless
from warroom.tabletop.library import installed
from warroom.tabletop.model import Scenario
from warroom.tabletop.score.total import score

WHOLE = os.environ.get("WARROOM_RANKING") == "all"
USUAL = ("leapday-cert", "slice-shipping")
SCENARIOS = [file.scenario for file in installed().newest if WHOLE or file.scenario.metadata.id in USUAL]
SEEDS = (90_001, 90_002) if WHOLE else (90_001,)
SEEING = Telemetry(traces_per_second=1.0, ruler_every=30)
BLIND = Telemetry(scrape=15, traces_per_second=0.0, logs=False, ruler_every=60)
"""For those who look at nothing."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.metadata.id for one in SCENARIOS])
def test_the_book_beats_the_guess_beats_nobody(scenario: Scenario, seed: int) -> None:
    totals = {}
    for bot in NAMES:
        run = run_headless(scenario, seed, bot, telemetry=SEEING if bot == "textbook" else BLIND)
        totals[bot] = score(run.records, scenario).total
    assert totals["textbook"] > totals["guess"] > totals["nothing"], totals
