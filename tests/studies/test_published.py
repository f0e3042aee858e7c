"""The published lap averages of the named scenarios, from a cold start."""

import pytest

from kpp_physics.parameters import DECLARATIONS
from studies import headless, library

POWER = 0.02
SMALL = 0.03
PUBLISHED = {
    # meter or mean: reference, rated-speed, small-compressor, gate
    "chain_speed": (0.3632, 1.208, 0.1998, POWER),
    "generator_rpm": (112.73, 375, 62, POWER),
    "compressor_power": (44560, 149800, 24170, POWER),
    "buoyancy_power": (20490, 65730, 11500, POWER),
    "shaft_power": (19280, 55230, 10920, POWER),
    "grid_power": (14450, 39090, 7274, POWER),
    "cop": (0.3242, 0.2609, 0.301, POWER),
    "net_power": (-30110, -110700, -16900, POWER),
    "air_mass_flow": (0.2189, 0.7283, 0.1204, POWER),
    "drag_power": (143.6, 5288, 23.9, SMALL),
    "heat_from_water": (12140, 18630, 8407, POWER),
    "chain_friction_power": (309, 1030, 170, SMALL),
    "water_exchange_power": (19.7, 669, 3.4, SMALL),
    "tension_max": (67350, 67180, 67520, SMALL),
}
MEANS = {
    "gearbox": (732, 3220, 379, POWER),
    "converter": (2483, 2536, 2463, POWER),
    "aftercooler": (42350, 142500, 22960, POWER),
    "tension_peak_time": (67190, 67000, 67340, SMALL),
}
ABSOLUTE = {
    "tension_min": (10600, 14500, 9400, 1500),
    "receiver_pressure_min": (3.687e5, 3.773e5, 3.657e5, 3e3),
    "receiver_pressure_max": (4.2e5, 4.2e5, 4.2e5, 3e3),
    "pocket_temperature_min": (260.6, 235.6, 271.9, 2),
}
GENERATOR = (2344, 13610, 1183)


@pytest.mark.parametrize(("column", "name"), [(0, "reference"), (1, "rated-speed"), (2, "small-compressor")])
def test_published_lap_averages(column: int, name: str) -> None:
    found = headless.run(library.named(name))
    assert found.laps >= 10
    assert found.load_cycles >= 10
    meters = {key: value for key, value in found.meters.items() if value is not None}
    for key, (*expected, gate) in PUBLISHED.items():
        assert meters[key] == pytest.approx(expected[column], rel=gate), key
    for key, (*expected, gate) in MEANS.items():
        assert found.means[key] == pytest.approx(expected[column], rel=gate), key
    for key, (*expected, gate) in ABSOLUTE.items():
        assert meters[key] == pytest.approx(expected[column], abs=gate), key
    losses = sum(value for key, value in found.means.items() if key.startswith("generator_"))
    assert losses == pytest.approx(GENERATOR[column], rel=POWER)
    assert meters["unsourced_power"] == 0
    assert found.worst_r_a <= 1e-9
    assert any("icing" in warning for warning in found.warnings)


def test_every_named_scenario_states_every_parameter_and_is_known() -> None:
    assert library.names() == ["as-claimed", "ideal", "rated-speed", "reference", "right-sized", "small-compressor"]
    for name in library.names():
        library.named(name)
        text = (library.DIRECTORY / f"{name}.toml").read_text()
        assert all(f"\n{parameter} = " in text for parameter in DECLARATIONS)


def test_unknown_scenarios_are_named() -> None:
    with pytest.raises(LookupError, match="there are as-claimed"):
        library.named("perpetual")


def test_a_plant_that_trips_says_so() -> None:
    with pytest.raises(headless.StudyError, match=r"tripped at .* chain tension"):
        headless.run(library.named("reference").with_changes({"chain_tension_limit": 50000}))
