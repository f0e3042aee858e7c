"""Presets: named sets of parameters, one TOML file each in a folder of the plant's data, in the form of a scenario."""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from bus.tags import tag_of
from bus.whole import clear_away, write_whole
from kpp_physics.parameters import ParameterError, Parameters, Value
from kpp_physics.scenario import ScenarioError, decode, parse, render
from nodes.gateway.problems import Problem, ProblemError

NAME = r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,63}$"
"""What a name of a preset looks like: never a path."""

MOST = 1000
"""Presets that there may be."""

LARGEST = 64 * 1024
"""Bytes of a file that is read."""

Require = Callable[[str | None], None]
"""Looks at the entity tag of what is there, None if nothing is."""


def whatever(_tag: str | None) -> None:
    """Require nothing of what is there."""


class Presets:
    """The presets in one folder. A file is complete or not there: it is written aside and renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        clear_away(folder)

    def names(self) -> list[str]:
        """Every preset by name."""
        if not self._folder.is_dir():
            return []
        return sorted(path.stem for path in self._folder.glob("*.toml") if re.fullmatch(NAME, path.stem))

    def read(self, name: str) -> Parameters:
        """The parameters of a preset. Raises ProblemError, see `read_tagged`."""
        return self.read_tagged(name)[0]

    def read_tagged(self, name: str) -> tuple[Parameters, str]:
        """The parameters of a preset, and their entity tag.

        Raises:
            ProblemError: 404 that lists those there are, 409 if its file is wrong, with the line.
        """
        path = self._existing(name)
        if path.stat().st_size > LARGEST:
            raise ProblemError(Problem.of(409, "preset", f"{name}: its file is larger than {LARGEST} bytes"))
        try:
            data = path.read_bytes()
            return parse(decode(data, name), name), tag_of(data)
        except ScenarioError as error:
            raise ProblemError(Problem.of(409, "preset", str(error))) from error

    def tag(self, name: str) -> str | None:
        """The entity tag of a preset; None if there is none of that name."""
        path = self._folder / f"{name}.toml"
        return tag_of(path.read_bytes()) if name in self.names() else None

    def write(self, name: str, values: dict[str, Value], require: Require = whatever) -> tuple[Parameters, str]:
        """Save a preset, in the place of the one of that name if there is one; what is returned is on disk.

        Args:
            name: of the preset.
            values: put over the defaults.
            require: raises ProblemError if the preset that is there, or that none is, is not what was expected.

        Returns:
            The parameters, and their entity tag.

        Raises:
            ProblemError: 422 if the name or a value is wrong, 409 if values do not go together or there are too many
                presets, 503 if it cannot be written.
        """
        if re.fullmatch(NAME, name) is None:
            raise ProblemError(Problem.violation("name", "64 characters", "use letters, digits, _ and -"))
        try:
            parameters = Parameters.of(values)
        except ParameterError as error:
            raise ProblemError(Problem.parameters(error, values)) from error
        try:
            with self._alone():
                require(self.tag(name))
                names = self.names()
                if name not in names and len(names) >= MOST:
                    raise ProblemError(Problem.of(409, "rejected", f"there are {MOST} presets: delete one first"))
                text = render(parameters.as_dict(), f"Preset {name}.")
                write_whole(self._folder / f"{name}.toml", text.encode())
        except OSError as error:
            detail = f"the preset cannot be written ({error.strerror}): KPP_DATA has to name a writable folder"
            raise ProblemError(Problem.of(503, "presets", detail)) from error
        return parameters, tag_of(text.encode())

    def delete(self, name: str, require: Require = whatever) -> None:
        """Remove a preset that is as expected, see `write`. Raises ProblemError: 404 that lists those there are."""
        path = self._existing(name)
        with self._alone():
            require(self.tag(name))
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off the other workers, from looking at what is there to replacing it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _existing(self, name: str) -> Path:
        names = self.names()
        if name not in names:
            detail = f"there is no preset {name[:64]!r}: there are {', '.join(names) or 'none'}"
            raise ProblemError(Problem.of(404, "preset", detail, known=names))
        return self._folder / f"{name}.toml"
