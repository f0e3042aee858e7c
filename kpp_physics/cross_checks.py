"""Checks of a set of parameters against itself: legal values that do not fit together, each with both numbers."""

import math
from typing import NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import constants, environment
from kpp_physics.compiled import interpreted
from kpp_physics.geometry import place, tilt_capacity
from kpp_physics.limits import Limit
from kpp_physics.parameters import Parameters


class CrossCheck(NamedTuple):
    """One mismatch: what is asked for, what is there, and the sentence that says both."""

    name: str
    asked: float
    available: float
    unit: str
    message: str


def cross_checks(p: Parameters) -> list[CrossCheck]:
    """All mismatches of a set of parameters; empty if it fits together."""
    c = environment.coefficients(p).tolist()
    return [*_start(p), *_speed_and_pull(p, c), *_shape(p, c), *_air(p, c), *_claims(p)]


class BreakAway(NamedTuple):
    """Pull on the chain that ends its rest, N: chain friction, and the iron of the generator through the gear."""

    friction: float
    iron: float

    @property
    def needed(self) -> float:
        """Both together, N."""
        return self.friction + self.iron

    def __str__(self) -> str:
        return (
            f"breaking away needs a pull of {self.needed:.0f} N ({self.friction:.0f} N chain friction, "
            f"{self.iron:.0f} N iron of the generator through the gear)"
        )


def break_away(p: Parameters) -> BreakAway:
    """The pull that ends the rest of a plant whose brake is off."""
    c = environment.coefficients(p).tolist()
    # Eddy currents, windage and the gearbox's own loss scale with the speed, and are nothing at rest.
    iron = c[co.SHAFT_PER_CHAIN] / c[co.GEARBOX_EFFICIENCY] * c[co.IRON_HYSTERESIS_TORQUE]
    return BreakAway(c[co.FRICTION_FORCE], iron)


def start_pull(p: Parameters) -> float:
    """Pull of the charges that a plant at rest takes in its start window, at ambient temperature [N].

    The chain stands where every plant begins: a floater at the start of the up run.
    """
    c = environment.coefficients(p).tolist()
    pitch, straight, radius = c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS]
    pull, progress = 0.0, math.ceil(c[co.WINDOW_START] / pitch) * pitch
    # As `injection.window_end` for a plant at rest.
    end = min(c[co.WINDOW_START] + 0.5 * straight, 0.5 * c[co.LOOP_LENGTH])
    while progress < end:
        z, cosine, sine = interpreted(place)(progress, straight, radius)
        pressure = p.ambient_pressure + c[co.SPECIFIC_WEIGHT] * (p.water_depth - z)
        volume = c[co.TARGET_MASS] * p.capture_efficiency * p.gas_constant * p.ambient_temperature / pressure
        room = p.floater_volume * interpreted(tilt_capacity)(cosine, sine, c[co.BUCKET_ASPECT])
        pull += c[co.SPECIFIC_WEIGHT] * min(volume, room) * cosine
        progress += pitch
    return pull


def warnings(p: Parameters) -> list[tuple[str, str]]:
    """What the controller warns of: every mismatch by name with both numbers, and what is available as the limit."""
    return [
        (f"cross-check {found.name.replace('_', ' ')}: {found.message}", Limit(found.available, found.unit).text)
        for found in cross_checks(p)
    ]


def _start(p: Parameters) -> list[CrossCheck]:
    needed, pull = break_away(p), start_pull(p)
    if pull >= needed.needed:
        return []
    return [
        CrossCheck(
            "break_away",
            needed.needed,
            pull,
            "N",
            f"{needed}; the charges in the start window pull with {pull:.0f} N: the plant only creeps, and may never "
            "reach its speed",
        )
    ]


