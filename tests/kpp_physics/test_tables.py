"""Tables of declared numbers: named once, each with unit and meaning, at places that snapshots rely on."""

import hashlib
from dataclasses import fields
from types import ModuleType, SimpleNamespace
from typing import Any, get_type_hints

import pytest

from bus.protocol.state import Ledger
from kpp_physics import coefficients as co
from kpp_physics import constants, environment, exergy, ledger
from kpp_physics import state as st
from kpp_physics.basis import Basis
from kpp_physics.parameters import DECLARATIONS, Parameters
from kpp_physics.plant import SNAPSHOT_SCHEMA
from kpp_physics.table import Entry, Table
from tests.kpp_physics.units import dimension, worth

TABLES: dict[str, tuple[Table[Any], ModuleType, str]] = {
    "constants": (constants.TABLE, constants, ""),
    "coefficients": (co.TABLE, co, ""),
    "scalars": (st.TABLE, st, ""),
    "floater rows": (st.FLOATER_TABLE, st, ""),
    "lap record": (st.LAP_TABLE, st, "LAP_"),
    "ledger lines": (ledger.TABLE, ledger, ""),
    "stores": (ledger.STORE_TABLE, ledger, "STORED_"),
    "exergy stores": (ledger.EXERGY_STORE_TABLE, ledger, "STORED_"),
    "exergy lines": (exergy.TABLE, exergy, ""),
}
IN_MEMORY = ("coefficients", "scalars", "floater rows", "ledger lines", "lap record", "exergy stores", "exergy lines")
LAYOUT = "93c76ba6dc7f775e"
SCALES = (3.7, 0.41, 1.9, 0.83, 2.3)


def layout() -> str:
    """Digest of every name at its place, and of what is counted from the places."""
    places = {
        name: [(entry.name, table.place(entry.name)) for entry in table] for name, (table, _, _) in TABLES.items()
    }
    counted = [
        (ledger.INPUT_COUNT, ledger.BALANCE_COUNT, ledger.COUNT, ledger.FIRST_LOSS, exergy.LINE_COUNT, exergy.COUNT),
        (st.SCALAR_COUNT, st.FLOATER_ROWS, st.LAP_STORES, st.LAP_EXERGY, st.LAP_WIDTH, st.LAP_RING, st.size(66)),
    ]
    return hashlib.sha256(repr(([places[name] for name in IN_MEMORY], counted)).encode()).hexdigest()[:16]


def test_a_name_is_declared_once() -> None:
    table = Table[Entry]("the winds")
    assert table.declare(Entry("north", "m/s", "cold")) == 0
    assert table.declare(Entry("south", "m/s", "warm")) == 1
    with pytest.raises(ValueError, match="the winds: north is declared twice"):
        table.declare(Entry("north", "m/s", "cold again"))
    assert table.names == ("north", "south")


@pytest.mark.parametrize("entry", [Entry("", "m", "a path"), Entry("path", " ", "a path"), Entry("path", "m", "")])
def test_a_number_without_name_unit_or_meaning_is_refused(entry: Entry) -> None:
    with pytest.raises(ValueError, match="needs a name, a unit and a meaning"):
        Table[Entry]("the paths").declare(entry)


def test_what_is_not_declared_has_no_place() -> None:
    with pytest.raises(KeyError, match="the ledger: there is no friction"):
        ledger.TABLE.place("friction")


@pytest.mark.parametrize("name", TABLES)
def test_every_number_has_a_unit_and_a_meaning_of_its_own(name: str) -> None:
    table = TABLES[name][0]
    assert len(table) > 0
    for entry in table:
        dimension(entry.unit)
        assert len(entry.meaning) > 3, entry.name
        assert not entry.meaning.endswith("."), entry.name


