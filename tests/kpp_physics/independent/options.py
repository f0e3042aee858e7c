"""Plants with every option and every hypothesis, several at once, small enough for laps of half a minute."""

from typing import Any, Final

from tests.kpp_physics.independent.spread import SMALL

SHALLOW: Final[dict[str, Any]] = {
    **SMALL, "floater_count": 9, "floater_volume": 0.03, "water_depth": 4, "mouth_area": 0.1,
    "load_pressure": 1.8e5, "unload_pressure": 2.2e5, "compressor_flow": 0.03, "generator_speed_setpoint": 80,
    "receiver_volume": 0.15, "pocket_ua": 5,
}  # fmt: skip
"""Nine floaters of 30 l in 4 m of water."""

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "finite bucket, free surface, finite bath": {
        **SHALLOW, "finite_bucket": "on", "surface_area": 2, "bath_heat_capacity": 1e6, "bath_ua": 5e3,
        "water_temperature": 300,
    },
    "H1 physical in a blocked shaft": {
        **SHALLOW, "h1_mode": "physical", "h1_gas_flow": 0.004, "h1_inside_void": 0.3, "blockage_correction": "on",
    },
    "H2 physical in warm water, slow spool": {
        **SHALLOW, "h2_mode": "physical", "h2_ua": 40, "h2_pump_power": 15, "water_temperature": 320,
        "valve_time_constant": 0.1, "auxiliary_power": 30,
    },
    "H3 physical": {**SHALLOW, "h3_mode": "physical", "h3_on_time": 2, "h3_off_time": 0.4},
    "jet physical": {**SHALLOW, "jet_mode": "physical", "jet_outlet_area": 0.01, "jet_discharge": 0.6},
    "jet physical in warm water, a third of the air missed": {
        **SHALLOW, "jet_mode": "physical", "jet_outlet_area": 0.01, "jet_discharge": 0.6, "pocket_ua": 80,
        "water_temperature": 305, "capture_efficiency": 0.65, "valve_time_constant": 0.05,
    },
    "wide jet physical, spilling": {
        **SHALLOW, "jet_mode": "physical", "jet_outlet_area": 0.05, "fill_fraction": 2, "compressor_flow": 0.06,
    },
    "recovery physical, 30 % of the air missed": {
        **SHALLOW, "recovery_mode": "physical", "recovery_depth": 1, "capture_efficiency": 0.7, "fill_fraction": 1.6,
        "compressor_flow": 0.06,
    },
    "4 charges through a wide valve": {
        **SHALLOW, "fill_fraction": 4, "compressor_flow": 0.1, "valve_conductance": 1e-5,
    },
    "torque control, isothermal compressor": {
        **SHALLOW, "control_mode": "torque", "torque_setpoint": 12, "compressor_model": "isothermal_ideal",
        "coflow": "off", "drag_area": 0.6,
    },
    "droop and dump load": {
        **SHALLOW, "grid_frequency": 50.9, "frequency_droop": 0.04, "dump_load_power": 60, "ambient_temperature": 278,
        "ambient_pressure": 90000,
    },
    "small receiver, wide valve, hot pockets": {
        **SHALLOW, "receiver_volume": 0.1, "valve_conductance": 1e-5, "pocket_ua": 1000, "water_temperature": 340,
    },
    "all claimed": {
        **SHALLOW, "h1_mode": "claimed", "h2_mode": "claimed", "h3_mode": "claimed", "jet_mode": "claimed",
        "recovery_mode": "claimed",
    },
    "all physical, finite bucket, free surface": {
        **SHALLOW, "h1_mode": "physical", "h1_gas_flow": 0.002, "h2_mode": "physical", "h2_ua": 30,
        "h3_mode": "physical", "h3_on_time": 5, "h3_off_time": 0.4, "jet_mode": "physical", "jet_outlet_area": 0.02,
        "recovery_mode": "physical", "recovery_depth": 0.6, "finite_bucket": "on", "surface_area": 2.5,
        "capture_efficiency": 0.85,
    },
}  # fmt: skip
"""Each option once at least, with short laps."""

_STRONG: Final = {
    **SHALLOW, "generator_speed_setpoint": 80, "generator_rated_speed": 1000, "generator_max_torque": 2000,
    "chain_pretension": 2e4, "chain_tension_limit": 1e6, "trip_pressure": 2e6, "relief_pressure": 2e6,
    "unload_pressure": 2.2e5, "h3_on_time": 2, "pin_friction": 0, "receiver_volume": 1,
}  # fmt: skip

FAST: Final[dict[str, dict[str, Any]]] = {
    "narrow bucket that fills in ten steps, jet physical": {
        **_STRONG, "jet_mode": "physical", "jet_outlet_area": 0.01, "finite_bucket": "on", "mouth_area": 0.02,
        "bucket_height": 1, "fill_fraction": 2, "compressor_flow": 0.08, "load_pressure": 2.4e5,
        "unload_pressure": 2.8e5, "valve_conductance": 2e-5,
    },
    "narrow bucket that fills in four steps, wide jet physical": {
        **_STRONG, "jet_mode": "physical", "jet_outlet_area": 0.1, "finite_bucket": "on", "mouth_area": 0.02,
        "bucket_height": 1, "fill_fraction": 2, "compressor_flow": 0.08, "load_pressure": 2.4e5,
        "unload_pressure": 2.8e5, "valve_conductance": 5e-5,
    },
    "bucket that overflows on its way in, jet physical": {
        **_STRONG, "jet_mode": "physical", "jet_outlet_area": 0.05, "bucket_height": 0.15, "fill_fraction": 2.5,
        "compressor_flow": 0.15, "valve_conductance": 2e-5, "injection_start_tilt": 75,
    },
    "bucket that overflows on its way in, jet claimed": {
        **_STRONG, "jet_mode": "claimed", "jet_outlet_area": 0.05, "bucket_height": 0.15, "fill_fraction": 2.5,
        "compressor_flow": 0.15, "valve_conductance": 2e-5, "injection_start_tilt": 75,
    },
    "window of 5 cm, fast spool, jet physical": {
        **_STRONG, "generator_speed_setpoint": 300, "injection_window_length": 0.05, "valve_conductance": 1e-5,
        "valve_time_constant": 0.01, "compressor_flow": 0.1, "jet_mode": "physical", "jet_outlet_area": 0.05,
        "drag_area": 0.02, "loop_loss_coefficient": 1, "receiver_volume": 0.15,
    },
}  # fmt: skip
"""Pockets that a wide valve fills in a few steps; compared over a window of time, as random plants are."""

UNCOMPARED: Final = frozenset({"injection_mode"})
"""Choices that no lap average can show: without commands no air enters by hand."""

UNSEEN: Final = frozenset({
    "chain_tension_limit", "gas_constant", "cp_air", "trip_pressure", "winding_heat_capacity",
    "winding_resistance_thermal",
})  # fmt: skip
"""Limits of trips, the winding's temperature, and what is fixed: no lap average shows them either."""
