"""Which role each route needs, as the routes themselves declare it."""

from typing import Any, Final

EXTENSION: Final = "x-role"
"""Where the description of a route says which role it needs."""

PUBLIC: Final[dict[str, Any]] = {EXTENSION: "public"}
ADMIN: Final[dict[str, Any]] = {EXTENSION: "admin"}
