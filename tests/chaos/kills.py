"""Whom the watchdog, and its own guard, have killed: of a node that was not made to hang, that is a fault."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.injector import Delivered
from tests.chaos.plan import HANGS

_KILLED = re.compile(r"the watchdog kills (?P<program>\S+) \((?P<pid>\d+)\)")
_GUARDED = re.compile(r"the watchdog \((?P<pid>\d+)\) hangs: killed")


@dataclass(frozen=True)
class Kill:
    """A process that was ended because it seemed to hang."""

    program: str
    pid: int


def kills(lines: Iterable[str]) -> list[Kill]:
    """Those of which supervisord's log tells."""
    found = []
    for line in lines:
        if match := _KILLED.search(line):
            found.append(Kill(match["program"], int(match["pid"])))
        elif match := _GUARDED.search(line):
            found.append(Kill("watchdog", int(match["pid"])))
    return found


def logged(folder: Path) -> list[Kill]:
    """Those of one plant, with the older parts of the log."""
    lines: list[str] = []
    for path in sorted((folder / "var" / "log").glob("supervisord.log*"), reverse=True):
        lines += path.read_text(errors="replace").splitlines()
    return kills(lines)


def of_healthy(killed: Iterable[Kill], delivered: Iterable[Delivered]) -> list[Kill]:
    """Those that nothing had made hang."""
    hung = {each.pid for each in delivered if each.fault.kind in HANGS}
    return [kill for kill in killed if kill.pid not in hung]
