"""Measure how the source is built: `python3 scripts/house.py [checkout ...]`, a column for each, this one by default.

Sizes of modules and functions, comments, names that stand for more than one thing, and how much there is of what. Tests
are counted but not measured, and generated files are left out. This file needs only the standard library.
"""

import ast
import io
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
BESIDE: Final = frozenset({"benchmarks", "docs", "examples", "scripts", "tests"})
"""Folders with Python that are not part of the product."""

SCRIPTS: Final = Path("ui/frontend/src")
"""The page's JavaScript."""

SMALL_INIT: Final = 25
"""Lines below which an `__init__.py` only says what its package holds, and is not measured as a module."""

ORDERS: Final = ("noqa", "type:", "fmt:", "pragma")
"""How comments begin that are for a tool."""


class Source(NamedTuple):
    """One Python file: its path below the checkout, its text, and its syntax tree."""

    path: str
    text: str
    tree: ast.Module


def main(checkouts: Sequence[str]) -> int:
    """Print the table; returns the exit code."""
    columns = [measured(Path(each)) for each in checkouts or [str(ROOT)]]
    width = max(map(len, columns[0]))
    for name in columns[0]:
        sys.stdout.write(f"{name:<{width}}" + "".join(f"  {column[name]:>18}" for column in columns) + "\n")
    return 0


def measured(root: Path) -> dict[str, str]:
    """The figures of a checkout by name, as they are printed."""
    product = [*sources(root, packages(root))]
    modules = [each for each in product if not (each.path.endswith("__init__.py") and length(each) < SMALL_INIT)]
    bodies = [body for each in modules for body in function_bodies(each.tree)]
    code, own, beside = map(sum, zip(*(comments(each.text) for each in modules), strict=True))
    tests = [*sources(root, ["tests"])]
    scripts = [path.read_text(encoding="utf-8") for path in sorted((root / SCRIPTS).rglob("*.js"))]
    lines, test_lines = sum(map(length, product)), sum(map(length, tests))
    classes, files = repeated_classes(product), repeated_modules(product)
    return {
        "modules, lines: median / p90 / max": spread(map(length, modules)),
        "function bodies, lines: median / p90 / max": spread(bodies),
        "functions over 70 lines": str(sum(body > 70 for body in bodies)),
        "comment lines per 100 lines of code": f"{100 * own / code:.1f}",
        "and with those at the end of a line": f"{100 * (own + beside) / code:.1f}",
        "class names used more than once": str(len(classes)),
        "module names used more than once": str(len(files)),
        "Python: lines, files": f"{lines}, {len(product)}",
        "JavaScript of the page: lines, files": f"{sum(len(text.splitlines()) for text in scripts)}, {len(scripts)}",
        "JavaScript, longest line": str(max(len(line) for text in scripts for line in text.splitlines())),
        "tests: lines, files": f"{test_lines}, {len(tests)}",
        "tests to code": f"{test_lines / lines:.2f}",
    }


def packages(root: Path) -> list[str]:
    """Names of the product's packages."""
    return sorted(path.parent.name for path in root.glob("*/__init__.py") if path.parent.name not in BESIDE)


def sources(root: Path, folders: Iterable[str]) -> Iterator[Source]:
    """Every Python file below the given folders."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                text = path.read_text(encoding="utf-8")
                yield Source(path.relative_to(root).as_posix(), text, ast.parse(text))


def length(source: Source) -> int:
    """Lines of a file."""
    return len(source.text.splitlines())


def spread(values: Iterable[int]) -> str:
    """Median, 90th percentile and largest of some numbers."""
    found = sorted(values)
    return f"{median(found):.0f} / {quantiles(found, n=10, method='inclusive')[-1]:.0f} / {found[-1]}"


def function_bodies(tree: ast.Module) -> Iterator[int]:
    """Lines of each function from its first statement to its end, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            statements = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            yield (node.end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def comments(text: str) -> tuple[int, int, int]:
    """Lines of code, lines that are a comment, and comments at the end of a line of code.

    Docstrings count as neither, and comments for a tool are not counted.
    """
    code: set[int] = set()
    said: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if not token.string.lstrip("# ").startswith(ORDERS):
                said.add(token.start[0])
        elif token.type not in {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}:
            code.update(range(token.start[0], token.end[0] + 1))
    # A text that is a statement of its own is a docstring, wherever it stands: after a constant as well.
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            code.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(code), len(said - code), len(said & code)


def repeated_modules(product: Iterable[Source]) -> Mapping[str, list[str]]:
    """Names that more than one file has, without those that every package and every node has."""
    alike = {"__init__", "__main__", "app", "core"}
    return repeated((Path(each.path).stem, each.path) for each in product if Path(each.path).stem not in alike)


def repeated_classes(product: Iterable[Source]) -> Mapping[str, list[str]]:
    """Public names of classes and types that are declared in more than one place."""
    return repeated((name, each.path) for each in product for name in declared_types(each.tree))


def declared_types(tree: ast.Module) -> Iterator[str]:
    """Public classes of a file, and its names for types."""
    for node in tree.body:
        match node:
            case (
                ast.ClassDef(name=name)
                | ast.Assign(targets=[ast.Name(id=name)])
                | ast.AnnAssign(target=ast.Name(id=name))
            ):
                if name[0].isupper() and any(letter.islower() for letter in name):
                    yield name


def repeated(found: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Names that stand in more than one place, with these places."""
    places = defaultdict(list)
    for name, place in found:
        places[name].append(place)
    return {name: sorted(where) for name, where in sorted(places.items()) if len(where) > 1}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
