"""The energy ledger: what went in, what came out, what is stored, and what does not close.

Every line is the sum of the very fluxes that changed the states, never of a second formula. Energies of air count from
ambient: h = cp (T - T0), u = cv (T - T0) - R T0. Totals are summed with compensation (Neumaier), so that the residual
shows missing bookings and not the rounding of long sums.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kpp_physics.compiled import inlined
from kpp_physics.table import Entry, Table


class Side(StrEnum):
    """Where a line stands in the balance: stored = in - out. Counters are metered and stand on neither side."""

    INPUT = "in"
    OUTPUT = "out"
    COUNTER = "counter"


@dataclass(frozen=True)
class Line(Entry):
    """One line of the ledger."""

    side: Side


TABLE: Final = Table[Line]("the ledger")
"""Every line: inputs, then outputs, then counters. The balance takes the sign of a line from its place."""


def _input(name: str, *, meaning: str) -> int:
    """A line that brings energy in [J]."""
    return TABLE.declare(Line(name, "J", meaning, Side.INPUT))


def _output(name: str, *, meaning: str) -> int:
    """A line that takes energy out [J]."""
    return TABLE.declare(Line(name, "J", meaning, Side.OUTPUT))


def _counter(name: str, unit: str, *, meaning: str) -> int:
    """A sum that is metered but is no line of the balance."""
    return TABLE.declare(Line(name, unit, meaning, Side.COUNTER))


COMPRESSOR: Final = _input(
    "compressor", meaning="electric energy of the compressor, less what a claimed recovery saves"
)
AUXILIARY: Final = _input("auxiliary", meaning="electric energy of auxiliaries, of the gas of H1 and of the pump of H2")
HEAT_FROM_WATER: Final = _input("heat_from_water", meaning="heat from the water into the pockets, of either sign")
UNSOURCED: Final = _input(
    "unsourced", meaning="energy that claims add without a source, the sum of the five counters of that name"
)
ENVIRONMENT: Final = _input("environment", meaning="work of a changing atmosphere on the pockets, of either sign")
REFERENCE: Final = _input(
    "reference", meaning="what the stored air counts more because the ambient temperature, from which it counts, fell"
)
BATH: Final = _input("bath", meaning="net heat into a finite water bath: from outside, less what the pockets took")

GRID: Final = _output("grid", meaning="electric energy to the grid; below 0 where the converter draws from it")
AFTERCOOLER: Final = _output("aftercooler", meaning="heat rejected by compressor and aftercooler")
RECEIVER_HEAT: Final = _output(
    "receiver_heat", meaning="heat through the wall of the receiver; below 0 where its air is colder than ambient"
)
VENT: Final = _output("vent", meaning="enthalpy of vented air against ambient; below 0 where it is colder")
DRAG_LOCAL: Final = _output("drag_local", meaning="drag dissipated at the floaters")
DRAG_BULK: Final = _output("drag_bulk", meaning="dissipation of the co-flow in the shaft")
WATER_EXCHANGE: Final = _output("water_exchange", meaning="kinetic energy given to exchanged water")
CHAIN_FRICTION: Final = _output("chain_friction", meaning="friction of chain and pins")
BRAKE: Final = _output("brake", meaning="friction of the holding brake")
GEARBOX: Final = _output("gearbox", meaning="load and no-load losses of the gearbox")
FLYWHEEL_WINDAGE: Final = _output("flywheel_windage", meaning="windage of the flywheel")
CLUTCH: Final = _output("clutch", meaning="inelastic loss at the locking of the clutch")
GENERATOR_COPPER: Final = _output("generator_copper", meaning="loss in the winding")
GENERATOR_IRON: Final = _output("generator_iron", meaning="loss in the iron")
GENERATOR_MECHANICAL: Final = _output("generator_mechanical", meaning="friction and windage of the generator")
GENERATOR_STRAY: Final = _output("generator_stray", meaning="stray load loss")
CONVERTER: Final = _output("converter", meaning="losses of both converter stages")
CHOPPER: Final = _output("chopper", meaning="excess of the DC link that the brake chopper burns")
DUMP_LOAD: Final = _output("dump_load", meaning="export that the dump load takes")
AUXILIARY_HEAT: Final = _output("auxiliary_heat", meaning="heat of auxiliaries")
JET_WAKE: Final = _output("jet_wake", meaning="energy left in the wake of water jets")
H1_SLIP: Final = _output("h1_slip", meaning="bubble flow of H1: paid energy that neither chain nor co-flow receives")

BUOYANCY: Final = _counter("buoyancy", "J", meaning="work of buoyancy on the chain, without claims")
SHELL: Final = _counter("shell", "J", meaning="work of the shells' weight and buoyancy on the chain")
SHAFT: Final = _counter("shaft", "J", meaning="mechanical work into the generator, tau_gen w")
DRAG: Final = _counter("drag", "J", meaning="work of the drag on the chain, F_d v")
AIR_INTAKE: Final = _counter("air_intake", "kg", meaning="air that the compressor took in")
AIR_VALVE: Final = _counter("air_valve", "kg", meaning="air through the injection valve, with what missed its pocket")
AIR_VENTED: Final = _counter(
    "air_vented", "kg", meaning="air that was vented, spilt or relieved, with what missed its pocket"
)
AIR_RECOVERED: Final = _counter(
    "air_recovered", "kg", meaning="air that the compressor took from the suction buffer of the recovery"
)
WATER_EXPELLED: Final = _counter("water_expelled", "kg", meaning="water that growing pockets pushed out")
WATER_INGESTED: Final = _counter("water_ingested", "kg", meaning="water that shrinking pockets took in")
CHAIN_TRAVEL: Final = _counter("chain_travel", "m", meaning="path of the chain")
SHAFT_ANGLE: Final = _counter("shaft_angle", "rad", meaning="angle of the fast shaft")
TENSION_PEAK_TIME: Final = _counter("tension_peak_time", "N s", meaning="integral of the highest tension in the loop")
UNSOURCED_H1: Final = _counter("unsourced_h1", "J", meaning="what claimed H1 adds without a source")
UNSOURCED_H2: Final = _counter("unsourced_h2", "J", meaning="what claimed H2 adds without a source")
UNSOURCED_H3: Final = _counter("unsourced_h3", "J", meaning="what claimed H3 adds without a source")
UNSOURCED_JET: Final = _counter("unsourced_jet", "J", meaning="what a claimed jet adds without a source")
UNSOURCED_RECOVERY: Final = _counter(
    "unsourced_recovery", "J", meaning="what a claimed pressure recovery adds without a source"
)
HEAT_EXERGY: Final = _counter(
    "heat_exergy", "J", meaning="exergy of the heat from water of another temperature than the air"
)
ENVIRONMENT_EXERGY: Final = _counter(
    "environment_exergy",
    "J",
    meaning="exergy that changing surroundings brought, in the steps in which they brought some",
)

LINES: Final = TABLE.names
INPUTS: Final = tuple(line.name for line in TABLE if line.side is Side.INPUT)
OUTPUTS: Final = tuple(line.name for line in TABLE if line.side is Side.OUTPUT)
COUNTERS: Final = tuple(line.name for line in TABLE if line.side is Side.COUNTER)

# Inputs stand first, then outputs: the balance needs no table of signs, only these two numbers.
COUNT: Final = len(LINES)
INPUT_COUNT: Final = len(INPUTS)
BALANCE_COUNT: Final = len(INPUTS) + len(OUTPUTS)

FIRST_LOSS: Final = DRAG_LOCAL
"""From here to the end of the balance every line is work lost as heat at ambient temperature."""

STORE_TABLE: Final = Table[Entry]("the stores of energy")
"""Where energy is stored."""


def _store(name: str, *, meaning: str) -> int:
    """A store of energy [J], counted from the ledger's zero."""
    return STORE_TABLE.declare(Entry(name, "J", meaning))


