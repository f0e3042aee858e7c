"""The gateway: REST and WebSocket for programs that do not speak ZeroMQ."""
