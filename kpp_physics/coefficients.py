"""What the compiled step reads: a vector of numbers derived once from the parameters, in SI units.

Each number is declared once, with its unit, its meaning, and what gives it: the parameter that it is, a function of the
parameters, or the surroundings (`environment.take`), which may be on the way to their settings.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kpp_physics import constants, hypotheses
from kpp_physics.basis import Basis
from kpp_physics.parameters import DECLARATIONS, Parameters
from kpp_physics.table import Entry, Table


@dataclass(frozen=True)
class Coefficient(Entry):
    """One number of the vector; what depends on the surroundings follows from no parameter alone."""

    value: Callable[[Basis], float] | None

    @property
    def from_environment(self) -> bool:
        """Whether it follows the present pressure and temperatures of the surroundings."""
        return self.value is None


TABLE: Final = Table[Coefficient]("the coefficients")
"""Every coefficient in the order of the vector."""


def _parameter(name: str, of: str = "") -> int:
    """A coefficient that is a parameter, of the same name or the one given."""
    item = DECLARATIONS[of or name]
    return TABLE.declare(Coefficient(name, item.unit, item.text, lambda b: float(getattr(b.p, item.name))))


def _mode(name: str) -> int:
    """The mode of a hypothesis, by its place in `hypotheses.MODES`."""
    meaning = f"{DECLARATIONS[name].text}: 0 off, 1 physical, 2 claimed"
    return TABLE.declare(Coefficient(name, "-", meaning, lambda b: hypotheses.MODES.index(getattr(b.p, name))))


def _derived(name: str, unit: str, value: Callable[[Basis], float], *, meaning: str) -> int:
    """A function of the parameters."""
    return TABLE.declare(Coefficient(name, unit, meaning, value))


def _environment(name: str, unit: str, *, meaning: str) -> int:
    """What `environment.take` fills."""
    return TABLE.declare(Coefficient(name, unit, meaning, None))


FLOATER_COUNT: Final = _parameter("floater_count")
# Geometry: L = 2 H_c + 2 pi R_s with the straight run H_c = H - 2 R_s, and the pitch a = L/N.
LOOP_LENGTH: Final = _derived("loop_length", "m", lambda b: b.loop, meaning="length of the chain")
STRAIGHT_LENGTH: Final = _derived("straight_length", "m", lambda b: b.straight, meaning="length of a straight run")
PITCH: Final = _derived(
    "pitch", "m", lambda b: b.loop / b.p.floater_count, meaning="distance of two floaters along the chain"
)
RADIUS: Final = _parameter("radius", of="sprocket_radius")
FLOATER_VOLUME: Final = _parameter("floater_volume")
WATER_DEPTH: Final = _parameter("water_depth")
# b/h_f with b = sqrt(A_f): the mouth counts as a square, since only the width in the plane of tilt matters.
BUCKET_ASPECT: Final = _derived(
    "bucket_aspect",
    "-",
    lambda b: math.sqrt(b.p.mouth_area) / b.p.bucket_height,
    meaning="width in the plane of tilt over height of a square bucket",
)
# Inertia: the added mass C_a rho V goes along with every floater; the water inside is added where no air is.
DRY_MASS: Final = _derived(
    "dry_mass",
    "kg",
    lambda b: b.dry,
    meaning="chain and floaters without the water in them, with what goes along outside",
)
# Where one floater counts, as in the tension, the chain's mass is shared out evenly.
FLOATER_DRY_MASS: Final = _derived(
    "floater_dry_mass",
    "kg",
    lambda b: b.p.added_mass_coefficient * b.displaced + b.p.floater_mass + b.p.chain_mass / b.p.floater_count,
    meaning="the same of one floater and its share of the chain",
)
# (rho/rho_f - 1) m_f g: the shell displaces water of its own volume m_f/rho_f, whatever the air inside does.
SHELL_FORCE: Final = _derived(
    "shell_force",
    "N",
    lambda b: (b.p.water_density / b.p.shell_density - 1) * b.p.floater_mass * b.p.gravity,
    meaning="buoyancy less weight of a shell; below 0 where it is denser than water",
)
# One speed for all floaters, so that N A_D chi B counts as one body.
DRAG_COEFFICIENT: Final = _derived(
    "drag_coefficient",
    "kg/m",
    lambda b: 0.5 * b.p.water_density * b.p.floater_count * b.p.drag_area * b.p.wake_shielding * b.blockage,
    meaning="k_d: the drag of all floaters is k_d (v - u) |v - u|",
)
COFLOW_ON: Final = _derived(
    "coflow_on", "-", lambda b: b.p.coflow == "on", meaning="1 where water is dragged along with the chain"
)
# M_w = rho A_s H_c, up and down together.
COFLOW_MASS: Final = _derived(
    "coflow_mass",
    "kg",
    lambda b: b.p.water_density * b.p.shaft_area * b.straight,
    meaning="M_w of the water in the shaft",
)
# 1/2 rho (A_s/2) K_w: the loop's cross-section is half of the shaft, since the water goes up and down.
BULK_COEFFICIENT: Final = _derived(
    "bulk_coefficient",
    "kg/m",
    lambda b: 0.25 * b.p.water_density * b.p.shaft_area * b.p.loop_loss_coefficient,
    meaning="the resistance of the water's loop is this times u |u|",
)
# F_0 + 4 mu_p (r_p/R_s) T_pre: the pins slide while the chain bends and straightens at each of the two sprockets.
FRICTION_FORCE: Final = _derived(
    "friction_force",
    "N",
    lambda b: b.p.chain_friction_base + b.pins * b.p.chain_pretension,
    meaning="friction of chain and pins",
)
BRAKE_FORCE: Final = _parameter("brake_force")
PRETENSION: Final = _parameter("pretension", of="chain_pretension")
TENSION_LIMIT: Final = _parameter("tension_limit", of="chain_tension_limit")
WATER_DENSITY: Final = _parameter("water_density")
SPECIFIC_WEIGHT: Final = _derived(
    "specific_weight", "N/m3", lambda b: b.weight, meaning="specific weight of the water, rho g"
)
AMBIENT_PRESSURE: Final = _environment("ambient_pressure", "Pa", meaning="p0 in force")
AMBIENT_TEMPERATURE: Final = _environment("ambient_temperature", "K", meaning="T0 in force")
WATER_TEMPERATURE: Final = _environment("water_temperature", "K", meaning="T_w in force, of an infinite bath")
POCKET_UA: Final = _parameter("pocket_ua")
GAS_CONSTANT: Final = _parameter("gas_constant")
CP_AIR: Final = _parameter("cp_air")
GAS_EXPONENT: Final = _derived(
    "gas_exponent", "-", lambda b: b.p.gas_constant / b.p.cp_air, meaning="R/cp of the adiabat T ~ p^(R/cp)"
)
COMPRESSOR_FLOW: Final = _parameter("compressor_flow")
COMPRESSOR_ISOTHERMAL: Final = _derived(
    "compressor_isothermal", "-", lambda b: b.isothermal, meaning="1 for the reversible isothermal compressor"
)
COMPRESSOR_WORK_FACTOR: Final = _environment(
    "compressor_work_factor",
    "J/kg",
    meaning="factor of the compression's work: cp T0/eta_is, or R T0 where it is isothermal",
)
# Idle power is f_idle of the loaded power at p_unload, and so that of a flow f_idle as large.
IDLE_FLOW: Final = _derived(
    "idle_flow",
    "kg/s",
    lambda b: b.p.compressor_idle_fraction * b.p.compressor_flow,
    meaning="flow whose work at p_unload is the idle power",
)
# Between the two the compressor stays as it is, loaded or idle.
LOAD_PRESSURE: Final = _parameter("load_pressure")
UNLOAD_PRESSURE: Final = _parameter("unload_pressure")
RELIEF_PRESSURE: Final = _parameter("relief_pressure")
TRIP_PRESSURE: Final = _parameter("trip_pressure")
COOLER_TEMPERATURE: Final = _environment("cooler_temperature", "K", meaning="air after the cooler at most")
RECEIVER_VOLUME: Final = _parameter("receiver_volume")
RECEIVER_UA: Final = _parameter("receiver_ua")
# ISO 6358: sonic conductance C and critical pressure ratio b.
VALVE_CONDUCTANCE: Final = _parameter("valve_conductance")
VALVE_CRITICAL_RATIO: Final = _parameter("valve_critical_ratio")
# Both without a lag are 1: the valve is open in the step in which it opens.
SPOOL_RELAXATION: Final = _derived(
    "spool_relaxation",
    "-",
    lambda b: b.spool_relaxation,
    meaning="share of its way that the valve's spool goes in a step",
)
SPOOL_MEAN: Final = _derived("spool_mean", "-", lambda b: b.spool_mean, meaning="mean of that share over the step")
CAPTURE_EFFICIENCY: Final = _parameter("capture_efficiency")
# f m1, m1 = p0 V/(R T0): with f = 1 a floater is just full where it reaches the surface.
TARGET_MASS: Final = _environment("target_mass", "kg", meaning="charge of a floater, f p0 V/(R T0)")
# x = -R_s th on the bottom arc: a floater tilted by th comes upright on the next R_s th of its way.
WINDOW_START: Final = _derived(
    "window_start",
    "m",
    lambda b: -b.p.sprocket_radius * math.radians(b.p.injection_start_tilt),
    meaning="progress at which the injection window opens; above 0 on the up run",
)
WINDOW_LENGTH: Final = _parameter("window_length", of="injection_window_length")
# W = v/R_s at the sprocket, G times that on the fast side: the same factor turns speeds of the chain into those
# of the shaft, and torques of the shaft into forces on the chain.
SHAFT_PER_CHAIN: Final = _derived(
    "shaft_per_chain", "rad/m", lambda b: b.per_chain, meaning="angle of the fast shaft per path of the chain, G/R_s"
)
GEARBOX_EFFICIENCY: Final = _parameter("gearbox_efficiency")
# P_g0 at rated speed, in proportion to the square of the speed: as a force on the chain P_g0 (G/(R_s w_r))^2 v.
NOLOAD_COEFFICIENT: Final = _derived(
    "noload_coefficient",
    "N s/m",
    lambda b: b.p.gearbox_noload_power * (b.per_chain / b.rated) ** 2,
    meaning="no-load drag of the gearbox on the chain over its speed",
)
SHAFT_INERTIA: Final = _parameter("shaft_inertia")
# P_fw0 (w/w_r)^3 as a torque: over the speed, the square of it.
WINDAGE_COEFFICIENT: Final = _derived(
    "windage_coefficient",
    "N m s2",
    lambda b: b.p.flywheel_windage_power / b.rated**3,
    meaning="windage torque of the flywheel over w |w|",
)
SPEED_SETPOINT: Final = _derived(
    "speed_setpoint",
    "rad/s",
    lambda b: b.p.generator_speed_setpoint * math.pi / 30,
    meaning="shaft speed that the control holds",
)
# J' w_s and J' w_s^2/4: with J' dw/dt = -tau both poles lie at -w_s/2, the fastest without overshoot.
SPEED_GAIN: Final = _derived(
    "speed_gain", "N m s", lambda b: b.inertia * b.p.speed_bandwidth, meaning="K_p of the speed control"
)
INTEGRAL_GAIN: Final = _derived(
    "integral_gain",
    "N m",
    lambda b: b.inertia * b.p.speed_bandwidth**2 / 4,
    meaning="K_i of the speed control: both poles at half the bandwidth",
)
RATED_SPEED: Final = _derived("rated_speed", "rad/s", lambda b: b.rated, meaning="w_r of the generator")
RATED_TORQUE: Final = _parameter("rated_torque", of="generator_rated_torque")
MAX_TORQUE: Final = _parameter("max_torque", of="generator_max_torque")
# tau_em = 1.5 p psi i_q: amplitude-invariant dq frame, no reluctance torque with L_d = L_q.
TORQUE_PER_CURRENT: Final = _derived(
    "torque_per_current",
    "N m/A",
    lambda b: 1.5 * b.p.pole_pairs * b.p.flux_linkage,
    meaning="air-gap torque over quadrature current",
)
RATED_CURRENT: Final = _parameter("rated_current")
POLE_PAIRS: Final = _parameter("pole_pairs")
FLUX_LINKAGE: Final = _parameter("flux_linkage")
INDUCTANCE: Final = _parameter("inductance", of="stator_inductance")
RESISTANCE: Final = _parameter("resistance", of="stator_resistance")
# P_fe0 (w'/2 + w'^2/2) over w: hysteresis has a loss per turn, eddy currents scale with the square of the speed.
IRON_HYSTERESIS_TORQUE: Final = _derived(
    "iron_hysteresis_torque",
    "N m",
    lambda b: 0.5 * b.p.iron_loss / b.rated,
    meaning="half of the iron loss: a torque that does not depend on the speed",
)
IRON_EDDY_COEFFICIENT: Final = _derived(
    "iron_eddy_coefficient",
    "N m s",
    lambda b: 0.5 * b.p.iron_loss / b.rated**2,
    meaning="the other half: a torque in proportion to the speed",
)
# P_mech0 w'^2 and P_stray0 tau'^2 w' over the speed.
MECHANICAL_COEFFICIENT: Final = _derived(
    "mechanical_coefficient",
    "N m s",
    lambda b: b.p.mechanical_loss / b.rated**2,
    meaning="torque of the generator's friction and windage over its speed",
)
STRAY_TORQUE: Final = _derived(
    "stray_torque", "N m", lambda b: b.p.stray_loss / b.rated, meaning="torque of the stray loss at rated torque"
)
WINDING_HEAT_CAPACITY: Final = _parameter("winding_heat_capacity")
WINDING_THERMAL_RESISTANCE: Final = _parameter("winding_thermal_resistance", of="winding_resistance_thermal")
CONVERTER_RATING: Final = _parameter("converter_rating")
CONVERTER_C0: Final = _parameter("converter_c0")
CONVERTER_C1: Final = _parameter("converter_c1")
CONVERTER_C2: Final = _parameter("converter_c2")
# K_p = alpha L and K_i = alpha R make the closed loop a lag of 1/alpha (decision 12).
CURRENT_BANDWIDTH: Final = _derived(
    "current_bandwidth", "rad/s", lambda b: 2 * math.pi * b.p.current_bandwidth, meaning="alpha of the current loop"
)
AUXILIARY_POWER: Final = _parameter("auxiliary_power")
EXCHANGE_ON: Final = _derived(
    "exchange_on", "-", lambda _: 1.0, meaning="0 only in verification cases that leave the exchange of water out"
)
STEP: Final = _derived("step", "s", lambda b: b.step, meaning="physics step")
H1_MODE: Final = _mode("h1_mode")
H2_MODE: Final = _mode("h2_mode")
H3_MODE: Final = _mode("h3_mode")
JET_MODE: Final = _mode("jet_mode")
RECOVERY_MODE: Final = _mode("recovery_mode")
H1_GAS_FLUX: Final = _environment("h1_gas_flux", "m/s", meaning="superficial velocity of the gas of H1")
H1_GAS_POWER: Final = _environment("h1_gas_power", "W", meaning="power that drives the gas of H1 to the bottom")
H1_VOID: Final = _parameter("h1_void")
# What is claimed is 0, or 1 as a factor, unless the mode says so: the step then needs no question of its own.
H1_DRAG_RELIEF: Final = _derived(
    "h1_drag_relief",
    "-",
    lambda b: b.p.h1_drag_reduction if b.p.h1_mode == "claimed" else 0.0,
    meaning="share of the drag that claimed H1 takes off the chain",
)
H1_VOLUME: Final = _derived(
    "h1_volume",
    "m3",
    lambda b: b.p.floater_volume * (1 - b.p.h1_inside_void),
    meaning="water in a floater that bubbles do not lighten",
)
SHELL_VOLUME: Final = _derived(
    "shell_volume", "m3", lambda b: b.p.floater_mass / b.p.shell_density, meaning="volume of a floater's material"
)
# F_a = eps rho g (A_s/2) H_c.
AIRLIFT_AREA: Final = _derived(
    "airlift_area",
    "m3",
    lambda b: 0.5 * b.p.shaft_area * b.straight,
    meaning="water in the down shaft; times void and rho g it is the airlift",
)
BUOYANCY_GAIN: Final = _derived(
    "buoyancy_gain",
    "-",
    lambda b: b.p.h2_boost if b.p.h2_mode == "claimed" else 0.0,
    meaning="what claimed H2 adds to the buoyancy",
)
H2_UA: Final = _parameter("h2_ua")
H2_PUMP_POWER: Final = _parameter("h2_pump_power")
H3_ON_TIME: Final = _parameter("h3_on_time")
H3_OFF_TIME: Final = _parameter("h3_off_time")
# The claim that coasting is free, as this model reads it: no number was ever published.
H3_DUTY: Final = _derived(
    "h3_duty",
    "-",
    lambda b: b.p.h3_on_time / (b.p.h3_on_time + b.p.h3_off_time) if b.p.h3_mode == "claimed" else 1.0,
    meaning="share of drag and friction that the chain pays under claimed H3",
)
JET_AREA: Final = _parameter("jet_area", of="jet_outlet_area")
JET_DISCHARGE: Final = _parameter("jet_discharge")
JET_GAIN: Final = _parameter("jet_gain", of="jet_efficiency")
RECOVERY_CLAIMED: Final = _derived(
    "recovery_claimed",
    "-",
    lambda b: b.p.recovery_claimed if b.p.recovery_mode == "claimed" else 0.0,
    meaning="share of the compressor's energy that a claimed recovery saves",
)
RECOVERY_PRESSURE: Final = _environment("recovery_pressure", "Pa", meaning="p_h under the hood")
RECOVERY_CAPTURE: Final = _derived(
    "recovery_capture",
    "-",
    lambda b: b.p.recovery_capture if b.p.recovery_mode == "physical" else 0.0,
    meaning="share of the vented air that a physical hood captures",
)
RECOVERY_WORK: Final = _environment("recovery_work", "J/kg", meaning="exergy of captured air, R T0 ln(p_h/p0)")
TORQUE_CONTROL: Final = _derived(
    "torque_control", "-", lambda b: b.p.control_mode == "torque", meaning="1 where the generator holds a torque"
)
TORQUE_SETPOINT: Final = _parameter("torque_setpoint")
MANUAL_INJECTION: Final = _derived(
    "manual_injection", "-", lambda b: b.p.injection_mode == "manual", meaning="1 where air enters on command only"
)
DC_CAPACITANCE: Final = _parameter("dc_capacitance", of="dc_link_capacitance")
DC_VOLTAGE: Final = _parameter("dc_voltage", of="dc_link_voltage")
GRID_FREQUENCY: Final = _parameter("grid_frequency")
GRID_VOLTAGE: Final = _parameter("grid_voltage")
FREQUENCY_DROOP: Final = _parameter("frequency_droop")
LOAD_POWER: Final = _parameter("load_power")
DUMP_LOAD_POWER: Final = _parameter("dump_load_power")
# Each cubic metre of air lowers the interface by 1/A_f, under water that much deeper.
BUCKET_STIFFNESS: Final = _derived(
    "bucket_stiffness",
    "Pa/m3",
    lambda b: b.weight / b.p.mouth_area if b.p.finite_bucket == "on" else 0.0,
    meaning="rho g/A_f of a finite bucket, 0 for a point pocket",
)
SURFACE_AREA: Final = _parameter("surface_area")
BATH_CAPACITY: Final = _parameter("bath_capacity", of="bath_heat_capacity")
BATH_UA: Final = _parameter("bath_ua")
AMBIENT_PRESSURE_SET: Final = _parameter("ambient_pressure_set", of="ambient_pressure")
AMBIENT_TEMPERATURE_SET: Final = _parameter("ambient_temperature_set", of="ambient_temperature")
WATER_TEMPERATURE_SET: Final = _parameter("water_temperature_set", of="water_temperature")
# From here on what `environment.take` needs to fill the rest.
TARGET_VOLUME: Final = _derived(
    "target_volume",
    "m3",
    lambda b: b.p.fill_fraction * b.p.floater_volume,
    meaning="volume of a charge at the surface, f V",
)
WORK_PER_KELVIN: Final = _derived(
    "work_per_kelvin",
    "J/(kg K)",
    lambda b: b.p.gas_constant if b.isothermal else b.p.cp_air / b.p.compressor_efficiency,
    meaning="factor of the compression's work over T0",
)
COOLER_APPROACH: Final = _derived(
    "cooler_approach",
    "K",
    lambda b: 0.0 if b.isothermal else b.p.aftercooler_approach,
    meaning="air after the cooler above ambient",
)
HOOD_WEIGHT: Final = _derived(
    "hood_weight", "Pa", lambda b: b.weight * b.p.recovery_depth, meaning="pressure of the water over the hood"
)
BOTTOM_WEIGHT: Final = _derived(
    "bottom_weight",
    "Pa",
    lambda b: b.weight * b.p.water_depth,
    meaning="pressure of the water over the lowest chain point",
)
HALF_SHAFT_AREA: Final = _derived(
    "half_shaft_area", "m2", lambda b: 0.5 * b.p.shaft_area, meaning="horizontal area of the down shaft"
)
H1_GAS_FLOW: Final = _parameter("h1_gas_flow")

NAMES: Final = TABLE.names

FROM_ENVIRONMENT: Final = tuple(item.name for item in TABLE if item.from_environment)
"""What follows the present pressure and temperatures of the surroundings, which may be on the way to their settings."""


def coefficients(p: Parameters, step: float = constants.STEP) -> NDArray[np.float64]:
    """The vector of `NAMES` for one set of parameters; what `FROM_ENVIRONMENT` names is 0 until `environment.take`.

    Args:
        p: parameters.
        step: physics step [s]; another than the default only to show how results depend on it.
    """
    basis = Basis.of(p, step)
    return np.array([0.0 if item.value is None else item.value(basis) for item in TABLE], dtype=np.float64)
