"""Nodes started in any order, without a supervisor: `python -m tests.chaos.orders` tries every one."""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path
from random import Random
from statistics import median

from bus.protocol.endpoints import Endpoints
from tests.chaos import page
from tests.e2e.conftest import environment, healthy
from tests.session import PLANTS
from tests.watching import eventually

MODULES = ("nodes.clock", "nodes.physics", "nodes.gateway", "ui", "nodes.recorder")
STAGGER = 0.2
"""Seconds from one start to the next."""

HEALTHY_WITHIN = 10.0
"""Seconds from the last start to a healthy plant."""


def nodes() -> tuple[str, ...]:
    """The modules that there are."""
    return tuple(name for name in MODULES if importlib.util.find_spec(name) is not None)


def every_order() -> list[tuple[str, ...]]:
    """All orders of them."""
    return list(permutations(nodes()))


def sample(seed: int, count: int) -> list[tuple[str, ...]]:
    """Some orders: the usual one, the reverse, and others from a seed."""
    usual = nodes()
    others = [order for order in every_order() if order not in {usual, usual[::-1]}]
    return [usual, usual[::-1], *Random(seed).sample(others, count - 2)]  # noqa: S311  # nothing secret


@contextmanager
def _running(order: tuple[str, ...], env: dict[str, str], log: Path) -> Iterator[None]:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("ab") as output:
            for module in order:
                command = [sys.executable, "-m", module]
                processes.append(PLANTS.start(env, command, output))
                time.sleep(STAGGER)
            yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def seconds_to_health(order: tuple[str, ...], folder: Path, patience: float = 1.0) -> float:
    """Start the nodes in this order over new data; returns the seconds from the last start to a healthy plant.

    Raises:
        AssertionError: if that takes more than HEALTHY_WITHIN seconds, times `patience`.
    """
    env = environment(folder)
    endpoints = Endpoints.from_environment(env)
    with _running(order, env, folder / "nodes.log"):
        begin = time.monotonic()
        what = f"healthy after a start in the order {' '.join(order)}"
        eventually(lambda: healthy(endpoints), HEALTHY_WITHIN, what, patience)
        return time.monotonic() - begin


def main() -> int:
    """Try every order, print the slowest; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.orders", description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the figures into docs/reliability.md")
    args = parser.parse_args()
    load = page.load()
    taken: list[tuple[float, tuple[str, ...]]] = []
    for number, order in enumerate(every_order(), 1):
        with tempfile.TemporaryDirectory(prefix=f"kpp-order-{os.getpid()}-") as folder:
            taken.append((seconds_to_health(order, Path(folder)), order))
        sys.stderr.write(f"order {number} of {len(every_order())}: healthy after {taken[-1][0]:.1f} s\n")
    slowest, order = max(taken)
    sys.stdout.write(f"{len(taken)} start orders, all healthy; the slowest took {slowest:.1f} s: {' '.join(order)}\n")
    if args.page:
        middle = median(seconds for seconds, _order in taken)
        page.write("start-orders", page.orders(len(taken), slowest, middle, order, load))
    return 0


if __name__ == "__main__":
    sys.exit(main())
