"""Plants of all sizes, depths, temperatures, fills and options, for the comparison with the independent integration."""

from typing import Any, Final

SMALL: Final[dict[str, Any]] = {
    "generator_rated_power": 2000,
    "converter_rating": 2000,
    "generator_rated_speed": 150,
    "generator_rated_torque": 130,
    "generator_max_torque": 300,
    "rated_current": 4,
    "pole_pairs": 16,
    "flux_linkage": 1.2,
    "stator_inductance": 0.05,
    "stator_resistance": 2,
    "iron_loss": 30,
    "mechanical_loss": 15,
    "stray_loss": 10,
    "gearbox_noload_power": 20,
    "shaft_inertia": 5,
    "flywheel_windage_power": 5,
    "chain_friction_base": 20,
    "chain_pretension": 4000,
    "chain_mass": 60,
    "chain_tension_limit": 20000,
    "brake_force": 5000,
    "gear_ratio": 8,
    "floater_mass": 3,
    "bucket_height": 0.3,
    "sprocket_radius": 0.3,
    "shaft_area": 1.5,
    "receiver_volume": 0.3,
    "valve_conductance": 5e-7,
    "injection_window_length": 0.3,
    "drag_area": 0.1,
}
"""A plant of two kilowatts."""

QUICK: Final[dict[str, dict[str, Any]]] = {
    "3 m, 8 floaters of 0.02 m3": {
        **SMALL, "floater_count": 8, "floater_volume": 0.02, "water_depth": 3, "mouth_area": 0.07,
        "load_pressure": 1.6e5, "unload_pressure": 2.0e5, "compressor_flow": 0.02, "generator_speed_setpoint": 60,
        "receiver_volume": 0.1, "capture_efficiency": 0.7, "pocket_ua": 3,
    },
    "5 m, 12 floaters of 0.04 m3, too little air": {
        **SMALL, "floater_count": 12, "floater_volume": 0.04, "water_depth": 5, "mouth_area": 0.13,
        "load_pressure": 1.9e5, "unload_pressure": 2.3e5, "compressor_flow": 0.01, "generator_speed_setpoint": 60,
    },
    "8 m, 4 floaters of 0.1 m3": {
        **SMALL, "floater_count": 4, "floater_volume": 0.1, "water_depth": 8, "mouth_area": 0.3, "bucket_height": 0.4,
        "load_pressure": 2.2e5, "unload_pressure": 2.6e5, "compressor_flow": 0.03, "generator_speed_setpoint": 50,
        "shaft_inertia": 40, "valve_conductance": 2e-6,
    },
    "2 m/s": {
        "generator_speed_setpoint": 620, "generator_rated_speed": 700, "compressor_flow": 1.4, "receiver_volume": 6,
        "valve_conductance": 2e-5, "drag_area": 0.15, "chain_pretension": 1e5, "chain_tension_limit": 2e5,
    },
    "still water, blocked shaft": {
        "coflow": "off", "blockage_correction": "on", "generator_speed_setpoint": 250, "compressor_flow": 0.6,
        "valve_conductance": 6e-6,
    },
    "much added mass, little wake, throttled loop": {
        "added_mass_coefficient": 1, "wake_shielding": 0.3, "loop_loss_coefficient": 60, "compressor_flow": 0.7,
        "generator_speed_setpoint": 300, "valve_conductance": 6e-6, "receiver_volume": 4,
    },
}  # fmt: skip
"""Plants with short laps."""

