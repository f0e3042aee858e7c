"""Messages and sockets. This package knows nothing of the plant."""
