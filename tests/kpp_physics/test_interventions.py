"""Live changes: none delivers energy that nobody paid for, and every store stays what it was."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from kpp_physics import coefficients as co
from kpp_physics import ledger, meters
from kpp_physics import state as st
from kpp_physics.parameters import DECLARATIONS, ParameterError, Parameters
from kpp_physics.plant import Plant

GATE = 1e-3
"""How far above 1 rounding and the step may bring the coefficient of performance."""

SMALL: dict[str, Any] = {
    "water_depth": 3, "floater_volume": 0.02, "floater_count": 12, "sprocket_radius": 0.3, "mouth_area": 0.08,
    "bucket_height": 0.3, "floater_mass": 2, "chain_mass": 50, "drag_area": 0.03, "shaft_area": 1,
    "load_pressure": 1.7e5, "unload_pressure": 1.9e5, "compressor_flow": 0.05, "receiver_volume": 1, "gear_ratio": 20,
    "valve_conductance": 5e-6, "generator_rated_torque": 100, "generator_max_torque": 150, "rated_current": 10,
    "generator_rated_speed": 400, "generator_speed_setpoint": 200, "converter_rating": 2000, "iron_loss": 10,
    "mechanical_loss": 5, "stray_loss": 2, "gearbox_noload_power": 2, "flywheel_windage_power": 1, "shaft_inertia": 1,
    "chain_friction_base": 5, "chain_pretension": 2000, "injection_window_length": 0.3, "injection_start_tilt": 20,
    "flux_linkage": 0.6, "stator_resistance": 0.5, "stator_inductance": 5e-3, "generator_rated_power": 2000,
}  # fmt: skip
"""Twelve floaters of 20 l in 3 m of water: a lap takes 17 s."""

THERMAL = ("compressor", "receiver_mixing", "receiver_wall", "relief", "valve", "pocket_mixing", "pocket_heat", "vent")
LOSSES = tuple(name for name in ledger.OUTPUTS if name not in {"grid", "aftercooler", "receiver_heat", "vent"})


def running(values: Mapping[str, Any], laps: int = 1) -> Plant:
    plant = Plant(Parameters.of(values))
    plant.command("start", {})
    for _ in range(4000):
        plant.step(500)
        if plant.plc_state == "running" and plant.laps >= laps:
            return plant
    raise AssertionError(f"the plant is still {plant.plc_state} in lap {plant.laps}")


def require_residuals(plant: Plant) -> None:
    frame = plant.observe()
    assert abs(frame["ledger"]["r_a"]) <= ledger.GATE_A
    assert abs(frame["sampled"]["r_b"]) <= ledger.GATE_B
    assert abs(frame["exergy"]["r_c"]) <= ledger.GATE_C
    assert frame["ledger"]["unsourced"] == 0.0


class Watched:
    """A plant whose losses are looked at after every move: none may ever give anything back."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self._before = self._lines()
        self._at = plant.observe()

    def _lines(self) -> dict[str, float]:
        frame = self.plant.observe()
        found = {f"destroyed {name}": frame["exergy"][f"destroyed_{name}"] for name in THERMAL}
        found |= {name: frame["ledger"][name] for name in LOSSES if name not in {"jet_wake", "water_exchange"}}
        return found | {"water": frame["ledger"]["jet_wake"] + frame["ledger"]["water_exchange"]}

    def step(self, n: int) -> None:
        self.plant.step(n)
        now = self._lines()
        for name, value in now.items():
            assert value - self._before[name] >= -1e-6, name
        self._before = now
        require_residuals(self.plant)

    def cop(self) -> float:
        """Of everything since this began, whatever the stores did: no window is chosen."""
        first, last = self._at, self.plant.observe()

        def gained(group: str, name: str) -> float:
            return float(last[group][name] - first[group][name])

        stored = gained("exergy", "stored_total")
        brought = gained("exergy", "environment") + gained("exergy", "dead_state") + gained("exergy", "heat_exergy")
        taken = gained("exergy", "work_in") + max(0.0, -stored) + max(0.0, brought)
        return (gained("ledger", "grid") + max(0.0, stored)) / taken


@pytest.mark.parametrize("volumes", [(2.0, 20.0), (2.0, 500.0)])
def test_v31_a_receiver_that_is_swung_is_refused_and_a_fork_counts_anew(volumes: tuple[float, float]) -> None:
    plant = running({})
    for volume in volumes[1:]:
        with pytest.raises(ParameterError, match=r"receiver_volume belongs to the machine as built"):
            plant.change_parameters({"receiver_volume": volume, "compressor_flow": 0.5})
    watched = Watched(plant)
    for flow in (0.5, 0.01, 0.24, 10.0, 0.001, 0.24):
        plant.change_parameters({"compressor_flow": flow})
        watched.step(20_000)
    assert watched.cop() <= 1 + GATE
    # The same swing by forks: each begins with what its machine holds, and has no export to its name.
    for volume in (*volumes[1:], volumes[0]):
        plant = plant.rebuilt({"receiver_volume": volume})
        frame = plant.observe()
        assert frame["ledger"]["grid"] == frame["ledger"]["compressor"] == 0.0
        assert frame["meters"]["cop"] is None
        watched = Watched(plant)
        watched.step(20_000)
        assert watched.cop() <= 1 + GATE


