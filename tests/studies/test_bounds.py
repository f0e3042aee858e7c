"""Results that must not depend on the step, and the bound that no setting may pass."""

import pytest

from kpp_physics import coefficients as co
from kpp_physics import meters
from kpp_physics.plant import Plant
from studies import headless, library


def test_v22_ideal_plant_comes_close_to_one_and_never_passes_it() -> None:
    found = headless.run(library.named("ideal"), laps=5, load_cycles=5)
    cop = found.meters["cop"]
    assert cop is not None
    assert 0.97 <= cop <= 1.0
    assert found.worst_r_a <= 1e-9


def test_halving_the_step_changes_no_lap_average() -> None:
    results = []
    for step in (1e-3, 0.5e-3):
        plant = Plant(library.named("rated-speed"))
        plant._coefficients = co.coefficients(plant.parameters, step)
        plant.command("start", {})
        while plant.laps < 14:
            plant.step(500)
        results.append(meters.meters(*plant.lap_records(8)))
    for name, value in results[0].items():
        if name.endswith("_power") and value:
            assert results[1][name] == pytest.approx(value, rel=2e-3), name
