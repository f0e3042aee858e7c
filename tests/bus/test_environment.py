"""A variable that is empty is as one that is not set, for every one that is read."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus.protocol.endpoints import Endpoints
from bus.security import keys
from catalog.scenarios import Scenarios
from runtime.replay_endpoints import VARIABLES, replay_environment
from system.environment_variables import data_folder, scenario_folder, setting

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bus", "catalog", "console", "nodes", "recording", "runtime", "studies", "system", "ui")


def test_f16_empty_is_not_set() -> None:
    empty = dict.fromkeys(
        [*VARIABLES, "KPP_RECORDER", "KPP_MODULES", "KPP_INSTANCES", "KPP_DATA", "KPP_SCENARIOS", "KPP_KEYS"], ""
    )
    assert Endpoints.from_environment(empty) == Endpoints.from_environment({})
    assert (data_folder(empty), scenario_folder(empty)) == (Path("var"), Path("scenarios"))
    assert keys.folder(empty) == Path("var/keys").absolute()
    replayed = dict.fromkeys((name.replace("KPP_", "KPP_REPLAY_", 1) for name in VARIABLES), "")
    assert {**replay_environment(replayed), **replayed} == {**replay_environment({}), **replayed}
    assert setting("KPP_DATA", "var", {"KPP_DATA": "elsewhere"}) == "elsewhere"


def test_f16_every_variable_is_read_in_one_place() -> None:
    """Apart from those of supervisord and Prometheus, which are no settings of ours."""
    foreign = ("SUPERVISOR_", "PROMETHEUS_")
    found = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).endswith(("environ.get", "os.getenv", "environ.setdefault"))
        and not ast.unparse(call.args[0]).strip("'").startswith(foreign)
    }
    assert found == {"system/environment_variables.py"}


def test_f16_scenarios_are_looked_for_where_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("KPP_SCENARIOS", "")
    assert "reference" in Scenarios.at_hand().names()
    assert Scenarios.of_plant().offered()[0] == "reference"
    monkeypatch.setenv("KPP_SCENARIOS", str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError, match="KPP_SCENARIOS"):
        Scenarios.at_hand().names()


@pytest.mark.parametrize(
    ("node", "variable"),
    [
        ("nodes.clock", "KPP_TICK_RATE"),
        ("nodes.recorder", "KPP_RECORDER_QUOTA"),
        ("nodes.recorder.player", "KPP_TICK_RATE"),
    ],
)
def test_f16_a_number_that_is_none_is_named(node: str, variable: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", node, "0001-001"][: 4 if node.endswith("player") else 3],
        cwd=ROOT,
        env={**os.environ, variable: "fast"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "invalid int value: 'fast'" in done.stderr
    assert "Traceback" not in done.stderr
