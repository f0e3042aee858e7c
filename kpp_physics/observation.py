"""What a plant shows of itself, in groups by physical part: plain numbers, text and lists."""

import math
from typing import Any, Final, NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import constants, ledger, meters, plc
from kpp_physics import state as st
from kpp_physics.generator import terminal_voltages
from kpp_physics.kernel import (
    SURVEY_FILL,
    SURVEY_HEIGHT,
    SURVEY_MASS,
    SURVEY_POSITION,
    SURVEY_TEMPERATURE,
)
from kpp_physics.parameters import Parameters

Observation = dict[str, dict[str, Any]]

_COMPRESSOR_MODES: Final = ("off", "idle", "loaded")
_RPM: Final = 30.0 / math.pi
_BALANCE: Final = ledger.LINES[: ledger.BALANCE_COUNT]
_LEDGER_NAMES: Final = (*_BALANCE, *(f"stored_{name}" for name in ledger.STORES))


class LapView(NamedTuple):
    """What an observer sees of the laps; it changes when a lap is complete."""

    laps: int
    meters: meters.Meters
    missed: float
    pulses: float


def lap_view(ring: st.Vector, laps: int) -> LapView:
    """Meters, and missed and all pulses, over the last complete laps."""
    records, before = meters.lap_records(ring, laps, meters.DEFAULT_LAPS)
    last = records[-1] if records else before
    missed = last[st.LAP_MISSED] - before[st.LAP_MISSED]
    return LapView(laps, meters.meters(records, before), missed, last[st.LAP_PULSES] - before[st.LAP_PULSES] + missed)


def observe(
    p: Parameters,
    coefficients: st.Vector,
    parts: st.Memory,
    floaters: st.Vector,
    stores: st.Vector,
    lines: st.Vector,
    laps: LapView,
) -> Observation:
    """The groups of a state frame.

    Args:
        p: parameters.
        coefficients, parts: of the plant.
        floaters, stores, lines: from `kernel.survey`.
        laps: from `lap_view`.
    """
    c, x = coefficients.tolist(), parts.scalars.tolist()
    totals, rates = lines.tolist()
    R = c[co.GAS_CONSTANT]
    cv = c[co.CP_AIR] - R
    power = dict(zip(_BALANCE, rates, strict=False))
    del power["parameter_change"]
    power["buoyancy"], power["shaft"] = rates[ledger.BUOYANCY], rates[ledger.SHAFT]
    serving = x[st.SERVED] >= 0
    served = int(x[st.SERVED])
    taken = power["compressor"] + power["auxiliary"]
    state = int(x[st.PLC_STATE])
    books = _ledger_group(totals, stores.tolist(), x[st.STORED_INITIAL])
    voltage_d, voltage_q = terminal_voltages(
        x[st.CURRENT],
        x[st.CURRENT_SLOPE],
        x[st.SHAFT_SPEED],
        c[co.POLE_PAIRS],
        c[co.FLUX_LINKAGE],
        c[co.INDUCTANCE],
        c[co.RESISTANCE],
    )
    rows = floaters.tolist()
    return {
        "chain": {
            "position": x[st.LAPS] * c[co.LOOP_LENGTH] + x[st.POSITION],
            "speed": x[st.SPEED],
            "loop_length": c[co.LOOP_LENGTH],
            "laps": int(x[st.RECORDED_LAPS]),
            "coflow_speed": x[st.COFLOW],
            "buoyancy_force": x[st.BUOYANCY_FORCE],
            "shell_force": x[st.SHELL_FORCE],
            "drag_force": x[st.DRAG_FORCE],
            "exchange_force": x[st.EXCHANGE_FORCE],
            "friction_force": x[st.FRICTION_FORCE],
            "brake_force": x[st.BRAKE_FORCE],
            "pto_force": x[st.PTO_FORCE],
            "tension_max": x[st.TENSION_MAX],
            "tension_min": x[st.TENSION_MIN],
        },
        "floaters": {
            "position": rows[SURVEY_POSITION],
            "height": rows[SURVEY_HEIGHT],
            "fill": rows[SURVEY_FILL],
            "air_mass": rows[SURVEY_MASS],
            "temperature": [None if math.isnan(value) else value for value in rows[SURVEY_TEMPERATURE]],
        },
        "receiver": {
            "pressure": R * x[st.RECEIVER_ENERGY] / (cv * c[co.RECEIVER_VOLUME]),
            "temperature": x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * cv),
            "air_mass": x[st.RECEIVER_MASS],
        },
        "compressor": {
            "mode": _COMPRESSOR_MODES[int(x[st.COMPRESSOR_MODE])],
            "power": power["compressor"],
            "mass_flow": rates[ledger.AIR_INTAKE],
        },
        "valve": {
            "mass_flow": x[st.SERVED_FLOW],
            "floater": served if serving else None,
            "delivered": float(parts.floaters[st.DELIVERED, served]) if serving else None,
            "target": c[co.TARGET_MASS],
            "pulses": int(x[st.PULSES]),
            "missed": int(x[st.MISSED]),
        },
        "drivetrain": {
            "sprocket_speed": x[st.SPEED] / c[co.RADIUS],
            "shaft_speed": x[st.SHAFT_SPEED],
            "shaft_speed_rpm": x[st.SHAFT_SPEED] * _RPM,
            "clutch_locked": x[st.LOCKED] != 0.0,
            "clutch_torque": x[st.CLUTCH_TORQUE],
        },
        "generator": {
            "torque": x[st.TORQUE],
            "shaft_torque": x[st.SHAFT_TORQUE],
            "power": x[st.GENERATOR_POWER],
            "current_d": 0.0,
            "current_q": x[st.CURRENT],
            "voltage_d": voltage_d,
            "voltage_q": voltage_q,
            "winding_temperature": x[st.WINDING_TEMPERATURE],
        },
        "converter": {"on": x[st.CONVERTER_ON] != 0.0, "dc_power": x[st.DC_POWER], "loss": power["converter"]},
        "grid": {
            "export_power": power["grid"],
            "import_power": taken,
            "net_power": power["grid"] - taken,
            "export_energy": books["grid"],
            "import_energy": books["compressor"] + books["auxiliary"],
            "frequency": constants.GRID_FREQUENCY,
        },
        "plc": {
            "state": plc.STATES[state],
            "speed_setpoint": x[st.SETPOINT],
            "speed_setpoint_rpm": x[st.SETPOINT] * _RPM,
            "injection_enabled": state in (plc.STARTING, plc.RUNNING),
            "brake_set": state in (plc.STOPPED, plc.PRESSURISING, plc.EMERGENCY_STOP, plc.TRIPPED),
            "trip": plc.TRIPS[int(x[st.TRIP])] if x[st.TRIP] else None,
            "warnings": _warnings(p, x, laps),
        },
        "powers": power,
        "ledger": books,
        "meters": dict(laps.meters),
    }


