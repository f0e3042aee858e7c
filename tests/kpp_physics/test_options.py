"""Options of the model and of the operation, each against its own law."""

import math

import pytest

from kpp_physics import coefficients as co
from kpp_physics import constants, ledger
from kpp_physics import state as st
from kpp_physics.air import bucket_volume
from kpp_physics.grid import may_close, must_open
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from kpp_physics.plc import CommandError

RHO, G, P0, T0, R, CP = 998.2, 9.80665, 101325.0, 293.15, 287.055, 1004.7
WEIGHT = RHO * G


def running(seconds: float = 110, **changes: float | str) -> Plant:
    plant = Plant(Parameters.of(changes))
    plant.command("start", {})
    plant.step(round(seconds * 1000))
    assert plant.plc_state == "running"
    return plant


def isothermal_volume(mass: float, depth: float, stiffness: float) -> float:
    """V (p_roof + c V) = m R T0."""
    roof = P0 + WEIGHT * depth
    return 2 * mass * R * T0 / (roof + math.sqrt(roof * roof + 4 * stiffness * mass * R * T0))


def test_v05_finite_bucket_isothermal() -> None:
    mass, area = 0.45, 0.571
    stiffness = WEIGHT / area
    deep, top = (isothermal_volume(mass, depth, stiffness) for depth in (24.3, 0.0))
    closed = mass * R * T0 * math.log((P0 + WEIGHT * 24.3 + stiffness * deep) / (P0 + stiffness * top))
    closed += 0.5 * WEIGHT * area * ((top / area) ** 2 - (deep / area) ** 2)
    steps = 20_000
    dz = 24.3 / steps
    work = sum(WEIGHT * isothermal_volume(mass, (n + 0.5) * dz, stiffness) * dz for n in range(steps))
    assert closed == pytest.approx(44_731.154, rel=1e-7)
    assert work == pytest.approx(closed, rel=1e-7)
    # The model's own volume at the same energy, E = H - c V^2/2:
    energy = mass * CP * T0 - 0.5 * stiffness * top * top
    assert bucket_volume(energy, P0, R / CP, stiffness) == pytest.approx(top, rel=1e-12)


def test_a_finite_bucket_changes_buoyancy_a_little() -> None:
    point, finite = running(), running(finite_bucket="on")
    force = [plant.observe()["chain"]["buoyancy_force"] for plant in (point, finite)]
    assert 0.9 * force[0] < force[1] < 1.05 * force[0]


def test_a_finite_bath_cools() -> None:
    plant = running(bath_heat_capacity=1e6, bath_ua=0)
    frame = plant.observe()
    cooled = 293.15 - frame["water"]["temperature"]
    assert cooled == pytest.approx(frame["ledger"]["heat_from_water"] / 1e6, rel=1e-9)
    assert frame["ledger"]["stored_bath"] == pytest.approx(-frame["ledger"]["heat_from_water"], rel=1e-9)


def test_the_free_surface_rises_by_the_air() -> None:
    plant = running(surface_area=16)
    frame = plant.observe()
    air = 0.4 * math.fsum(frame["floaters"]["fill"])
    assert frame["water"]["level_rise"] == pytest.approx(air / 16, rel=1e-3)


def test_v25_the_dc_link_balances_and_the_chopper_takes_what_droop_refuses() -> None:
    plant = running(grid_frequency=50.5)
    for _ in range(100):
        before = plant.observe()
        plant.step(1)
        after = plant.observe()
        stored = after["ledger"]["stored_dc_link"] - before["ledger"]["stored_dc_link"]
        power = after["converter"]["dc_power"] - after["dc_link"]["chopper_power"]
        drawn = power - stored / 1e-3
        assert drawn == pytest.approx(0.88 * after["converter"]["dc_power"], rel=1e-9)
    assert after["dc_link"]["voltage"] == pytest.approx(800 * constants.CHOPPER_RATIO, rel=1e-9)
    assert running().observe()["dc_link"]["voltage"] == pytest.approx(800, rel=1e-3)


