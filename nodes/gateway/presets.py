"""Presets: named sets of parameters, in the form of a scenario; REST's view of the files that all processes share."""

import re
from pathlib import Path

from bus.protocol.tags import tag_of
from catalog.presets import NAME, NoPresetError, PresetFileError, PresetFiles, PresetsFullError, Require, whatever
from kpp_physics.parameters import ParameterError, Parameters, Value
from kpp_physics.scenario import ScenarioError, decode, parse, render
from nodes.gateway.problems import Problem, ProblemError
from system.folder_lock import FolderTakenError


class Presets:
    """The presets in one folder."""

    def __init__(self, folder: Path) -> None:
        self._files = PresetFiles(folder)

    def names(self) -> list[str]:
        """Every preset by name."""
        return self._files.names()

    def read(self, name: str) -> Parameters:
        """The parameters of a preset. Raises ProblemError, see `read_tagged`."""
        return self.read_tagged(name)[0]

    def read_tagged(self, name: str) -> tuple[Parameters, str]:
        """The parameters of a preset, and their entity tag.

        Raises:
            ProblemError: 404 that lists those there are, 409 if its file is wrong, with the line.
        """
        try:
            data = self._files.read(name)
            return parse(decode(data, name), name), tag_of(data)
        except NoPresetError as error:
            raise _missing(error) from error
        except (PresetFileError, ScenarioError) as error:
            raise ProblemError(Problem.of(409, "preset", str(error))) from error

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
            text = render(parameters.as_dict(), f"Preset {name}.")
            return parameters, self._files.write(name, text, require)
        except ParameterError as error:
            raise ProblemError(Problem.parameters(error, values)) from error
        except PresetsFullError as error:
            raise ProblemError(Problem.of(409, "rejected", str(error))) from error
        except PresetFileError as error:
            raise ProblemError(Problem.of(409, "preset", str(error))) from error
        except OSError as error:
            raise _unwritable(error) from error

    def delete(self, name: str, require: Require = whatever) -> None:
        """Remove a preset that is as expected, see `write`.

        Raises:
            ProblemError: 404 that lists those there are, 503 if it cannot be removed.
        """
        try:
            self._files.delete(name, require)
        except NoPresetError as error:
            raise _missing(error) from error
        except PresetFileError as error:
            raise ProblemError(Problem.of(409, "preset", str(error))) from error
        except OSError as error:
            raise _unwritable(error) from error


def _missing(error: NoPresetError) -> ProblemError:
    return ProblemError(Problem.of(404, "preset", str(error), known=error.known))


def _unwritable(error: OSError) -> ProblemError:
    if isinstance(error, FolderTakenError):
        return ProblemError(Problem.of(503, "presets", str(error)))
    detail = f"the preset cannot be written ({error.strerror}): KPP_DATA has to name a writable folder"
    return ProblemError(Problem.of(503, "presets", detail))
