"""Single statements of the model that no verification case of its own covers."""

import math
from typing import Any

import numpy as np
import pytest

from kpp_physics import coefficients as co
from kpp_physics import ledger
from kpp_physics import state as st
from kpp_physics.geometry import tilt_capacity
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant


def started(seconds: float, **changes: Any) -> Plant:
    plant = Plant(Parameters.of(changes))
    plant.command("start", {})
    plant.step(round(seconds * 1000))
    return plant


@pytest.mark.parametrize("tilt", [0.0, 0.3, 0.7, 0.9, 1.3, 1.55])
@pytest.mark.parametrize("aspect", [0.4, 1.08, 2.5])
def test_tilt_capacity_is_the_area_above_the_lower_edge_of_the_mouth(tilt: float, aspect: float) -> None:
    across, along = np.meshgrid(*(np.linspace(0, 1, 1201)[:-1] + 0.5 / 1200 for _ in range(2)))
    # Bucket of height 1 and width `aspect`, mouth at the bottom, axis tilted: height of every point over one rim.
    height = along * math.cos(tilt) + (across - 1) * aspect * math.sin(tilt)
    lower_rim = min(0.0, -aspect * math.sin(tilt))
    other = height - max(0.0, lower_rim)
    assert tilt_capacity(math.cos(tilt), math.sin(tilt), aspect) == pytest.approx(float(np.mean(other > 0)), abs=2e-3)


def test_the_oldest_floater_is_served_first_and_gets_its_charge_exactly() -> None:
    plant = started(140, injection_window_length=3, valve_conductance=7e-7)
    f, c, x = plant._parts.floaters, plant._coefficients, plant._parts.scalars
    waiting = 0
    for _ in range(4000):
        plant.step(1)
        served = int(x[st.SERVED])
        inside = np.flatnonzero(f[st.IN_WINDOW] != 0)
        hungry = [i for i in inside if f[st.DELIVERED, i] < c[co.TARGET_MASS]]
        assert (f[st.DELIVERED] <= c[co.TARGET_MASS]).all()
        if served in hungry and len(hungry) > 1:
            waiting += 1
            progress = [(float(x[st.POSITION]) + int(i) * c[co.PITCH] + 10) % c[co.LOOP_LENGTH] for i in hungry]
            assert hungry[int(np.argmax(progress))] == served
    assert waiting > 100
    full = f[st.DELIVERED][f[st.DELIVERED] > 0.9 * c[co.TARGET_MASS]]
    assert (full == c[co.TARGET_MASS]).sum() >= len(full) - 1


def test_no_air_flows_against_a_higher_pressure_and_the_pulse_waits() -> None:
    plant = started(140)
    x = plant._parts.scalars
    while x[st.SERVED] < 0:
        plant.step(1)
    low = 2.5e5 / (plant.observe()["receiver"]["pressure"])
    x[st.RECEIVER_MASS] *= low
    x[st.RECEIVER_ENERGY] *= low
    before = plant.observe()["valve"]["delivered"]
    for _ in range(20):
        plant.step(1)
        frame = plant.observe()["valve"]
        assert frame["mass_flow"] == 0.0
        assert frame["floater"] is not None
        assert frame["delivered"] == before


def test_an_idle_compressor_takes_its_share_of_the_power_at_unload_pressure() -> None:
    plant = started(100, compressor_idle_fraction=0.3)
    while plant.observe()["compressor"]["mode"] != "idle":
        plant.step(100)
    frame = plant.observe()["compressor"]
    p = plant.parameters
    work = (
        p.cp_air * p.ambient_temperature * ((p.unload_pressure / p.ambient_pressure) ** (p.gas_constant / p.cp_air) - 1)
    )
    assert frame["power"] == pytest.approx(0.3 * p.compressor_flow * work / p.compressor_efficiency)
    assert frame["mass_flow"] == 0


def test_a_relief_valve_holds_the_pressure_and_is_booked_as_vent() -> None:
    plant = started(120, relief_pressure=3e5)
    frame = plant.observe()
    assert frame["receiver"]["pressure"] == pytest.approx(3e5, rel=1e-3)
    assert plant._lines[0, ledger.AIR_VENTED] > 5
    assert frame["ledger"]["vent"] > 0
    assert abs(frame["ledger"]["r_a"]) <= ledger.GATE_A


def test_expelled_and_ingested_water_are_never_netted() -> None:
    plant = started(150)
    plant.observe()
    booked = plant._lines[1]
    seen = []
    for _ in range(200):
        plant.step(10)
        plant.observe()
        seen.append((booked[ledger.WATER_EXPELLED], booked[ledger.WATER_INGESTED]))
    assert any(out > 0 and taken > 0 for out, taken in seen)


def test_a_starting_plant_has_a_long_window_and_a_generator_without_torque() -> None:
    plant = started(0)
    while plant.plc_state != "starting":
        plant.step(10)
    plant.step(1)
    frame = plant.observe()
    assert frame["converter"]["on"]
    inside = int(plant._parts.scalars[st.WINDOW_COUNT])
    assert inside == pytest.approx(0.5 * plant._coefficients[co.STRAIGHT_LENGTH] / plant._coefficients[co.PITCH], abs=1)
    while plant.plc_state == "starting":
        assert plant._parts.scalars[st.TORQUE] == 0.0
        plant.step(100)
    plant.step(2000)
    assert plant._parts.scalars[st.WINDOW_COUNT] <= 1


def test_the_converter_works_from_starting_to_the_end_of_stopping() -> None:
    plant = started(5)
    assert not plant.observe()["converter"]["on"]
    plant.step(135_000)
    assert plant.observe()["converter"]["on"]
    plant.command("stop", {})
    plant.step(5000)
    assert plant.plc_state == "stopping"
    assert plant.observe()["converter"]["on"]
    plant.step(60_000)
    frame = plant.observe()
    assert frame["plc"]["state"] == "stopped"
    assert not frame["converter"]["on"]
    assert frame["powers"]["converter"] == 0


def test_every_line_of_the_balance_is_published_as_energy_and_as_power() -> None:
    frame = started(1).observe()
    stored = {f"stored_{name}" for name in ledger.STORES}
    own = {"residual", "r_a", "rebuilt", "parameter_change"}
    assert set(frame["ledger"]) == {*ledger.INPUTS, *ledger.OUTPUTS, *stored, *own}
    assert {*ledger.INPUTS, *ledger.OUTPUTS} - {"reference"} <= set(frame["powers"])
    assert {*ledger.INPUTS, *ledger.OUTPUTS} - {"reference"} <= set(frame["sampled"])


@pytest.mark.parametrize(
    ("place", "value", "changes", "warning"),
    [
        (st.WINDING_TEMPERATURE, 404.0, {}, "winding: at 404.0 K, above 403.15 K"),
        (st.TENSION_MAX, 95000.0, {}, "chain tension: 95.0 kN, above 90 % of 100 kN"),
        (st.COLDEST, 270.0, {}, "icing: coldest pocket at 270.0 K, below 273.15 K"),
    ],
)
def test_warnings(place: int, value: float, changes: dict[str, Any], warning: str) -> None:
    plant = Plant(Parameters.of(changes))
    assert warning not in plant.observe()["plc"]["warnings"]
    plant._parts.scalars[place] = value
    assert warning in plant.observe()["plc"]["warnings"]


def test_missed_charges_are_a_warning() -> None:
    plant = started(350, valve_conductance=1.2e-6, generator_speed_setpoint=200)
    assert plant.laps >= 2
    assert any(text.startswith("missed pulses:") for text in plant.observe()["plc"]["warnings"])
