"""Functions of the physics are short enough to be read in one piece."""

import ast
from pathlib import Path

import kpp_physics

SOURCES = sorted(Path(kpp_physics.__file__).parent.glob("*.py"))
MOST_LINES = 70


def lengths() -> dict[str, int]:
    """Lines of every function, its signature and docstring included."""
    return {
        f"{source.stem}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


def test_no_function_is_longer_than_a_page() -> None:
    found = lengths()
    assert len(found) > 200
    assert {name for name, lines in found.items() if lines > MOST_LINES} == set()
