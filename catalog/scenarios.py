"""Scenario files by name: a TOML file for each, `<name>.toml`, in one folder or in several."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from kpp_physics.parameters import Parameters
from kpp_physics.scenario import LARGEST, ScenarioError, ScenarioProblem, decode, parse
from system.environment_variables import scenario_folder, setting

SHIPPED: Final = Path(__file__).resolve().parents[1] / "scenarios"
"""The scenarios that come with the simulator."""

VARIABLE: Final = "KPP_SCENARIOS"
"""Environment variable with the folder of the scenarios."""

DEFAULT: Final = "reference"
"""The scenario that is offered first."""

NAME: Final = r"[A-Za-z0-9_\-]{1,64}"
"""What the name of a scenario looks like: never a path. Files with other names are not scenarios."""

HEAD: Final = 4096
"""Bytes of a file in which its first comment line is looked for."""


class NoScenarioError(ScenarioError, LookupError):
    """There is no scenario of that name; `known` are those that exist."""

    def __init__(self, name: str, known: Sequence[str], folders: Sequence[Path]) -> None:
        where = " or ".join(map(str, folders))
        reason = f"no such scenario in {where}: there are {', '.join(known) or 'none'}"
        super().__init__(name[:64], [ScenarioProblem(None, "scenario", None, reason)])
        self.known = list(known)


class Described(NamedTuple):
    """A scenario in a list.

    Attributes:
        name: its name.
        text: first comment line of its file, without the `#`; empty if the file begins otherwise.
    """

    name: str
    text: str


class Scenarios:
    """The scenarios of some folders.

    Args:
        folders: the folders; the first one that has a name wins.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    @classmethod
    def of_plant(cls, environ: Mapping[str, str] = os.environ) -> "Scenarios":
        """The scenarios with which the processes of a plant can begin runs."""
        return cls(scenario_folder(environ))

    @classmethod
    def at_hand(cls, environ: Mapping[str, str] = os.environ) -> "Scenarios":
        """The scenarios of a command line: of KPP_SCENARIOS, or else of ./scenarios and those that are shipped.

        Raises:
            FileNotFoundError: if KPP_SCENARIOS names a folder that does not exist.
        """
        given = setting(VARIABLE, "", environ)
        if not given:
            return cls(Path("scenarios"), SHIPPED)
        if not Path(given).is_dir():
            raise FileNotFoundError(f"{VARIABLE}={given}: there is no such folder")
        return cls(Path(given))

    def names(self) -> list[str]:
        """Names of all scenarios, in order."""
        return list(self.paths())

    def offered(self) -> list[str]:
        """Names of all scenarios to choose from, the default one first."""
        return sorted(self.names(), key=lambda name: name != DEFAULT)

    def paths(self) -> dict[str, Path]:
        """The file of each scenario, in the order of the names."""
        found: dict[str, Path] = {}
        for folder in self._folders:
            for path in folder.glob("*.toml"):
                if re.fullmatch(NAME, path.stem):
                    found.setdefault(path.stem, path)
        return dict(sorted(found.items()))

    def described(self) -> list[Described]:
        """Every scenario with the first comment line of its file.

        Raises:
            OSError: if a file cannot be read.
        """
        return [Described(name, _comment(path)) for name, path in self.paths().items()]

    def require(self, name: str) -> Path:
        """The file of a scenario.

        Raises:
            NoScenarioError: if there is none of that name.
        """
        # By the list of files: a name that is not in it, such as a path, opens nothing.
        known = self.paths()
        if name not in known:
            raise NoScenarioError(name, list(known), self._folders)
        return known[name]

    def read(self, name: str) -> Parameters:
        """The parameters of a scenario.

        Raises:
            NoScenarioError: if there is none of that name.
            ScenarioError: if its file cannot be read or is wrong, with the line.
        """
        return self._read(name, ())

    def load(self, path: Path) -> Parameters:
        """The parameters of a scenario file, wherever it lies; its base may be any scenario of the folders.

        Args:
            path: the file.

        Raises:
            OSError: if it cannot be read.
            ScenarioError: if it is wrong, with the line.
        """
        return self._parsed(path, path.name, ())

    def _read(self, name: str, derived: tuple[str, ...]) -> Parameters:
        """Do as `read`; `derived` are the scenarios whose bases led here, for a message about a circle."""
        path = self.require(name)
        # A scenario that derives from itself, directly or by others, would be read without an end.
        if name in derived:
            circle = " -> ".join([*derived, name])
            raise ScenarioError(
                name, [ScenarioProblem(None, "base", None, f"the bases go round in a circle: {circle}")]
            )
        try:
            return self._parsed(path, name, (*derived, name))
        except OSError as error:
            reason = f"its file cannot be read: {error.strerror}"
            raise ScenarioError(name, [ScenarioProblem(None, "scenario", None, reason)]) from error

    def _parsed(self, path: Path, name: str, derived: tuple[str, ...]) -> Parameters:
        with path.open("rb") as file:
            text = decode(file.read(LARGEST + 1), name)
        return parse(text, name, lambda base: self._read(base, derived))


def _comment(path: Path) -> str:
    # Broken characters are replaced: a list must not fail over the comment of one file.
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file.read(HEAD).splitlines():
            if line.startswith("#"):
                return line.lstrip("# ").rstrip()
            if line.strip():
                break
    return ""
