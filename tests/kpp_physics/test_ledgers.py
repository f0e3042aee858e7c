"""First and second law by three independent ledgers: bookings, re-integrated powers, exergy."""

from typing import Any

import pytest

from catalog.scenarios import Scenarios
from kpp_physics import coefficients as co
from kpp_physics import exergy, ledger
from kpp_physics import state as st
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from nodes.gateway.views import LINES


def started(parameters: Parameters, seconds: float, step: float = 1e-3) -> Plant:
    plant = Plant(parameters)
    plant._coefficients = co.coefficients(parameters, step)
    plant.command("start", {})
    plant.step(round(seconds / step))
    return plant


@pytest.mark.parametrize("name", Scenarios.at_hand().names())
def test_v20_first_law_and_v21_second_law_in_every_scenario(name: str) -> None:
    frame = started(Scenarios.at_hand().read(name), 200).observe()
    assert abs(frame["ledger"]["r_a"]) <= ledger.GATE_A
    assert abs(frame["sampled"]["r_b"]) <= ledger.GATE_B
    assert abs(frame["exergy"]["r_c"]) <= ledger.GATE_C
    assert not [warning for warning in frame["plc"]["warnings"] if "residual" in warning or "second law" in warning]


def test_v20_the_re_integrated_residual_falls_with_the_step() -> None:
    residuals = []
    for step in (2e-3, 1e-3, 0.5e-3):
        frame = started(Scenarios.at_hand().read("rated-speed"), 120, step).observe()
        residuals.append(abs(frame["sampled"]["r_b"]))
    assert residuals[0] > residuals[1] > residuals[2]
    assert residuals[2] < 0.4 * residuals[0]


def test_v21_every_line_of_destroyed_exergy_is_positive_in_every_step() -> None:
    plant = started(Parameters.of({"water_temperature": 303.15, "recovery_mode": "physical"}), 100)
    for _ in range(3000):
        plant.step(1)
        step = plant._parts.entropy[1]
        assert (step[: exergy.LINE_COUNT] >= -1e-9).all()
        losses = plant._parts.ledger[2, ledger.FIRST_LOSS : ledger.BALANCE_COUNT]
        assert (losses >= -1e-9).all()
    assert plant._parts.scalars[st.ENTROPY_LOW] >= -1e-9


def test_v21_warm_water_adds_at_most_its_exergy() -> None:
    plant = started(Parameters.of({"water_temperature": 303.15}), 150)
    frame = plant.observe()
    heat = frame["ledger"]["heat_from_water"]
    assert heat > 0
    assert frame["exergy"]["heat_exergy"] == pytest.approx(heat * (1 - 293.15 / 303.15), rel=1e-9)
    assert frame["exergy"]["heat_exergy"] <= 0.03411 * heat


def test_a_passed_gate_raises_a_warning() -> None:
    plant = started(Parameters(), 20)
    plant._parts.ledger[0, ledger.GRID] += 1e6
    warnings = plant.observe()["plc"]["warnings"]
    assert any("R_A" in warning and "above its gate 1e-09" in warning for warning in warnings)


def test_cross_checks_are_advisories_with_both_numbers() -> None:
    controller = Plant(Parameters.of({"mouth_area": 0.1})).observe()["plc"]
    told = controller["advisories"]
    assert any("bucket length" in text and "4.00 m" in text and "0.799 m" in text for text in told)
    assert controller["warnings"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"finite_bucket": "on"},
        {"surface_area": 16},
        {"bath_heat_capacity": 1e7, "bath_ua": 2000, "water_temperature": 303.15},
        {"valve_time_constant": 0.1},
        {"blockage_correction": "on"},
        {"dc_link_capacitance": 0},
        {"control_mode": "torque", "torque_setpoint": 800},
        {"grid_frequency": 50.5, "dump_load_power": 3000, "load_power": 5000},
        {"grid_voltage": 0.5},
    ],
)
def test_v20_every_option_keeps_all_three_ledgers(changes: dict[str, Any]) -> None:
    plant = started(Parameters.of(changes), 120)
    frame = plant.observe()
    assert plant.plc_state in {"running", "tripped"}
    assert abs(frame["ledger"]["r_a"]) <= ledger.GATE_A
    assert abs(frame["sampled"]["r_b"]) <= ledger.GATE_B
    assert abs(frame["exergy"]["r_c"]) <= ledger.GATE_C
    assert plant._parts.scalars[st.ENTROPY_LOW] >= -1e-6


STIFF: list[dict[str, Any]] = [
    {"water_temperature": 360, "pocket_ua": 1000},  # a pocket of a gram takes the water's temperature within a step
    {"water_temperature": 360, "pocket_ua": 1000, "valve_conductance": 1e-7},
    {"receiver_ua": 1e6, "receiver_volume": 0.2},
    {"relief_pressure": 3e5, "unload_pressure": 4e5, "compressor_flow": 10, "receiver_volume": 0.1},
    {"valve_conductance": 1e-4, "capture_efficiency": 0.5, "ambient_temperature": 263},
    {"flux_linkage": 0.01, "h3_mode": "physical"},  # 140 kA in and out of the winding
    {"stator_inductance": 1, "flux_linkage": 0.05, "generator_max_torque": 500, "converter_c2": 0.1},
]


@pytest.mark.parametrize("changes", STIFF)
def test_v20_exchanges_faster_than_the_step_keep_all_three_ledgers(changes: dict[str, Any]) -> None:
    plant = started(Parameters.of(changes), 60)
    frame = plant.observe()
    assert abs(frame["ledger"]["r_a"]) <= ledger.GATE_A
    assert abs(frame["sampled"]["r_b"]) <= ledger.GATE_B
    assert abs(frame["exergy"]["r_c"]) <= ledger.GATE_C
    assert plant._parts.scalars[st.ENTROPY_LOW] >= -1e-6


def test_v20_the_re_integrated_residual_of_hot_water_falls_with_the_step() -> None:
    residuals = [abs(started(Parameters.of(STIFF[0]), 100, h).observe()["sampled"]["r_b"]) for h in (2e-3, 1e-3, 5e-4)]
    assert residuals[0] > residuals[1] > residuals[2]


def test_each_line_is_declared_on_the_side_on_which_it_is_booked() -> None:
    sides: dict[str, set[str]] = {}
    for name, (side, _meaning) in LINES.items():
        sides.setdefault(side, set()).add(name)
    assert sides == {
        "in": {*ledger.INPUTS, "parameter_change"},
        "out": set(ledger.OUTPUTS),
        "stored": {f"stored_{store}" for store in ledger.STORES},
    }
