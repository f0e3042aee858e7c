"""The memory of one plant: where each number of its state stands.

Everything that determines the future and everything that is booked lies in one vector of float64, so that a snapshot is
its bytes, a digest is their hash, and many plants are the rows of one array.

Compiled functions take parts of it under the same names everywhere: `x` the scalars [SCALAR_COUNT], `f` the floaters
[FLOATER_ROWS, N], `books` the ledger [3, ledger.COUNT] and `flow` its last row, what the present step moves; `sampled`
[ledger.BALANCE_COUNT] the same from samples of powers, `destroyed` [exergy.COUNT] the exergy ledger of the step, `lap`
[LAP_WIDTH] the record of the present lap. `c` are the coefficients [`coefficients.NAMES`]. What a function changes of
them it changes in place; none keeps anything else from step to step.
"""

import hashlib
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpp_physics import exergy, ledger
from kpp_physics.table import Entry, Table

Vector = NDArray[np.float64]
Indices = NDArray[np.int64]

TABLE: Final = Table[Entry]("the state of a plant")
"""The scalars of a plant. Switches are 0 or 1, numbers of floaters and states whole."""


def _scalar(name: str, unit: str, *, meaning: str) -> int:
    return TABLE.declare(Entry(name, unit, meaning))


STEPS: Final = _scalar(
    "steps", "-", meaning="steps of 1 ms since the start; between the parts of a divided step not whole"
)
POSITION: Final = _scalar("position", "m", meaning="place of floater 0 along the loop, from 0 to its length")
SPEED: Final = _scalar("speed", "m/s", meaning="of the chain, above 0 in running direction")
COFLOW: Final = _scalar(
    "coflow", "m/s", meaning="speed of the water that the chain drags up one side and down the other"
)
SHAFT_SPEED: Final = _scalar("shaft_speed", "rad/s", meaning="of flywheel and generator")
LOCKED: Final = _scalar("locked", "-", meaning="1 while the one-way clutch joins chain and shaft")
ACCELERATION: Final = _scalar("acceleration", "m/s2", meaning="of the chain, mean over the last step")
LAPS: Final = _scalar(
    "laps", "-", meaning="whole laps of the chain before the present position; fewer again when it runs backwards"
)
RECORDED_LAPS: Final = _scalar("recorded_laps", "-", meaning="laps completed for the first time")
RECEIVER_MASS: Final = _scalar("receiver_mass", "kg", meaning="air in the receiver")
RECEIVER_MASS_LOW: Final = _scalar("receiver_mass_low", "kg", meaning="rounding remainder of the same")
RECEIVER_ENERGY: Final = _scalar("receiver_energy", "J", meaning="m cv T of the air in the receiver")
RECEIVER_ENERGY_LOW: Final = _scalar("receiver_energy_low", "J", meaning="rounding remainder of the same")
COMPRESSOR_MODE: Final = _scalar("compressor_mode", "-", meaning="0 off, 1 idle, 2 loaded")
SPOOL: Final = _scalar("spool", "-", meaning="opening of the injection valve, 0 to 1")
WINDOW_COUNT: Final = _scalar("window_count", "-", meaning="floaters in the injection window")
SERVED: Final = _scalar("served", "-", meaning="floater at the valve, -1 for none")
SERVED_FLOW: Final = _scalar("served_flow", "kg/s", meaning="air through the valve in the last step or its last part")
PULSES: Final = _scalar("pulses", "-", meaning="charges brought to their target mass")
MISSED: Final = _scalar("missed", "-", meaning="charges that left the window below their target mass while running")
CURRENT: Final = _scalar("current", "A", meaning="quadrature current of the generator at the end of the step")
CURRENT_SLOPE: Final = _scalar("current_slope", "A/s", meaning="its mean rate over the last step")
TORQUE: Final = _scalar("torque", "N m", meaning="air-gap torque, mean over the last step")
SHAFT_TORQUE: Final = _scalar("shaft_torque", "N m", meaning="air-gap and loss torques of the generator on the shaft")
CLUTCH_TORQUE: Final = _scalar("clutch_torque", "N m", meaning="through the clutch, mean over the last step")
SPEED_INTEGRAL: Final = _scalar("speed_integral", "N m", meaning="integral part of the speed control")
SETPOINT: Final = _scalar("setpoint", "rad/s", meaning="shaft speed that the control holds; ramps to 0 while stopping")
WINDING_TEMPERATURE: Final = _scalar("winding_temperature", "K", meaning="of the generator's winding")
CONVERTER_ON: Final = _scalar("converter_on", "-", meaning="1 while the converter runs")
GENERATOR_POWER: Final = _scalar("generator_power", "W", meaning="at the terminals, mean over the last step")
DC_POWER: Final = _scalar("dc_power", "W", meaning="into the DC link, mean over the last step")
PLC_STATE: Final = _scalar("plc_state", "-", meaning="number of the controller's state in `plc.STATES`")
TRIP: Final = _scalar("trip", "-", meaning="cause of the last trip in `plc.TRIPS`, 0 for none")
TENSION_TIME: Final = _scalar(
    "tension_time", "s", meaning="time for which the highest tension has been above its limit"
)
SLACK_TIME: Final = _scalar("slack_time", "s", meaning="time for which the chain has been slack")
ARMED_LAP: Final = _scalar(
    "armed_lap", "-", meaning="laps, with their fraction, after which a slack chain and a hot receiver trip"
)
BUOYANCY_FORCE: Final = _scalar(
    "buoyancy_force", "N", meaning="on the chain in the last part of the step, without claims"
)
SHELL_FORCE: Final = _scalar("shell_force", "N", meaning="weight and buoyancy of the shells along the chain")
DRAG_FORCE: Final = _scalar("drag_force", "N", meaning="of the water on all floaters, above 0 where it brakes")
EXCHANGE_FORCE: Final = _scalar("exchange_force", "N", meaning="of the water that is taken in")
FRICTION_FORCE: Final = _scalar("friction_force", "N", meaning="of chain and pins")
BRAKE_FORCE: Final = _scalar("brake_force", "N", meaning="of the holding brake")
PTO_FORCE: Final = _scalar("pto_force", "N", meaning="of gearbox and clutch on the chain, mean over the last step")
TENSION_MAX: Final = _scalar("tension_max", "N", meaning="highest in the loop at the last reconstruction")
TENSION_MIN: Final = _scalar("tension_min", "N", meaning="lowest in the loop, below 0 where the chain is slack")
COLDEST: Final = _scalar("coldest", "K", meaning="coldest pocket of the last step; `EMPTY_LOW` without one")
STORED_INITIAL: Final = _scalar("stored_initial", "J", meaning="stored energy when the ledger began")
H3_TIME: Final = _scalar("h3_time", "s", meaning="duration so far of the present pulse or coast of H3")
H3_COAST: Final = _scalar("h3_coast", "-", meaning="1 while H3 coasts; a coast by command stays")
H1_FORCE: Final = _scalar("h1_force", "N", meaning="of the bubbles of H1 on the chain")
AIRLIFT: Final = _scalar("airlift", "N", meaning="of the bubbles of H1 on the co-flow")
BUBBLE_VOID: Final = _scalar("bubble_void", "-", meaning="void fraction of H1")
JET_FLOW: Final = _scalar(
    "jet_flow", "m3/s", meaning="water through the outlet of the served floater, mean over the step"
)
JET_THRUST: Final = _scalar("jet_thrust", "N", meaning="ideal thrust of that water, mean over the step")
JET_POWER: Final = _scalar("jet_power", "W", meaning="power that drives it through the outlet, mean over the step")
JET_FORCE: Final = _scalar("jet_force", "N", meaning="of the jet on the chain, with its claimed gain")
RECOVERED_FLOW: Final = _scalar("recovered_flow", "kg/s", meaning="air that the suction buffer passes on")
CLAIMS_ACTIVE: Final = _scalar("claims_active", "-", meaning="1 in the controller's states in which hypotheses act")
DC_ENERGY: Final = _scalar("dc_energy", "J", meaning="in the capacitor of the DC link")
SYNC_ERROR: Final = _scalar(
    "sync_error",
    "-",
    meaning="share of the differences in frequency and angle that the synchroniser has not yet removed",
)
BREAKER: Final = _scalar("breaker", "-", meaning="1 while the grid breaker is closed")
DUMP_POWER: Final = _scalar("dump_power", "W", meaning="export that the dump load takes")
CHOPPER_POWER: Final = _scalar("chopper_power", "W", meaning="power that the brake chopper burns")
BATH_ENERGY: Final = _scalar("bath_energy", "J", meaning="heat of a finite bath against its first temperature")
LEVEL: Final = _scalar("level", "m", meaning="rise of the free surface")
MANUAL_PULSES: Final = _scalar("manual_pulses", "-", meaning="pulses by hand that are still to be given")
EXERGY_INITIAL: Final = _scalar("exergy_initial", "J", meaning="stored exergy when the ledger began")
ENTROPY_LOW: Final = _scalar(
    "entropy_low", "J", meaning="lowest line of destroyed exergy of any step; below 0 only by rounding"
)
GRID_FREQUENCY: Final = _scalar("grid_frequency", "Hz", meaning="in this step, from its series or parameter")
LOAD_POWER: Final = _scalar(
    "load_power", "W", meaning="of other consumers on the bus in this step, from its series or parameter"
)
AMBIENT_PRESSURE: Final = _scalar("ambient_pressure", "Pa", meaning="p0 in force, on the way to its parameter")
AMBIENT_TEMPERATURE: Final = _scalar("ambient_temperature", "K", meaning="T0 in force, on the way to its parameter")
WATER_TEMPERATURE: Final = _scalar("water_temperature", "K", meaning="T_w in force, on the way to its parameter")
BATH_START: Final = _scalar("bath_start", "K", meaning="temperature from which a finite bath counts")
REBUILT_ENERGY: Final = _scalar(
    "rebuilt_energy", "J", meaning="stored energy at the start of a fork with another machine, less its parent's"
)
REBUILT_EXERGY: Final = _scalar("rebuilt_exergy", "J", meaning="the same for exergy")
FILLED: Final = _scalar("filled", "-", meaning="floater into which air of this step enters, -1 for none")
INFLOW: Final = _scalar("inflow", "kg", meaning="air that enters it")
INFLOW_LATE: Final = _scalar(
    "inflow_late", "-", meaning="1 if the floater enters the window in this step: the air comes at the end of it"
)
INFLOW_TIME: Final = _scalar("inflow_time", "s", meaning="time for which air enters")
INFLOW_TEMPERATURE: Final = _scalar("inflow_temperature", "K", meaning="of the air that enters, mean")
INFLOW_START: Final = _scalar("inflow_start", "K", meaning="of the receiver before air left it")
INFLOW_SHARE: Final = _scalar("inflow_share", "-", meaning="share of the receiver's air that left")
BATH_ENERGY_LOW: Final = _scalar("bath_energy_low", "J", meaning="rounding remainder of the bath's heat")
DC_ENERGY_LOW: Final = _scalar("dc_energy_low", "J", meaning="rounding remainder of the DC link's energy")
ENERGY_SCALE: Final = _scalar(
    "energy_scale", "J", meaning="energy or exergy of the stores at the start, by which residuals are measured"
)

