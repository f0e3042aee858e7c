"""The gateway: REST, WebSocket and server-sent events for programs that do not speak ZeroMQ.

It keeps nothing of its own: what it answers follows from what it hears on the bus; what it commands goes to the clock.
"""
