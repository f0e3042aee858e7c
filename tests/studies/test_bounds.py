"""The bound that no setting may pass."""

from catalog.scenarios import Scenarios
from studies import headless


def test_v22_ideal_plant_comes_close_to_one_and_never_passes_it() -> None:
    found = headless.run(Scenarios.at_hand().read("ideal"), laps=5, load_cycles=5)
    cop = found.meters["cop"]
    assert cop is not None
    assert 0.97 <= cop <= 1.0
    assert found.worst_r_a <= 1e-9
