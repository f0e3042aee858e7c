"""The watchdog: ends nodes that are alive but hang, so that supervisord starts them again."""
