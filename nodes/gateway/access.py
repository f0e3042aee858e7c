"""Which role each request needs, as the routes themselves declare it.

The access middleware asks before any route runs, so the answer follows from a method and a path alone.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from bus.security.tokens import Role

EXTENSION: Final = "x-role"
"""Field of an operation in the OpenAPI description that names the role it needs."""

PUBLIC: Final[dict[str, Any]] = {EXTENSION: "public"}
ADMIN: Final[dict[str, Any]] = {EXTENSION: "admin"}

EMERGENCY_STOPS: Final = frozenset({"/v1/controls/emergency-stop", "/v1/controls/emergency-stop/all"})

COMMANDING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Roles:
    """Which role a request needs.

    Args:
        paths: the paths of the description of the API; each operation may name its role.
    """

    def __init__(self, paths: Mapping[str, Mapping[str, Any]]) -> None:
        self._plain: dict[str, dict[str, Role]] = {}
        self._templates: list[tuple[re.Pattern[str], dict[str, Role]]] = []
        for path, operations in paths.items():
            roles = {method.upper(): declared(method.upper(), each) for method, each in operations.items()}
            if "{" in path:
                # A path parameter is one segment, as it is to the router. If it could hold a slash, the role of one
                # route might be applied to a longer path, which belongs to another route.
                pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)))
                self._templates.append((pattern, roles))
            else:
                self._plain[path] = roles

    def needed(self, method: str, path: str) -> Role:
        """The role that a method on a path needs.

        An unknown path needs a token too, so that nobody without one can find out which paths exist. A method that a
        path does not take needs the lowest role with which the path can be used at all: such a caller is answered 405.
        """
        method = "GET" if method == "HEAD" else method
        roles = self._roles(path)
        return roles[method] if method in roles else min(roles.values(), default=by_method(method))

    def _roles(self, path: str) -> Mapping[str, Role]:
        """The role for each method that a path takes."""
        if path in self._plain:
            return self._plain[path]
        return {
            each: role for pattern, roles in self._templates if pattern.fullmatch(path) for each, role in roles.items()
        }

    def methods(self, path: str) -> list[str]:
        """The methods that a path takes, sorted; empty for an unknown path."""
        found = set(self._roles(path))
        return sorted(found | ({"OPTIONS"} if found else set()) | ({"HEAD"} if "GET" in found else set()))


def declared(method: str, operation: Mapping[str, Any]) -> Role:
    """The role that an operation names; if it names none, the role that goes with its method."""
    name = operation.get(EXTENSION)
    return by_method(method) if name is None else Role.named(name)


def by_method(method: str) -> Role:
    """Methods that change something need an operator, all others a viewer."""
    return Role.OPERATOR if method in COMMANDING else Role.VIEWER


def urgent(method: str, path: str) -> bool:
    """Whether a request is exempt from rate limits: an emergency stop is always taken from a caller with the role."""
    return method == "POST" and path in EMERGENCY_STOPS
