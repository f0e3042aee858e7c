"""How a node is, by its own report: a kind and a reason that programs read, and words that only people do.

The kinds are closed, since clock, watchdog, gateway and dashboard each act on them. The reasons are open: a receiver
that does not know one still knows the kind.
"""

from typing import Final, Literal, NamedTuple

Health = Literal["unknown", "ok", "starting", "catching_up", "behind", "degraded", "fault", "alarm"]
"""What a node reports of itself.

unknown: nothing, since its version has no such report; it is judged by its beats alone.
ok: it does all of its work.
starting: its main loop does not run yet.
catching_up: it works off what it missed and gets further with it.
behind: it has much to work off and does, whoever it has to wait for.
degraded: it cannot do all of its work; shown as an alarm too.
fault: it cannot go on in this run, and waiting is no use; shown as an alarm.
alarm: it has found what must not be; shown as an alarm.
"""

MAX_STATUS = 200
"""Longest text of a status, in characters."""

COMPILING: Final = "compiling"
"""Reason to be starting: the kernel is compiled, once on a machine, for minutes."""

STANDING_BY: Final = "standing_by"
"""Another instance publishes for its module."""

PARTS_MISSING: Final = "parts_missing"
"""Some of the plant is not heard."""

STORAGE: Final = "storage"
"""The disk, or its room, does not take what is to be recorded."""

LAG: Final = "lag"
"""Ticks are published and not on disk."""

CONFLICTS: Final = "conflicts"
"""Two publishers said different things of one tick."""

DAMAGE: Final = "damage"
"""Recordings are damaged, or messages lost."""

PROGRAMS: Final = "programs"
"""Programs were killed again and again, or given up."""

BEGINNINGS: Final[dict[Health, str]] = {
    "starting": "starting: ",
    "catching_up": "catching up: ",
    "behind": "behind: ",
    "degraded": "degraded: ",
    "fault": "fault: ",
    "alarm": "alarm: ",
}
"""How the text of a status begins, for people, and for programs written before the report had a kind."""


class HealthReport(NamedTuple):
    """What a node reports of itself."""

    health: Health
    detail: str
    """For people."""
    reason: str = ""
    """Why, as one of the words above; empty where the kind says all."""

    @property
    def text(self) -> str:
        """The status for people, of the length that the wire takes."""
        return f"{BEGINNINGS.get(self.health, '')}{self.detail}"[:MAX_STATUS]


OK: Final = HealthReport("ok", "ok")
"""Nothing to report."""
