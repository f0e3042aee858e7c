"""Which role each route needs, as the routes themselves declare it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from bus.security.tokens import Role

EXTENSION: Final = "x-role"
"""Where the description of a route says which role it needs."""

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
                pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)))
                self._templates.append((pattern, roles))
            else:
                self._plain[path] = roles

    def needed(self, method: str, path: str) -> Role:
        """The role for a method and a path; what is not there still takes a token, and says nothing without one.

        That a path does not take a method may be known to whoever may use it in any way.
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
        """The methods that a path takes; none if there is nothing."""
        found = set(self._roles(path))
        return sorted(found | ({"OPTIONS"} if found else set()) | ({"HEAD"} if "GET" in found else set()))


def declared(method: str, operation: Mapping[str, Any]) -> Role:
    """The role that an operation names, or the one that goes with its method."""
    name = operation.get(EXTENSION)
    return by_method(method) if name is None else Role.named(name)


def by_method(method: str) -> Role:
    """Whoever commands is an operator, whoever reads a viewer."""
    return Role.OPERATOR if method in COMMANDING else Role.VIEWER


def urgent(method: str, path: str) -> bool:
    """Whether a request is exempt from rate limits: an emergency stop by a caller who may give one is always taken."""
    return method == "POST" and path in EMERGENCY_STOPS
