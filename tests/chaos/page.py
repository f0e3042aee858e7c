"""Figures of runs as blocks of docs/reliability.md; the prose around them is written by hand."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docs.blocks import fill

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def write(name: str, text: str) -> None:
    """Put a block's text into the page.

    Raises:
        LookupError: when the page has no block of that name.
    """
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), {name: text}), encoding="utf-8")


def load() -> float:
    """Processes that wanted to run in the last minute: taken before a measurement, it tells of other work."""
    return os.getloadavg()[0]


def _machine(load: float) -> str:
    return (
        f"Measured on {os.cpu_count()} processors, Python {platform.python_version()}, "
        f"load average {load:.1f} before the start."
    )


def chaos(figures: Mapping[str, Any], load: float) -> str:
    """One chaos run."""
    kinds, nodes = figures["by_kind"], figures["by_node"]
    rows = [
        ("seed; hot standby", f"{figures['seed']}; {'yes' if figures['standby'] else 'no'}"),
        ("faults delivered", f"{figures['faults']} in {figures['seconds']} s"),
        ("of which", ", ".join(f"{count} {kind}" for kind, count in kinds.items())),
        ("on", ", ".join(f"{node} {count}" for node, count in nodes.items())),
        ("programs beside it that use every processor", f"{figures['hogs']}"),
        ("killed by the watchdog; of these not hung", f"{figures['kills']}; {figures['kills_of_healthy']}"),
        ("commands sequenced; sent again with the same id", f"{figures['commands_sequenced']}; "
         f"{figures['commands_repeated']}"),
        ("commands refused; requests without an answer", f"{figures['commands_refused']}; "
         f"{figures['requests_unanswered']}"),
        ("from command to its place in the journal: median, 99th percentile, worst",
         f"{figures['command_latency_p50']:.3f} s, {figures['command_latency_p99']:.3f} s, "
         f"{figures['command_latency_max']:.3f} s"),
        ("ticks; states; of these asked for again", f"{figures['ticks']}; {figures['states']}; {figures['repaired']}"),
        ("events; of these ends of a run by policy stop", f"{figures['events']}; {figures['policy_stops']}"),
        ("states that the recorder node has on disk", f"{figures['recorded']}"),
        ("time without a tick: longest; share of the run", f"{figures['longest_without_tick']:.1f} s; "
         f"{figures['share_without_tick']:.0%}"),
        ("**lost; doubled; different**", f"**{figures['lost']}; {figures['doubled']}; {figures['different']}**"),
        ("results not heard", f"{figures['results_unheard']}"),
    ]  # fmt: skip
    for control, found in figures["controls"].items():
        rows.append((f"negative control `{control}`", ", ".join(f"{n} {what}" for what, n in found.items())))
    lines = ["| a run under faults | |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]
    return "\n".join([*lines, "", _machine(load)])


def recovery(alone: Mapping[str, Any], standby: Mapping[str, Any], load: float) -> str:
    """Time from a kill to a new state, without and with a hot standby."""
    lines = [
        "| SIGKILL of | hot standby | kills | median (s) | 99th percentile (s) | worst (s) |",
        "|---|---|---|---|---|---|",
    ]
    for title, figures in (("no", alone), ("yes", standby)):
        lines += [
            f"| {node} | {title} | {each['kills']} | {each['p50']:.2f} | {each['p99']:.2f} | {each['max']:.2f} |"
            for node, each in figures.items()
        ]
    return "\n".join([*lines, "", _machine(load)])


def orders(count: int, slowest: float, median: float, order: tuple[str, ...], load: float) -> str:
    """All orders of start."""
    return (
        f"{count} orders of start of {len(order)} nodes, all healthy: {median:.1f} s after the last start in the "
        f"median, {slowest:.1f} s in the slowest (`{' '.join(order)}`). {_machine(load)}"
    )
