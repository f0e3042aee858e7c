"""The named scenarios on disk."""

from pathlib import Path

from kpp_physics.parameters import Parameters
from kpp_physics.scenario import parse

DIRECTORY = Path(__file__).resolve().parents[1] / "scenarios"


def names() -> list[str]:
    """Names of all scenarios, in order."""
    return sorted(path.stem for path in DIRECTORY.glob("*.toml"))


def named(name: str) -> Parameters:
    """The parameters of a named scenario.

    Raises:
        LookupError: when there is none of that name.
        ScenarioError: when it cannot be used.
    """
    if name not in names():
        raise LookupError(f"no scenario {name!r}: there are {', '.join(names())}")
    return load(DIRECTORY / f"{name}.toml")


def load(path: Path) -> Parameters:
    """The parameters of a scenario file; its base may be any named scenario.

    Raises:
        OSError: when it cannot be read.
        ScenarioError: when it cannot be used.
    """
    return parse(path.read_text(encoding="utf-8"), path.name, named)
