"""Random plants over every option and every parameter that a lap average can show, small enough for short laps."""

import math
from typing import Any, Final

import numpy as np

from kpp_physics.parameters import DECLARATIONS

RPM: Final = 30 / math.pi
"""Revolutions a minute in 1 rad/s."""

GAS: Final = 287.055
"""Gas constant of air [J/(kg K)]."""


class Draw:
    """Draws numbers: evenly, evenly in the logarithm, or one of several."""

    def __init__(self, seed: int, trial: int) -> None:
        self.rng = np.random.default_rng((seed, trial))

    def even(self, low: float, high: float) -> float:
        """Anywhere from low to high."""
        return float(self.rng.uniform(low, high))

    def log(self, low: float, high: float) -> float:
        """Anywhere from low to high, each decade as often."""
        return math.exp(self.even(math.log(low), math.log(high)))

    def one(self, *choices: Any) -> Any:
        """One of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def hypothesis(self) -> str:
        """A mode of a hypothesis, off as often as on."""
        return str(self.one("off", "off", "physical", "claimed"))


def draw(seed: int, trial: int = 0) -> dict[str, Any]:
    """A plant that may or may not run: the same for the same numbers, inside the limits of every parameter."""
    d = Draw(seed, trial)
    found = _loop(d)
    found |= _floaters(d, found)
    found |= _surroundings(d)
    speed = d.log(0.2, 1.2)
    air = _charge(d, found, speed)
    found |= air
    found |= _supply(d, found, speed)
    pull = found["water_density"] * found["gravity"] * found["floater_volume"] * max(1.0, 0.3 * found["floater_count"])
    found |= _drive(d, found, speed, pull)
    found |= _electrics(d, pull * speed)
    found |= _hypotheses(d, found, pull * speed)
    return {name: _inside(name, value) for name, value in found.items()}


def _inside(name: str, value: Any) -> Any:
    item = DECLARATIONS[name]
    if item.minimum is None or item.maximum is None:
        return value
    return min(max(value, type(value)(item.minimum)), type(value)(item.maximum))


def _pitch(found: dict[str, Any]) -> float:
    radius = found["sprocket_radius"]
    return float(2 * (found["water_depth"] - 2 * radius) + 2 * math.pi * radius) / int(found["floater_count"])


def _loop(d: Draw) -> dict[str, Any]:
    depth = d.log(3, 10)
    radius = d.even(0.2, min(1.2, 0.15 * depth + 0.1))
    loop = 2 * (depth - 2 * radius) + 2 * math.pi * radius
    return {
        "water_depth": depth,
        "sprocket_radius": radius,
        "floater_count": min(40, max(4, round(loop / d.log(0.25, 1.6)))),
    }


def _floaters(d: Draw, found: dict[str, Any]) -> dict[str, Any]:
    volume = min(2.0, d.log(0.02, max(0.03, 0.25 * _pitch(found))))
    mouth = volume ** (2 / 3) * d.log(0.5, 2)
    shaft = max(0.5, 2.05 * mouth, mouth * d.log(3, 15))
    return {
        "floater_volume": volume,
        "floater_mass": d.log(1, 60),
        "shell_density": d.log(500, 8000),
        "mouth_area": mouth,
        "bucket_height": volume ** (1 / 3) * d.even(0.7, 1.6),
        "chain_mass": d.log(1, 500),
        "added_mass_coefficient": d.even(0, 1),
        "drag_area": volume ** (2 / 3) * d.even(0, 3),
        "wake_shielding": d.even(0.1, 1),
        "shaft_area": shaft,
        "loop_loss_coefficient": d.log(1, 1000),
        "coflow": d.one("on", "on", "off"),
        "blockage_correction": d.one("on", "off"),
        "finite_bucket": d.one("on", "off"),
        "surface_area": d.one(0.0, shaft * d.log(1, 100)),
    }


def _surroundings(d: Draw) -> dict[str, Any]:
    ambient = d.even(263, 323)
    return {
        "water_density": d.even(950, 1050),
        "gravity": d.even(9.7, 9.9),
        "ambient_pressure": d.even(80000, 110000),
        "ambient_temperature": ambient,
        "water_temperature": d.one(ambient, d.even(274, 360)),
        "pocket_ua": d.one(0.0, *(d.log(0.5, 1000) for _ in range(9))),
        "bath_heat_capacity": d.one(0.0, 0.0, d.log(1e5, 1e9)),
        "bath_ua": d.log(1, 1e6),
    }


def _charge(d: Draw, found: dict[str, Any], speed: float) -> dict[str, Any]:
    fill = d.log(0.3, 4)
    mass = fill * found["ambient_pressure"] * found["floater_volume"] / (GAS * found["ambient_temperature"])
    bottom = found["ambient_pressure"] + found["water_density"] * found["gravity"] * found["water_depth"]
    load = bottom * d.even(1.02, 1.6)
    window = min(5.0, max(0.05, _pitch(found) * d.log(0.2, 2)))
    return {
        "fill_fraction": fill,
        "load_pressure": load,
        "unload_pressure": load + d.even(0.05, 0.6) * 1e5,
        "injection_window_length": window,
        "injection_start_tilt": d.even(-60, 85),
        "compressor_flow": mass * speed / _pitch(found) * d.even(0.7, 2.5),
        "valve_conductance": mass * speed / (window * d.log(0.1, 2) * load * 1.185 * 0.5),
        "receiver_volume": max(0.1, mass / 1.2 * d.log(0.3, 10)),
    }


def _supply(d: Draw, found: dict[str, Any], speed: float) -> dict[str, Any]:
    return {
        "relief_pressure": found["unload_pressure"] * d.one(d.even(1.0005, 1.01), *(d.even(1.01, 3) for _ in range(3))),
        "trip_pressure": 2e6,
        "compressor_model": d.one("isentropic", "isentropic", "isothermal_ideal"),
        "compressor_efficiency": d.even(0.3, 1),
        "compressor_idle_fraction": d.even(0, 0.5),
        "aftercooler_approach": d.even(0, 60),
        "receiver_ua": d.one(0.0, *(d.log(1, 1e4) for _ in range(9))),
        "valve_critical_ratio": d.even(0.1, 0.6),
        "valve_time_constant": d.one(0.0, d.even(0, 0.2)),
        "capture_efficiency": d.one(1.0, d.even(0.5, 1)),
    }


def _drive(d: Draw, found: dict[str, Any], speed: float, pull: float) -> dict[str, Any]:
    gear = d.log(5, 60)
    shaft = speed / found["sprocket_radius"] * gear
    torque = pull * found["sprocket_radius"] / gear
    rated, poles, flux = max(1.0, torque * d.even(0.5, 2)), int(d.rng.integers(2, 41)), d.log(0.05, 5)
    current = rated / (1.5 * poles * flux) * d.even(0.8, 1.3)
    mode = d.one("speed", "speed", "speed", "speed", "torque")
    power = pull * speed
    return {
        "chain_friction_base": pull * d.even(0, 0.02),
        "pin_friction": d.even(0, 0.5),
        "pin_radius": d.even(0, 0.01),
        "chain_pretension": 2 * pull,
        "chain_tension_limit": 1e6,
        "brake_force": d.even(0, 5e5),
        "gear_ratio": gear,
        "gearbox_efficiency": d.even(0.8, 1),
        "gearbox_noload_power": power * d.even(0, 0.05),
        "shaft_inertia": d.log(1, 200),
        "flywheel_windage_power": power * d.even(0, 0.03),
        "generator_speed_setpoint": shaft * RPM,
        "generator_rated_speed": shaft * RPM * (d.even(1.2, 3) if mode == "speed" else d.even(3, 6)),
        "speed_bandwidth": d.log(0.1, 10),
        "generator_rated_power": power,
        "generator_rated_torque": rated,
        "generator_max_torque": rated * d.even(1, 5),
        "rated_current": current,
        "pole_pairs": poles,
        "flux_linkage": flux,
        "stator_inductance": flux / current * d.even(0.01, 0.5),
        "stator_resistance": power * d.even(0, 0.08) / (1.5 * current**2),
        "winding_resistance_thermal": 1e-6,
        "control_mode": mode,
        "torque_setpoint": torque * d.even(0.02, 0.5),
    }


def _electrics(d: Draw, power: float) -> dict[str, Any]:
    volts, rating = d.log(50, 1e4), max(100.0, power * d.even(0.5, 2))
    return {
        "iron_loss": power * d.even(0, 0.05),
        "mechanical_loss": power * d.even(0, 0.05),
        "stray_loss": power * d.even(0, 0.05),
        "converter_rating": rating,
        "converter_c0": 0.1 * d.even(0, 1) ** 2,
        "converter_c1": 0.1 * d.even(0, 1) ** 2,
        "converter_c2": 0.1 * d.even(0, 1) ** 2,
        "current_bandwidth": d.one(*(d.log(10, 80) for _ in range(4)), d.log(80, 500)),
        "auxiliary_power": d.one(0.0, power * d.even(0, 0.2)),
        "grid_frequency": d.one(50.0, d.even(47.6, 51.4)),
        "grid_voltage": d.even(0.96, 1.04),
        "frequency_droop": d.log(0.01, 1),
        "load_power": d.one(0.0, d.even(0, 1e4)),
        "dump_load_power": d.one(0.0, power * d.even(0, 0.5)),
        "dc_link_voltage": volts,
        "dc_link_capacitance": d.one(0.0, *(2 * rating * d.log(1e-3, 3) / volts**2 for _ in range(4))),
    }


def _hypotheses(d: Draw, found: dict[str, Any], power: float) -> dict[str, Any]:
    return {
        "h1_mode": d.hypothesis(),
        "h1_gas_flow": d.log(1e-4, 0.03),
        "h1_inside_void": d.even(0, 1),
        "h1_void": d.even(0, 0.2),
        "h1_drag_reduction": d.even(0, 0.5),
        "h2_mode": d.hypothesis(),
        "h2_boost": d.even(0, 0.5),
        "h2_ua": d.log(1, 1000),
        "h2_pump_power": power * d.even(0, 0.1),
        "h3_mode": d.hypothesis(),
        "h3_on_time": d.log(0.5, 10),
        "h3_off_time": d.log(0.1, 2),
        "jet_mode": d.hypothesis(),
        "jet_outlet_area": d.log(2e-3, 1),
        "jet_discharge": d.even(0.1, 1),
        "jet_efficiency": d.even(0, 1),
        "recovery_mode": d.hypothesis(),
        "recovery_claimed": d.even(0, 0.5),
        "recovery_depth": d.even(0, min(3.0, found["water_depth"])),
        "recovery_capture": d.even(0, 1),
    }
