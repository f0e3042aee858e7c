"""The plant as others use it: commands, changes, digests, snapshots, trips."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from kpp_physics import coefficients as co
from kpp_physics import state as st
from kpp_physics.compiled import KERNEL_VERSION
from kpp_physics.parameters import DECLARATIONS, ParameterError, Parameters
from kpp_physics.plant import SNAPSHOT_SCHEMA, Plant, SimulationError, SnapshotError
from kpp_physics.plc import CommandError


@pytest.fixture(scope="module")
def running() -> bytes:
    """Snapshot of the reference plant after 200 s, running."""
    plant = Plant(Parameters())
    plant.command("start", {})
    plant.step(200_000)
    assert plant.plc_state == "running"
    return plant.snapshot()


@pytest.fixture
def plant(running: bytes) -> Iterator[Plant]:
    restored = Plant.restore(running)
    yield restored
    assert abs(restored.observe()["ledger"]["r_a"]) <= 1e-9


def run_until(plant: Plant, state: str, seconds: float) -> None:
    for _ in range(int(seconds * 10)):
        plant.step(100)
        if plant.plc_state == state:
            return
    pytest.fail(f"still {plant.plc_state} after {seconds} s, not {state}")


def test_time_is_a_whole_number_of_steps() -> None:
    plant = Plant(Parameters())
    assert plant.time_us == 0
    plant.step(7)
    assert plant.time_us == 7000


def test_same_steps_same_bits(running: bytes) -> None:
    whole, single, repeat = (Plant.restore(running) for _ in range(3))
    whole.step(1000)
    repeat.step(1000)
    for _ in range(1000):
        single.step(1)
    assert whole.digest() == single.digest() == repeat.digest()
    whole.step(1)
    assert whole.digest() != single.digest()


def test_cold_starts_are_bit_identical() -> None:
    digests = set()
    for _ in range(2):
        plant = Plant(Parameters())
        plant.command("start", {})
        plant.step(60_000)
        digests.add(plant.digest())
    assert len(digests) == 1
    assert len(digests.pop()) == 16


def test_observing_changes_nothing(plant: Plant) -> None:
    before = plant.digest()
    plant.observe()
    plant.snapshot()
    assert plant.digest() == before


def test_snapshot_round_trip_is_bit_identical(plant: Plant) -> None:
    again = Plant.restore(plant.snapshot())
    assert again.digest() == plant.digest()
    assert again.observe() == plant.observe()
    assert again.parameters == plant.parameters
    again.step(5000)
    plant.step(5000)
    assert again.snapshot() == plant.snapshot()


def test_bad_snapshots_are_refused(running: bytes) -> None:
    for data, text in (
        (b"", "no snapshot"),
        (b"KPPS\xff\xff\xff\x7f{}", "damaged"),
        (running[:-8], "bytes of state"),
        (running.replace(KERNEL_VERSION.encode(), b"0" * 64), "kernel 0000"),
        (running.replace(f'"schema": {SNAPSHOT_SCHEMA}'.encode(), b'"schema": 9'), "schema 9"),
        (running.replace(b'"water_depth": 25.0', b'"water_depth": 0.25'), "damaged"),
    ):
        with pytest.raises(SnapshotError, match=text):
            Plant.restore(data)


def test_commands_are_refused_with_the_remedy(plant: Plant) -> None:
    for name, args, text in (
        ("start", {}, "reset the plant first"),
        ("resume", {}, "coasting only"),
        ("reset", {}, "needs a reset"),
        ("jump", {}, "not a command"),
        ("stop", {"now": True}, "no arguments"),
    ):
        with pytest.raises(CommandError, match=text):
            plant.command(name, args)
    assert plant.plc_state == "running"


def test_stop_brings_the_plant_to_rest_within_its_ramp(plant: Plant) -> None:
    plant.command("stop", {})
    assert plant.plc_state == "stopping"
    run_until(plant, "stopped", 31)
    plant.step(2000)
    frame = plant.observe()
    assert frame["plc"]["brake_set"]
    assert abs(frame["chain"]["speed"]) < 2e-3
    assert frame["compressor"]["power"] == 0
    plant.command("start", {})
    run_until(plant, "running", 60)


def test_coast_and_resume(plant: Plant) -> None:
    plant.command("coast", {})
    plant.step(200)
    frame = plant.observe()
    assert frame["valve"]["mass_flow"] == 0
    assert frame["generator"]["torque"] == pytest.approx(0, abs=1e-6)
    plant.command("resume", {})
    assert plant.plc_state == "running"
    plant.step(20_000)


def test_emergency_stop_vents_brakes_and_needs_a_reset(plant: Plant) -> None:
    plant.command("emergency_stop", {})
    plant.step(100)
    frame = plant.observe()
    assert frame["generator"]["torque"] == pytest.approx(17200, rel=1e-6)
    assert frame["chain"]["brake_force"] == pytest.approx(80000)
    with pytest.raises(CommandError, match="wait for rest"):
        plant.command("reset", {})
    plant.step(30_000)
    frame = plant.observe()
    assert sum(frame["floaters"]["air_mass"]) == 0
    assert frame["plc"]["state"] == "emergency_stop"
    with pytest.raises(CommandError, match="reset the plant first"):
        plant.command("start", {})
    plant.command("reset", {})
    assert plant.plc_state == "stopped"


def test_overspeed_trips_within_20_ms(plant: Plant) -> None:
    plant = plant.rebuilt({"generator_rated_speed": 150})
    plant.command("coast", {})
    for _ in range(20_000):
        plant.step(1)
        if plant._parts.scalars[st.SHAFT_SPEED] > 1.15 * 150 * np.pi / 30:
            break
    else:
        pytest.fail("a charged chain without load must run away")
    plant.step(20)
    assert plant.observe()["plc"]["trip"] == "shaft overspeed"
    with pytest.raises(CommandError, match="chain moves"):
        plant.command("reset", {})
    plant.step(60_000)
    plant.command("reset", {})
    assert plant.observe()["plc"]["trip"] is None


@pytest.mark.parametrize(
    ("changes", "trip"),
    [
        ({"chain_tension_limit": 50000}, "chain tension"),
        ({"trip_pressure": 160000}, "receiver pressure"),
        ({"chain_pretension": 20000}, "slack chain"),
    ],
)
def test_trips(plant: Plant, changes: dict[str, Any], trip: str) -> None:
    plant.change_parameters(changes)
    run_until(plant, "tripped", 60)
    assert plant.observe()["plc"]["trip"] == trip


@pytest.mark.parametrize(
    ("place", "value", "changes", "delay", "trip"),
    [
        (None, 0.0, {"trip_pressure": 150000}, 0, "receiver pressure"),
        (None, 0.0, {"chain_tension_limit": 50000}, 100, "chain tension"),
        (None, 0.0, {"chain_pretension": 20000}, 500, "slack chain"),
        (st.WINDING_TEMPERATURE, 424.0, {}, 0, "winding temperature"),
        (st.RECEIVER_ENERGY, 1.3, {"trip_pressure": 2e6, "relief_pressure": 2e6}, 0, "receiver temperature"),
        (st.SPEED, 3.01, {"generator_rated_speed": 3000}, 0, "chain overspeed"),
    ],
)
def test_every_trip_acts_within_20_ms_of_its_cause(
    plant: Plant, place: int | None, value: float, changes: dict[str, Any], delay: int, trip: str
) -> None:
    plant = plant.rebuilt(changes)
    x = plant._parts.scalars
    initial = plant.observe()["ledger"]["residual"]
    x[st.ARMED_LAP] = 0.0  # as after the first lap
    if place == st.RECEIVER_ENERGY:
        x[place] *= value
    elif place is not None:
        x[place] = value
    if place == st.SPEED:
        x[st.SHAFT_SPEED] = value * plant._coefficients[co.SHAFT_PER_CHAIN]
    plant.step(max(0, delay - 10))
    assert plant.plc_state == "running" or not delay
    plant.step(30 if delay else 20)
    assert plant.plc_state == "tripped"
    assert plant.observe()["plc"]["trip"] == trip
    x[st.STORED_INITIAL] += plant.observe()["ledger"]["residual"] - initial  # what this test put into the state


def test_a_reset_needs_the_cause_gone(plant: Plant) -> None:
    plant.change_parameters({"trip_pressure": 160000})
    plant.step(60_000)
    with pytest.raises(CommandError, match="receiver pressure"):
        plant.command("reset", {})
    plant.change_parameters({"trip_pressure": 700000})
    plant.command("reset", {})


BUILT = sorted(name for name, item in DECLARATIONS.items() if item.kind == "built")


@pytest.mark.parametrize("name", BUILT)
def test_what_is_built_cannot_change_in_a_run(plant: Plant, name: str) -> None:
    item = DECLARATIONS[name]
    present = getattr(plant.parameters, name)
    plant.change_parameters({name: present})  # the same value is no change
    if item.minimum == item.maximum:
        return
    other = item.minimum if present != item.minimum else item.maximum
    other = {
        "bath_heat_capacity": 1e7,
        "surface_area": 20.0,
        "water_depth": 20.0,
        "generator_rated_torque": 20000.0,
    }.get(name, other)
    before = plant.digest(), plant.parameters
    with pytest.raises(ParameterError, match=r"as built .* (start a new run|fork this run, or start a new one,) with"):
        plant.change_parameters({name: other})
    assert (plant.digest(), plant.parameters) == before


@pytest.mark.parametrize("name", ["floater_count", "water_depth", "sprocket_radius"])
def test_the_shape_of_the_loop_needs_a_new_run(plant: Plant, name: str) -> None:
    values = {"floater_count": 60, "water_depth": 20, "sprocket_radius": 1.0}
    with pytest.raises(ParameterError, match="start a new run with it"):
        plant.rebuilt({name: values[name]})


@pytest.mark.parametrize(
    "changes",
    [
        {"receiver_volume": 3},
        {"gear_ratio": 45},
        {"gear_ratio": 30, "shaft_inertia": 1000},
        {"floater_volume": 0.1},
        {"stator_inductance": 1e-3, "drag_area": 0.2},
        {"water_density": 1010, "gravity": 9.82},
        {"dc_link_capacitance": 0},
        {"bath_heat_capacity": 1e8, "surface_area": 16},
    ],
)
def test_a_fork_with_another_machine_opens_new_ledgers(plant: Plant, changes: dict[str, Any]) -> None:
    before, digest = plant.observe(), plant.digest()
    forked = plant.rebuilt(changes)
    assert plant.digest() == digest, "the parent goes on as it was"
    after = forked.observe()
    assert after["ledger"]["compressor"] == after["ledger"]["grid"] == after["ledger"]["residual"] == 0.0
    assert after["chain"]["laps"] == 0
    held, had = (sum(v for k, v in f["ledger"].items() if k.startswith("stored_")) for f in (after, before))
    assert after["ledger"]["rebuilt"] == pytest.approx(held - had, rel=1e-9, abs=1e-6)
    assert after["exergy"]["rebuilt"] == pytest.approx(
        after["exergy"]["stored_total"] - before["exergy"]["stored_total"], rel=1e-9, abs=1e-6
    )
    forked.step(10_000)
    assert residuals_hold(forked)


def test_a_fork_of_settings_goes_on_in_its_ledgers(plant: Plant) -> None:
    before = plant.observe()["ledger"]["compressor"]
    forked = plant.rebuilt({"drag_area": 0.2, "load_pressure": 390000})
    assert forked.observe()["ledger"]["compressor"] == before > 0


def residuals_hold(plant: Plant) -> bool:
    frame = plant.observe()
    return bool(
        abs(frame["ledger"]["r_a"]) <= 1e-9
        and abs(frame["sampled"]["r_b"]) <= 1e-4
        and abs(frame["exergy"]["r_c"]) <= 1e-3
    )


def test_a_change_that_is_refused_changes_nothing(plant: Plant) -> None:
    before = plant.digest(), plant.parameters
    with pytest.raises(ParameterError):
        plant.change_parameters({"pocket_ua": 30, "gear_ratio": -1})
    assert (plant.digest(), plant.parameters) == before


def test_a_state_that_is_not_finite_stops_the_simulation() -> None:
    plant = Plant(Parameters())
    plant._parts.scalars[st.SPEED] = np.nan
    with pytest.raises(SimulationError, match=r"0\.001 s .*speed"):
        plant.step(10)


def test_null_stands_for_what_does_not_exist() -> None:
    frame = Plant(Parameters()).observe()
    assert frame["floaters"]["temperature"] == [None] * 66
    assert frame["valve"]["floater"] is None
    assert frame["meters"]["cop"] is None
    assert frame["plc"]["trip"] is None
