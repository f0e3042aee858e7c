"""The guide for contributors names files, tests and commands that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:\.?\w+/)*[\w.]+(?:/|\.\w+)(?:::\w+)?)`", GUIDE)))
ABOUT_A_NODE = {"__init__.py", "__main__.py", "app.py", "core.py"}
"""Files that each node has."""


@pytest.mark.parametrize("name", [name for name in NAMED if "/" in name or name.endswith((".md", ".toml", ".conf"))])
def test_what_is_named_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    assert (ROOT / file).exists(), name
    assert not test or f"\ndef {test}(" in (ROOT / file).read_text(encoding="utf-8"), name


def test_every_file_is_named_with_its_folder() -> None:
    assert {name for name in NAMED if "/" not in name and not (ROOT / name).exists() and "." in name} <= (
        ABOUT_A_NODE | {"chain.tension_min"}
    )


def test_every_command_is_one_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", GUIDE, re.MULTILINE)) - targets == set()


def test_the_recipes_are_there() -> None:
    found = re.findall(r"^### Add an? ([\w ]+)$", GUIDE, re.MULTILINE)
    assert found[:5] == ["parameter", "channel", "page", "command", "node"]
    assert found[5:] == [
        "line of the ledger",
        "path of the REST interface",
        "fault to the chaos test",
        "field to the tick",
    ]
    assert GUIDE.count("| file | what to do | fails without it |") == len(found)
