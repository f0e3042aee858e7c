"""Every parameter of the plant, declared once: name, symbol, unit, default, limits, source flag, text.

Source flags: D derived, P inherited from the predecessor's design, S published source, A assumption of ours that no
real plant has validated, - a choice of operation.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from kpp_physics import series
from kpp_physics.series import TimeSeries

Value = float | int | str
"""A parameter's value: a number, or the name of a choice."""

BUILT: Final = "built"
CONDITION: Final = "condition"
SETTING: Final = "setting"
ENVIRONMENT: Final = "environment"

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        BUILT: "the machine and its site as built: a new run or a fork only",
        CONDITION: "how the machine is: may change in the run, and changes nothing that is stored",
        SETTING: "what an operator sets: may change in the run, and changes nothing that is stored",
        ENVIRONMENT: "what surrounds the plant: may change in the run, along a ramp where the plant feels it",
    }
)
"""The four kinds of parameters, by what a change in a run may do. Energy that a change moved would be free."""

LOOP: Final = frozenset({"floater_count", "water_depth", "sprocket_radius"})
"""Parameters that fix the length of the loop and the floaters' places on it: not even a fork can change them."""

RAMPS: Final[Mapping[str, float]] = MappingProxyType(
    {"ambient_pressure": 1000.0, "ambient_temperature": 1.0, "water_temperature": 1.0}
)
"""Largest rate of change of the environment, in the parameter's unit per second. A step is carried out as such a ramp,
so that the model's own terms do the work of the change and pay for it."""


class Declaration(NamedTuple):
    """What is known of one parameter; `kind` says what may change it, see `KINDS`."""

    name: str
    kind: str
    symbol: str
    unit: str
    default: Value
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    flag: str
    text: str

    @property
    def ramp(self) -> float | None:
        """Largest rate of change in a run, in the parameter's unit per second; None for a step."""
        return RAMPS.get(self.name)

    @property
    def structural(self) -> bool:
        """True if it belongs to the machine as built and cannot change in a run."""
        return self.kind == BUILT

    @property
    def forkable(self) -> bool:
        """True if a fork may begin with another value."""
        return self.name not in LOOP

    def as_dict(self) -> dict[str, Any]:
        """All that is known of it, for other programs."""
        return {
            **self._asdict(),
            "choices": list(self.choices),
            "ramp": self.ramp,
            "structural": self.structural,
            "forkable": self.forkable,
        }


class Violation(NamedTuple):
    """One reason why a set of parameters is refused."""

    field: str
    value: Any
    limit: Value | None
    reason: str


MOST_TORQUE: Final = 20.0
"""Highest torque over rated torque. Stray loss scales with its square: beyond this it would stop any shaft within a
step, and the step could not be integrated again from sampled powers. Real machines take three to five times."""

LEAST_BATH: Final = 1.0e5
"""Least heat capacity of a finite bath, J/K. The pockets of the largest plant take at most 200 x 1000 W/K, so that a
step changes the temperature of even this bath by 2e-3 of its distance to theirs: it stays between its neighbours'."""


