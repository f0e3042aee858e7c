"""The scenarios that there are: names and first lines of the files in one directory."""

from pathlib import Path

from nodes.gateway.answers import ScenarioAnswer
from nodes.gateway.problems import Problem, ProblemError, ViolationAnswer

HEAD = 4096
"""Bytes of a file that are read for its first comment line."""


def listing(directory: Path) -> list[ScenarioAnswer]:
    """Every scenario by name, with the first comment line of its file.

    Raises:
        ProblemError: 503 if the directory cannot be read.
    """
    try:
        return [ScenarioAnswer(name=path.stem, text=_comment(path)) for path in sorted(directory.glob("*.toml"))]
    except OSError as error:
        detail = f"the scenarios cannot be read ({error.strerror}): KPP_SCENARIOS has to name their directory"
        raise ProblemError(Problem.of(503, "scenarios", detail)) from error


def require(directory: Path, name: str) -> None:
    """Refuse a name that is no scenario.

    Raises:
        ProblemError: 404 that lists those there are, or 503 if the directory cannot be read.
    """
    known = [scenario.name for scenario in listing(directory)]
    if name in known:
        return
    reason = f"there is no scenario {name[:64]!r}: choose one of {', '.join(known) or '(none found)'}"
    found = ViolationAnswer(field="scenario", limit="one of the known scenarios", reason=reason)
    raise ProblemError(Problem.of(404, "scenario", reason, violations=[found], known=known))


def _comment(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file.read(HEAD).splitlines():
            if line.startswith("#"):
                return line.lstrip("# ").rstrip()
            if line.strip():
                break
    return ""
