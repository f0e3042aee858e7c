"""How a node is by its own report: a kind and a reason, which programs read, and words, which only people read.

The set of kinds is closed, since clock, watchdog, gateway and dashboard each act on them. The set of reasons is open: a
receiver that does not know a reason still knows the kind.
"""

from typing import Final, Literal, NamedTuple

Health = Literal["unknown", "ok", "starting", "catching_up", "behind", "degraded", "fault", "alarm"]
"""What a node reports of itself.

unknown: nothing, since its version has no such report; it is judged by its beats only.
ok: it does all of its work.
starting: its main loop does not run yet.
catching_up: it works off what it missed, and makes progress.
behind: it has much to work off and does so, even where it has to wait for others.
degraded: it cannot do all of its work; shown as an alarm as well.
fault: it cannot go on in this run, and waiting does not help; shown as an alarm.
alarm: it has found something that must not be; shown as an alarm.
"""

MAX_STATUS = 200
"""Longest text of a status, in characters."""

COMPILING: Final = "compiling"
"""Reason to be starting: the kernel is being compiled, once on a machine, which may take minutes."""

STANDING_BY: Final = "standing_by"
"""Another instance publishes for its module."""

PARTS_MISSING: Final = "parts_missing"
"""Part of the plant is not heard."""

STORAGE: Final = "storage"
"""The disk does not take what is to be recorded, or has no room for it."""

LAG: Final = "lag"
"""Ticks have been published that are not on disk."""

CONFLICTS: Final = "conflicts"
"""Two publishers have published different states of one tick."""

DAMAGE: Final = "damage"
"""Recordings are damaged, or messages have been lost."""

PROGRAMS: Final = "programs"
"""Programs were killed several times without success, or were given up by their supervisor."""

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
    """What a node reports of itself.

    Attributes:
        health: its kind.
        detail: details in words for people.
        reason: why, as one of the words above; empty where the kind says everything.
    """

    health: Health
    detail: str
    reason: str = ""

    @property
    def text(self) -> str:
        """The status in words for people, cut to the length that a message may have."""
        return f"{BEGINNINGS.get(self.health, '')}{self.detail}"[:MAX_STATUS]


OK: Final = HealthReport("ok", "ok")
"""Nothing to report."""
