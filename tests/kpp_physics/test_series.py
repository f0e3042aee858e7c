"""Grid frequency and load as time series: interpolation, errors, digests, snapshots, many plants in one call."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from kpp_physics.fleet import Fleet
from kpp_physics.parameters import ParameterError, Parameters
from kpp_physics.plant import Plant
from kpp_physics.scenario import ScenarioError, parse
from kpp_physics.series import MAX_POINTS, NAMES, TimeSeries
from kpp_physics.surroundings import follow, table

RAMP = {"time": [1.0, 3.0, 4.0], "value": [50.0, 50.4, 49.0]}


def following(**series: Any) -> Parameters:
    return Parameters().with_series(series)


@settings(deadline=None)  # the first call compiles
@given(some.lists(some.tuples(some.floats(0, 1e4), some.floats(45, 55)), min_size=1, max_size=8), some.floats(-10, 2e4))
def test_kernel_and_observer_interpolate_alike(points: list[tuple[float, float]], time: float) -> None:
    points = sorted(dict(points).items())
    series = TimeSeries(tuple(at for at, _ in points), tuple(value for _, value in points))
    expected = series.at(time)
    assert min(series.value) <= expected <= max(series.value)
    rows = table({"load_power": series})
    assert follow(rows, NAMES.index("load_power"), time, -1.0) == pytest.approx(expected, rel=1e-12)
    assert follow(rows, NAMES.index("grid_frequency"), time, 50.0) == 50.0


def test_a_step_takes_the_value_at_its_beginning() -> None:
    plant = Plant(following(grid_frequency=RAMP, load_power={"time": [2], "value": [7000]}))
    seen = []
    for _ in range(5):
        plant.step(1000)
        frame = plant.observe()["grid"]
        assert frame["load_power"] == 7000
        seen.append(frame["frequency"])
    assert seen == pytest.approx([50.0, 50.1998, 50.3998, 49.0014, 49.0], abs=1e-9)


def test_the_converter_follows_the_series() -> None:
    plant = Plant(following(grid_frequency={"time": [159.9, 160], "value": [50, 51.6]}))
    plant.command("start", {})
    plant.step(159_000)
    assert plant.observe()["grid"]["synchronised"]
    plant.step(1_200)
    assert not plant.observe()["grid"]["synchronised"]  # above 51.5 Hz the breaker opens
    same = Plant(Parameters())
    same.command("start", {})
    same.step(159_000)
    same.change_parameters({"grid_frequency": 51.6})
    same.step(1_200)
    assert not same.observe()["grid"]["synchronised"]


def test_a_load_on_the_bus_changes_the_exchange_and_nothing_else() -> None:
    loaded, bare = Plant(following(load_power={"time": [0, 60], "value": [0, 6000]})), Plant(Parameters())
    for plant in (loaded, bare):
        plant.command("start", {})
        plant.step(30_001)
    ours, theirs = loaded.observe(), bare.observe()
    assert ours["grid"]["load_power"] == pytest.approx(3000)
    assert theirs["grid"]["exchange_power"] - ours["grid"]["exchange_power"] == pytest.approx(3000)
    assert ours["ledger"] == theirs["ledger"]


def test_series_are_part_of_digest_and_snapshot_and_do_not_depend_on_chunks() -> None:
    plants = [Plant(following(grid_frequency=RAMP)) for _ in range(2)]
    assert plants[0].digest() != Plant(Parameters()).digest()
    assert plants[0].digest() != Plant(following(grid_frequency={**RAMP, "value": [50, 50.4, 49.5]})).digest()
    for plant, chunk in zip(plants, (2000, 7), strict=True):
        plant.command("start", {})
        done = 0
        while done < 2000:
            done += (part := min(chunk, 2000 - done))
            plant.step(part)
    assert plants[0].digest() == plants[1].digest()
    restored = Plant.restore(plants[0].snapshot())
    assert restored.parameters == plants[0].parameters
    assert restored.digest() == plants[0].digest()
    for plant in (restored, plants[1]):
        plant.step(1500)
    assert restored.digest() == plants[1].digest()
    assert restored.observe()["grid"]["frequency"] == pytest.approx(49.7014)


def test_a_series_begins_and_ends_between_two_steps() -> None:
    plant = Plant(Parameters())
    plant.step(1000)
    plant.change_series({"grid_frequency": RAMP})
    assert plant.observe()["grid"]["frequency"] == 50.0
    plant.step(1001)
    assert plant.observe()["grid"]["frequency"] == pytest.approx(50.2)
    with pytest.raises(ParameterError, match="follows a time series: end the series"):
        plant.change_parameters({"grid_frequency": 50})
    plant.change_parameters({"load_power": 5})
    plant.change_series({"grid_frequency": {"time": [], "value": []}})
    plant.change_parameters({"grid_frequency": 49.9})
    plant.step(1)
    assert plant.observe()["grid"]["frequency"] == 49.9
    assert plant.observe()["ledger"]["parameter_change"] == 0


def test_many_plants_follow_their_own_series() -> None:
    kinds = [Parameters(), following(grid_frequency=RAMP), following(load_power=RAMP | {"value": [1, 2, 3]})]
    fleet = Fleet.of(kinds)
    fleet.step(2500)
    for i, parameters in enumerate(kinds):
        alone = Plant(parameters)
        alone.command("start", {})
        alone.step(2500)
        assert fleet.digest(i) == alone.digest()
        assert fleet.observe(i)["grid"] == alone.observe()["grid"]
    changed = fleet.plant(0)
    changed.change_series({"grid_frequency": RAMP})
    fleet.replace(0, changed)
    fleet.step(100)
    assert fleet.observe(0)["grid"]["frequency"] == fleet.observe(1)["grid"]["frequency"] != 50.0


@pytest.mark.parametrize(
    ("text", "line", "field", "limit", "reason"),
    [
        ("time=[0,1]\nvalue=[50,80]", 4, "value[1]", 55, "the highest value allowed is 55 Hz"),
        ("time=[0,1]\nvalue=[50,'x']", 4, "value[1]", None, "give a finite number in Hz"),
        ("time=[0,inf]\nvalue=[50,50]", 3, "time[1]", None, "give a finite number in s"),
        ("time=[-1,0]\nvalue=[50,50]", 3, "time[0]", 0, "the lowest value allowed is 0 s"),
        ("time=[1,1]\nvalue=[50,50]", 3, "time[1]", 1, "must be above the time before it, 1 s"),
        ("time=[1]\nvalue=[]", 4, "value", 1, "1 times and 0 values"),
        ("time=3\nvalue=[]", 3, "time", None, "give a list of numbers"),
        ("value=[]", 2, "", None, "a table of time and value"),
        (f"time={[*range(MAX_POINTS + 1)]}\nvalue={[50] * (MAX_POINTS + 1)}", 3, "time", MAX_POINTS, "at most 10000"),
    ],
)
def test_errors_in_a_scenario_name_line_field_limit_and_reason(
    text: str, line: int, field: str, limit: float | None, reason: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(f"\n[series.grid_frequency]\n{text}\n", "grid.toml")
    (problem,) = caught.value.problems
    path = "series.grid_frequency" + ("." + field if field else "")
    assert (problem.line, problem.field, problem.limit) == (line, path, limit)
    assert reason in problem.reason


def test_a_scenario_takes_over_the_series_of_its_base() -> None:
    base = following(grid_frequency=RAMP)
    text = 'base = "stormy"\n[series.load_power]\ntime = [0]\nvalue = [900]\n'
    found = parse(text, "x", {"stormy": base}.__getitem__)
    assert found.series["grid_frequency"].value == (50.0, 50.4, 49.0)
    assert found.series["load_power"] == TimeSeries((0.0,), (900.0,))
    with pytest.raises(ScenarioError, match="gravity cannot follow a time series"):
        parse("[series.gravity]\ntime=[]\nvalue=[]\n", "x")


def test_series_cannot_be_changed_in_place() -> None:
    parameters = following(grid_frequency=RAMP)
    with pytest.raises(TypeError):
        parameters.series["grid_frequency"] = TimeSeries((), ())  # type: ignore[index]
    with pytest.raises(AttributeError):
        parameters.series["grid_frequency"].time = ()  # type: ignore[misc]