@pytest.mark.parametrize("name", [name for name in TABLES if name != "constants"])
def test_the_constant_in_capitals_holds_the_place_of_its_number(name: str) -> None:
    table, module, prefix = TABLES[name]
    for entry in table:
        if name == "lap record" and entry.name.startswith(("energy_", "exergy_")):
            continue  # a block of places, from LAP_STORES and LAP_EXERGY on
        capitals = entry.name.upper()
        held = vars(module).get(prefix + capitals, vars(module).get(capitals))
        assert held == table.place(entry.name), entry.name
        assert type(held) is int  # compiled code takes it for a constant


def test_constants_are_what_their_table_says() -> None:
    values = {name.lower(): value for name, value in vars(constants).items() if isinstance(value, int | float)}
    assert values == {entry.name: entry.value for entry in constants.TABLE}


def test_the_layout_of_memory_is_that_of_all_snapshots() -> None:
    """A new number goes behind the others of its side, and this digest and the version of snapshots change with it."""
    cure = "the places in memory have changed: raise plant.SNAPSHOT_SCHEMA, say so in CHANGELOG.md, and pin both here"
    assert (layout(), SNAPSHOT_SCHEMA) == (LAYOUT, 3), cure


def test_lines_stand_side_by_side_in_the_order_that_the_balance_relies_on() -> None:
    sides = [line.side for line in ledger.TABLE]
    assert sides == sorted(sides, key=list(ledger.Side).index)
    assert ledger.LINES == ledger.INPUTS + ledger.OUTPUTS + ledger.COUNTERS
    kinds = [line.destroyed for line in exergy.TABLE]
    assert kinds == sorted(kinds, reverse=True)
    assert {ledger.TABLE[name].unit for name in ledger.INPUTS + ledger.OUTPUTS} == {"J"}


def test_a_coefficient_that_is_a_parameter_has_its_unit_and_value() -> None:
    p = Parameters()
    vector = co.coefficients(p)
    assert vector[co.RADIUS] == p.sprocket_radius
    assert co.TABLE["radius"].unit == DECLARATIONS["sprocket_radius"].unit
    assert co.TABLE["radius"].meaning == DECLARATIONS["sprocket_radius"].text


def test_the_surroundings_fill_what_no_parameter_gives() -> None:
    p = Parameters.of({"h1_mode": "physical"})
    places = [co.TABLE.place(name) for name in co.FROM_ENVIRONMENT]
    assert "cooler_temperature" in co.FROM_ENVIRONMENT
    assert co.coefficients(p)[places].tolist() == [0.0] * len(places)
    assert (environment.coefficients(p)[places] > 0.0).all()


def test_units_of_coefficients_are_true_under_a_change_of_the_base_units() -> None:
    """Where mass, length, time, temperature and current are measured otherwise, each changes by its unit's worth."""
    p = Parameters.of(
        {"blockage_correction": "on", "finite_bucket": "on", "valve_time_constant": 0.01, "h1_mode": "claimed"}
    )
    scaled: Any = SimpleNamespace(
        **{item.name: getattr(p, item.name) for item in fields(Parameters)}
        | {
            name: getattr(p, name) * worth(item.unit, SCALES)
            for name, item in DECLARATIONS.items()
            if not isinstance(item.default, str)
        }
    )
    ours, theirs = Basis.of(p, 1e-3), Basis.of(scaled, 1e-3 * worth("s", SCALES))
    for item in co.TABLE:
        if item.value is not None:
            expected = item.value(ours) * worth(item.unit, SCALES)
            assert item.value(theirs) == pytest.approx(expected, rel=1e-12, abs=1e-300), item.name


def test_the_wire_tells_the_side_of_every_line() -> None:
    hints = get_type_hints(Ledger, include_extras=True)
    told = {name: str(hint.__metadata__[0].description).partition(": ")[0] for name, hint in hints.items()}
    for line in ledger.TABLE:
        if line.side is not ledger.Side.COUNTER:
            assert told[line.name] == line.side.value, line.name
    for store in ledger.STORE_TABLE:
        assert told[f"stored_{store.name}"] == "stored"
