"""Faults on random nodes, up to three at once, under commands: nothing is lost, doubled or different."""

from pathlib import Path

import pytest

from tests.chaos.checker import summary, unheard
from tests.chaos.driver import Chaos, run
from tests.chaos.history import Sequenced

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

FAULTS = 80
"""In each of two runs."""


@pytest.mark.parametrize("standby", [False, True], ids=["alone", "with a standby"])
def test_nothing_is_lost_doubled_or_different(standby: bool, tmp_path: Path) -> None:
    outcome = run(Chaos(seed=11 + standby, faults=FAULTS, rate=2.0, standby=standby, controls=True), tmp_path / "plant")
    assert outcome.findings == [], summary(outcome.findings)
    assert outcome.kills_of_healthy == [], "nobody is killed who does not hang"
    assert unheard(outcome.evidence) == [], "every command's result is heard"
    assert len(outcome.delivered) >= FAULTS - 2, outcome.missed
    assert sum(isinstance(said, Sequenced) for said in outcome.client.history) > FAULTS, "there was something to lose"
    assert outcome.client.repeats > 0
    for control, findings in outcome.controls.items():
        assert any(finding.fault == "lost" for finding in findings), f"{control} passes: the checker sees nothing"
