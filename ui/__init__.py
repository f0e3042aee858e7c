"""The dashboard: an ordinary peer of the plant that shows what it hears and sends what is pressed.

The server of the pages lives here, their JavaScript in `frontend`. It knows the plant from the bus and from the model's
declarations, and must not load the compiled kernel.
"""
