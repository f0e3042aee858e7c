"""Over random parameters: every joule is booked, air and losses keep their signs, and nothing is got for nothing."""

import math
import os
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from kpp_physics import ledger
from kpp_physics.parameters import DECLARATIONS, ParameterError, Parameters
from kpp_physics.plant import Plant

LONG = bool(os.environ.get("KPP_LONG_TESTS"))
"""Ten times as many sets of parameters."""

LOSSES = (
    "drag_local",
    "drag_bulk",
    "chain_friction",
    "gearbox",
    "flywheel_windage",
    "clutch",
    "generator_copper",
    "generator_iron",
    "generator_mechanical",
    "converter",
    "water_exchange",
    "brake",
)


@some.composite
def changes(draw: Any) -> dict[str, Any]:
    """A few parameters anywhere inside their limits, the rest at their defaults."""
    names = draw(some.lists(some.sampled_from(sorted(DECLARATIONS)), max_size=12, unique=True))
    found: dict[str, Any] = {}
    for name in names:
        item = DECLARATIONS[name]
        if item.choices:
            found[name] = draw(some.sampled_from(item.choices))
        elif isinstance(Parameters().as_dict()[name], int):
            found[name] = draw(some.integers(int(item.minimum or 0), int(item.maximum or 0)))
        else:
            found[name] = draw(some.floats(item.minimum, item.maximum))
    return found


