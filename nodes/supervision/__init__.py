"""Everything around supervisord: its plug-ins, the checks before a start, the order of starts, and the watchdog.

What starts, judges or ends a process lives here. What a process does after its start belongs to its own package.
"""
