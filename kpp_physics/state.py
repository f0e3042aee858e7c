"""The memory of one plant: where each number of its state stands.

Everything that determines the future and everything that is booked lies in one vector of float64, so that a snapshot is
its bytes, a digest is their hash, and many plants are the rows of one array.
"""

import hashlib
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpp_physics import exergy, ledger

Vector = NDArray[np.float64]
Indices = NDArray[np.int64]

# fmt: off
SCALARS: Final = (
    "steps", "position", "speed", "coflow", "shaft_speed", "locked", "acceleration", "laps", "recorded_laps",
    "receiver_mass", "receiver_mass_low", "receiver_energy", "receiver_energy_low", "compressor_mode", "spool",
    "window_count", "served", "served_flow", "pulses", "missed",
    "current", "current_slope", "torque", "shaft_torque", "clutch_torque", "speed_integral", "setpoint",
    "winding_temperature", "converter_on", "generator_power", "dc_power",
    "plc_state", "trip", "tension_time", "slack_time", "armed_lap",
    "buoyancy_force", "shell_force", "drag_force", "exchange_force", "friction_force", "brake_force", "pto_force",
    "tension_max", "tension_min", "coldest", "stored_initial",
    "h3_time", "h3_coast", "h1_force", "airlift", "bubble_void", "jet_flow", "jet_thrust", "jet_power", "jet_force",
    "recovered_flow",
    "claims_active", "dc_energy", "sync_error", "breaker", "dump_power", "chopper_power", "bath_energy", "level",
    "manual_pulses", "exergy_initial", "entropy_low", "grid_frequency", "load_power",
    "ambient_pressure", "ambient_temperature", "water_temperature", "bath_start", "rebuilt_energy", "rebuilt_exergy",
    "filled", "inflow", "inflow_late", "inflow_time", "inflow_temperature", "inflow_start", "inflow_share",
    "bath_energy_low", "energy_scale",
)

(STEPS, POSITION, SPEED, COFLOW, SHAFT_SPEED, LOCKED, ACCELERATION, LAPS, RECORDED_LAPS,
 RECEIVER_MASS, RECEIVER_MASS_LOW, RECEIVER_ENERGY, RECEIVER_ENERGY_LOW, COMPRESSOR_MODE, SPOOL,
 WINDOW_COUNT, SERVED, SERVED_FLOW, PULSES, MISSED,
 CURRENT, CURRENT_SLOPE, TORQUE, SHAFT_TORQUE, CLUTCH_TORQUE, SPEED_INTEGRAL, SETPOINT,
 WINDING_TEMPERATURE, CONVERTER_ON, GENERATOR_POWER, DC_POWER,
 PLC_STATE, TRIP, TENSION_TIME, SLACK_TIME, ARMED_LAP,
 BUOYANCY_FORCE, SHELL_FORCE, DRAG_FORCE, EXCHANGE_FORCE, FRICTION_FORCE, BRAKE_FORCE, PTO_FORCE,
 TENSION_MAX, TENSION_MIN, COLDEST, STORED_INITIAL,
 H3_TIME, H3_COAST, H1_FORCE, AIRLIFT, BUBBLE_VOID, JET_FLOW, JET_THRUST, JET_POWER, JET_FORCE,
 RECOVERED_FLOW,
 CLAIMS_ACTIVE, DC_ENERGY, SYNC_ERROR, BREAKER, DUMP_POWER, CHOPPER_POWER, BATH_ENERGY, LEVEL,
 MANUAL_PULSES, EXERGY_INITIAL, ENTROPY_LOW, GRID_FREQUENCY, LOAD_POWER,
 AMBIENT_PRESSURE, AMBIENT_TEMPERATURE, WATER_TEMPERATURE, BATH_START, REBUILT_ENERGY,
 REBUILT_EXERGY, FILLED, INFLOW, INFLOW_LATE, INFLOW_TIME, INFLOW_TEMPERATURE, INFLOW_START, INFLOW_SHARE,
 BATH_ENERGY_LOW, ENERGY_SCALE) = range(len(SCALARS))
# fmt: on

SCALAR_COUNT: Final = len(SCALARS)

# Rows of the floater array. VOLUME is the air volume at the last exchange of water, which the moving mass is made of.
# STIFFNESS is that of the bucket model with which the pocket was filled: a switch of the model takes hold of a pocket
# when it is next filled, since changing it under the air would change the stored energy.
MASS, ENTHALPY, DELIVERED, VOLUME, IN_WINDOW, INGESTED, STIFFNESS = range(7)
FLOATER_ROWS: Final = 7

