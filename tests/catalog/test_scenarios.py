"""Scenario files by name, whoever wrote them and with whatever editor."""

from pathlib import Path

import pytest

from catalog.presets import PresetError, Presets
from catalog.scenarios import NoScenarioError, Scenarios
from kpp_physics.scenario import LARGEST, ScenarioError

WITH_MARK = "\ufeff# Shallow water.\r\n[parameters]\r\nwater_depth = 12.5\r\n".encode()


def test_f15_a_byte_order_mark_is_read_over_by_every_reader(tmp_path: Path) -> None:
    path = tmp_path / "shallow.toml"
    path.write_bytes(WITH_MARK)
    assert Scenarios(tmp_path).read("shallow").water_depth == 12.5
    assert Scenarios.at_hand().load(path).water_depth == 12.5
    assert Presets(tmp_path).read("shallow").parameters.water_depth == 12.5
    assert Scenarios(tmp_path).described() == [("shallow", "Shallow water.")]


@pytest.mark.parametrize("data", [b"\xff\xfe[\x00", bytes(LARGEST + 1), b"a" + b".a" * 50_000 + b" = 1"])
def test_s21_a_file_that_cannot_be_used_is_refused_by_every_reader(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "odd.toml").write_bytes(data)
    with pytest.raises(ScenarioError):
        Scenarios(tmp_path).read("odd")
    with pytest.raises(ScenarioError):
        Scenarios.at_hand().load(tmp_path / "odd.toml")
    with pytest.raises(PresetError):
        Presets(tmp_path).read("odd")


def test_s21_of_an_endless_file_no_more_is_read_than_counts() -> None:
    with pytest.raises(ScenarioError, match="larger than"):
        Scenarios.at_hand().load(Path("/dev/zero"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").mkdir()
    with pytest.raises(ScenarioError, match="its file cannot be read: Is a directory"):
        Scenarios(tmp_path).read("odd")


def test_scenarios_are_the_files_of_the_folder_that_have_a_name(tmp_path: Path) -> None:
    for name in ("zeta.toml", "reference.toml", "alpha.toml", "notes.txt", "no name.toml", "a.b.toml"):
        (tmp_path / name).touch()
    found = Scenarios.of_plant({"KPP_SCENARIOS": str(tmp_path)})
    assert found.names() == ["alpha", "reference", "zeta"]
    assert found.offered() == ["reference", "alpha", "zeta"]
    assert Scenarios.of_plant({"KPP_SCENARIOS": str(tmp_path / "none")}).names() == []
    for name in ("a.b", "no name", "../reference", "reference\n", ""):
        with pytest.raises(NoScenarioError, match="there are alpha, reference, zeta") as caught:
            found.read(name)
        assert caught.value.known == ["alpha", "reference", "zeta"]


def test_the_first_folder_that_has_a_name_wins_and_bases_are_looked_for_in_all(tmp_path: Path) -> None:
    mine, shipped = tmp_path / "mine", tmp_path / "shipped"
    for folder, name, text in (
        (mine, "both", "[parameters]\nwater_depth = 12.0\n"),
        (shipped, "both", "[parameters]\nwater_depth = 13.0\n"),
        (shipped, "warm", 'base = "both"\n[parameters]\nwater_temperature = 300.0\n'),
        (shipped, "round", 'base = "turn"\n'),
        (shipped, "turn", 'base = "round"\n'),
    ):
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(text)
    found = Scenarios(mine, shipped)
    assert (found.read("warm").water_depth, found.read("warm").water_temperature) == (12.0, 300.0)
    with pytest.raises(ScenarioError, match=r"the bases go round in a circle: round -> turn -> round"):
        found.read("round")
