"""Variables that no node could take are told before anything starts."""

from pathlib import Path

import pytest

from nodes.supervision import settings

ALL = frozenset({"clock", "gateway", "recorder", "ui", "m1"})
ROOT = Path(__file__).resolve().parents[2]


def wrong(folder: Path, variables: dict[str, str], here: frozenset[str] = ALL) -> list[str]:
    return settings.wrong({"KPP_DATA": str(folder), "KPP_SCENARIOS": str(ROOT / "scenarios"), **variables}, here)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("KPP_TICK_RATE", "abc", "KPP_TICK_RATE='abc': use 10 to 1000 ticks per second"),
        ("KPP_TICK_RATE", "9", "use 10 to 1000"),
        ("KPP_TICK_RATE", "1e3", "use 10 to 1000"),
        ("KPP_TICK_RATE", "9" * 5000, "use 10 to 1000"),
        ("KPP_RECORDER_QUOTA", "-1", "KPP_RECORDER_QUOTA='-1': use 0 to"),
        ("KPP_RECORDER_RESERVE", "1 GB", "bytes"),
        ("KPP_TRUSTED_PROXIES", "garbage", "KPP_TRUSTED_PROXIES: 'garbage' is neither an address nor a network"),
        ("KPP_ORIGINS", "plant.example", "KPP_ORIGINS: 'plant.example' is not an origin"),
        ("KPP_HOSTS", "a b", "KPP_HOSTS: 'a b' is not a name"),
        ("KPP_UI_HOSTS", "a b", "KPP_UI_HOSTS: 'a b' is not a name"),
        ("KPP_KEYS", "/dev/null", "KPP_KEYS='/dev/null' is not a folder"),
        ("KPP_SCENARIO", "nope", "KPP_SCENARIO='nope': there is no such scenario"),
        ("KPP_SCENARIOS", "/nonexistent", "KPP_SCENARIOS='/nonexistent': no scenario there"),
    ],
)
def test_f16_a_variable_that_no_node_could_take_is_told_in_a_line(
    tmp_path: Path, variable: str, value: str, told: str
) -> None:
    lines = wrong(tmp_path, {variable: value})
    assert len(lines) == 1
    assert told in lines[0]
    assert "\n" not in lines[0]


def test_f16_empty_is_unset_and_what_others_read_does_not_matter(tmp_path: Path) -> None:
    variables = [*settings.WHOLE_NUMBERS, "KPP_HOSTS", "KPP_UI_HOSTS", "KPP_ORIGINS", "KPP_TRUSTED_PROXIES", "KPP_KEYS"]
    assert wrong(tmp_path, dict.fromkeys([*variables, "KPP_SCENARIO"], "")) == []
    assert wrong(tmp_path, {"KPP_TICK_RATE": "abc", "KPP_SCENARIO": "nope"}, frozenset({"ui"})) == []


def test_f16_damaged_keys_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    (folder / "tokens.json").write_text("{")
    (folder / "tokens.json").chmod(0o600)
    [line] = wrong(tmp_path, {})
    assert "tokens.json" in line


def test_f16_a_data_folder_that_is_none_is_told() -> None:
    error = FileExistsError(17, "File exists", "/dev/null")
    assert (
        settings.no_folder({"KPP_DATA": "/dev/null"}, error)
        == "KPP_DATA='/dev/null' cannot be used as our folder: File exists"
    )