SCALARS: Final = TABLE.names
SCALAR_COUNT: Final = len(SCALARS)

FLOATER_TABLE: Final = Table[Entry]("the floaters")
"""The rows of the floater array."""


def _row(name: str, unit: str, *, meaning: str) -> int:
    return FLOATER_TABLE.declare(Entry(name, unit, meaning))


MASS: Final = _row("mass", "kg", meaning="air in the pocket")
ENTHALPY: Final = _row("enthalpy", "J", meaning="E = m cp T - c V^2/2 of the pocket; m cp T for a point pocket, c = 0")
DELIVERED: Final = _row(
    "delivered", "kg", meaning="air through the valve for the present charge, with what missed or spilt"
)
VOLUME: Final = _row(
    "volume", "m3", meaning="volume of the air at the last exchange of water, from which the moving mass follows"
)
IN_WINDOW: Final = _row("in_window", "-", meaning="1 while the floater is in the injection window")
INGESTED: Final = _row("ingested", "kg", meaning="water taken in during the last step")
STIFFNESS: Final = _row(
    "stiffness",
    "Pa/m3",
    meaning="c of the bucket model with which it was filled: another model takes hold when it is next "
    "filled, since a change under the air would change the stored energy",
)

FLOATER_ROWS: Final = len(FLOATER_TABLE)

