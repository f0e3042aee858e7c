"""Which laps are alike."""

import numpy as np
import pytest

from kpp_physics import ledger
from kpp_physics import state as st
from kpp_physics.settling import settled
from tests.kpp_physics.laps import small_plant

LAP = 40.0
LINES = (ledger.GRID, ledger.COMPRESSOR, ledger.AUXILIARY, ledger.UNSOURCED, ledger.BUOYANCY, ledger.CHAIN_TRAVEL)


def laps(count: int, begun: float = LAP) -> np.ndarray:
    """Records of laps that are all alike, and the one before them, which ended at `begun`."""
    records = np.zeros((count + 1, st.LAP_WIDTH))
    records[:, st.LAP_TIME] = begun + LAP * np.arange(count + 1)
    for line, rate in zip(LINES, (14e3, 44e3, 200.0, 0.0, 30e3, 0.36), strict=True):
        records[:, line] = rate * records[:, st.LAP_TIME]
    return records


def test_laps_that_are_alike_are_settled() -> None:
    records = laps(5)
    assert settled(list(records[1:]), records[0])


def test_the_first_lap_begins_at_rest_and_is_never_settled() -> None:
    records = laps(5, begun=0.0)
    assert not settled(list(records[1:]), records[0])


@pytest.mark.parametrize("line", [ledger.GRID, ledger.AUXILIARY, ledger.UNSOURCED, ledger.BUOYANCY])
def test_one_lap_with_another_power_unsettles_them_all(line: int) -> None:
    records = laps(5)
    records[3:, line] += 0.015 * 44.2e3 * LAP  # more in the third of them
    assert not settled(list(records[1:]), records[0])
    assert settled(list(records[4:]), records[3])


def test_one_slow_lap_unsettles_them_all() -> None:
    records = laps(5)
    records[2:, st.LAP_TIME] += 0.05 * LAP
    assert not settled(list(records[1:]), records[0])


def test_a_plant_settles_after_its_start_and_not_during_it() -> None:
    plant = small_plant()
    seen: list[bool] = []
    for _ in range(500):
        plant.step(1000)
        if plant.laps > len(seen):
            seen.append(settled(*plant.lap_records(5)))
    assert seen.index(True) >= 5
    assert all(seen[seen.index(True) :])