@settings(
    max_examples=1000 if LONG else 60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(changes())
def test_v30_every_joule_is_booked_and_nothing_is_got_for_nothing(values: dict[str, Any]) -> None:
    try:
        plant = Plant(Parameters.of(values))
    except ParameterError:
        return
    plant.command("start", {})
    for part in range(6):
        plant.step(10_000)
        if part == 4 and plant.plc_state in ("starting", "running"):
            plant.command("stop", {})
        frame = plant.observe()
        books = frame["ledger"]
        assert abs(books["r_a"]) <= ledger.GATE_A
        assert abs(frame["sampled"]["r_b"]) <= ledger.GATE_B
        assert abs(frame["exergy"]["r_c"]) <= ledger.GATE_C
        if not any(values.get(f"{name}_mode") == "claimed" for name in ("h1", "h2", "h3", "jet", "recovery")):
            assert books["unsourced"] == 0.0
        assert all(books[name] >= -1e-6 for name in LOSSES)
        destroyed = [value for name, value in frame["exergy"].items() if name.startswith("destroyed_")]
        assert all(value >= -1e-6 * (1 + books["compressor"]) for value in destroyed)
        assert all(mass >= 0 for mass in frame["floaters"]["air_mass"])
        assert all(0 <= fill <= 1 + 1e-12 for fill in frame["floaters"]["fill"])
        if plant.parameters.water_temperature == plant.parameters.ambient_temperature:
            assert books["grid"] <= books["compressor"] + books["auxiliary"] + books["unsourced"] + 1e-6
        intake = plant._lines[0, ledger.AIR_INTAKE]
        stored = frame["receiver"]["air_mass"] + sum(frame["floaters"]["air_mass"])
        p = plant.parameters
        initial = p.ambient_pressure * p.receiver_volume / (p.gas_constant * p.ambient_temperature)
        assert abs(initial + intake - plant._lines[0, ledger.AIR_VENTED] - stored) <= 1e-12 * (initial + intake)


def fitting(rng: np.random.Generator) -> dict[str, Any]:
    """A plant of any size that can start, everything else anywhere inside the table."""
    found: dict[str, Any] = {}
    for name in ANYWHERE:
        item = DECLARATIONS[name]
        if item.choices:
            found[name] = str(rng.choice(item.choices))
        else:
            assert item.minimum is not None
            assert item.maximum is not None
            found[name] = float(rng.uniform(item.minimum, item.maximum))
    depth = float(np.exp(rng.uniform(math.log(3), math.log(60 if LONG else 8))))
    radius = float(rng.uniform(0.2, min(5.0, 0.15 * depth)))
    straight = depth - 2 * radius
    loop = 2 * straight + 2 * math.pi * radius
    count = int(rng.integers(4, min(120, max(6, int(loop / 0.3)))))
    volume = float(rng.uniform(0.02, min(2.0, 0.2 * loop / count + 0.02)))
    bottom = 101325 + 9900 * depth
    load = 1.1 * bottom + 5000
    speed = float(rng.uniform(0.15, 0.5))
    fill = float(rng.uniform(0.3, min(4.0, bottom / 101325)))
    gear = float(rng.uniform(5, 60))
    shaft = speed / radius * gear
    air = fill * 1.2 * volume * speed * count / loop
    pull = 9800 * volume * max(1.0, 0.3 * count)  # of the order of what the chain carries
    found |= {
        "water_depth": depth,
        "sprocket_radius": radius,
        "floater_count": count,
        "floater_volume": volume,
        "floater_mass": float(rng.uniform(1, 100)),
        "drag_area": min(3.0, volume ** (2 / 3) * float(rng.uniform(0, 1))),
        "mouth_area": min(4.0, max(0.02, volume ** (2 / 3))),
        "bucket_height": min(4.0, max(0.1, volume ** (1 / 3))),
        "load_pressure": load,
        "unload_pressure": load + float(rng.uniform(0.1, 1)) * 1e5,
        "relief_pressure": 2e6,
        "trip_pressure": 2e6,
        "receiver_volume": float(rng.uniform(0.1, 2)),
        "compressor_flow": min(10.0, max(0.001, air * float(rng.uniform(0.8, 2)))),
        "valve_conductance": min(1e-4, max(1e-8, air / load * float(rng.uniform(2, 10)) / 400)),
        "injection_window_length": min(5.0, max(0.05, loop / count * float(rng.uniform(0.5, 1.5)))),
        "fill_fraction": fill,
        "injection_start_tilt": float(rng.uniform(-60, 70)),
        "gear_ratio": gear,
        "generator_speed_setpoint": min(3000.0, max(5.0, shaft * 30 / math.pi)),
        "generator_rated_speed": min(3000.0, max(10.0, shaft * 60 / math.pi)),
        "generator_rated_torque": max(1.0, pull * radius / gear),
        "generator_max_torque": max(1.0, 3 * pull * radius / gear),
        "rated_current": max(0.1, pull * radius / gear / 14),
        "iron_loss": 0.02 * pull * speed,
        "mechanical_loss": 0.02 * pull * speed,
        "stray_loss": 0.02 * pull * speed,
        "generator_rated_power": max(100.0, pull * speed),
        "converter_rating": max(100.0, pull * speed),
        "gearbox_noload_power": 0.02 * pull * speed,
        "flywheel_windage_power": 0.01 * pull * speed,
        "shaft_inertia": float(rng.uniform(1, 100)),
        "chain_mass": float(rng.uniform(0, 500)),
        "chain_friction_base": 0.005 * pull,
        "chain_pretension": min(2e5, 2.0 * pull),
        "pin_radius": 0.002,
        "chain_tension_limit": 1e6,
    }
    return found


ANYWHERE = (
    "shell_density",
    "added_mass_coefficient",
    "wake_shielding",
    "shaft_area",
    "loop_loss_coefficient",
    "coflow",
    "pin_friction",
    "brake_force",
    "water_density",
    "ambient_pressure",
    "pocket_ua",
    "compressor_model",
    "compressor_efficiency",
    "compressor_idle_fraction",
    "aftercooler_approach",
    "receiver_ua",
    "valve_critical_ratio",
    "valve_time_constant",
    "capture_efficiency",
    "gearbox_efficiency",
    "speed_bandwidth",
    "current_bandwidth",
    "converter_c0",
    "converter_c1",
    "converter_c2",
    "stator_resistance",
    "auxiliary_power",
    "finite_bucket",
    "dc_link_capacitance",
)
"""Parameters of a fitting plant that are drawn from the whole table."""


def test_v30_no_plant_that_turns_gives_more_over_its_laps_than_it_takes() -> None:
    sets = 400 if LONG else 60
    rng = np.random.default_rng(30)
    turned = 0
    for _ in range(sets):
        values = fitting(rng)
        plant = Plant(Parameters.of(values))
        plant.command("start", {})
        begin, laps = plant.observe(), 0
        for _ in range(90 if LONG else 20):
            plant.step(10_000)
            frame = plant.observe()
            if frame["chain"]["laps"] > laps:  # whole laps since the last look, and what is stored in more or less
                laps = frame["chain"]["laps"]
                paid = sum(frame["ledger"][name] - begin["ledger"][name] for name in ("compressor", "auxiliary"))
                got = frame["ledger"]["grid"] - begin["ledger"]["grid"]
                stored = frame["exergy"]["stored"] - begin["exergy"]["stored"]
                assert got + stored <= paid + 1e-6 * (1 + paid), values
                begin = frame
            if laps >= 4 or plant.plc_state == "tripped":
                break
        assert frame["ledger"]["unsourced"] == 0.0
        assert abs(frame["ledger"]["r_a"]) <= ledger.GATE_A, values
        assert abs(frame["sampled"]["r_b"]) <= ledger.GATE_B, values
        assert abs(frame["exergy"]["r_c"]) <= ledger.GATE_C, values
        turned += laps >= 1
    assert turned >= 0.6 * sets  # otherwise nothing was shown
