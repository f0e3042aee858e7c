"""The five claims: what each books, and that nothing claimed bypasses the line of energy without a source."""

import itertools
import math
from typing import Any

import pytest

from catalog.scenarios import Scenarios
from kpp_physics import hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant

MODES = ("h1_mode", "h2_mode", "h3_mode", "jet_mode", "recovery_mode")


@pytest.fixture(scope="module")
def reference() -> bytes:
    """The reference plant, running, as bytes."""
    plant = Plant(Parameters())
    plant.command("start", {})
    plant.step(130_000)
    assert plant.plc_state == "running"
    return plant.snapshot()


def run(reference: bytes, seconds: float = 30.0, **changes: Any) -> tuple[Plant, dict[str, float]]:
    """The plant with other modes, and what its ledger booked meanwhile."""
    plant = Plant.restore(reference)
    plant.change_parameters(changes)
    before = plant._lines[0].copy()
    plant.step(round(seconds * 1000))
    frame = plant.observe()
    assert abs(frame["ledger"]["r_a"]) <= 1e-9
    assert abs(frame["sampled"]["r_b"]) <= 1e-4
    assert abs(frame["exergy"]["r_c"]) <= 1e-3
    assert plant._parts.scalars[st.ENTROPY_LOW] >= -1e-6
    return plant, dict(zip(ledger.LINES, (plant._lines[0] - before).tolist(), strict=True))


def test_nothing_is_unsourced_while_nothing_is_claimed(reference: bytes) -> None:
    for mode in ("off", "physical"):
        _, booked = run(reference, 20, **dict.fromkeys(MODES, mode))
        assert booked["unsourced"] == 0.0
        assert all(booked[name] == 0.0 for name in booked if name.startswith("unsourced"))


@pytest.mark.parametrize("chosen", [*itertools.combinations(MODES, 1), *itertools.combinations(MODES, 2), MODES])
def test_every_claim_is_booked_and_the_books_close(reference: bytes, chosen: tuple[str, ...]) -> None:
    _, booked = run(reference, 12, **dict.fromkeys(chosen, "claimed"))
    parts = {name.removeprefix("unsourced_"): booked[name] for name in booked if name.startswith("unsourced_")}
    assert booked["unsourced"] == pytest.approx(sum(parts.values()), rel=1e-12)
    for name, value in parts.items():
        assert (value > 0) == (f"{name}_mode" in chosen)


def test_h1_claimed_is_its_force_and_its_drag_relief(reference: bytes) -> None:
    plant, booked = run(reference, 20, h1_mode="claimed")
    group = plant.observe()["hypotheses"]
    assert group["void_fraction"] == 0.05
    sinking = group["bubble_force"] / (0.05 * 998.2 * 9.80665 * (0.4 + 16 / 950))
    assert sinking == pytest.approx(25 / (plant.observe()["chain"]["loop_length"] / 66), rel=0.03)
    force = booked["unsourced_h1"] - 0.12 * booked["drag"]
    assert force == pytest.approx(group["bubble_force"] * booked["chain_travel"], rel=0.02)


def test_h1_physical_pays_for_its_gas(reference: bytes) -> None:
    plant, booked = run(reference, 20, h1_mode="physical")
    ratio = (346_049.95 + 20_000) / 101_325
    power = 0.0097 * 1004.7 * 293.15 / 0.7 * (ratio ** (287.055 / 1004.7) - 1)
    assert booked["auxiliary"] == pytest.approx(20 * power, rel=1e-6)
    assert booked["h1_slip"] > 0
    assert plant.observe()["hypotheses"]["airlift_force"] > 0


def test_h2_claimed_is_six_percent_of_buoyancy(reference: bytes) -> None:
    _, booked = run(reference, h2_mode="claimed")
    assert booked["unsourced_h2"] == pytest.approx(0.06 * booked["buoyancy"], rel=1e-9)


def test_h2_physical_takes_more_heat_and_pays_its_pump(reference: bytes) -> None:
    _, plain = run(reference)
    _, booked = run(reference, h2_mode="physical")
    assert booked["heat_from_water"] > plain["heat_from_water"]
    assert booked["auxiliary"] == pytest.approx(booked["auxiliary_heat"]) == pytest.approx(200 * 30)


def test_h3_physical_coasts_by_its_timer(reference: bytes) -> None:
    plant = Plant.restore(reference)
    plant.change_parameters({"h3_mode": "physical"})
    states = []
    for _ in range(120):
        plant.step(50)
        states.append(plant.plc_state)
    assert states.count("coasting") == pytest.approx(40, abs=1)
    assert [key for key, _ in itertools.groupby(states)] == ["running", "coasting", "running", "coasting"]
    plant.command("coast", {})
    plant.step(5000)
    assert plant.plc_state == "coasting"
    plant.command("resume", {})
    plant.step(10)
    assert plant.plc_state == "running"


def test_h3_claimed_is_a_third_of_drag_and_friction(reference: bytes) -> None:
    _, booked = run(reference, h3_mode="claimed")
    assert booked["unsourced_h3"] == pytest.approx((booked["drag"] + booked["chain_friction"]) / 3, rel=1e-9)


def test_jet_physical_pays_for_its_thrust(reference: bytes) -> None:
    plant, booked = run(reference, jet_mode="physical")
    assert booked["unsourced"] == 0.0
    assert booked["jet_wake"] + booked["water_exchange"] > 0
    assert plant.observe()["ledger"]["jet_wake"] == booked["jet_wake"]


def test_recovery_claimed_takes_its_share_off_the_meter(reference: bytes) -> None:
    _, booked = run(reference, recovery_mode="claimed")
    assert booked["unsourced_recovery"] == pytest.approx(0.22 / 0.78 * booked["compressor"], rel=1e-9)


def test_recovery_physical_saves_less_than_its_hood_can(reference: bytes) -> None:
    _, booked = run(reference, 60, recovery_mode="physical")
    assert booked["air_recovered"] > 0
    work = booked["compressor"] / booked["air_intake"]
    ideal = 1004.7 * 293.15 / 0.7 * (math.log(4.0e5 / 101_325) * 287.055 / 1004.7)
    assert work > 0.9 * ideal


def test_v28_drift_flux() -> None:
    low, high = 0.0, 0.1
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if hypotheses.void_fraction(middle, 0.0) < 0.05 else (low, middle)
    assert low == pytest.approx(13.30e-3, rel=1e-3)
    power = low * 4 * (346_049.95 - 101_325)
    assert power == pytest.approx(13.02e3, rel=1e-3)


def test_as_claimed_shows_how_much_has_no_source() -> None:
    plant = Plant(Scenarios.at_hand().read("as-claimed"))
    plant.command("start", {})
    plant.step(250_000)
    frame = plant.observe()
    assert plant.plc_state == "running"
    assert frame["ledger"]["unsourced"] > 1e6
    assert abs(frame["ledger"]["r_a"]) <= 1e-9
    assert abs(frame["sampled"]["r_b"]) <= 1e-4
    assert abs(frame["exergy"]["r_c"]) <= 1e-3
    assert frame["ledger"]["grid"] <= frame["ledger"]["compressor"] + frame["ledger"]["unsourced"]
