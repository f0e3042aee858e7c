"""What a page may ask of the server: presets and a comparison of claims; bad questions get a reason."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bus.endpoints import Endpoints
from kpp_physics.parameters import Parameters
from tests.ui.synthetic_plant import free_endpoints
from ui import lab
from ui.lab import Lab
from ui.presets import PresetError, Presets
from ui.questions import Questions, Reply


@pytest.fixture
def questions(tmp_path: Path) -> Questions:
    return Questions(Endpoints.from_environment(free_endpoints()), "m1", Presets(tmp_path / "presets"), Lab())


def asked(questions: Questions, kind: str, **args: Any) -> Reply:
    return asyncio.run(questions.answer({"id": "1", "ask": kind, "args": args}))


def test_presets_are_files_in_the_form_of_scenarios(questions: Questions, tmp_path: Path) -> None:
    assert asked(questions, "presets").data == []
    assert asked(questions, "preset_save", name="deep", parameters={"water_depth": 40}).data == ["deep"]
    assert "water_depth = 40" in (tmp_path / "presets" / "deep.toml").read_text()
    assert asked(questions, "preset_read", name="deep").data == Parameters.of({"water_depth": 40}).as_dict()
    assert [path.name for path in (tmp_path / "presets").iterdir()] == ["deep.toml"], "nothing is left beside it"
    assert asked(questions, "preset_delete", name="deep").data == []


@pytest.mark.parametrize(
    ("kind", "args", "reason"),
    [
        ("dance", {}, "use one of presets"),
        ("preset_read", {}, "name: is missing"),
        ("preset_read", {"name": "nope"}, "there is no preset 'nope'"),
        ("preset_save", {"name": "../up", "parameters": {}}, "use 1 to 64 letters"),
        ("preset_save", {"name": "x", "parameters": {"drag_area": 99}}, "the highest value allowed is 3 m2"),
        ("preset_save", {"name": "x", "parameters": []}, "give values by name"),
        ("history", {"run": "", "channels": [], "start": 0, "end": 1, "bins": 1}, "channels"),
        ("compare", {"parameters": {"nope": 1}}, "nope is not a parameter"),
    ],
)
def test_a_bad_question_is_answered_with_the_reason(
    questions: Questions, kind: str, args: dict[str, Any], reason: str
) -> None:
    reply = asked(questions, kind, **args)
    assert not reply.ok
    assert reason in reply.reason


def test_a_question_without_form_is_answered(questions: Questions) -> None:
    assert not asyncio.run(questions.answer("hello")).ok


def test_a_damaged_preset_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[parameters]\nwater_depth = deep\n")
    with pytest.raises(PresetError, match="bad"):
        Presets(tmp_path).read("bad")


def test_each_claim_is_compared_alone_and_physical_ones_pay_for_all_they_give() -> None:
    measured = lab.measure(Parameters(), duration=330)
    rows = {(row["hypothesis"], row["mode"]): row for row in measured["rows"]}
    assert len(rows) == 11
    assert all(row["trip"] is None and row["laps"] >= 1 for row in rows.values())
    assert all(row["unsourced_power"] == 0.0 for (_, mode), row in rows.items() if mode != "claimed")
    assert rows["h1", "claimed"]["unsourced_power"] > 0
    assert rows["h1", "claimed"]["net_power"] > rows["none", "off"]["net_power"]
    assert all(abs(row["r_a"]) < 1e-9 for row in rows.values())
