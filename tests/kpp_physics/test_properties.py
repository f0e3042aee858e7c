"""Over random parameters: every joule is booked, air and losses keep their signs, and nothing is got for nothing."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from kpp_physics import ledger
from kpp_physics.parameters import DECLARATIONS, ParameterError, Parameters
from kpp_physics.plant import Plant

LOSSES = (
    "drag_local",
    "drag_bulk",
    "chain_friction",
    "gearbox",
    "flywheel_windage",
    "clutch",
    "generator_copper",
    "generator_iron",
    "generator_mechanical",
    "converter",
    "water_exchange",
    "brake",
)


@some.composite
def changes(draw: Any) -> dict[str, Any]:
    """A few parameters anywhere inside their limits, the rest at their defaults."""
    names = draw(some.lists(some.sampled_from(sorted(DECLARATIONS)), max_size=12, unique=True))
    found: dict[str, Any] = {}
    for name in names:
        item = DECLARATIONS[name]
        if item.choices:
            found[name] = draw(some.sampled_from(item.choices))
        elif isinstance(Parameters().as_dict()[name], int):
            found[name] = draw(some.integers(int(item.minimum or 0), int(item.maximum or 0)))
        else:
            found[name] = draw(some.floats(item.minimum, item.maximum))
    return found


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(changes())
def test_v30_every_joule_is_booked_and_nothing_is_got_for_nothing(values: dict[str, Any]) -> None:
    try:
        plant = Plant(Parameters.of(values))
    except ParameterError:
        return
    plant.command("start", {})
    for part in range(6):
        plant.step(10_000)
        if part == 4 and plant.plc_state in ("starting", "running"):
            plant.command("stop", {})
        frame = plant.observe()
        books = frame["ledger"]
        assert abs(books["r_a"]) <= 1e-9
        if not any(values.get(f"{name}_mode") == "claimed" for name in ("h1", "h2", "h3", "jet", "recovery")):
            assert books["unsourced"] == 0.0
        assert all(books[name] >= -1e-6 for name in LOSSES)
        destroyed = [value for name, value in frame["exergy"].items() if name.startswith("destroyed_")]
        assert all(value >= -1e-6 * (1 + books["compressor"]) for value in destroyed)
        assert all(mass >= 0 for mass in frame["floaters"]["air_mass"])
        assert all(0 <= fill <= 1 + 1e-12 for fill in frame["floaters"]["fill"])
        if plant.parameters.water_temperature == plant.parameters.ambient_temperature:
            assert books["grid"] <= books["compressor"] + books["auxiliary"] + books["unsourced"] + 1e-6
        intake = plant._lines[0, ledger.AIR_INTAKE]
        stored = frame["receiver"]["air_mass"] + sum(frame["floaters"]["air_mass"])
        p = plant.parameters
        initial = p.ambient_pressure * p.receiver_volume / (p.gas_constant * p.ambient_temperature)
        assert abs(initial + intake - plant._lines[0, ledger.AIR_VENTED] - stored) <= 1e-12 * (initial + intake)
