"""The watchdog: ends nodes that are alive but hang, so that supervisord starts them again.

Supervisord's event listener and its judgement live here; it imports no other node.
"""
