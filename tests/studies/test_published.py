"""The published lap averages of the named scenarios, from a cold start."""

import pytest

from catalog.scenarios import SHIPPED, NoScenarioError, Scenarios
from kpp_physics.parameters import DECLARATIONS
from studies import headless, published


@pytest.mark.parametrize("name", published.SCENARIOS)
def test_published_lap_averages(name: str) -> None:
    found = headless.run(Scenarios.at_hand().read(name))
    assert found.laps >= 10
    assert found.load_cycles >= 10
    assert [row for row in published.compare(found, name) if not row.holds] == []
    assert found.meters["unsourced_power"] == 0
    assert found.worst_r_a <= 1e-9
    assert any("icing" in warning for warning in found.warnings)


def test_every_named_scenario_states_every_parameter_and_is_known() -> None:
    assert Scenarios.at_hand().names() == [
        "as-claimed",
        "ideal",
        "rated-speed",
        "reference",
        "right-sized",
        "small-compressor",
    ]
    for name in Scenarios.at_hand().names():
        Scenarios.at_hand().read(name)
        text = (SHIPPED / f"{name}.toml").read_text()
        assert all(f"\n{parameter} = " in text for parameter in DECLARATIONS)


def test_unknown_scenarios_are_named() -> None:
    with pytest.raises(NoScenarioError, match="there are as-claimed"):
        Scenarios.at_hand().read("perpetual")


def test_a_plant_that_trips_says_so() -> None:
    with pytest.raises(headless.StudyError, match=r"tripped at .* chain tension"):
        headless.run(Scenarios.at_hand().read("reference").with_changes({"chain_tension_limit": 50000}))
