"""Ticks are made in three places, and none of them leaves a field to its default."""

import ast

import pytest

from bus.protocol.messages import Tick
from tests.session import ROOT

MAKERS = ("nodes/clock/core.py", "bus/ordered/stream.py", "nodes/recorder/replay.py")


def calls(text: str) -> list[set[str | None]]:
    """Fields that each call of Tick in a source names."""
    made = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [
        {keyword.arg for keyword in call.keywords}
        for call in made
        if isinstance(call.func, ast.Name) and call.func.id == "Tick"
    ]


@pytest.mark.parametrize("maker", MAKERS)
def test_whoever_makes_a_tick_fills_every_field(maker: str) -> None:
    """A default is for ticks of an older clock: a repaired tick that has it says something else than the first one."""
    assert calls((ROOT / maker).read_text(encoding="utf-8")) == [set(Tick.__struct_fields__)]


def test_no_other_part_of_the_product_makes_ticks() -> None:
    product = ("bus", "catalog", "console", "nodes", "recording", "runtime", "studies", "system", "ui")
    sources = [path for package in product for path in (ROOT / package).rglob("*.py") if "frontend" not in path.parts]
    found = {str(path.relative_to(ROOT)) for path in sources if calls(path.read_text(encoding="utf-8"))}
    assert found == set(MAKERS)