def test_synchronisation_checks() -> None:
    assert may_close(50.0, 1.0, 0.08)
    assert not may_close(50.0, 1.0, 0.09)  # 16.2 degrees
    assert not may_close(50.0, 0.94, 0.0)
    assert not may_close(55.0, 1.0, 0.05)
    assert must_open(52.0, 1.0)
    assert must_open(50.0, 0.8)
    plant = running()
    assert plant.observe()["grid"]["synchronised"]
    plant.change_parameters({"grid_voltage": 0.5})
    plant.step(2000)
    frame = plant.observe()
    assert not frame["grid"]["synchronised"]
    assert frame["grid"]["export_power"] <= 0
    assert frame["dc_link"]["chopper_power"] > 0
    plant.change_parameters({"grid_voltage": 1.0})
    plant.step(2000)
    assert plant.observe()["grid"]["synchronised"]


def test_loads_on_the_bus() -> None:
    frame = running(dump_load_power=4000, load_power=6000).observe()["grid"]
    assert frame["dump_load_power"] == 4000
    assert frame["exchange_power"] == pytest.approx(frame["export_power"] - frame["import_power"] - 6000)


def test_torque_control_holds_its_torque() -> None:
    plant = running()
    plant.change_parameters({"control_mode": "torque", "torque_setpoint": 800})
    plant.step(3000)
    frame = plant.observe()
    assert frame["generator"]["torque"] == pytest.approx(800, rel=1e-9)


def test_a_pulse_by_hand() -> None:
    plant = running(injection_mode="auto")
    plant.command("coast", {})
    plant.step(100)
    before = plant.observe()["valve"]["pulses"]
    plant.command("inject", {})
    plant.step(8000)
    frame = plant.observe()["valve"]
    assert frame["pulses"] == before + 1
    assert frame["mass_flow"] == 0
    with pytest.raises(CommandError, match="by hand"):
        Plant(Parameters()).command("inject", {})


def drag_at(speeds: list[float]) -> tuple[float, float]:
    """Mean drag power [W] and mean speed [m/s] of a chain in still water that is driven at these speeds, 1 s each."""
    lossless = {"coflow": "off", "chain_friction_base": 0, "pin_friction": 0, "fill_fraction": 0}
    plant = Plant(Parameters.of({**lossless, "generator_rated_speed": 3000, "brake_force": 0}))
    x = plant._parts.scalars
    for speed in speeds:
        for _ in range(1000):
            x[st.SPEED], x[st.SHAFT_SPEED], x[st.ACCELERATION] = speed, 200.0, 0.0
            plant.step(1)
    plant.observe()
    return float(plant._lines[0, ledger.DRAG]) / len(speeds), float(plant._lines[0, ledger.CHAIN_TRAVEL]) / len(speeds)


@pytest.mark.parametrize(("on", "off"), [(2, 1), (1, 1), (1, 3)])
def test_v29_duty_at_equal_mean_speed_costs_one_over_its_square(on: int, off: int) -> None:
    duty = on / (on + off)
    steady, mean = drag_at([0.3])
    pulsed, pulsed_mean = drag_at([0.3 / duty] * on + [0.0] * off)
    assert pulsed_mean == pytest.approx(mean, rel=1e-3)
    assert pulsed / steady == pytest.approx(1 / duty**2, rel=2e-3)


def test_v29_a_plant_that_pulses_pays_more_drag_for_its_mean_speed() -> None:
    """A real chain does not stand still while it coasts: it pays more than steady motion, and less than 1/D2."""
    values = {"coflow": "off", "h3_mode": "physical", "h3_on_time": 2, "h3_off_time": 6, "floater_volume": 0.2}
    plant = Plant(Parameters.of({**values, "shaft_inertia": 10, "gear_ratio": 20, "generator_speed_setpoint": 110}))
    plant.command("start", {})
    plant.step(240_000)
    assert plant.plc_state in ("running", "coasting")
    before = plant.observe() and plant._lines[0].copy()
    plant.step(80_000)
    plant.observe()
    booked = (plant._lines[0] - before) / 80
    steady = plant._coefficients[co.DRAG_COEFFICIENT] * booked[ledger.CHAIN_TRAVEL] ** 3
    assert 1.0005 < booked[ledger.DRAG] / steady < (8 / 2) ** 2
