"""Whether a run can begin so: said before it begins, with what is wrong, and leaving nothing behind."""

from pathlib import Path
from typing import Any

import pytest

from bus.protocol.messages import PrepareRequest
from catalog.scenarios import Scenarios
from nodes.physics.core import PhysicsCore
from nodes.physics.replica.beginning import begin, objection
from nodes.physics.replica.forks import ForkFolder
from nodes.physics.replica.initial_parameters import InitialParameters
from nodes.physics.replica.saved import Saved
from tests.nodes.physics.test_core import SCENARIOS, fold, read_scenario, stream


@pytest.fixture
def initial_parameters(tmp_path: Path) -> InitialParameters:
    return InitialParameters(tmp_path / "openings", "m1", Scenarios(SCENARIOS), ForkFolder(tmp_path / "forks", "m1"))


@pytest.fixture
def checkpoint() -> Saved:
    core = PhysicsCore("m1", "a", read_scenario)
    fold(core, stream(40))
    saved = core.save()
    assert saved is not None
    return saved


def asked(scenario: str = "reference", **parameters: Any) -> PrepareRequest:
    return PrepareRequest("1.1", scenario, parameters)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_s02_a_run_that_can_begin_meets_no_objection_and_leaves_nothing(
    initial_parameters: InitialParameters, tmp_path: Path
) -> None:
    assert objection(initial_parameters.look, asked(floater_count=200)) is None
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("parameters", "field", "limit"),
    [
        ({"floater_count": 250}, "floater_count", "200"),
        ({"floater_count": 3}, "floater_count", "4"),
        ({"drag_area": 9}, "drag_area", "3"),
        ({"nope": 1}, "nope", ""),
        ({"drag_area": "much"}, "drag_area", ""),
        ({"drag_area": [1]}, "drag_area", ""),
        ({"h1_mode": "perhaps"}, "h1_mode", ""),
        ({"load_pressure": 5e5, "unload_pressure": 4e5}, "unload_pressure", ""),
    ],
)
def test_s02_what_is_wrong_is_named(
    initial_parameters: InitialParameters, parameters: dict[str, Any], field: str, limit: str
) -> None:
    found = objection(initial_parameters.look, asked(**parameters))
    assert found is not None
    assert (found.id, found.retry_after) == ("1.1", 0)
    assert field in {each.field for each in found.violations}
    if limit:
        assert found.violations[0].limit == limit


@pytest.mark.parametrize("scenario", ["no-such", "", "../reference", "fork:0001-001@9", "fork:../../x@1"])
def test_s02_a_scenario_that_is_not_there_is_named(initial_parameters: InitialParameters, scenario: str) -> None:
    found = objection(initial_parameters.look, asked(scenario))
    assert found is not None
    assert found.field == "scenario"
    assert found.reason


@pytest.mark.parametrize(
    ("data", "reason"), [(b"\xff\xfe\x00", "no text in UTF-8"), (b"[parameters]\ndrag_area = 9\n", "line 2")]
)
def test_s02_a_scenario_file_that_is_none_is_refused_and_ends_no_node(tmp_path: Path, data: bytes, reason: str) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "bad.toml").write_bytes(data)
    (folder / "dir.toml").mkdir()
    initial_parameters = InitialParameters(tmp_path / "o", "m1", Scenarios(folder), ForkFolder(tmp_path / "f", "m1"))
    found = objection(initial_parameters.look, asked("bad"))
    assert found is not None
    assert reason in found.reason
    found = objection(initial_parameters.look, asked("dir"))
    assert found is not None
    assert "cannot be read" in found.reason


def test_s02_a_fork_is_looked_at_with_its_changes(
    initial_parameters: InitialParameters, tmp_path: Path, checkpoint: Saved
) -> None:
    forked = ForkFolder(tmp_path / "forks", "m1").write(checkpoint)
    assert objection(initial_parameters.look, asked(forked.scenario, drag_area=0.4)) is None
    wrong = objection(initial_parameters.look, asked(forked.scenario, drag_area=9))
    assert wrong is not None
    assert [(each.field, each.limit) for each in wrong.violations] == [("drag_area", "3")]
    begun = begin(initial_parameters.look, "0001-002", forked.scenario, {"drag_area": 0.4})
    assert begun.plant.parameters.drag_area == 0.4
    assert begun.applied["fork"] == {"run": checkpoint.run, "seq": checkpoint.seq, "t": checkpoint.t_us / 1e6}
