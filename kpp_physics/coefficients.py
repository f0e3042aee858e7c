"""What the compiled step reads: a vector of numbers derived once from the parameters, in SI units."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kpp_physics import constants, hypotheses
from kpp_physics.parameters import Parameters

# fmt: off
NAMES: Final = (
    "floater_count", "loop_length", "straight_length", "pitch", "radius", "floater_volume", "water_depth",
    "bucket_aspect", "dry_mass", "floater_dry_mass", "shell_force", "drag_coefficient", "coflow_on",
    "coflow_mass", "bulk_coefficient", "friction_force", "brake_force", "pretension", "tension_limit",
    "water_density", "specific_weight", "ambient_pressure", "ambient_temperature", "water_temperature", "pocket_ua",
    "gas_constant", "cp_air", "gas_exponent", "compressor_flow", "compressor_isothermal", "compressor_work_factor",
    "idle_flow", "load_pressure", "unload_pressure", "relief_pressure", "trip_pressure", "cooler_temperature",
    "receiver_volume", "receiver_ua", "valve_conductance", "valve_critical_ratio", "spool_relaxation",
    "spool_mean", "capture_efficiency", "target_mass", "window_start", "window_length", "shaft_per_chain",
    "gearbox_efficiency",
    "noload_coefficient", "shaft_inertia", "windage_coefficient", "speed_setpoint", "speed_gain", "integral_gain",
    "rated_speed", "rated_torque", "max_torque", "torque_per_current", "rated_current", "pole_pairs",
    "flux_linkage", "inductance", "resistance", "iron_hysteresis_torque", "iron_eddy_coefficient",
    "mechanical_coefficient", "stray_torque", "winding_heat_capacity", "winding_thermal_resistance",
    "converter_rating", "converter_c0", "converter_c1", "converter_c2", "current_bandwidth", "auxiliary_power",
    "exchange_on", "step",
    "h1_mode", "h2_mode", "h3_mode", "jet_mode", "recovery_mode",
    "h1_gas_flux", "h1_gas_power", "h1_void", "h1_drag_relief", "h1_volume", "shell_volume", "airlift_area",
    "buoyancy_gain", "h2_ua", "h2_pump_power", "h3_on_time", "h3_off_time", "h3_duty",
    "jet_area", "jet_discharge", "jet_gain", "recovery_claimed", "recovery_pressure", "recovery_capture",
    "recovery_work", "torque_control", "torque_setpoint", "manual_injection",
    "dc_capacitance", "dc_voltage", "grid_frequency", "grid_voltage", "frequency_droop", "load_power",
    "dump_load_power", "bucket_stiffness", "surface_area", "bath_capacity", "bath_ua",
    "ambient_pressure_set", "ambient_temperature_set", "water_temperature_set", "target_volume", "work_per_kelvin",
    "cooler_approach", "hood_weight", "bottom_weight", "half_shaft_area", "h1_gas_flow",
)

(FLOATER_COUNT, LOOP_LENGTH, STRAIGHT_LENGTH, PITCH, RADIUS, FLOATER_VOLUME, WATER_DEPTH,
 BUCKET_ASPECT, DRY_MASS, FLOATER_DRY_MASS, SHELL_FORCE, DRAG_COEFFICIENT, COFLOW_ON,
 COFLOW_MASS, BULK_COEFFICIENT, FRICTION_FORCE, BRAKE_FORCE, PRETENSION, TENSION_LIMIT,
 WATER_DENSITY, SPECIFIC_WEIGHT, AMBIENT_PRESSURE, AMBIENT_TEMPERATURE, WATER_TEMPERATURE, POCKET_UA,
 GAS_CONSTANT, CP_AIR, GAS_EXPONENT, COMPRESSOR_FLOW, COMPRESSOR_ISOTHERMAL, COMPRESSOR_WORK_FACTOR,
 IDLE_FLOW, LOAD_PRESSURE, UNLOAD_PRESSURE, RELIEF_PRESSURE, TRIP_PRESSURE, COOLER_TEMPERATURE,
 RECEIVER_VOLUME, RECEIVER_UA, VALVE_CONDUCTANCE, VALVE_CRITICAL_RATIO, SPOOL_RELAXATION,
 SPOOL_MEAN, CAPTURE_EFFICIENCY, TARGET_MASS, WINDOW_START, WINDOW_LENGTH, SHAFT_PER_CHAIN, GEARBOX_EFFICIENCY,
 NOLOAD_COEFFICIENT, SHAFT_INERTIA, WINDAGE_COEFFICIENT, SPEED_SETPOINT, SPEED_GAIN, INTEGRAL_GAIN,
 RATED_SPEED, RATED_TORQUE, MAX_TORQUE, TORQUE_PER_CURRENT, RATED_CURRENT, POLE_PAIRS,
 FLUX_LINKAGE, INDUCTANCE, RESISTANCE, IRON_HYSTERESIS_TORQUE, IRON_EDDY_COEFFICIENT,
 MECHANICAL_COEFFICIENT, STRAY_TORQUE, WINDING_HEAT_CAPACITY, WINDING_THERMAL_RESISTANCE,
 CONVERTER_RATING, CONVERTER_C0, CONVERTER_C1, CONVERTER_C2, CURRENT_BANDWIDTH, AUXILIARY_POWER,
 EXCHANGE_ON, STEP,
 H1_MODE, H2_MODE, H3_MODE, JET_MODE, RECOVERY_MODE,
 H1_GAS_FLUX, H1_GAS_POWER, H1_VOID, H1_DRAG_RELIEF, H1_VOLUME, SHELL_VOLUME, AIRLIFT_AREA,
 BUOYANCY_GAIN, H2_UA, H2_PUMP_POWER, H3_ON_TIME, H3_OFF_TIME, H3_DUTY,
 JET_AREA, JET_DISCHARGE, JET_GAIN, RECOVERY_CLAIMED, RECOVERY_PRESSURE, RECOVERY_CAPTURE,
 RECOVERY_WORK, TORQUE_CONTROL, TORQUE_SETPOINT, MANUAL_INJECTION,
 DC_CAPACITANCE, DC_VOLTAGE, GRID_FREQUENCY, GRID_VOLTAGE, FREQUENCY_DROOP, LOAD_POWER,
 DUMP_LOAD_POWER, BUCKET_STIFFNESS, SURFACE_AREA, BATH_CAPACITY, BATH_UA,
 AMBIENT_PRESSURE_SET, AMBIENT_TEMPERATURE_SET, WATER_TEMPERATURE_SET, TARGET_VOLUME, WORK_PER_KELVIN,
 COOLER_APPROACH, HOOD_WEIGHT, BOTTOM_WEIGHT, HALF_SHAFT_AREA, H1_GAS_FLOW) = range(len(NAMES))
# fmt: on

FROM_ENVIRONMENT: Final = (
    "ambient_pressure",
    "ambient_temperature",
    "water_temperature",
    "compressor_work_factor",
    "cooler_temperature",
    "target_mass",
    "h1_gas_flux",
    "h1_gas_power",
    "recovery_pressure",
    "recovery_work",
)
"""What follows the present pressure and temperatures of the surroundings, which may be on the way to their settings."""


def coefficients(p: Parameters, step: float = constants.STEP) -> NDArray[np.float64]:
    """The vector of `NAMES` for one set of parameters; what `FROM_ENVIRONMENT` names is 0 until `environment.take`.

    Args:
        p: parameters.
        step: physics step [s]; another than the default only to show how results depend on it.
    """
    straight = p.water_depth - 2 * p.sprocket_radius
    loop = 2 * straight + 2 * math.pi * p.sprocket_radius
    displaced = p.water_density * p.floater_volume
    rated = p.generator_rated_speed * math.pi / 30
    per_chain = p.gear_ratio / p.sprocket_radius
    dry = p.floater_count * (p.floater_mass + displaced * p.added_mass_coefficient) + p.chain_mass
    inertia = p.shaft_inertia + (dry + p.floater_count * displaced) / per_chain**2
    blockage = (1 - 2 * p.mouth_area / p.shaft_area) ** -2 if p.blockage_correction == "on" else 1.0
    exponent = p.gas_constant / p.cp_air
    isothermal = p.compressor_model == "isothermal_ideal"
    spool = p.valve_time_constant
    pins = 4 * p.pin_friction * p.pin_radius / p.sprocket_radius
    weight = p.water_density * p.gravity
    values = {
        **dict.fromkeys(FROM_ENVIRONMENT, 0.0),
        **_hypotheses(p, straight),
        "floater_count": p.floater_count,
        "loop_length": loop,
        "straight_length": straight,
        "pitch": loop / p.floater_count,
        "radius": p.sprocket_radius,
        "floater_volume": p.floater_volume,
        "water_depth": p.water_depth,
        "bucket_aspect": math.sqrt(p.mouth_area) / p.bucket_height,
        "dry_mass": dry,
        "floater_dry_mass": p.added_mass_coefficient * displaced + p.floater_mass + p.chain_mass / p.floater_count,
        "shell_force": (p.water_density / p.shell_density - 1) * p.floater_mass * p.gravity,
        "drag_coefficient": 0.5 * p.water_density * p.floater_count * p.drag_area * p.wake_shielding * blockage,
        "coflow_on": p.coflow == "on",
        "coflow_mass": p.water_density * p.shaft_area * straight,
        "bulk_coefficient": 0.25 * p.water_density * p.shaft_area * p.loop_loss_coefficient,
        "friction_force": p.chain_friction_base + pins * p.chain_pretension,
        "brake_force": p.brake_force,
        "pretension": p.chain_pretension,
        "tension_limit": p.chain_tension_limit,
        "water_density": p.water_density,
        "specific_weight": weight,
        "pocket_ua": p.pocket_ua,
        "gas_constant": p.gas_constant,
        "cp_air": p.cp_air,
        "gas_exponent": exponent,
        "compressor_flow": p.compressor_flow,
        "compressor_isothermal": isothermal,
        "idle_flow": p.compressor_idle_fraction * p.compressor_flow,
        "load_pressure": p.load_pressure,
        "unload_pressure": p.unload_pressure,
        "relief_pressure": p.relief_pressure,
        "trip_pressure": p.trip_pressure,
        "receiver_volume": p.receiver_volume,
        "receiver_ua": p.receiver_ua,
        "valve_conductance": p.valve_conductance,
        "valve_critical_ratio": p.valve_critical_ratio,
        "spool_relaxation": 1.0 if spool == 0 else -math.expm1(-step / spool),
        "spool_mean": 1.0 if spool == 0 else 1.0 + math.expm1(-step / spool) * spool / step,
        "capture_efficiency": p.capture_efficiency,
        "window_start": -p.sprocket_radius * math.radians(p.injection_start_tilt),
        "window_length": p.injection_window_length,
        "shaft_per_chain": per_chain,
        "gearbox_efficiency": p.gearbox_efficiency,
        "noload_coefficient": p.gearbox_noload_power * (per_chain / rated) ** 2,
        "shaft_inertia": p.shaft_inertia,
        "windage_coefficient": p.flywheel_windage_power / rated**3,
        "speed_setpoint": p.generator_speed_setpoint * math.pi / 30,
        "speed_gain": inertia * p.speed_bandwidth,
        "integral_gain": inertia * p.speed_bandwidth**2 / 4,
        "rated_speed": rated,
        "rated_torque": p.generator_rated_torque,
        "max_torque": p.generator_max_torque,
        "torque_per_current": 1.5 * p.pole_pairs * p.flux_linkage,
        "rated_current": p.rated_current,
        "pole_pairs": p.pole_pairs,
        "flux_linkage": p.flux_linkage,
        "inductance": p.stator_inductance,
        "resistance": p.stator_resistance,
        "iron_hysteresis_torque": 0.5 * p.iron_loss / rated,
        "iron_eddy_coefficient": 0.5 * p.iron_loss / rated**2,
        "mechanical_coefficient": p.mechanical_loss / rated**2,
        "stray_torque": p.stray_loss / rated,
        "winding_heat_capacity": p.winding_heat_capacity,
        "winding_thermal_resistance": p.winding_resistance_thermal,
        "converter_rating": p.converter_rating,
        "converter_c0": p.converter_c0,
        "converter_c1": p.converter_c1,
        "converter_c2": p.converter_c2,
        "current_bandwidth": 2 * math.pi * p.current_bandwidth,
        "auxiliary_power": p.auxiliary_power,
        "exchange_on": 1.0,
        "step": step,
        "torque_control": p.control_mode == "torque",
        "torque_setpoint": p.torque_setpoint,
        "manual_injection": p.injection_mode == "manual",
        "dc_capacitance": p.dc_link_capacitance,
        "dc_voltage": p.dc_link_voltage,
        "grid_frequency": p.grid_frequency,
        "grid_voltage": p.grid_voltage,
        "frequency_droop": p.frequency_droop,
        "load_power": p.load_power,
        "dump_load_power": p.dump_load_power,
        "bucket_stiffness": (weight / p.mouth_area if p.finite_bucket == "on" else 0.0),
        "surface_area": p.surface_area,
        "bath_capacity": p.bath_heat_capacity,
        "bath_ua": p.bath_ua,
        "ambient_pressure_set": p.ambient_pressure,
        "ambient_temperature_set": p.ambient_temperature,
        "water_temperature_set": p.water_temperature,
        "target_volume": p.fill_fraction * p.floater_volume,
        "work_per_kelvin": p.gas_constant if isothermal else p.cp_air / p.compressor_efficiency,
        "cooler_approach": 0.0 if isothermal else p.aftercooler_approach,
        "hood_weight": weight * p.recovery_depth,
        "bottom_weight": weight * p.water_depth,
        "half_shaft_area": 0.5 * p.shaft_area,
        "h1_gas_flow": p.h1_gas_flow,
    }
    return np.array([values[name] for name in NAMES], dtype=np.float64)


def _hypotheses(p: Parameters, straight: float) -> dict[str, float]:
    """The part of the vector that the claims read."""
    claimed = hypotheses.CLAIMED
    modes = {
        name: hypotheses.MODES.index(getattr(p, name))
        for name in ("h1_mode", "h2_mode", "h3_mode", "jet_mode", "recovery_mode")
    }
    return {
        **modes,
        "h1_void": p.h1_void,
        "h1_drag_relief": p.h1_drag_reduction if modes["h1_mode"] == claimed else 0.0,
        "h1_volume": p.floater_volume * (1 - p.h1_inside_void),
        "shell_volume": p.floater_mass / p.shell_density,
        "airlift_area": 0.5 * p.shaft_area * straight,
        "buoyancy_gain": p.h2_boost if modes["h2_mode"] == claimed else 0.0,
        "h2_ua": p.h2_ua,
        "h2_pump_power": p.h2_pump_power,
        "h3_on_time": p.h3_on_time,
        "h3_off_time": p.h3_off_time,
        "h3_duty": (p.h3_on_time / (p.h3_on_time + p.h3_off_time) if modes["h3_mode"] == claimed else 1.0),
        "jet_area": p.jet_outlet_area,
        "jet_discharge": p.jet_discharge,
        "jet_gain": p.jet_efficiency,
        "recovery_claimed": p.recovery_claimed if modes["recovery_mode"] == claimed else 0.0,
        "recovery_capture": p.recovery_capture if modes["recovery_mode"] == hypotheses.PHYSICAL else 0.0,
    }