def swing(name: str, low: float, high: float) -> Callable[[Plant, int], None]:
    return lambda plant, turn: plant.change_parameters({name: high if turn % 2 == 0 else low})


@pytest.mark.parametrize(
    ("name", "low", "high", "period"),
    [
        ("ambient_pressure", 80000, 110000, 30_000),
        ("ambient_pressure", 80000, 110000, 8_000),
        ("ambient_temperature", 263, 323, 30_000),
        ("water_temperature", 274, 360, 40_000),
    ],
)
@pytest.mark.parametrize("bath", [0.0, 1e7])
def test_v32_surroundings_that_swing_are_a_source(name: str, low: float, high: float, period: int, bath: float) -> None:
    watched = Watched(running(SMALL | {"bath_heat_capacity": bath, "bath_ua": 100 if bath else 0}))
    turn = swing(name, low, high)
    for count in range(6):
        turn(watched.plant, count)
        watched.step(period)
        assert watched.cop() <= 1 + GATE
    records, start = watched.plant.lap_records(4)
    cop = meters.window(records, start).cop()
    assert cop is not None
    assert cop <= 1 + GATE


def test_v32_the_atmosphere_moves_by_its_ramp_and_pays_the_work() -> None:
    plant = running(SMALL)
    before = plant.observe()
    plant.change_parameters({"ambient_pressure": 102325})
    assert plant.observe()["water"]["ambient_pressure"] == 101325
    plant.step(500)
    middle = plant.observe()
    assert middle["water"]["ambient_pressure"] == pytest.approx(101825, abs=1e-6)
    assert not middle["water"]["surroundings_settled"]
    plant.step(600)
    after = plant.observe()
    assert after["water"]["ambient_pressure"] == 102325
    assert after["water"]["surroundings_settled"]
    volume = sum(before["floaters"]["fill"]) * plant.parameters.floater_volume
    assert after["ledger"]["environment"] == pytest.approx(volume * 1000, rel=0.1)


@pytest.mark.parametrize("name", ["water_density", "recovery_depth", "gravity", "water_depth"])
def test_v32_density_and_hood_are_built(name: str) -> None:
    assert DECLARATIONS[name].kind == "built"


def test_v33_a_draining_store_is_a_source_and_the_window_not_steady() -> None:
    # Full to 4 bar; then the compressor rests until the store has drained to a third of that.
    values = {"receiver_volume": 50, "receiver_ua": 1e6, "load_pressure": 3.9e5, "unload_pressure": 4e5}
    plant = running(SMALL | values | {"compressor_flow": 0.5}, laps=0)
    plant.change_parameters({"load_pressure": 1.3e5, "unload_pressure": 1.4e5})
    plant.step(100_000)
    assert plant.plc_state == "running"
    assert plant.laps >= 3
    records, start = plant.lap_records(2)
    window = meters.window(records, start)
    assert window.stored < 0
    assert not window.steady
    assert window.reason == "stores_changed"
    cop = window.cop()
    assert cop is not None
    assert cop <= 1 + GATE
    assert window.exported / window.imported > cop
    shown = plant.observe()["meters"]
    assert shown["cop"] is shown["net_power"] is shown["cop_without_claims"] is None
    assert not shown["steady"]
    assert shown["storage_share"] > shown["storage_limit"]
    assert shown["unsteady_reason"] == "stores_changed"


def test_v34_coflow_that_is_switched_off_ends_in_its_loss_line() -> None:
    plant = running(SMALL)
    before = plant.observe()
    kinetic = before["ledger"]["stored_water"]
    assert kinetic > 0
    plant.change_parameters({"coflow": "off"})
    assert plant.observe()["ledger"]["stored_water"] == kinetic
    plant.step(1)
    after = plant.observe()
    assert after["chain"]["coflow_speed"] == after["ledger"]["stored_water"] == 0.0
    assert after["ledger"]["drag_bulk"] - before["ledger"]["drag_bulk"] == pytest.approx(kinetic, rel=1e-9)
    require_residuals(plant)


def test_v34_the_bucket_model_takes_hold_of_a_pocket_when_it_is_next_filled() -> None:
    plant = running(SMALL)
    watched = Watched(plant)
    for turn in range(10):
        before = plant.observe()
        plant.change_parameters({"finite_bucket": "on" if turn % 2 == 0 else "off"})
        after = plant.observe()
        assert after["ledger"]["stored_pockets"] == before["ledger"]["stored_pockets"]
        assert after["exergy"]["stored_pockets"] == before["exergy"]["stored_pockets"]
        watched.step(3_000)
    assert watched.cop() <= 1 + GATE