STORED_RECEIVER: Final = _store("receiver", meaning="air in the receiver, against ambient")
STORED_POCKETS: Final = _store(
    "pockets", meaning="air in the pockets, sum of m cp (T - T0), with the energy of the water and air it displaces"
)
STORED_CHAIN: Final = _store("chain", meaning="kinetic energy of chain, floaters and the water in them")
STORED_SHAFT: Final = _store("shaft", meaning="kinetic energy of flywheel and rotor")
STORED_WATER: Final = _store("water", meaning="kinetic energy of the co-flow")
STORED_SHELL: Final = _store("shell", meaning="potential energy of the shells")
STORED_MAGNETIC: Final = _store("magnetic", meaning="magnetic energy of the winding")
STORED_DC_LINK: Final = _store("dc_link", meaning="capacitor of the DC link")
STORED_BATH: Final = _store("bath", meaning="heat of a finite bath, against its first temperature")
STORED_SURFACE: Final = _store(
    "surface", meaning="rise of the free surface, counted against the pockets: never above 0"
)

STORES: Final = STORE_TABLE.names
STORE_COUNT: Final = len(STORES)

EXERGY_STORE_TABLE: Final = Table[Entry]("the stores of exergy")
"""Where exergy is stored: the same stores at the same places, and one that holds no energy."""

for _held in STORE_TABLE:
    EXERGY_STORE_TABLE.declare(_held)
STORED_RECOVERED: Final = EXERGY_STORE_TABLE.declare(
    Entry("recovered", "J", meaning="air in the suction buffer of the recovery, above ambient pressure at T0")
)

EXERGY_STORES: Final = EXERGY_STORE_TABLE.names
EXERGY_COUNT: Final = len(EXERGY_STORES)

GATE_A: Final = 1e-9
GATE_B: Final = 1e-4
GATE_C: Final = 1e-3
"""Highest residuals over the energy scale: bookings, re-integrated powers, exergy."""


@inlined
def add(total: float, remainder: float, term: float) -> tuple[float, float]:
    """Compensated sum: the new total and the rounding that it could not hold (Neumaier 1974).

    Args:
        total, remainder: so far; the sum is both together.
        term: what is added.
    """
    # The larger of the two loses no digit; what the smaller loses is found by taking the larger off again.
    new = total + term
    if abs(total) >= abs(term):
        return new, remainder + ((total - new) + term)
    return new, remainder + ((term - new) + total)


@inlined
def carry(value: float, low: float, change: float) -> tuple[float, float]:
    """value + low + change as a rounded value and what it could not hold."""
    # Fast two-sum: the remainder is exact while the value is larger than its change.
    term = change + low
    new = value + term
    return new, term - (new - value)