COMPRESSOR_OFF, COMPRESSOR_IDLE, COMPRESSOR_LOADED = range(3)

LAP_RING: Final = 33
"""Lap records kept: means over up to 32 complete laps."""

LAP_TABLE: Final = Table[Entry]("the lap record", first=ledger.COUNT)
"""A lap record behind the totals of the ledger: what belongs to this lap alone, then time and stores at its end."""


def _lap(name: str, unit: str, *, meaning: str) -> int:
    return LAP_TABLE.declare(Entry(name, unit, meaning))


FIRST_LOAD_TIME: Final = _lap("first_load_time", "s", meaning="when the compressor first switched to loaded in the lap")
FIRST_LOAD_ENERGY: Final = _lap("first_load_energy", "J", meaning="its energy until then")
LAST_LOAD_TIME: Final = _lap("last_load_time", "s", meaning="when the compressor last switched to loaded in the lap")
LAST_LOAD_ENERGY: Final = _lap("last_load_energy", "J", meaning="its energy until then")
LOADS: Final = _lap("loads", "-", meaning="how often it switched to loaded in the lap")
LAP_TENSION_MAX: Final = _lap("tension_max", "N", meaning="highest tension in the lap")
LAP_TENSION_MIN: Final = _lap("tension_min", "N", meaning="lowest tension in the lap")
LAP_PRESSURE_MAX: Final = _lap("pressure_max", "Pa", meaning="highest pressure in the receiver in the lap")
LAP_PRESSURE_MIN: Final = _lap("pressure_min", "Pa", meaning="lowest pressure in the receiver in the lap")
LAP_COLDEST: Final = _lap("coldest", "K", meaning="coldest pocket in the lap")
LAP_PULSES: Final = _lap("pulses", "-", meaning="complete charges until its end")
LAP_MISSED: Final = _lap("missed", "-", meaning="charges below their target mass until its end")
LAP_TIME: Final = _lap("time", "s", meaning="simulated time at its end")

LAP_STORES: Final = ledger.COUNT + len(LAP_TABLE)
"""Place of the first of the stored energies at the end of the lap."""
for _store in ledger.STORE_TABLE:
    _lap(f"energy_{_store.name}", _store.unit, meaning=f"energy at its end: {_store.meaning}")

LAP_EXERGY: Final = ledger.COUNT + len(LAP_TABLE)
"""Place of the first of the stored exergies."""
for _store in ledger.EXERGY_STORE_TABLE:
    _lap(f"exergy_{_store.name}", _store.unit, meaning=f"exergy at its end: {_store.meaning}")

LAP_EXTRAS: Final = LAP_TABLE.names
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
    return SCALAR_COUNT + FLOATER_ROWS * floater_count + 3 * ledger.COUNT + audits + LAP_WIDTH * (1 + LAP_RING)


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
            SCALAR_COUNT,
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
