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


LARGEST = 1 << 20
"""Most bytes of a scenario: two series of the most points take about half."""

MOST_PARTS = 8
"""Most parts of a dotted key; those that are known have three."""

LARGEST_NUMBER = 2**63 - 1
"""Largest whole number that TOML promises."""

MOST_TOLD = 20
"""Problems that are listed; the others are counted."""

_LINE = 200
"""Characters of a line in which its key is looked for."""

_PART = r"""(?:[A-Za-z0-9_\-]++|"[^"\n]*+"|'[^'\n]*+')"""
# Possessive repeats: a text that nearly matches must not send the search back over all it has read.
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_.\-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MOST_PARTS},}}+")


class ScenarioProblem(NamedTuple):
    """One thing wrong with a scenario, and where."""

    line: int | None
    field: str
    limit: Value | None
    reason: str


class ScenarioError(ValueError):
    """A scenario that cannot be used; `problems` lists everything wrong with it."""

    def __init__(self, name: str, problems: list[ScenarioProblem]) -> None:
        told = [
            f"{name}, line {problem.line}: {problem.reason}" if problem.line else f"{name}: {problem.reason}"
            for problem in problems[:MOST_TOLD]
        ]
        if len(problems) > MOST_TOLD:
            told.append(f"{name}: and {len(problems) - MOST_TOLD} more")
        super().__init__("\n".join(told))
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
    text = text.removeprefix("\ufeff")  # a byte-order mark, as some editors write it
    _require_bounds(text, name)
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers too long and nesting too deep for the parser
        found = re.search(r"at line (\d+)", str(error))
        raise ScenarioError(name, [ScenarioProblem(int(found[1]) if found else None, "", None, str(error))]) from error
    lines = _key_lines(text)
    problems = _too_long_numbers(document) or [
        ScenarioProblem(
            lines.get(("", key)) or lines.get((key, "")),
            key,
            None,
            f"{key[:80]} is not known here: a scenario has base, [parameters] and [series.*]",
        )
        for key in document
        if key not in ("base", "parameters", "series")
    ]
    values = document.get("parameters", {})
    if not isinstance(values, dict):
        problems.append(
            ScenarioProblem(lines.get(("", "parameters")), "parameters", None, "parameters must be a table")
        )
    followed = document.get("series", {})
    if not isinstance(followed, dict):
        problems.append(
            ScenarioProblem(lines.get(("", "series")), "series", None, "series must be tables, one a parameter")
        )
    if problems:
        raise ScenarioError(name, problems)
    start = _base(document, name, resolve, lines.get(("", "base")))
    try:
        return start.with_changes(values).with_series(followed)
    except ParameterError as error:
        raise ScenarioError(
            name,
            [
                ScenarioProblem(_line(lines, found.field), found.field, found.limit, found.reason)
                for found in error.violations
            ],
        ) from error


def decode(data: bytes, name: str) -> str:
    """The text of a scenario file, of which at most LARGEST + 1 bytes need be read.

    Raises:
        ScenarioError: if it is too large, or no text in UTF-8.
    """
    if len(data) > LARGEST:
        raise ScenarioError(name, [_too_large()])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"this is no text in UTF-8: {error}: save it as UTF-8"
        raise ScenarioError(name, [ScenarioProblem(None, "", None, reason)]) from error


def _too_large() -> ScenarioProblem:
    return ScenarioProblem(None, "", LARGEST, f"this is larger than {LARGEST} bytes: take points out of its series")


def _require_bounds(text: str, name: str) -> None:
    """Refuse what would keep the parser busy far too long: its time grows with the square of a key's parts."""
    if len(text) > LARGEST:
        raise ScenarioError(name, [_too_large()])
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        reason = f"{found[0][:40]}... has more than {MOST_PARTS} parts: the longest keys are series.NAME.time"
        raise ScenarioError(name, [ScenarioProblem(line, found[0][:40], MOST_PARTS, reason)])


def _too_long_numbers(document: Mapping[str, Any]) -> list[ScenarioProblem]:
    """Whole numbers that TOML does not promise: they cannot be compared with a limit, nor printed."""
    # A list of what is left and no recursion: a document may be nested as deep as it is long.
    left: list[tuple[str, Any]] = [("", document)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            left += [(f"{path}.{key}" if path else key, each) for key, each in value.items()]
        elif isinstance(value, list):
            left += [(f"{path}[{place}]", each) for place, each in enumerate(value)]
        elif isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            return [ScenarioProblem(None, path, LARGEST_NUMBER, f"{path[:80]}: whole numbers go to {LARGEST_NUMBER}")]
    return []


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
        raise ScenarioError(name, [ScenarioProblem(line, "base", None, "base must be the name of a scenario, as text")])
    if resolve is None:
        raise ScenarioError(
            name,
            [ScenarioProblem(line, "base", None, f"base = {base!r} cannot be resolved here: write the parameters out")],
        )
    try:
        return resolve(base)
    except LookupError as error:
        raise ScenarioError(
            name, [ScenarioProblem(line, "base", None, f"base = {base!r}: no such scenario")]
        ) from error


def _key_lines(text: str) -> dict[tuple[str, str], int]:
    """Line of every key, by table and key; of every table header under an empty key."""
    # The parser gives no line numbers, so keys are looked for once more in the text. What is found decides only which
    # line an error names.
    found: dict[tuple[str, str], int] = {}
    table = ""
    for number, whole in enumerate(text.splitlines(), start=1):
        line = whole[:_LINE]
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
