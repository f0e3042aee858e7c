"""The commands that need no processes. The compiled plant is imported only when a plant is to run."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Final

from catalog.scenarios import Scenarios
from console.loading import ended_at_once
from console.scenario_arguments import ArgumentError, parser, scenario
from kpp_physics.parameters import DECLARATIONS, KINDS, Parameters
from kpp_physics.scenario import ScenarioError
from studies.plan import Plan

OK: Final = 0
WRONG: Final = 2
NOT_MEASURED: Final = 3
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    return perform(parser().parse_args(arguments))


def perform(given: argparse.Namespace) -> int:
    """Carry out a command line that was read already; returns the exit code."""
    try:
        if given.command == "scenarios":
            return _scenarios()
        if given.command == "parameters":
            return _parameters(given.json)
        parameters = scenario(given.scenario, given.changes)
        return _run(given.scenario, parameters, Plan(given.laps, given.warmup_laps, given.duration), given.json)
    except KeyboardInterrupt:
        sys.stderr.write("\nkpp: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (ArgumentError, ScenarioError, OSError) as error:
        sys.stderr.write(f"kpp: {error}\n")
        return WRONG


def _run(name: str, parameters: Parameters, plan: Plan, as_json: bool) -> int:
    with ended_at_once():  # compiling takes its time, and help and errors must not wait for it
        from console.run_progress import ProgressBar  # noqa: PLC0415  # loads the studies, and they the compiler
        from studies.report import render  # noqa: PLC0415  # loads the compiler, which takes seconds
        from studies.result import StudyResult  # noqa: PLC0415  # loads the compiler, which takes seconds
        from studies.run import StudyRun  # noqa: PLC0415  # loads the compiler, which takes seconds

    bar = ProgressBar(sys.stderr, plan)
    begin = time.perf_counter()
    try:
        found = StudyRun(parameters, plan).measure(bar)
    finally:
        bar.close()
    # NaN is refused (`allow_nan`): it is no JSON, and would mean that a figure was computed from nothing.
    result = StudyResult(name, found, time.perf_counter() - begin)
    sys.stdout.write(json.dumps(result.as_dict(), allow_nan=False, indent=2) + "\n" if as_json else render(result))
    sys.stdout.flush()
    # Laps that are not steady have been measured, but their COP is withheld: a script has to notice both.
    reason = found.error or found.unsteady
    if reason is None:
        return OK
    sys.stderr.write(f"kpp: {reason}\n")
    return NOT_MEASURED


def _scenarios() -> int:
    for name, text in Scenarios.at_hand().described():
        sys.stdout.write(f"{name:<20}{text}\n")
    sys.stdout.flush()
    return OK


def _parameters(as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps([item.as_dict() for item in DECLARATIONS.values()], indent=2) + "\n")
        return OK
    rows = [("name", "symbol", "unit", "default", "min", "max", "flag", "class", "meaning")]
    for item in DECLARATIONS.values():
        low, high = ("-" if limit is None else f"{limit:g}" for limit in (item.minimum, item.maximum))
        default = item.default if isinstance(item.default, str) else f"{item.default:g}"
        text = item.text + (f" ({', '.join(item.choices)})" if item.choices else "")
        text += "" if item.ramp is None else f" (ramps by {item.ramp:g} {item.unit}/s)"
        rows.append((item.name, item.symbol, item.unit, default, low, high, item.flag, item.kind, text))
    widths = [max(len(row[column]) for row in rows) for column in range(8)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        sys.stdout.write("  ".join([*cells, row[8]]) + "\n")
    sys.stdout.write("\n" + "".join(f"{kind:<12}{meaning}\n" for kind, meaning in KINDS.items()))
    sys.stdout.flush()
    return OK