def _speed_and_pull(p: Parameters, c: list[float]) -> list[CrossCheck]:
    found = []
    pitch = c[co.PITCH]
    per_rpm = math.pi / 30 / c[co.SHAFT_PER_CHAIN]
    speed, rated = p.generator_speed_setpoint * per_rpm, p.generator_rated_speed * per_rpm
    if p.generator_speed_setpoint < 0.5 * p.generator_rated_speed:
        found.append(
            CrossCheck(
                "pulse_interval",
                rated,
                speed,
                "m/s",
                f"one floater each {pitch / speed:.3g} s means {speed:.3f} m/s, generator "
                f"{p.generator_speed_setpoint:.4g} rpm; its rated {p.generator_rated_speed:.4g} rpm needs "
                f"{rated:.3f} m/s, one floater each {pitch / rated:.3g} s",
            )
        )
    # Both quarter arcs count with their height: the sum of cos(theta) over the ascending half is its height over pitch.
    full = c[co.SPECIFIC_WEIGHT] * p.floater_volume * (c[co.STRAIGHT_LENGTH] + 2 * p.sprocket_radius) / pitch
    pull = p.generator_rated_power / rated
    if pull > full:
        found.append(
            CrossCheck(
                "rated_power",
                pull,
                full,
                "N",
                f"{p.generator_rated_power / 1e3:.4g} kW at {rated:.3f} m/s need a pull of {pull / 1e3:.0f} kN; every "
                f"ascending floater full gives at most {full / 1e3:.0f} kN "
                f"({p.generator_rated_power / full:.1f} m/s needed; limit 3 m/s)",
            )
        )
    if full > p.chain_tension_limit:
        found.append(
            CrossCheck(
                "chain_tension",
                full,
                p.chain_tension_limit,
                "N",
                f"full floaters pull with {full / 1e3:.0f} kN, the chain may take {p.chain_tension_limit / 1e3:.0f} kN",
            )
        )
    # Isothermal work of a charge, m R T0 ln(p_b/p0), once for every pitch of the way; a bucket holds no more than V.
    rise = math.log(1 + c[co.SPECIFIC_WEIGHT] * p.water_depth / p.ambient_pressure)
    power = p.ambient_pressure * p.floater_volume * min(1.0, p.fill_fraction) * rise * speed / pitch
    if power < 0.2 * p.generator_rated_power:
        found.append(
            CrossCheck(
                "generator_load",
                p.generator_rated_power,
                power,
                "W",
                f"the floaters give at most {power / 1e3:.1f} kW at {speed:.3f} m/s, "
                f"{power / p.generator_rated_power:.0%} of the generator's "
                f"{p.generator_rated_power / 1e3:.4g} kW: below 20 % its losses dominate",
            )
        )
    return found


def _shape(p: Parameters, c: list[float]) -> list[CrossCheck]:
    found = []
    pitch = c[co.PITCH]
    # A prism: volume over cross-section is its length along the chain, which the next floater limits.
    if p.mouth_area < p.floater_volume / pitch:
        found.append(
            CrossCheck(
                "bucket_length",
                p.floater_volume / p.mouth_area,
                pitch,
                "m",
                f"{p.floater_volume:g} m3 on {p.mouth_area:g} m2 make a bucket "
                f"{p.floater_volume / p.mouth_area:.2f} m long, "
                f"the pitch is {pitch:.3f} m: the mouth needs {p.floater_volume / pitch:.2f} m2",
            )
        )
    if p.injection_window_length > pitch:
        found.append(
            CrossCheck(
                "window_length",
                p.injection_window_length,
                pitch,
                "m",
                f"the injection window is {p.injection_window_length:g} m long, the pitch {pitch:.3f} m: floaters "
                "wait for each other",
            )
        )
    return found


def _air(p: Parameters, c: list[float]) -> list[CrossCheck]:
    """Air that the floaters ask for, and what compressor, receiver, valve and window can give."""
    speed = p.generator_speed_setpoint * math.pi / 30 / c[co.SHAFT_PER_CHAIN]
    bottom = p.ambient_pressure + c[co.SPECIFIC_WEIGHT] * p.water_depth
    found = _compressor(p, c, speed, bottom)
    # Against a pressure that is not above the pocket's the check valve stays shut: the time of a charge has no meaning
    # then.
    if p.load_pressure > bottom:
        return [*found, *_charge(p, c, speed, bottom)]
    return [
        *found,
        CrossCheck(
            "load_pressure",
            bottom,
            p.load_pressure,
            "Pa",
            f"load_pressure {p.load_pressure / 1e5:.3f} bar is not above the {bottom / 1e5:.3f} bar at the bottom: "
            "injection stops before the compressor loads",
        ),
    ]


