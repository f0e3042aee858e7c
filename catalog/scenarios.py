"""The named scenarios on disk."""

from collections.abc import Sequence
from pathlib import Path

from kpp_physics.parameters import Parameters
from kpp_physics.scenario import LARGEST, Problem, ScenarioError, decode, parse
from system.environment import setting

DIRECTORY = Path(__file__).resolve().parents[1] / "scenarios"
"""The scenarios that come with the simulator."""

VARIABLE = "KPP_SCENARIOS"
"""Environment variable: a folder to take named scenarios from instead."""


def directories() -> list[Path]:
    """Folders of named scenarios, the first that has a name wins.

    Raises:
        FileNotFoundError: when the environment names one that is not there.
    """
    given = setting(VARIABLE, "")
    if not given:
        return [Path("scenarios"), DIRECTORY]
    if not Path(given).is_dir():
        raise FileNotFoundError(f"{VARIABLE}={given}: there is no such folder")
    return [Path(given)]


def paths() -> dict[str, Path]:
    """File of every named scenario, in the order of the names."""
    found: dict[str, Path] = {}
    for directory in directories():
        for path in directory.glob("*.toml"):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def names() -> list[str]:
    """Names of all scenarios, in order."""
    return list(paths())


def named(name: str) -> Parameters:
    """The parameters of a named scenario.

    Raises:
        LookupError: when there is none of that name.
        ScenarioError: when it cannot be used.
        OSError: when it cannot be read.
    """
    return _named(name, ())


def load(path: Path) -> Parameters:
    """The parameters of a scenario file; its base may be any named scenario.

    Raises:
        OSError: when it cannot be read.
        ScenarioError: when it cannot be used.
    """
    return _load(path, ())


def _named(name: str, above: Sequence[str]) -> Parameters:
    """As `named`; `above` are the scenarios whose bases led here."""
    known = paths()
    if name not in known:
        raise LookupError(f"no scenario {name!r}: there are {', '.join(known) or 'none'}")
    if name in above:
        raise ScenarioError(
            known[name].name,
            [Problem(None, "base", None, f"the bases go round in a circle: {' -> '.join((*above, name))}")],
        )
    return _load(known[name], (*above, name))


def _load(path: Path, above: Sequence[str]) -> Parameters:
    with path.open("rb") as file:
        text = decode(file.read(LARGEST + 1), path.name)
    return parse(text, path.name, lambda base: _named(base, above))
