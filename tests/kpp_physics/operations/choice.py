"""Random plants and random actions: any size, every parameter over its whole range, at any time."""

import math
from typing import Any, Final

import numpy as np

from kpp_physics import plc
from kpp_physics.parameters import BUILT, DECLARATIONS, LOOP, Declaration, Parameters
from kpp_physics.plant import Plant
from tests.kpp_physics.operations.sequence import Action
from tests.kpp_physics.test_properties import fitting

LIVE: Final = tuple(name for name, item in DECLARATIONS.items() if item.kind != BUILT)
REBUILT: Final = tuple(name for name, item in DECLARATIONS.items() if item.kind == BUILT and name not in LOOP)
MODES: Final = tuple(name for name in LIVE if name.endswith("_mode") and "claimed" in DECLARATIONS[name].choices)
TRIPPING: Final = ("trip_pressure", "chain_tension_limit", "grid_voltage", "grid_frequency", "injection_mode")
"""Changing these at random mostly ends the operation: they are drawn less often."""

IDEAL: Final[dict[str, Any]] = {
    "compressor_model": "isothermal_ideal", "compressor_idle_fraction": 0, "aftercooler_approach": 0,
    "compressor_flow": 0.04, "receiver_volume": 20, "receiver_ua": 1e5, "load_pressure": 349000,
    "unload_pressure": 350000, "valve_conductance": 2e-5, "valve_critical_ratio": 0.5, "fill_fraction": 0.1,
    "injection_start_tilt": 75, "pocket_ua": 1000, "drag_area": 0, "chain_friction_base": 0, "pin_friction": 0,
    "gearbox_efficiency": 1, "gearbox_noload_power": 0, "flywheel_windage_power": 0, "stator_resistance": 0,
    "iron_loss": 0, "mechanical_loss": 0, "stray_loss": 0, "converter_c0": 0, "converter_c1": 0, "converter_c2": 0,
}  # fmt: skip


def value(rng: np.random.Generator, item: Declaration, now: Any) -> Any:
    """A value of a parameter: anywhere in its range, at its ends, or near the present one."""
    if item.choices:
        return str(rng.choice(item.choices))
    low, high = float(item.minimum or 0.0), float(item.maximum or 0.0)
    way = rng.random()
    if way < 0.4:
        found = float(now) * math.exp(rng.normal(0.0, 0.3))
    elif way < 0.6 and high > 0:
        least = low if low > 0 else high * 1e-6
        found = math.exp(rng.uniform(math.log(least), math.log(high)))
    elif way < 0.75:
        found = low if rng.random() < 0.5 else high
    elif way < 0.85:
        found = float(item.default)
    else:
        found = rng.uniform(low, high)
    found = min(max(found, low), high)
    return round(found) if item.name in ("pole_pairs", "floater_count") else float(f"{found:.6g}")


def start(rng: np.random.Generator) -> dict[str, Any]:
    """Parameters of a plant: mostly one that can start, of any size, light or heavy, sometimes anything at all."""
    way = rng.random()
    if way < 0.1:
        found: dict[str, Any] = {}
    elif way < 0.2:
        found = dict(IDEAL)
    elif way < 0.9:
        found = fitting(rng)
        found["trip_pressure"] = found["relief_pressure"] = 2e6
    else:
        found = {}
        for name in rng.choice(list(DECLARATIONS), size=20, replace=False).tolist():
            found[name] = value(rng, DECLARATIONS[name], DECLARATIONS[name].default)
    if rng.random() < 0.3:
        found["floater_mass"] = float(rng.choice([1.0, 5.0, 200.0]))
        found["chain_mass"] = float(rng.choice([0.0, 20.0, 20000.0]))
    if rng.random() < 0.2:
        found["shaft_inertia"] = float(rng.choice([1.0, 5000.0]))
    if rng.random() < 0.5:
        for mode in MODES:
            found[mode] = str(rng.choice(("off", "off", "physical")))
    for name in rng.choice(list(LIVE + REBUILT), size=rng.integers(0, 5), replace=False).tolist():
        if name not in TRIPPING:
            found[name] = value(rng, DECLARATIONS[name], found.get(name, DECLARATIONS[name].default))
    return found


def _changes(rng: np.random.Generator, names: tuple[str, ...], p: Parameters) -> dict[str, Any]:
    found = {}
    for name in rng.choice(names, size=min(len(names), int(rng.integers(1, 5))), replace=False).tolist():
        if name in TRIPPING and rng.random() < 0.7:
            continue
        item = DECLARATIONS[name]
        found[name] = value(rng, item, getattr(p, name))
        if found[name] == "claimed" and rng.random() < 0.8:
            found[name] = "physical"
    return found


def _series(rng: np.random.Generator, now: float) -> dict[str, Any]:
    name = str(rng.choice(("grid_frequency", "load_power")))
    if rng.random() < 0.4:
        return {name: {"time": [], "value": []}}
    item = DECLARATIONS[name]
    times = np.cumsum(rng.uniform(0.01, 5.0, size=rng.integers(1, 6))) + now
    low, high = (item.minimum or 0.0, item.maximum or 0.0) if rng.random() < 0.5 else (49.0, 51.0)
    values = rng.uniform(low, high, size=len(times))
    return {name: {"time": [float(f"{t:.6g}") for t in times], "value": [float(f"{v:.6g}") for v in values]}}


def steps(rng: np.random.Generator) -> Action:
    """Time passes: a millisecond to twenty seconds."""
    return ["step", int(math.exp(rng.uniform(0.0, math.log(20000))))]


def action(rng: np.random.Generator, plant: Plant, claims: bool) -> Action:
    """What may be done next to a plant."""
    state = plc.STATES.index(plant.plc_state)
    way = rng.random()
    if state == plc.STOPPED and way < 0.6:
        return ["command", "start"]
    if plc.vent_open(state) and way < 0.4:
        return ["command", "reset"]
    if way < 0.6:
        names = ("ambient_pressure", "ambient_temperature", "water_temperature") if rng.random() < 0.15 else LIVE
        found = _changes(rng, names, plant.parameters)
        if not claims:
            found = {name: "physical" if value == "claimed" else value for name, value in found.items()}
        return ["change", found]
    if way < 0.72:
        permitted = [name for name, moves in plc.COMMANDS.items() if state in moves and name != "emergency_stop"]
        return ["command", str(rng.choice(permitted or ["start"]))]
    if way < 0.77:
        return ["command", "emergency_stop"]
    if way < 0.80:
        return ["series", _series(rng, plant.time_us / 1e6)]
    if way < 0.85:
        return ["fork", _changes(rng, REBUILT if rng.random() < 0.7 else LIVE, plant.parameters)]
    if way < 0.88:
        return ["snapshot"]
    if way < 0.91:
        return ["restore"]
    return ["step", int(rng.integers(20000, 60000))]
