"""Functions of the physics are short enough to be read in one piece."""

import ast
from pathlib import Path

import kpp_physics

SOURCES = sorted(Path(kpp_physics.__file__).parent.glob("*.py"))
MOST_LINES = 70


def lengths() -> dict[str, int]:
    """Lines of every function, its signature and docstring included, comments not: silence makes nothing shorter."""
    found = {}
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                own = lines[node.lineno - 1 : node.end_lineno]
                found[f"{source.stem}.{node.name}"] = sum(not line.lstrip().startswith("#") for line in own)
    return found


def test_no_function_is_longer_than_a_page() -> None:
    found = lengths()
    assert len(found) > 200
    assert {name for name, lines in found.items() if lines > MOST_LINES} == set()
