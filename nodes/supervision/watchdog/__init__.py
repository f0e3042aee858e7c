"""The watchdog: ends nodes that are alive but hang, so that supervisord starts them again.

The listener of supervisord's events and the judgement of who hangs live here. The package imports no other node.
"""
