"""The rooms of the house: every package stands in a layer, and says what may live in it and what may not."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BESIDE = {"benchmarks", "docs", "examples", "scripts", "tests", ".venv"}
"""Folders with Python that are no part of the product."""

PACKAGES = sorted(
    path.parent.relative_to(ROOT).as_posix()
    for path in ROOT.glob("*/**/__init__.py")
    if path.relative_to(ROOT).parts[0] not in BESIDE
)
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
ROOMS = {package for package in PACKAGES if "/" not in package}


def test_every_package_of_the_checkout_stands_in_one_layer() -> None:
    (layers,) = (each["layers"] for each in CONTRACTS["contracts"] if each["name"].startswith("rooms:"))
    placed = [name.strip() for layer in layers for name in layer.split("|")]
    assert sorted(placed) == sorted(ROOMS) == sorted(CONTRACTS["root_packages"])


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_lives_in_it(package: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))
    assert text is not None
    assert len(text) > 60 or "/" in package


def test_no_layout_of_before_is_named() -> None:
    names = (
        "bus.messages",
        "bus.sockets",
        "bus.stream",
        "bus.process",
        "nodes.watchdog",
        "studies.library",
        "nodes.http",
    )
    for path in [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "supervisord.conf", ROOT / "Makefile"]:
        text = path.read_text(encoding="utf-8")
        for name in names:
            assert name not in text, path
            assert name.replace(".", "/") + ".py" not in text, path
