"""Long runs: bit-identical repeats over a million steps, and independence of the start."""

import pytest

from catalog.scenarios import Scenarios
from kpp_physics import coefficients as co
from kpp_physics import meters, plc
from kpp_physics import state as st
from kpp_physics.plant import Plant
from studies import headless

STEPS = 1_000_000


def test_the_digest_is_bit_identical_after_a_million_steps() -> None:
    digests = set()
    for chunk in (STEPS, 997):
        plant = Plant(Scenarios.at_hand().read("as-claimed"))
        plant.command("start", {})
        done = 0
        while done < STEPS:
            done += (part := min(chunk, STEPS - done))
            plant.step(part)
        digests.add(plant.digest())
    assert len(digests) == 1


def warm(name: str) -> Plant:
    """A plant that runs at its set speed, its up run charged, its receiver between its limits."""
    parameters = Scenarios.at_hand().read(name)
    plant = Plant(parameters)
    c, x, f = plant._coefficients, plant._parts.scalars, plant._parts.floaters
    x[st.PLC_STATE] = plc.RUNNING
    x[st.SPEED] = c[co.SPEED_SETPOINT] / c[co.SHAFT_PER_CHAIN]
    x[st.SHAFT_SPEED] = c[co.SPEED_SETPOINT]
    x[st.LOCKED] = 1.0
    x[st.BREAKER] = 1.0
    x[st.COMPRESSOR_MODE] = st.COMPRESSOR_LOADED
    pressure = 0.5 * (parameters.load_pressure + parameters.unload_pressure)
    x[st.RECEIVER_MASS] *= pressure / parameters.ambient_pressure
    x[st.RECEIVER_ENERGY] *= pressure / parameters.ambient_pressure
    for i in range(parameters.floater_count):
        progress = i * c[co.PITCH]
        if 0.5 < progress < c[co.STRAIGHT_LENGTH]:
            f[st.MASS, i] = c[co.TARGET_MASS]
            f[st.ENTHALPY, i] = c[co.TARGET_MASS] * parameters.cp_air * parameters.ambient_temperature
    return plant


def test_a_warm_start_leads_to_the_same_means_as_a_cold_one() -> None:
    cold = headless.run(Scenarios.at_hand().read("reference")).meters
    plant = warm("reference")
    laps = int(cold["laps"] or 0)
    while plant.laps < 3 + laps:
        plant.step(500)
    records, before = plant.lap_records(laps)
    for name, value in meters.meters(records, before).items():
        if (name.endswith("_power") and value) or name in {"chain_speed", "cop", "air_mass_flow"}:
            assert value == pytest.approx(cold[name], rel=2e-3), name