class ParameterError(ValueError):
    """Parameters that the model cannot take; `violations` lists every reason."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(violation.reason for violation in violations))
        self.violations = violations


def _number(
    kind: str, symbol: str, unit: str, default: float, low: float, high: float, flag: str, *, meaning: str
) -> Any:
    return field(
        default=default,
        metadata={
            "kind": kind,
            "symbol": symbol,
            "unit": unit,
            "minimum": low,
            "maximum": high,
            "choices": (),
            "flag": flag,
            "text": meaning,
        },
    )


def _choice(kind: str, symbol: str, default: str, choices: tuple[str, ...], flag: str, *, meaning: str) -> Any:
    return field(
        default=default,
        metadata={
            "kind": kind,
            "symbol": symbol,
            "unit": "-",
            "minimum": None,
            "maximum": None,
            "choices": choices,
            "flag": flag,
            "text": meaning,
        },
    )


def _hypothesis(kind: str, *, meaning: str) -> Any:
    return _choice(kind, "-", "off", ("off", "physical", "claimed"), "-", meaning=meaning)


@dataclass(frozen=True)
class Parameters:
    """One complete, checked and immutable set of parameters. SI units except where a unit says otherwise.

    Raises:
        ParameterError: when a value has the wrong type, is not finite, or breaks a limit.
    """

    # Chain and floaters
    floater_count: int = _number(BUILT, "N", "-", 66, 4, 200, "P", meaning="floaters on the chain")
    floater_volume: float = _number(BUILT, "V", "m3", 0.4, 0.02, 2, "P", meaning="air capacity of an upright floater")
    floater_mass: float = _number(BUILT, "m_f", "kg", 16, 1, 200, "P", meaning="mass of an empty floater")
    shell_density: float = _number(
        BUILT, "rho_f", "kg/m3", 950, 500, 8000, "A", meaning="density of the shell material"
    )
    mouth_area: float = _number(BUILT, "A_f", "m2", 0.571, 0.02, 4, "A", meaning="cross-section of the bucket")
    bucket_height: float = _number(BUILT, "h_f", "m", 0.70, 0.1, 4, "A", meaning="height of the bucket along its axis")
    water_depth: float = _number(
        BUILT, "H", "m", 25, 3, 100, "P", meaning="height of the free surface above the lowest chain point"
    )
    sprocket_radius: float = _number(BUILT, "R_s", "m", 1.2, 0.2, 5, "P", meaning="radius of both sprockets")
    chain_mass: float = _number(
        BUILT, "m_chain", "kg", 1000, 0, 20000, "A", meaning="mass of the chain without floaters"
    )
    added_mass_coefficient: float = _number(
        BUILT, "C_a", "-", 0.3, 0, 1, "A", meaning="added water mass over displaced mass"
    )
    drag_area: float = _number(
        CONDITION, "A_D", "m2", 0.51, 0, 3, "S/A", meaning="drag coefficient times frontal area of a floater"
    )
    wake_shielding: float = _number(
        CONDITION, "chi", "-", 1, 0.1, 1, "A", meaning="drag of a floater in line over its drag alone"
    )
    shaft_area: float = _number(
        BUILT, "A_s", "m2", 8, 0.5, 100, "A", meaning="horizontal water area of the shaft, both sides"
    )
    loop_loss_coefficient: float = _number(
        CONDITION, "K_w", "-", 4.5, 1, 1000, "A", meaning="loss coefficient of the water's loop"
    )
    coflow: str = _choice(CONDITION, "-", "on", ("on", "off"), "A", meaning="water is dragged along with the chain")
    blockage_correction: str = _choice(
        CONDITION, "B", "off", ("on", "off"), "A", meaning="drag grows with the blocked shaft area"
    )
    chain_friction_base: float = _number(
        CONDITION, "F_0", "N", 300, 0, 5000, "A", meaning="chain friction without tension"
    )
    pin_friction: float = _number(
        CONDITION, "mu_p", "-", 0.15, 0, 0.5, "A", meaning="friction coefficient of the chain pins"
    )
    pin_radius: float = _number(BUILT, "r_p", "m", 0.02, 0, 0.1, "A", meaning="radius of the chain pins")
    chain_pretension: float = _number(
        CONDITION, "T_pre", "N", 55000, 0, 200000, "A", meaning="length-weighted mean chain tension"
    )
    chain_tension_limit: float = _number(
        SETTING, "-", "N", 100000, 1000, 1e6, "P", meaning="highest chain tension allowed"
    )
    brake_force: float = _number(
        CONDITION, "-", "N", 80000, 0, 500000, "A", meaning="force of the holding brake on the chain"
    )
    # Water and surroundings
    water_density: float = _number(BUILT, "rho", "kg/m3", 998.2, 950, 1050, "S", meaning="density of the water")
    gravity: float = _number(BUILT, "g", "m/s2", 9.80665, 9.7, 9.9, "S", meaning="standard gravity")
    ambient_pressure: float = _number(
        ENVIRONMENT, "p0", "Pa", 101325, 80000, 110000, "S", meaning="absolute pressure at the surface"
    )
    ambient_temperature: float = _number(
        ENVIRONMENT, "T0", "K", 293.15, 263, 323, "S", meaning="temperature of air and surroundings"
    )
    water_temperature: float = _number(
        ENVIRONMENT, "T_w", "K", 293.15, 274, 360, "S", meaning="temperature of the water"
    )
    gas_constant: float = _number(
        BUILT, "R", "J/(kg K)", 287.055, 287.055, 287.055, "S", meaning="gas constant of dry air, fixed"
    )
    cp_air: float = _number(
        BUILT, "cp", "J/(kg K)", 1004.7, 1004.7, 1004.7, "S", meaning="heat capacity of dry air, fixed"
    )
    pocket_ua: float = _number(
        CONDITION, "UA", "W/K", 25, 0, 1000, "D", meaning="heat transfer between a pocket and the water"
    )
    # Air supply
    compressor_flow: float = _number(
        SETTING, "mdot_c", "kg/s", 0.24, 0.001, 10, "A", meaning="air flow of the loaded compressor"
    )
    compressor_model: str = _choice(
        CONDITION,
        "-",
        "isentropic",
        ("isentropic", "isothermal_ideal"),
        "-",
        meaning="isentropic with an efficiency, or the reversible isothermal bound",
    )
    compressor_efficiency: float = _number(
        CONDITION, "eta_is", "-", 0.70, 0.3, 1, "S", meaning="isentropic efficiency, electric"
    )
    compressor_idle_fraction: float = _number(
        CONDITION, "f_idle", "-", 0.20, 0, 0.5, "S", meaning="idle power over power at p_unload"
    )
    load_pressure: float = _number(
        SETTING,
        "p_load",
        "Pa",
        380000,
        1.1e5,
        1.5e6,
        "A",
        meaning="receiver pressure at or below which the compressor loads",
    )
    unload_pressure: float = _number(
        SETTING,
        "p_unload",
        "Pa",
        420000,
        1.1e5,
        1.6e6,
        "A",
        meaning="receiver pressure at or above which the compressor idles",
    )
    relief_pressure: float = _number(
        SETTING, "p_relief", "Pa", 8e5, 1.5e5, 2e6, "A", meaning="receiver pressure above which the relief valve opens"
    )
    trip_pressure: float = _number(
        SETTING, "p_trip", "Pa", 7e5, 1.5e5, 2e6, "A", meaning="receiver pressure above which the plant trips"
    )
    aftercooler_approach: float = _number(
        CONDITION, "dT_ac", "K", 10, 0, 60, "A", meaning="temperature of the air after the cooler, above ambient"
    )
    receiver_volume: float = _number(BUILT, "V_r", "m3", 2, 0.1, 500, "A", meaning="volume of the receiver")
    receiver_ua: float = _number(
        CONDITION, "UA_r", "W/K", 40, 0, 1e6, "A", meaning="heat transfer of the receiver's wall"
    )
    valve_conductance: float = _number(
        CONDITION, "C", "m3/(s Pa)", 3e-6, 1e-8, 1e-4, "A", meaning="sonic conductance, ISO 6358"
    )
    valve_critical_ratio: float = _number(
        CONDITION, "b", "-", 0.3, 0.1, 0.6, "S", meaning="critical pressure ratio, ISO 6358"
    )
    valve_time_constant: float = _number(
        CONDITION, "-", "s", 0, 0, 0.2, "A", meaning="lag of the valve spool, 0 = instantaneous"
    )
    capture_efficiency: float = _number(
        CONDITION, "eta_cap", "-", 1, 0.5, 1, "A", meaning="share of the air that enters the pocket"
    )
    fill_fraction: float = _number(
        SETTING, "f", "-", 1, 0, 4, "-", meaning="charge over the mass that just fills V at the surface"
    )
    injection_start_tilt: float = _number(
        SETTING,
        "th_open",
        "deg",
        50,
        -60,
        85,
        "A",
        meaning="tilt at which the window opens; negative: above the start of the up run",
    )
    injection_window_length: float = _number(
        SETTING, "l_w", "m", 0.78, 0.05, 5, "A", meaning="length of the window along the chain"
    )
    # Drivetrain
    gear_ratio: float = _number(BUILT, "G", "-", 39, 1, 200, "P", meaning="fast shaft speed over sprocket speed")
    gearbox_efficiency: float = _number(
        CONDITION, "eta_g", "-", 0.97, 0.8, 1, "A", meaning="load efficiency of the gearbox"
    )
    gearbox_noload_power: float = _number(
        CONDITION, "P_g0", "W", 1500, 0, 50000, "A", meaning="no-load loss at rated speed"
    )
    shaft_inertia: float = _number(BUILT, "J", "kg m2", 500, 1, 5000, "P", meaning="inertia of flywheel and rotor")
    flywheel_windage_power: float = _number(
        CONDITION, "P_fw0", "W", 300, 0, 20000, "A", meaning="windage of the flywheel at rated speed"
    )
    # Generator, converter, grid
    generator_speed_setpoint: float = _number(
        SETTING, "n_set", "rpm", 112.73, 5, 3000, "D", meaning="speed at which the fast shaft is held"
    )
    speed_bandwidth: float = _number(
        SETTING, "w_s", "rad/s", 1.0, 0.05, 10, "A", meaning="bandwidth of the speed control"
    )
    generator_rated_power: float = _number(BUILT, "-", "W", 530000, 100, 5e6, "P", meaning="rated electric power")
    generator_rated_speed: float = _number(
        BUILT, "w_r", "rpm", 375, 10, 3000, "P", meaning="rated speed of the generator"
    )
    generator_rated_torque: float = _number(BUILT, "tau_r", "N m", 14360, 1, 1e6, "D", meaning="rated air-gap torque")
    generator_max_torque: float = _number(
        SETTING, "tau_max", "N m", 17200, 1, 1e6, "A", meaning="highest torque that is commanded"
    )
    rated_current: float = _number(BUILT, "I_r", "A peak", 1005, 0.1, 1e5, "D", meaning="rated phase current")
    pole_pairs: int = _number(BUILT, "p", "-", 8, 1, 100, "D", meaning="pole pairs")
    flux_linkage: float = _number(BUILT, "psi", "Wb", 1.19, 0.01, 20, "D", meaning="flux linkage of the magnets, peak")
    stator_inductance: float = _number(
        BUILT, "L", "H", 0.45e-3, 1e-6, 1, "D", meaning="synchronous inductance, L_d = L_q"
    )
    stator_resistance: float = _number(
        CONDITION, "R_st", "ohm", 0.0109, 0, 10, "D", meaning="phase resistance, constant"
    )
    iron_loss: float = _number(CONDITION, "P_fe0", "W", 9000, 0, 1e5, "A", meaning="iron loss at rated speed")
    mechanical_loss: float = _number(
        CONDITION, "P_mech0", "W", 4500, 0, 1e5, "A", meaning="friction and windage at rated speed"
    )
    stray_loss: float = _number(
        CONDITION, "P_stray0", "W", 3000, 0, 1e5, "A", meaning="stray load loss at rated torque and speed"
    )
    winding_heat_capacity: float = _number(
        BUILT, "C_th", "J/K", 2e5, 1, 1e9, "A", meaning="heat capacity of the winding"
    )
    winding_resistance_thermal: float = _number(
        CONDITION,
        "R_th",
        "K/W",
        0.004,
        1e-6,
        1e3,
        "A",
        meaning="thermal resistance from the winding to the surroundings",
    )
    converter_rating: float = _number(
        BUILT, "P_cr", "W", 530000, 100, 5e6, "D", meaning="rating of each converter stage"
    )
    converter_c0: float = _number(
        CONDITION, "c0", "-", 0.004, 0, 0.1, "A", meaning="constant loss of both stages over rating"
    )
    converter_c1: float = _number(CONDITION, "c1", "-", 0.010, 0, 0.1, "A", meaning="loss linear in the load")
    converter_c2: float = _number(CONDITION, "c2", "-", 0.006, 0, 0.1, "A", meaning="loss quadratic in the load")
    current_bandwidth: float = _number(
        SETTING, "f_bw", "Hz", 100, 10, 500, "A", meaning="bandwidth of the current loop"
    )
    auxiliary_power: float = _number(CONDITION, "-", "W", 0, 0, 1e5, "A", meaning="constant power of auxiliaries")
    # Operation and grid
    control_mode: str = _choice(
        SETTING, "-", "speed", ("speed", "torque"), "-", meaning="generator holds its speed, or a torque"
    )
    torque_setpoint: float = _number(
        SETTING, "-", "N m", 5000, 0, 1e6, "-", meaning="generator torque in torque control"
    )
    injection_mode: str = _choice(
        SETTING, "-", "auto", ("auto", "manual"), "-", meaning="air into every floater, or on command only"
    )
    dc_link_capacitance: float = _number(
        BUILT, "C_dc", "F", 0.02, 0, 10, "A", meaning="capacitor of the DC link; 0 = stiff link"
    )
    dc_link_voltage: float = _number(
        SETTING, "V_dc", "V", 800, 50, 1e4, "A", meaning="voltage at which the grid side holds the DC link"
    )
    grid_frequency: float = _number(
        ENVIRONMENT, "f", "Hz", 50, 45, 55, "-", meaning="grid frequency; may change in the run"
    )
    grid_voltage: float = _number(
        ENVIRONMENT, "-", "-", 1, 0, 1.5, "-", meaning="grid voltage over nominal; may change in the run"
    )
    frequency_droop: float = _number(SETTING, "s", "-", 0.05, 0.01, 1, "A", meaning="droop of the export above 50.2 Hz")
    load_power: float = _number(
        SETTING, "-", "W", 0, 0, 1e7, "-", meaning="other consumers on the plant's bus; may change in the run"
    )
    dump_load_power: float = _number(SETTING, "-", "W", 0, 0, 1e7, "-", meaning="dump load that takes the export first")
    # Options of the model
    finite_bucket: str = _choice(
        CONDITION, "-", "off", ("on", "off"), "A", meaning="pocket pressure at the water surface in the bucket"
    )
    surface_area: float = _number(
        BUILT, "-", "m2", 0, 0, 1e6, "A", meaning="free surface that rises with the air; 0 = infinite"
    )
    bath_heat_capacity: float = _number(
        BUILT, "C_w", "J/K", 0, 0, 1e13, "A", meaning="heat capacity of the water; 0 = infinite bath"
    )
    bath_ua: float = _number(
        CONDITION, "UA_w", "W/K", 0, 0, 1e7, "A", meaning="heat transfer of a finite bath to the surroundings"
    )
    # Hypotheses
    h1_mode: str = _hypothesis(SETTING, meaning="H1: gas bubbles in the down shaft")
    h2_mode: str = _hypothesis(SETTING, meaning="H2: heat from the water into the pockets")
    h3_mode: str = _hypothesis(SETTING, meaning="H3: pulse and coast operation")
    jet_mode: str = _hypothesis(SETTING, meaning="water jets of expelled water")
    recovery_mode: str = _hypothesis(SETTING, meaning="pressure recovery of vented air")
    h1_gas_flow: float = _number(SETTING, "m_h1", "kg/s", 0.0097, 0, 1, "A", meaning="gas flow into the down shaft")
    h1_inside_void: float = _number(
        CONDITION, "x_in", "-", 0, 0, 1, "A", meaning="share of the void found inside the floaters"
    )
    h1_void: float = _number(CONDITION, "eps", "-", 0.05, 0, 0.2, "P", meaning="claimed void fraction")
    h1_drag_reduction: float = _number(CONDITION, "-", "-", 0.12, 0, 0.5, "P", meaning="claimed reduction of drag")
    h2_boost: float = _number(CONDITION, "-", "-", 0.06, 0, 0.5, "P", meaning="claimed gain of buoyancy")
    h2_ua: float = _number(CONDITION, "-", "W/K", 150, 0, 1000, "A", meaning="heat transfer of a pocket with spray")
    h2_pump_power: float = _number(SETTING, "-", "W", 200, 0, 1e4, "A", meaning="power of the spray pump")
    h3_on_time: float = _number(SETTING, "t_on", "s", 2, 0.1, 60, "P", meaning="duration of a pulse")
    h3_off_time: float = _number(SETTING, "t_off", "s", 1, 0.1, 60, "P", meaning="duration of a coast")
    jet_outlet_area: float = _number(BUILT, "A_o", "m2", 0.05, 1e-3, 4, "A", meaning="outlet area of the jet")
    jet_discharge: float = _number(CONDITION, "C_D", "-", 1, 0.1, 1, "A", meaning="discharge coefficient of the outlet")
    jet_efficiency: float = _number(CONDITION, "-", "-", 0.85, 0, 1, "P", meaning="claimed thrust efficiency")
    recovery_claimed: float = _number(
        CONDITION, "-", "-", 0.22, 0, 0.5, "P", meaning="claimed saving of compressor power"
    )
    recovery_depth: float = _number(BUILT, "d_h", "m", 0.35, 0, 3, "A", meaning="depth of the recovery hood")
    recovery_capture: float = _number(CONDITION, "f_c", "-", 0.8, 0, 1, "A", meaning="share of the vented air captured")
    # Not a number and so not declared: what follows a time series instead of its value, by name
    series: Mapping[str, TimeSeries] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def __post_init__(self) -> None:
        violations = [found for item in DECLARATIONS.values() for found in _check(item, getattr(self, item.name))]
        if not violations:
            for item in DECLARATIONS.values():
                object.__setattr__(self, item.name, _canonical(item, getattr(self, item.name)))
            violations = _check_together(self)
        if violations:
            raise ParameterError(violations)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Parameters":
        """The defaults with `values` put over them.

        Raises:
            ParameterError: also for names that are no parameters.
        """
        return cls().with_changes(values)

    def with_changes(self, changes: Mapping[str, Any]) -> "Parameters":
        """A copy with `changes` applied and everything checked again.

        Raises:
            ParameterError: also for names that are no parameters.
        """
        unknown = [
            Violation(name, value, None, f"{name[:80]} is not a parameter: see the list of parameters")
            for name, value in changes.items()
            if name not in DECLARATIONS
        ]
        if unknown:
            raise ParameterError(unknown)
        followed = [
            Violation(name, value, None, f"{name} follows a time series: end the series to give it a value")
            for name, value in changes.items()
            if name in self.series
        ]
        if followed:
            raise ParameterError(followed)
        return replace(self, **changes)

    def with_series(self, changes: Mapping[str, Any]) -> "Parameters":
        """A copy in which parameters follow time series.

        Args:
            changes: by name of the parameter: {"time": [s, ...], "value": [...]}; with empty lists it follows none.

        Raises:
            ParameterError: with field, limit and reason of everything that is wrong.
        """
        violations = []
        following = dict(self.series)
        for name, given in changes.items():
            if name not in series.NAMES:
                reason = f"{name} cannot follow a time series: {' and '.join(series.NAMES)} can"
                violations.append(Violation(f"series.{name}", None, None, reason))
                continue
            item = DECLARATIONS[name]
            found, problems = series.read(name, given, item.minimum or 0.0, item.maximum or 0.0, item.unit)
            violations += [
                Violation(f"series.{name}{'.' if member else ''}{member}", None, limit, reason)
                for member, limit, reason in problems
            ]
            # A series that ends must leave no trace: without this an empty one would keep the old one in force.
            following.pop(name, None)
            if found is not None:
                following[name] = found
        if violations:
            raise ParameterError(violations)
        return replace(self, series=MappingProxyType(following))

    def as_dict(self) -> dict[str, Value]:
        """All values by name, in the order of declaration."""
        return {name: getattr(self, name) for name in DECLARATIONS}


def _declaration(name: str, default: Any, metadata: Mapping[str, Any]) -> Declaration:
    return Declaration(name=name, default=default, **metadata)


DECLARATIONS: dict[str, Declaration] = {
    item.name: _declaration(item.name, item.default, item.metadata) for item in fields(Parameters) if item.metadata
}
"""Every parameter by name, in the order of declaration."""


def _canonical(item: Declaration, value: Any) -> Value:
    """The one form in which a checked value is stored: int, float or the name of a choice."""
    if item.choices:
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    return int(value) if item.name in _INTEGERS else float(value)


_INTEGERS = frozenset({"floater_count", "pole_pairs"})


def _check(item: Declaration, value: Any) -> list[Violation]:
    """Type, finiteness and limits of one value."""
    name, unit = item.name, "" if item.unit == "-" else f" {item.unit}"
    limit: Value | None = None
    reason = ""
    if item.choices:
        if value not in item.choices and not (isinstance(value, bool) and "on" in item.choices):
            reason = f"choose one of {', '.join(item.choices)}"
    # True and false are whole numbers to Python; as a length or a pressure they are a mistake.
    elif isinstance(value, bool) or not isinstance(value, int | float):
        reason = f"give a number{unit and ' in' + unit}"
    elif isinstance(value, float) and not math.isfinite(value):
        reason = "give a finite number"
    elif item.minimum is not None and value < item.minimum:
        limit, reason = item.minimum, f"the lowest value allowed is {item.minimum:g}{unit}"
    elif item.maximum is not None and value > item.maximum:
        limit, reason = item.maximum, f"the highest value allowed is {item.maximum:g}{unit}"
    elif name in _INTEGERS and value != int(value):
        reason = "give a whole number"
    return [Violation(name, value, limit, f"{name} = {value!r}: {reason}")] if reason else []


def _check_together(p: Parameters) -> list[Violation]:
    """Limits that join two or more parameters."""
    return [*_check_pressures(p), *_check_shaft(p), *_check_torques(p), *_check_water(p)]


def _check_pressures(p: Parameters) -> list[Violation]:
    """The compressor needs a band of pressure between loading and unloading."""
    found = []
    if p.unload_pressure <= p.load_pressure:
        found.append(
            Violation(
                "unload_pressure",
                p.unload_pressure,
                p.load_pressure,
                f"unload_pressure = {p.unload_pressure:g} Pa must be above load_pressure = {p.load_pressure:g} Pa: "
                "raise the one or lower the other",
            )
        )
    return found


def _check_shaft(p: Parameters) -> list[Violation]:
    """The chain stands upright in the water, and leaves some of it beside the floaters."""
    found = []
    if p.water_depth <= 2 * p.sprocket_radius:
        found.append(
            Violation(
                "water_depth",
                p.water_depth,
                2 * p.sprocket_radius,
                f"water_depth = {p.water_depth:g} m must exceed two sprocket radii = {2 * p.sprocket_radius:g} m: "
                "deepen the water or take smaller sprockets",
            )
        )
    if p.blockage_correction == "on" and p.shaft_area <= 2 * p.mouth_area:
        found.append(
            Violation(
                "shaft_area",
                p.shaft_area,
                2 * p.mouth_area,
                f"shaft_area = {p.shaft_area:g} m2 must exceed two mouth areas = {2 * p.mouth_area:g} m2 with "
                "blockage_correction on: widen the shaft or switch the correction off",
            )
        )
    return found


def _check_torques(p: Parameters) -> list[Violation]:
    """Losses that scale with the square of the torque must be small in a step."""
    found = []
    if p.generator_max_torque > MOST_TORQUE * p.generator_rated_torque:
        found.append(
            Violation(
                "generator_max_torque",
                p.generator_max_torque,
                MOST_TORQUE * p.generator_rated_torque,
                f"generator_max_torque = {p.generator_max_torque:g} N m must not exceed {MOST_TORQUE:g} times "
                f"generator_rated_torque = {p.generator_rated_torque:g} N m: lower the one or raise the other",
            )
        )
    return found


def _check_water(p: Parameters) -> list[Violation]:
    """A finite bath and a free surface hold at least the water that the model needs; 0 stands for no end of it."""
    found = []
    if 0 < p.bath_heat_capacity < LEAST_BATH:
        found.append(
            Violation(
                "bath_heat_capacity",
                p.bath_heat_capacity,
                LEAST_BATH,
                f"bath_heat_capacity = {p.bath_heat_capacity:g} J/K must be 0 (an infinite bath) or at least "
                f"{LEAST_BATH:g} J/K, 24 kg of water: less would follow the pockets in a few steps",
            )
        )
    if 0 < p.surface_area < p.shaft_area:
        found.append(
            Violation(
                "surface_area",
                p.surface_area,
                p.shaft_area,
                f"surface_area = {p.surface_area:g} m2 must be 0 (an infinite surface) or at least "
                f"shaft_area = {p.shaft_area:g} m2: the shaft's own water rises with the air in it",
            )
        )
    return found