def test_v34_recovered_air_of_a_hood_that_is_switched_off_is_lost() -> None:
    plant = running(SMALL | {"recovery_mode": "physical", "recovery_depth": 0.5})
    plant.step(5_000)
    before = plant.observe()
    buffered = before["exergy"]["stored_recovered"]
    assert buffered > 0
    plant.change_parameters({"recovery_mode": "off"})
    assert plant.observe()["exergy"]["stored_recovered"] == buffered
    plant.step(1)
    after = plant.observe()
    assert after["exergy"]["stored_recovered"] == after["hypotheses"]["recovered_flow"] == 0.0
    lost = after["exergy"]["destroyed_recovery"] - before["exergy"]["destroyed_recovery"]
    assert lost == pytest.approx(buffered, rel=0.02)
    require_residuals(plant)


LIGHT = SMALL | {"floater_mass": 1, "chain_mass": 0, "floater_count": 6, "brake_force": 500000, "shaft_inertia": 1}


@pytest.mark.parametrize(
    "values",
    [LIGHT, LIGHT | {"floater_count": 7, "shell_density": 8000}, SMALL, SMALL | {"brake_force": 100}, {}],
    ids=["light", "light, odd, heavy shells", "small", "weak brake", "reference"],
)
def test_v35_an_emergency_stop_loses_nothing_and_gives_nothing_back(values: dict[str, Any]) -> None:
    watched = Watched(running(values))
    for _ in range(3 if values else 1):
        watched.plant.command("emergency_stop", {})
        for _ in range(400):
            watched.step(1)
        watched.step(20_000)
        assert abs(watched.plant.observe()["chain"]["speed"]) < 5e-3
        watched.plant.command("reset", {})
        watched.plant.command("start", {})
        watched.step(30_000)


@pytest.mark.parametrize("limit", [7.9e5, 4e5, 1.5e5])
def test_v36_the_relief_valve_expands_what_stays_isentropically(limit: float) -> None:
    plant = Plant(
        Parameters.of({"receiver_volume": 20, "trip_pressure": 2e6, "receiver_ua": 0})
    )  # stopped: all is shut
    x = plant._parts.scalars
    R, cp = plant.parameters.gas_constant, plant.parameters.cp_air
    x[st.RECEIVER_ENERGY] = 8e5 * 20 * (cp - R) / R
    x[st.RECEIVER_MASS] = x[st.RECEIVER_ENERGY] / ((cp - R) * 293.15)
    plant._open_ledger()
    mass, energy = float(x[st.RECEIVER_MASS]), float(x[st.RECEIVER_ENERGY])
    plant.change_parameters({"relief_pressure": limit})
    plant.step(1)
    gamma = cp / (cp - R)
    assert x[st.RECEIVER_MASS] == pytest.approx(mass * (limit / 8e5) ** (1 / gamma), rel=1e-6)
    temperature = x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * (cp - R))
    assert temperature == pytest.approx(293.15 * (limit / 8e5) ** ((gamma - 1) / gamma), rel=1e-6)
    vented = mass - float(x[st.RECEIVER_MASS])
    lost = energy - float(x[st.RECEIVER_ENERGY])
    assert plant.observe()["ledger"]["vent"] == pytest.approx(lost - vented * cp * 293.15, rel=1e-9, abs=1e-6)
    require_residuals(plant)


@pytest.mark.parametrize(
    "values",
    [
        {"receiver_volume": 0.1, "valve_conductance": 1e-4, "pocket_ua": 1000, "water_temperature": 340},
        {"valve_conductance": 1e-4, "pocket_ua": 200},
        {"valve_conductance": 1e-4, "fill_fraction": 2, "pocket_ua": 1000},
    ],
)
def test_heat_of_fast_pockets_does_not_depend_on_the_step(values: dict[str, Any]) -> None:
    def heat(step: float) -> float:
        plant = Plant(Parameters.of(SMALL | values))
        plant._coefficients = co.coefficients(plant.parameters, step)  # the step is no parameter
        plant.command("start", {})
        while plant.laps < 5:
            plant.step(500)
        records, start = plant.lap_records(2)
        return meters.between(records, start)["heat_from_water"]

    assert heat(5e-4) == pytest.approx(heat(1e-3), rel=2e-3)


def test_a_receiver_with_a_stiff_wall_keeps_its_exergy() -> None:
    plant = running(SMALL | {"receiver_volume": 0.1, "receiver_ua": 1e6})
    require_residuals(plant)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bath_heat_capacity": 1.0}, "bath_heat_capacity"),
        ({"surface_area": 1e-3}, "surface_area"),
        ({"generator_rated_torque": 75}, "generator_max_torque"),
    ],
)
def test_limits_that_keep_the_model_physical(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters.of(changes)
    assert [violation.field for violation in caught.value.violations] == [field]
