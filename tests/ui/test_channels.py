"""Channels: their units come from the bus, and a value that does not exist is NaN in a frame and nowhere else."""

import math

from tests.ui.synthetic_plant import SyntheticPlant, free_endpoints
from ui import displayed_channels


def test_units_and_meanings_come_from_the_declarations() -> None:
    by_path = {channel.path: channel for channel in (*displayed_channels.SERIES, *displayed_channels.READINGS)}
    power = by_path["grid.net_power"]
    assert (power.unit, power.factor, power.meaning) == ("kW", 1e-3, "export minus import")
    assert by_path["receiver.pressure"].unit == "bar"
    assert by_path["receiver.temperature"].unit == "°C"
    assert by_path["meters.cop"].unit == ""
    assert by_path["meters.cop"].meaning == (
        "export and gain of the stores over all that came from anywhere; null if not steady"
    ), "a nullable field"
    assert all(channel.meaning for channel in by_path.values())
    assert len(by_path) == len(displayed_channels.SERIES) + len(displayed_channels.READINGS), "no path twice"


def test_what_does_not_exist_is_nan() -> None:
    plant = SyntheticPlant(free_endpoints())
    plant.wishes.laps = False
    values = dict(
        zip((c.path for c in displayed_channels.READINGS), displayed_channels.readings(plant.state()), strict=True)
    )
    assert math.isnan(values["meters.cop"])
    assert values["meters.laps"] == 0.0
    assert all(math.isfinite(value) for value in displayed_channels.series(plant.state()))


def test_the_ledger_is_complete() -> None:
    """The balance on the page adds these up: a line that is left out would make it close on paper only."""
    shown = {c.path.split(".")[1] for c in displayed_channels.READINGS if c.path.startswith("ledger.")}
    declared = set(SyntheticPlant(free_endpoints()).state().ledger.__struct_fields__)
    assert {name for name in declared - shown if not name.startswith("stored_")} == set()