LONG: Final[dict[str, dict[str, Any]]] = {
    "12 m, 40 floaters": {
        "water_depth": 12, "floater_count": 40, "floater_volume": 0.3, "load_pressure": 2.5e5,
        "unload_pressure": 2.9e5, "receiver_volume": 1.5,
    },
    "60 m": {
        "water_depth": 60, "floater_count": 150, "floater_volume": 0.2, "load_pressure": 8e5, "unload_pressure": 9e5,
        "relief_pressure": 1.5e6, "trip_pressure": 1.4e6, "compressor_flow": 0.2, "mouth_area": 0.4,
        "bucket_height": 0.5,
    },
    "100 m": {
        "water_depth": 100, "floater_count": 200, "floater_volume": 0.1, "load_pressure": 1.2e6,
        "unload_pressure": 1.35e6, "relief_pressure": 1.9e6, "trip_pressure": 1.8e6, "compressor_flow": 0.1,
        "mouth_area": 0.2, "bucket_height": 0.5, "chain_mass": 4000,
    },
    "40 m, 40 floaters of 2 m3": {
        "floater_volume": 2, "floater_count": 40, "sprocket_radius": 4, "water_depth": 40, "mouth_area": 2,
        "bucket_height": 1, "gear_ratio": 80, "load_pressure": 6e5, "unload_pressure": 6.8e5, "compressor_flow": 0.9,
        "valve_conductance": 1.5e-5, "receiver_volume": 8, "chain_pretension": 2e5, "chain_tension_limit": 1e6,
        "generator_rated_speed": 150, "chain_mass": 20000, "shaft_area": 20,
    },
    "slow spool": {
        "valve_time_constant": 0.2, "valve_conductance": 1e-5, "generator_speed_setpoint": 250,
        "compressor_flow": 0.6,
    },
    "reference": {},
    "rated speed": {
        "generator_speed_setpoint": 375, "compressor_flow": 0.8, "receiver_volume": 5, "valve_conductance": 6e-6,
    },
    "warm water": {"water_temperature": 333, "pocket_ua": 100},
    "cold water and air": {"water_temperature": 274, "ambient_temperature": 265, "pocket_ua": 60},
    "adiabatic pockets, poor gearbox": {
        "pocket_ua": 0, "current_bandwidth": 10, "speed_bandwidth": 5, "converter_c0": 0.02,
        "gearbox_efficiency": 0.85,
    },
    "a third of a charge": {"fill_fraction": 0.35},
    "2.5 charges": {
        "fill_fraction": 2.5, "compressor_flow": 0.7, "valve_conductance": 8e-6, "receiver_volume": 4,
        "chain_tension_limit": 3e5, "chain_pretension": 120000,
    },
    "4 charges, spilling while filled": {
        "fill_fraction": 4, "compressor_flow": 1.1, "valve_conductance": 2e-5, "receiver_volume": 4,
        "chain_tension_limit": 3e5, "chain_pretension": 120000,
    },
    "window up the run": {"injection_start_tilt": -45},
    "window far under the sprocket": {"injection_start_tilt": 85, "injection_window_length": 1.5},
    "floaters wait in the window": {"injection_window_length": 3, "valve_conductance": 1e-6},
    "window too short for a charge": {"valve_conductance": 1.2e-6, "generator_speed_setpoint": 200},
    "window of 5 cm": {
        "generator_speed_setpoint": 375, "compressor_flow": 0.3, "injection_window_length": 0.05,
        "valve_conductance": 2e-6,
    },
    "receiver of 0.1 m3, wide valve, hot pockets": {
        "receiver_volume": 0.1, "valve_conductance": 1e-4, "pocket_ua": 1000, "water_temperature": 340,
    },
    "isothermal compressor": {"compressor_model": "isothermal_ideal", "compressor_idle_fraction": 0.0},
    "40 % of the air missed": {"capture_efficiency": 0.6, "compressor_flow": 0.45},
    "33 heavy floaters": {
        "floater_count": 33, "floater_volume": 0.6, "shell_density": 7800, "floater_mass": 150, "mouth_area": 0.6,
        "bucket_height": 1.1, "compressor_flow": 0.2,
    },
    "finite bucket": {"finite_bucket": "on"},
    "H1 physical": {"h1_mode": "physical"},
    "H2 physical": {"h2_mode": "physical", "water_temperature": 310},
    "H3 physical": {"h3_mode": "physical", "h3_on_time": 4, "h3_off_time": 0.6},
    "jet physical": {"jet_mode": "physical"},
    "recovery physical": {
        "recovery_mode": "physical", "recovery_depth": 1.2, "fill_fraction": 1.5, "compressor_flow": 0.36,
        "chain_pretension": 90000, "chain_tension_limit": 2e5,
    },
    "as claimed": {
        "drag_area": 0.06, "h1_mode": "claimed", "h2_mode": "claimed", "h3_mode": "claimed", "jet_mode": "claimed",
        "recovery_mode": "claimed",
    },
}  # fmt: skip
"""The rest of the spread, about ten minutes."""
