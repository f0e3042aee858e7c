"""A name means one thing: no public class and no module of the product shares its name with another one.

Where two are alike on purpose, it is said why.
"""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts import house

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = [*house.sources(ROOT, house.packages(ROOT))]

FACES = ("nodes/gateway/routes/", "console/")
"""Folders whose modules are named after what a user asks for: a path of the REST interface, a command of `kpp`. What is
behind them may have the same name."""

BODY = "a body of the REST interface, whose description foreign programs have; the other is what it sets"
CLASSES_ALIKE = {
    "Fork": BODY,
    "Generator": BODY,
    "Grid": BODY,
    "Policy": BODY,
    "Reset": BODY,
    "Speed": BODY,
    "Step": BODY,
    "Water": BODY,
    "Meters": "the group of a state frame, and the same meters in the model",
    "Violation": "why a value is refused, in the model and on the wire",
    "Value": "of a parameter, in the model and on the wire",
    "Line": "of a ledger: of the first law, and of the second",
    "Shell": "the loop of a node around its core; each node has one",
    "History": "the answer of the recorder, on the wire and where it is made",
}
"""Public classes and types that are one concept in two layers."""

MODULES_ALIKE = {
    "alarms": "of a plant: how a module keeps them, and how everybody lists them",
    "forks": "of a run: the module makes the checkpoint, the gateway begins the run",
    "parameters": "of the model, and the gateway's answers about them",
    "state": "of the plant: what the kernel computes with, and what is published of it",
}
"""Modules that are about one thing in two layers."""


def modules() -> Mapping[str, list[str]]:
    """Names of modules that more than one has, not counting faces."""
    return house.repeated_modules(each for each in PRODUCT if not each.path.startswith(FACES))


@pytest.mark.parametrize(
    ("repeated", "alike"),
    [(house.repeated_classes(PRODUCT), CLASSES_ALIKE), (modules(), MODULES_ALIKE)],
    ids=["classes", "modules"],
)
def test_a_name_means_one_thing(repeated: Mapping[str, list[str]], alike: Mapping[str, str]) -> None:
    new = {name: places for name, places in repeated.items() if name not in alike}
    assert new == {}, "give the newer one a name of its own"
    assert sorted({*alike} - {*repeated}) == [], "these mean one thing now: take them off the list"


def test_a_name_that_is_given_twice_is_found() -> None:
    text = "class Pump:\n    class Valve: ...\nFlow = float\nLIMIT = 1\n"
    sources = [house.Source(f"{name}/pump.py", text, ast.parse(text)) for name in ("a", "b")]
    assert {*house.repeated_classes(sources)} == {"Pump", "Flow"}
    assert {*house.repeated_modules(sources)} == {"pump"}