def _compressor(p: Parameters, c: list[float], speed: float, bottom: float) -> list[CrossCheck]:
    """The compressor's flow against the charges at the set speed, and its ideal power against the generator's rating.

    Args:
        p, c: parameters and coefficients.
        speed: of the chain at the set point [m/s].
        bottom: absolute pressure at the lowest chain point [Pa].
    """
    found = []
    # One charge for each floater that passes, v/a of them a second.
    demand = c[co.TARGET_MASS] * speed / c[co.PITCH]
    if demand > p.compressor_flow:
        found.append(
            CrossCheck(
                "air_demand",
                demand,
                p.compressor_flow,
                "kg/s",
                f"{speed:.3f} m/s needs {demand:.4g} kg/s of air, the compressor gives {p.compressor_flow:.4g} kg/s",
            )
        )
    # Isothermal work of a kilogram, R T0 ln(p_b/p0): no plant gets more out of its air.
    ideal = p.gas_constant * p.ambient_temperature * math.log(bottom / p.ambient_pressure)
    if p.generator_rated_power > p.compressor_flow * ideal:
        found.append(
            CrossCheck(
                "compressor_supply",
                p.generator_rated_power,
                p.compressor_flow * ideal,
                "W",
                f"{p.compressor_flow:.4g} kg/s of air carry a buoyancy power of at most "
                f"{p.compressor_flow * ideal / 1e3:.1f} kW, the generator is rated "
                f"{p.generator_rated_power / 1e3:.4g} kW",
            )
        )
    return found


def _charge(p: Parameters, c: list[float], speed: float, bottom: float) -> list[CrossCheck]:
    """One charge: its time through the valve against that in the window, and its volume against the tilted bucket.

    Args:
        p, c, speed, bottom: as for `_compressor`; load_pressure is above `bottom`.
    """
    found = []
    # The flow of `air.valve_flow` (ISO 6358), written out: to call it from here would compile it.
    ratio, b = bottom / p.load_pressure, p.valve_critical_ratio
    share = 1.0 if ratio <= b else math.sqrt(1 - ((min(ratio, constants.VALVE_LINEAR_RATIO) - b) / (1 - b)) ** 2)
    sonic = p.load_pressure * p.valve_conductance * constants.VALVE_REFERENCE_DENSITY
    flow = sonic * math.sqrt(constants.VALVE_REFERENCE_TEMPERATURE / p.ambient_temperature) * share
    fill, passing = c[co.TARGET_MASS] / flow, p.injection_window_length / speed
    if fill > passing:
        found.append(
            CrossCheck(
                "fill_time",
                fill,
                passing,
                "s",
                f"a charge takes {fill:.3g} s through the valve at load pressure, the window passes in {passing:.3g} s",
            )
        )
    # Tilted least where the window ends: on the up run the bucket stands upright.
    end = c[co.WINDOW_START] + p.injection_window_length
    tilt = max(0.0, -end / p.sprocket_radius)
    room = p.floater_volume * interpreted(tilt_capacity)(math.cos(tilt), math.sin(tilt), c[co.BUCKET_ASPECT])
    volume = c[co.TARGET_MASS] * p.gas_constant * p.ambient_temperature / bottom
    if volume > room:
        found.append(
            CrossCheck(
                "fill_volume",
                volume,
                room,
                "m3",
                f"a charge takes {volume:.3g} m3 at the bottom, the floater holds {room:.3g} m3 at the end of the "
                "window: the rest spills while filling",
            )
        )
    return found


def _claims(p: Parameters) -> list[CrossCheck]:
    # The most that a hood can save: air enters the compressor at the hood's pressure instead of ambient.
    head = math.log(1 + p.water_density * p.gravity * p.recovery_depth / p.ambient_pressure)
    whole = math.log(1 + p.water_density * p.gravity * p.water_depth / p.ambient_pressure)
    available = head / whole
    if p.recovery_mode == "claimed" and p.recovery_claimed > available:
        return [
            CrossCheck(
                "recovery",
                p.recovery_claimed,
                available,
                "-",
                f"pressure recovery claims {p.recovery_claimed:.0%} of the compressor's power, "
                f"a hood {p.recovery_depth:g} m deep can save at most {available:.1%}",
            )
        ]
    return []
