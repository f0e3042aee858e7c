"""What the page says of the controller is what the controller does."""

from pathlib import Path

from kpp_physics import plc
from nodes.physics.replica.fold import PLANT_COMMANDS
from ui.sequence import ORDERS, interlocks

FRONTEND = Path(__file__).resolve().parents[2] / "ui" / "frontend" / "src"


def test_orders_are_those_of_the_controller() -> None:
    names = {own: bus for bus, own in PLANT_COMMANDS.items()}
    told = {
        names[name]: {plc.STATES[state]: plc.STATES[to] for state, to in moves.items()}
        for name, moves in plc.COMMANDS.items()
    }
    assert told == ORDERS


def test_every_trip_has_its_condition() -> None:
    assert [each["name"] for each in interlocks()] == [name for name in plc.TRIPS if name != "none"]


def test_every_order_can_be_given_on_a_page() -> None:
    sources = FRONTEND / "pages" / "control.js", FRONTEND / "widgets" / "emergency_stop.js"
    written = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert [order for order in ORDERS if f'"{order}"' not in written] == []
