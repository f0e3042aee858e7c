"""Scenario files by name, whoever wrote them and with whatever editor."""

from pathlib import Path

import pytest

from catalog import scenarios as library
from catalog.scenario_folder import ScenarioFolder
from kpp_physics.scenario import LARGEST, ScenarioError
from nodes.gateway.presets import Presets
from nodes.gateway.problems import ProblemError
from nodes.gateway.scenarios import listing
from ui.presets import PresetError
from ui.presets import Presets as DashboardPresets

WITH_MARK = "\ufeff# Shallow water.\r\n[parameters]\r\nwater_depth = 12.5\r\n".encode()


def test_f15_a_byte_order_mark_is_read_over_by_every_reader(tmp_path: Path) -> None:
    path = tmp_path / "shallow.toml"
    path.write_bytes(WITH_MARK)
    assert ScenarioFolder(tmp_path).read("shallow").water_depth == 12.5
    assert library.load(path).water_depth == 12.5
    assert Presets(tmp_path).read("shallow").water_depth == 12.5
    assert DashboardPresets(tmp_path).read("shallow")["water_depth"] == 12.5
    assert [each.text for each in listing(tmp_path)] == ["Shallow water."]


@pytest.mark.parametrize("data", [b"\xff\xfe[\x00", bytes(LARGEST + 1), b"a" + b".a" * 50_000 + b" = 1"])
def test_s21_a_file_that_cannot_be_used_is_refused_by_every_reader(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "odd.toml").write_bytes(data)
    with pytest.raises(ScenarioError):
        ScenarioFolder(tmp_path).read("odd")
    with pytest.raises(ScenarioError):
        library.load(tmp_path / "odd.toml")
    with pytest.raises(ProblemError):
        Presets(tmp_path).read("odd")
    with pytest.raises(PresetError):
        DashboardPresets(tmp_path).read("odd")


def test_s21_of_an_endless_file_no_more_is_read_than_counts() -> None:
    with pytest.raises(ScenarioError, match="larger than"):
        library.load(Path("/dev/zero"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").mkdir()
    with pytest.raises(ScenarioError, match="its file cannot be read: Is a directory"):
        ScenarioFolder(tmp_path).read("odd")