def _ledger_group(totals: list[float], stores: list[float], stored_initial: float) -> dict[str, float]:
    """Every line of the balance, the stored energies, and the residual R_A over its scale."""
    group = dict(zip(_LEDGER_NAMES, totals[: ledger.BALANCE_COUNT] + stores[: ledger.STORE_COUNT], strict=True))
    group["residual"] = residual = stores[ledger.STORE_COUNT + 1]
    group["r_a"] = residual / (totals[ledger.COMPRESSOR] + abs(stored_initial))
    return group


def _warnings(p: Parameters, x: list[float], laps: LapView) -> list[str]:
    """Warnings in force."""
    found = []
    if x[st.COLDEST] < constants.ICING_TEMPERATURE:
        found.append(f"icing: coldest pocket at {x[st.COLDEST]:.1f} K, below {constants.ICING_TEMPERATURE} K")
    if x[st.WINDING_TEMPERATURE] > constants.WINDING_WARNING_TEMPERATURE:
        found.append(f"winding at {x[st.WINDING_TEMPERATURE]:.1f} K, above {constants.WINDING_WARNING_TEMPERATURE} K")
    if x[st.TENSION_MAX] > 0.9 * p.chain_tension_limit:
        limit = p.chain_tension_limit / 1e3
        found.append(f"chain tension {x[st.TENSION_MAX] / 1e3:.1f} kN, above 90 % of {limit:g} kN")
    if laps.missed > 0.1 * laps.pulses:
        found.append(f"{laps.missed:.0f} of {laps.pulses:.0f} pulses missed their target mass, more than 10 %")
    return found
