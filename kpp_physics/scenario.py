"""Scenario files: TOML text to parameters and back. Reading and writing files is the caller's business.

base = "reference"          # optional: another scenario to start from; without it the defaults
[parameters]
water_depth = 12.5
[series.grid_frequency]     # optional: see kpp_physics.series
time = [0, 60, 61]
value = [50, 50, 50.4]
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kpp_physics.parameters import DECLARATIONS, ParameterError, Parameters, Value

Resolver = Callable[[str], Parameters]
"""Gives the parameters of the scenario that a `base` names."""


class Problem(NamedTuple):
    """One thing wrong with a scenario, and where."""

    line: int | None
    field: str
    limit: Value | None
    reason: str


class ScenarioError(ValueError):
    """A scenario that cannot be used; `problems` lists everything wrong with it."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        super().__init__(
            "\n".join(
                f"{name}, line {problem.line}: {problem.reason}" if problem.line else f"{name}: {problem.reason}"
                for problem in problems
            )
        )
        self.name = name
        self.problems = problems


def parse(text: str, name: str, resolve: Resolver | None = None) -> Parameters:
    """The parameters of a scenario.

    Args:
        text: TOML.
        name: what to call the scenario in errors.
        resolve: gives the parameters of a base; without it no base is allowed.

    Raises:
        ScenarioError: with line, field, limit and reason of everything that is wrong.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers too long and nesting too deep for the parser
        found = re.search(r"at line (\d+)", str(error))
        raise ScenarioError(name, [Problem(int(found[1]) if found else None, "", None, str(error))]) from error
    lines = _key_lines(text)
    problems = [
        Problem(
            lines.get(("", key)) or lines.get((key, "")),
            key,
            None,
            f"{key} is not known here: a scenario has base, [parameters] and [series.*]",
        )
        for key in document
        if key not in ("base", "parameters", "series")
    ]
    values = document.get("parameters", {})
    if not isinstance(values, dict):
        problems.append(Problem(lines.get(("", "parameters")), "parameters", None, "parameters must be a table"))
    followed = document.get("series", {})
    if not isinstance(followed, dict):
        problems.append(Problem(lines.get(("", "series")), "series", None, "series must be tables, one a parameter"))
    if problems:
        raise ScenarioError(name, problems)
    start = _base(document, name, resolve, lines.get(("", "base")))
    try:
        return start.with_changes(values).with_series(followed)
    except ParameterError as error:
        raise ScenarioError(
            name,
            [Problem(_line(lines, found.field), found.field, found.limit, found.reason) for found in error.violations],
        ) from error


def _line(lines: Mapping[tuple[str, str], int], path: str) -> int | None:
    """Line of a parameter, or of a member of a series (series.name.member[index])."""
    if not path.startswith("series."):
        return lines.get(("parameters", path))
    table, _, member = path.partition("[")[0].removeprefix("series.").partition(".")
    table = f"series.{table}"
    return lines.get((table, member)) or lines.get((table, "")) or lines.get(("series", ""))


def _base(document: Mapping[str, Any], name: str, resolve: Resolver | None, line: int | None) -> Parameters:
    if "base" not in document:
        return Parameters()
    base = document["base"]
    if not isinstance(base, str):
        raise ScenarioError(name, [Problem(line, "base", None, "base must be the name of a scenario, as text")])
    if resolve is None:
        raise ScenarioError(
            name, [Problem(line, "base", None, f"base = {base!r} cannot be resolved here: write the parameters out")]
        )
    try:
        return resolve(base)
    except LookupError as error:
        raise ScenarioError(name, [Problem(line, "base", None, f"base = {base!r}: no such scenario")]) from error


def _key_lines(text: str) -> dict[tuple[str, str], int]:
    """Line of every key, by table and key; of every table header under an empty key."""
    found: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            table = header[1]
            found.setdefault((table, ""), number)
        elif key := re.match(r"\s*[\"']?([A-Za-z0-9_\-]+)[\"']?\s*=", line):
            found.setdefault((table, key[1]), number)
        elif dotted := re.match(r"\s*([A-Za-z0-9_\-]+)\.([A-Za-z0-9_\-]+)\s*=", line):
            found.setdefault((dotted[1], dotted[2]), number)
    return found


def render(values: Mapping[str, Value], header: str) -> str:
    """A complete scenario as TOML: every parameter with its symbol, unit and meaning.

    Args:
        values: parameters that differ from the defaults, or all.
        header: comment at the top, one or more lines without the mark.
    """
    rows = ["# " + line if line else "#" for line in header.splitlines()] + ["", "[parameters]"]
    for item in DECLARATIONS.values():
        value = values.get(item.name, item.default)
        if isinstance(value, str):
            written = f'"{value}"'
        else:
            written = str(int(value)) if isinstance(value, int) or value == int(value) else repr(value)
        meaning = ", ".join(part for part in (item.symbol, item.unit) if part != "-")
        rows.append(f"{item.name} = {written}  # {meaning + ': ' if meaning else ''}{item.text}")
    return "\n".join(rows) + "\n"