COMPRESSOR_OFF, COMPRESSOR_IDLE, COMPRESSOR_LOADED = range(3)

LAP_RING: Final = 33
"""Lap records kept: means over up to 32 complete laps."""

# A lap record: ledger totals at its end, what belongs to this lap alone, then time and stores at its end.
LAP_EXTRAS: Final = (
    "first_load_time",
    "first_load_energy",
    "last_load_time",
    "last_load_energy",
    "loads",
    "tension_max",
    "tension_min",
    "pressure_max",
    "pressure_min",
    "coldest",
    "pulses",
    "missed",
    "time",
    *(f"energy_{name}" for name in ledger.STORES),
    *(f"exergy_{name}" for name in ledger.EXERGY_STORES),
)
# fmt: off
(FIRST_LOAD_TIME, FIRST_LOAD_ENERGY, LAST_LOAD_TIME, LAST_LOAD_ENERGY, LOADS,
 LAP_TENSION_MAX, LAP_TENSION_MIN, LAP_PRESSURE_MAX, LAP_PRESSURE_MIN, LAP_COLDEST, LAP_PULSES, LAP_MISSED,
 LAP_TIME) = range(ledger.COUNT, ledger.COUNT + 13)
# fmt: on
LAP_STORES: Final = LAP_TIME + 1
LAP_EXERGY: Final = LAP_STORES + ledger.STORE_COUNT
"""First of the stored energies, and of the stored exergies, at the end of the lap."""

LAP_WIDTH: Final = ledger.COUNT + len(LAP_EXTRAS)

EMPTY_HIGH: Final = -1.0e300
EMPTY_LOW: Final = 1.0e300
"""Start values of a maximum and a minimum of which nothing has been seen yet."""


class Memory(NamedTuple):
    """Views into the memory of one plant: change one and the memory changes."""

    scalars: Vector
    floaters: Vector  # [FLOATER_ROWS, N]
    ledger: Vector  # [3, lines]: totals, their rounding remainders, the last step
    lap: Vector  # the lap being run
    sampled: Vector  # [2, balance lines]: totals of re-integrated powers, the last step
    entropy: Vector  # [2, exergy lines]: totals, the last step
    ring: Vector  # [LAP_RING, LAP_WIDTH]: record of lap k at k modulo LAP_RING


def size(floater_count: int) -> int:
    """Numbers in the memory of a plant."""
    audits = 2 * ledger.BALANCE_COUNT + 2 * exergy.COUNT
    return len(SCALARS) + FLOATER_ROWS * floater_count + 3 * ledger.COUNT + audits + LAP_WIDTH * (1 + LAP_RING)


def blank() -> Vector:
    """The scalars of a plant, all zero."""
    return np.zeros(SCALAR_COUNT)


def ring_start(floater_count: int) -> int:
    """Index in a plant's memory from where on only the ring of lap records stands."""
    return size(floater_count) - LAP_RING * LAP_WIDTH


def digest(live: Vector, ring: bytes) -> str:
    """64-bit digest of a plant's state, as 16 hexadecimal digits.

    Args:
        live: memory before the ring of lap records.
        ring: `ring_digest` of the rest. It changes once a lap, and is two thirds of what would be hashed every tick.
    """
    return hashlib.blake2b(live.tobytes() + ring, digest_size=8).hexdigest()


def ring_digest(ring: Vector) -> bytes:
    """Digest of the ring of lap records."""
    return hashlib.blake2b(ring.tobytes(), digest_size=16).digest()


def views(memory: Vector, floater_count: int) -> Memory:
    """The parts of a plant's memory by name."""
    ends = np.cumsum(
        [
            len(SCALARS),
            FLOATER_ROWS * floater_count,
            3 * ledger.COUNT,
            LAP_WIDTH,
            2 * ledger.BALANCE_COUNT,
            2 * exergy.COUNT,
        ]
    )
    scalars, floaters, books, lap, sampled, entropy, ring = np.split(memory, ends)
    return Memory(
        scalars,
        floaters.reshape(FLOATER_ROWS, floater_count),
        books.reshape(3, ledger.COUNT),
        lap,
        sampled.reshape(2, ledger.BALANCE_COUNT),
        entropy.reshape(2, exergy.COUNT),
        ring.reshape(LAP_RING, LAP_WIDTH),
    )
