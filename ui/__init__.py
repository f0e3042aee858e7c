"""The dashboard: an ordinary peer of the plant that draws what it hears and sends what is pressed.

The server of the page lives here, its JavaScript in `frontend`. It knows the plant from the bus and
from the model's declarations.
"""
