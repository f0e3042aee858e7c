"""How the status of a node begins when it is not well: words that clock, watchdog and doors read alike."""

STARTING = "starting: "
"""Its main loop does not run yet."""

BEHIND = "behind: "
"""It has much to work off and does, whoever it has to wait for."""

DEGRADED = "degraded: "
"""It cannot do all of its work; shown as an alarm too."""

ALARM = "alarm: "
"""It has found what must not be: everyone who shows alarms shows it as one."""
