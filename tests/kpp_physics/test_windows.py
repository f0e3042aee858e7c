"""What the meters say of windows that somebody has chosen with care."""

import pytest

from kpp_physics import ledger
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from tests.kpp_physics.test_interventions import SMALL, running


def wait_until_idle(plant: Plant) -> None:
    for _ in range(20_000):
        plant.step(100)
        if plant.observe()["compressor"]["mode"] == "idle":
            return
    raise AssertionError("the compressor does not idle")


def set_band(plant: Plant, low: float, high: float) -> None:
    pressure = float(plant.observe()["receiver"]["pressure"])
    plant.change_parameters({"load_pressure": pressure + low, "unload_pressure": pressure + high})


def test_load_cycles_that_do_not_stand_for_their_laps_measure_no_compressor() -> None:
    """Two switches a minute apart, while the receiver drains, and then a compressor that never rests."""
    plant = running({"receiver_volume": 20}, laps=3)
    set_band(plant, -10, 100)
    wait_until_idle(plant)
    set_band(plant, 500, 600)
    plant.step(1)
    plant.change_parameters({"load_pressure": 150_000, "unload_pressure": 160_000})
    plant.step(60_000)
    set_band(plant, 500, 600)
    plant.step(1)
    plant.change_parameters(
        {"load_pressure": 380_000, "unload_pressure": 900_000, "trip_pressure": 2e6, "relief_pressure": 2e6}
    )
    for _ in range(7):
        lap = plant.laps
        while plant.laps == lap:
            plant.step(500)
        found = plant.observe()["meters"]
        if found["net_power"] is not None:
            assert found["net_power"] < 0.0, "no energy comes from a choice of the window"
            imported = found["grid_power"] / found["cop_raw"]
            assert found["compressor_power"] == pytest.approx(imported, rel=0.05)


def test_a_fork_of_another_machine_is_measured_from_its_own_beginning() -> None:
    plant = running(SMALL, laps=6)
    fork = plant.rebuilt({"shell_density": 2000})
    speed = plant.observe()["meters"]["chain_speed"]
    for _ in range(3):
        lap = fork.laps
        while fork.laps == lap:
            fork.step(500)
        assert fork.observe()["meters"]["chain_speed"] == pytest.approx(speed, rel=0.02)


@pytest.mark.parametrize("conductance", [1e5, 1e6, 1e7])
def test_a_bath_that_follows_its_surroundings_at_once_keeps_the_second_ledger(conductance: float) -> None:
    plant = Plant(Parameters.of({"bath_heat_capacity": 1e5, "bath_ua": conductance, "water_temperature": 360}))
    plant.command("start", {})
    plant.step(2000)
    frame = plant.observe()
    assert abs(frame["sampled"]["r_b"]) <= ledger.GATE_B
    assert abs(frame["exergy"]["r_c"]) <= ledger.GATE_C


@pytest.mark.parametrize("frequency", [47.0, 51.6, 52.0])
def test_the_breaker_never_closes_on_a_grid_out_of_its_band(frequency: float) -> None:
    plant = running(SMALL)
    plant.change_parameters({"grid_frequency": frequency})
    plant.step(500)
    for _ in range(3000):
        plant.step(1)
        assert not plant.observe()["grid"]["synchronised"]


def test_a_state_is_set_with_its_own_surroundings() -> None:
    plant = running(SMALL)
    memory = plant.memory()
    other = Plant(plant.parameters, memory)
    plant.change_parameters({"ambient_pressure": 90_000, "ambient_temperature": 280})
    plant.step(5000)
    plant.set_memory(memory)
    plant.step(100)
    other.change_parameters({"ambient_pressure": 90_000, "ambient_temperature": 280})
    other.step(100)
    assert plant.digest() == other.digest()
