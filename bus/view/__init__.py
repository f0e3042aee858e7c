"""What any consumer makes of the live plant, pure: the same fold of the same messages for everybody.

A fold of published messages that several consumers share lives here, such as that of alarms. No sockets, no time.
"""
