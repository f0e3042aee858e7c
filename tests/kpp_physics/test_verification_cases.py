"""Verification cases V1 to V27 that apply to single functions and to the plant without hypotheses."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from kpp_physics import coefficients as co
from kpp_physics import ledger, plc
from kpp_physics import state as st
from kpp_physics.air import adiabatic_mean, compression_work, flow_function, heat_from_water, valve_flow
from kpp_physics.drivetrain import locking_impulse
from kpp_physics.generator import current_step, lag_weights, terminal_voltages
from kpp_physics.geometry import mean_slope, place, place_on_loop
from kpp_physics.grid import droop
from kpp_physics.motion import Resistances, Water, end_speed, mean_coflow
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from kpp_physics.water import drag

RHO, G, P0, T0, R, CP = 998.2, 9.80665, 101325.0, 293.15, 287.055, 1004.7
WEIGHT = RHO * G
M1 = P0 * 0.4 / (R * T0)
LOSSLESS: dict[str, Any] = {
    "chain_friction_base": 0,
    "pin_friction": 0,
    "brake_force": 0,
    "gearbox_noload_power": 0,
    "iron_loss": 0,
    "mechanical_loss": 0,
    "flywheel_windage_power": 0,
    "coflow": "off",
    "pocket_ua": 0,
    "generator_rated_speed": 3000,
    "chain_tension_limit": 1e6,
    "chain_pretension": 200000,
}


def ascent(mass: float, speed: float, conductance: float, capacity: float = math.inf) -> tuple[float, float, float]:
    """Work [J], final temperature [K] and spilled mass [kg] of a pocket rising 25 m to the surface."""
    h = 1e-3
    steps = round(25 / (speed * h))
    ds = 25 / steps
    enthalpy, work, spilled = mass * CP * T0, 0.0, 0.0
    for n in range(steps):
        pressure = P0 + WEIGHT * (25 - n * ds)
        if math.isinf(conductance):
            enthalpy = mass * CP * T0
        else:
            enthalpy += heat_from_water(mass, enthalpy, T0, conductance, CP, h)[0]
        volume = R / CP * enthalpy / pressure
        if volume > capacity:
            spilled += mass * (1 - capacity / volume)
            mass, enthalpy, volume = mass * capacity / volume, enthalpy * capacity / volume, capacity
        gain = WEIGHT * volume * adiabatic_mean(-WEIGHT * ds / pressure, R / CP) * ds
        work += gain
        enthalpy -= gain
    return work, enthalpy / (mass * CP), spilled + max(0.0, mass - M1 if math.isfinite(capacity) else 0.0)


@pytest.mark.parametrize(("area", "terminal"), [(0.51, 3.926), (0.06, 11.446)])
def test_v01_sealed_pocket_reaches_its_terminal_speed(area: float, terminal: float) -> None:
    force, mass, k = 3923.6, 600.0, 0.5 * RHO * area
    reached = math.sqrt(force / k)
    assert reached == pytest.approx(terminal, rel=1e-4)
    load, water = Resistances(mass, force, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0), Water(k, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0)
    v = 0.0
    for n in range(1, 3001):
        v, _, found = end_speed(v, v, load, water, 0.0, 1e-3)
        assert found
        if n % 500 == 0:
            assert v == pytest.approx(reached * math.tanh(force * n * 1e-3 / (mass * reached)), rel=1e-4)


@pytest.mark.parametrize("speed", [0.3632, 1.2])
def test_v02_isothermal_pocket_work_is_independent_of_speed(speed: float) -> None:
    assert ascent(M1, speed, math.inf)[0] == pytest.approx(49780.97, rel=1e-4)


def test_v03_adiabatic_pocket() -> None:
    work, temperature, _ = ascent(M1, 0.3632, 0.0)
    assert work == pytest.approx(41984.3, rel=1e-4)
    assert temperature == pytest.approx(206.39, rel=1e-4)


@pytest.mark.parametrize(
    ("ua", "speed", "work", "celsius"), [(30.0, 0.363, 46706.3, -10.34), (25.0, 0.3632, 46332.0, -14.23)]
)
def test_v04_pocket_with_heat_transfer(ua: float, speed: float, work: float, celsius: float) -> None:
    got, temperature, _ = ascent(M1, speed, ua)
    assert got == pytest.approx(work, rel=1e-3)
    assert temperature == pytest.approx(celsius + 273.15, rel=1e-3)


def test_v06_full_charge_spills_what_no_longer_fits() -> None:
    full = (P0 + WEIGHT * 25) * 0.4 / (R * T0)
    work, _, spilled = ascent(full, 0.3632, math.inf, capacity=0.4)
    assert work == pytest.approx(97889.98, rel=1e-4)
    assert spilled == pytest.approx(1.163277, rel=1e-4)


def test_v07_compression_work() -> None:
    mass = P0 / (R * T0)
    ratio = 4.0e5 / P0
    assert mass * compression_work(ratio, R * T0, R / CP, 1.0) == pytest.approx(139.13e3, rel=1e-4)
    assert mass * compression_work(ratio, CP * T0, R / CP, 0.0) == pytest.approx(170.37e3, rel=1e-4)
    assert mass * compression_work(ratio, CP * T0 / 0.7, R / CP, 0.0) == pytest.approx(243.39e3, rel=1e-4)


def test_v08_valve_flow() -> None:
    q = (P0 + WEIGHT * 25) / 4.0e5
    assert q == pytest.approx(0.865125, rel=1e-4)
    assert flow_function(q, 0.3) == pytest.approx(0.59011, rel=1e-4)
    assert valve_flow(4.0e5, 293.15, q, 3e-6, 0.3) == pytest.approx(0.83914, rel=1e-4)
    for edge in (0.3, 0.999, 1.0):
        assert flow_function(edge - 1e-9, 0.3) == pytest.approx(flow_function(edge + 1e-9, 0.3), abs=1e-5)
    assert flow_function(1.0, 0.3) == 0.0
    assert flow_function(1.5, 0.3) == 0.0


def test_v09_choked_isothermal_blowdown() -> None:
    mass = 5.0e5 * 5 / (R * T0)
    start = mass
    time_constant = 5 / (2e-6 * 1.185 * R * T0)
    assert time_constant == pytest.approx(25.0707, rel=1e-4)
    for _ in range(10000):
        mass -= 1e-3 * valve_flow(mass * R * T0 / 5, T0, 0.0, 2e-6, 0.3)
    assert mass / start * 5 == pytest.approx(3.35538, rel=1e-4)


def test_v10_choked_adiabatic_blowdown() -> None:
    mass = 5.0e5 * 5 / (R * T0)
    energy = start = mass * (CP - R) * T0
    for _ in range(10000):
        temperature = energy / (mass * (CP - R))
        out = 1e-3 * valve_flow(mass * R * temperature / 5, temperature, 0.0, 2e-6, 0.3)
        mass, energy = mass - out, energy - out * CP * temperature
    assert energy / start == pytest.approx(0.58435, rel=1e-4)
    assert energy / (mass * (CP - R)) == pytest.approx(251.43, rel=1e-4)


def test_v11_filling_a_rigid_evacuated_tank() -> None:
    plant = Plant(Parameters.of({"receiver_ua": 0, "aftercooler_approach": 0}))
    x = plant._parts.scalars
    x[st.RECEIVER_MASS], x[st.RECEIVER_ENERGY] = 1e-9, 1e-9 * (CP - R) * T0
    plant.command("start", {})
    plant.step(2000)
    assert plant.observe()["receiver"]["temperature"] == pytest.approx(410.41, rel=1e-4)


def test_v11_filling_at_constant_pressure_keeps_the_temperature() -> None:
    plant = Plant(Parameters.of({"pocket_ua": 0}))
    plant.command("start", {})
    while plant.plc_state != "starting":
        plant.step(1)
    plant.step(20)
    frame = plant.observe()
    pocket = frame["floaters"]["temperature"][frame["valve"]["floater"]]
    assert pocket == pytest.approx(frame["receiver"]["temperature"], rel=2e-3)  # the receiver cools as it empties


def free_plant(speed: float, **changes: Any) -> Plant:
    """A plant without losses whose chain moves at `speed`, its shaft free and faster."""
    plant = Plant(Parameters.of({**LOSSLESS, **changes}))
    plant._parts.scalars[st.SPEED] = speed
    plant._parts.scalars[st.SHAFT_SPEED] = 200.0
    return plant


def test_v12_spin_down_by_drag() -> None:
    plant = free_plant(1.2)
    k = plant._coefficients[co.DRAG_COEFFICIENT]
    mass = 66 * 16 + 1000 + 1.3 * 66 * 0.4 * RHO
    assert k == pytest.approx(16799.7, rel=1e-5)
    assert mass == pytest.approx(36314, rel=1e-5)
    plant.step(10000)
    assert plant._parts.scalars[st.SPEED] == pytest.approx(1.2 / (1 + k * 1.2 * 10 / mass), rel=1e-4)
    assert plant._parts.scalars[st.SPEED] == pytest.approx(0.18317, rel=1e-4)


@pytest.mark.parametrize(("slow", "loss"), [(1000.0, 16666.7), (500.0, 12500.0)])
def test_v13_friction_coupling(slow: float, loss: float) -> None:
    dv, dw, lost = locking_impulse(-10.0, slow, 500.0, 1.0, 1.0)
    assert lost == pytest.approx(loss, rel=2e-6)
    assert 10.0 + dv == pytest.approx(dw)


def test_v14_one_way_clutch_never_pulls_the_chain() -> None:
    assert locking_impulse(0.0, 3e4, 500.0, 32.5, 0.97) == (0.0, 0.0, 0.0)
    plant = Plant(Parameters())
    plant.command("start", {})
    x = plant._parts.scalars
    unlocked = 0
    for n in range(60000):
        plant.step(1)
        assert x[st.CLUTCH_TORQUE] >= -1e-9
        assert x[st.SHAFT_SPEED] - 32.5 * x[st.SPEED] >= -1e-12
        unlocked += x[st.LOCKED] == 0.0
        if n == 50000:
            plant.command("emergency_stop", {})
    assert unlocked > 0


def test_v15_no_air_no_motion() -> None:
    plant = Plant(Parameters.of({"fill_fraction": 0}))
    plant.command("start", {})
    plant.step(60000)
    assert plant.plc_state == "starting"
    assert abs(plant._parts.scalars[st.SPEED]) <= 1e-9


def test_v15_without_air_motion_only_decays() -> None:
    plant = Plant(Parameters.of({"fill_fraction": 0}))
    x = plant._parts.scalars
    x[st.PLC_STATE] = plc.COASTING
    x[st.SPEED], x[st.SHAFT_SPEED] = 0.5, 0.5 * 32.5
    initial = plant.observe()["ledger"]
    speeds = []
    for _ in range(100):
        plant.step(200)
        speeds.append(float(x[st.SPEED]))
    assert all(after <= before for before, after in itertools.pairwise(speeds))
    final = plant.observe()["ledger"]
    assert final["drag_local"] + final["drag_bulk"] + final["chain_friction"] + final["gearbox"] <= (
        initial["stored_chain"] + initial["stored_shaft"]
    )


def test_v16_sealed_air_does_no_work_in_a_closed_loop() -> None:
    straight, radius, ds = 22.6, 1.2, 1e-2
    half = straight + math.pi * radius
    enthalpy = start = M1 * CP * T0
    s, one_trip = 0.0, 0.0
    steps = round(2 * half / ds)
    for n in range(steps):
        s = n * 2 * half / steps
        sign, x = (1.0, s) if s < half else (-1.0, s - half)
        step = min(2 * half / steps, half - x)  # the turn from one half to the other is a step's end
        for part in (step, 2 * half / steps - step):
            if part <= 0.0:
                continue
            z, cosine, sine = place(x, straight, radius)
            z = z if sign > 0 else 2 * radius + straight - z
            slope = sign * mean_slope(x, part, cosine, sine, straight, radius)
            pressure = P0 + WEIGHT * (25 - z)
            volume = R / CP * enthalpy / pressure
            gain = WEIGHT * volume * slope * part * adiabatic_mean(-WEIGHT * slope * part / pressure, R / CP)
            enthalpy -= gain
            one_trip = max(one_trip, start - enthalpy)
            sign, x = -sign, 0.0
    assert abs(enthalpy - start) <= 1e-9 * one_trip


def test_v17_mirrored_volumes_give_no_net_force() -> None:
    straight, radius, count = 22.6, 1.2, 66
    loop = 2 * straight + 2 * math.pi * radius
    rng = np.random.default_rng(17)
    volumes = rng.uniform(0, 0.4, count // 2)
    for s in rng.uniform(0, loop / count, 50):
        force = sum(
            WEIGHT * volumes[i % (count // 2)] * place_on_loop((s + i * loop / count) % loop, straight, radius)[1]
            for i in range(count)
        )
        assert abs(force) <= 1e-9 * count * WEIGHT * 0.4


def test_v18_motion_is_reversible_without_losses() -> None:
    plant = free_plant(0.4, drag_area=0)
    plant._coefficients[co.EXCHANGE_ON] = 0.0
    x, f = plant._parts.scalars, plant._parts.floaters
    for i in (5, 9):
        f[st.MASS, i] = 0.3
        f[st.ENTHALPY, i] = 0.3 * CP * T0
    start = f[st.ENTHALPY].copy()
    x[st.POSITION] = 0.3
    plant.step(10000)
    moved = float(x[st.POSITION])
    assert moved > 5
    assert plant.plc_state == "stopped"
    x[st.SPEED] = -x[st.SPEED]
    x[st.ACCELERATION] = 0.0
    plant.step(10000)
    assert float(x[st.POSITION]) == pytest.approx(0.3, abs=1e-9)
    assert f[st.ENTHALPY] == pytest.approx(start, rel=1e-12)


def test_v19_steady_coflow() -> None:
    k, k_w = 0.5 * RHO * 66 * 0.51, 0.25 * RHO * 8 * 4.5
    kappa = math.sqrt(k / k_w)
    assert kappa == pytest.approx(1.36748, rel=1e-5)
    u = 0.0
    for _ in range(400):
        mean, _, _ = mean_coflow(u, u, 0.7, k, k_w, RHO * 8 * 22.6, 1.0)
        u = 2 * mean - u
    assert u / 0.7 == pytest.approx(0.57761, rel=1e-5)
    force = drag(0.7 - u, k)
    assert force * (0.7 - u) + drag(u, k_w) * u == pytest.approx(force * 0.7, rel=1e-6)


def test_v23_machine_voltages() -> None:
    speed = 375 * math.pi / 30
    v_d, v_q = terminal_voltages(1005.0, 0.0, speed, 8.0, 1.19, 0.45e-3, 0.0109)
    assert v_d == pytest.approx(142.08, rel=1e-3)
    assert v_q == pytest.approx(362.90, rel=1e-3)
    torque = 1.5 * 8 * 1.19 * 1005
    assert torque == pytest.approx(14351, rel=1e-3)
    assert 1.5 * v_q * 1005 == pytest.approx(547.06e3, rel=1e-3)


def test_v24_current_step_is_first_order() -> None:
    h, bandwidth, current = 1e-3, 2 * math.pi * 100, 0.0
    weights = lag_weights(bandwidth, h)
    for n in range(1, 20):
        before = current
        current, mean, square = current_step(current, 100.0, *weights)
        assert current == pytest.approx(100 * (1 - math.exp(-bandwidth * n * h)), rel=1e-12)
        assert before <= mean <= current <= 100
        assert mean * mean <= square * (1 + 1e-12)


def test_v25_droop() -> None:
    assert droop(50.5, 50.0, 0.05) == pytest.approx(-0.12, rel=1e-9)
    assert droop(50.1, 50.0, 0.05) == 0.0


def test_v26_air_and_water_are_conserved() -> None:
    plant = Plant(Parameters())
    initial = plant.observe()["receiver"]["air_mass"]
    plant.command("start", {})
    plant.step(200000)
    frame = plant.observe()
    totals = plant._lines[0]
    stored = frame["receiver"]["air_mass"] + math.fsum(frame["floaters"]["air_mass"])
    taken = totals[ledger.AIR_INTAKE]
    assert abs(taken - totals[ledger.AIR_VENTED] - (stored - initial)) <= 1e-12 * taken
    displaced = RHO * math.fsum(plant._parts.floaters[st.VOLUME])
    moved = totals[ledger.WATER_EXPELLED]
    assert abs(moved - totals[ledger.WATER_INGESTED] - displaced) <= 1e-12 * moved


@pytest.mark.parametrize(("litres", "watt"), [(52, 15.5), (60, 17.9)])
def test_v27_demonstrator_bound(litres: float, watt: float) -> None:
    flow = litres / 60000 * P0 / (R * T0)
    ratio = 1 + WEIGHT * 2 / P0
    assert flow * compression_work(ratio, R * T0, R / CP, 1.0) == pytest.approx(watt, rel=5e-3)
