"""Scenario files by name."""

import re
from pathlib import Path

from kpp_physics.parameters import Parameters
from kpp_physics.scenario import LARGEST, Problem, ScenarioError, decode, parse


class ScenarioFolder:
    """A folder of `<name>.toml` files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Names of the scenarios there are, in alphabetical order."""
        return sorted(path.stem for path in self._folder.glob("*.toml"))

    def read(self, name: str) -> Parameters:
        """Parameters of a scenario.

        Raises:
            ScenarioError: if there is none of that name, or its file cannot be read or is wrong, with the line.
        """
        return self._read(name, ())

    def _read(self, name: str, derived: tuple[str, ...]) -> Parameters:
        known = self.names()
        if re.fullmatch(r"[A-Za-z0-9_\-]{1,64}", name) is None or name not in known:
            raise _problem(name, f"no such scenario in {self._folder}: there are {', '.join(known) or 'none'}")
        if name in derived:
            raise _problem(name, f"is its own base: {' -> '.join([*derived, name])}")
        try:
            with (self._folder / f"{name}.toml").open("rb") as file:
                text = decode(file.read(LARGEST + 1), name)
        except OSError as error:
            raise _problem(name, f"its file cannot be read: {error.strerror}") from error
        return parse(text, name, lambda base: self._read(base, (*derived, name)))


def _problem(name: str, reason: str) -> ScenarioError:
    return ScenarioError(name, [Problem(None, "scenario", None, reason)])
