"""What will go wrong and when, as data: the same seed gives the same plan."""

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

Hang = Literal["stop", "deadlock", "busy"]
"""Faults after which a process is there and does nothing, so that the watchdog has to end it."""

Kind = Literal["kill", "full"] | Hang
HANGS: tuple[Hang, ...] = get_args(Hang)

DISK = "disk"
"""The target of the fault "full"."""

HANG_SHARE = 0.2
FULL_SHARE = 0.04
AT_ONCE = (1, 2, 3)
AT_ONCE_WEIGHTS = (5, 3, 2)

HANGS_A_MINUTE = 3
"""Most hangs of one node in a minute: the watchdog ends at most five, and some time is left for those it misjudges."""

FULL_EVERY = 20.0
"""Least seconds between two moments at which the disk is full."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, `at` seconds after the begin."""

    at: float
    target: str
    kind: Kind


def draw(seed: int, nodes: tuple[str, ...], faults: int, rate: float, *, disk: bool) -> list[Fault]:
    """A plan, in order of time.

    Args:
        seed: of the random numbers.
        nodes: programs that can be hit; up to three are hit at once.
        faults: how many there are to be.
        rate: faults a second, on average.
        disk: whether the disk can be full.
    """
    random = Random(seed)  # noqa: S311  # nothing secret
    plan: list[Fault] = []
    hangs: dict[str, list[float]] = defaultdict(list)
    full_at = 0.0
    at = 0.0
    while len(plan) < faults:
        together = min(random.choices(AT_ONCE, AT_ONCE_WEIGHTS)[0], faults - len(plan), len(nodes))
        at += random.expovariate(rate / together)
        for node in random.sample(nodes, together):
            moment = at + random.uniform(0.0, 0.2)
            if disk and random.random() < FULL_SHARE and moment - full_at > FULL_EVERY:
                full_at = moment
                plan.append(Fault(moment, DISK, "full"))
                continue
            lately = [each for each in hangs[node] if moment - each < 60]
            hang = random.random() < HANG_SHARE and len(lately) < HANGS_A_MINUTE
            kind: Kind = random.choice(HANGS) if hang else "kill"
            if hang:
                hangs[node] = [*lately, moment]
            plan.append(Fault(moment, node, kind))
    return sorted(plan, key=lambda fault: fault.at)
