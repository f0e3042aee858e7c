"""Many plants in one call: the same bits as each alone."""

import pytest

from kpp_physics.fleet import Fleet
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant, SimulationError

DIFFERENT = [
    Parameters(),
    Parameters.of({"floater_count": 31, "water_depth": 12}),
    Parameters.of({"floater_count": 200, "fill_fraction": 2, "jet_mode": "physical"}),
    Parameters.of({"floater_count": 4, "h1_mode": "claimed", "h3_mode": "physical"}),
]


def test_different_plants_compute_the_bits_of_each_alone() -> None:
    fleet = Fleet.of(DIFFERENT)
    fleet.step(15_000)
    fleet.step(15_000)
    for i, parameters in enumerate(DIFFERENT):
        alone = Plant(parameters)
        alone.command("start", {})
        alone.step(30_000)
        assert fleet.digest(i) == alone.digest()
        assert fleet.observe(i) == alone.observe()


def test_a_thousand_plants_compute_the_same_bits_as_one() -> None:
    alone = Plant(Parameters())
    alone.command("start", {})
    alone.step(40_000)
    fleet = Fleet([alone] * 1000)
    fleet.step(100)
    alone.step(100)
    assert {fleet.digest(i) for i in range(1000)} == {alone.digest()}


def test_a_plant_can_be_taken_out_commanded_and_put_back() -> None:
    fleet = Fleet.of(DIFFERENT[:2])
    fleet.step(1000)
    plant = fleet.plant(1)
    plant.command("emergency_stop", {})
    fleet.replace(1, plant)
    fleet.step(10)
    assert fleet.plant(1).plc_state == "emergency_stop"
    assert fleet.plant(0).plc_state == "pressurising"
    with pytest.raises(ValueError, match="66 floaters"):
        fleet.replace(0, plant)


def test_a_plant_that_cannot_go_on_is_named() -> None:
    broken = Plant(Parameters())
    broken._memory[2] = float("nan")
    with pytest.raises(SimulationError, match="plant 1"):
        Fleet([Plant(Parameters()), broken]).step(1)
