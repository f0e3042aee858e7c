"""Presets: named sets of parameters, in the form of a scenario; the dashboard's view of the files that REST shares."""

import re
from pathlib import Path
from typing import Any

from catalog.presets import NAME, PresetFileError, PresetFiles
from kpp_physics.parameters import ParameterError, Parameters, Value
from kpp_physics.scenario import ScenarioError, decode, parse, render
from system.folder_lock import FolderTakenError


class PresetError(ValueError):
    """A preset that cannot be read, written or found; the text says why and what to do."""


class Presets:
    """The presets in one folder."""

    def __init__(self, folder: Path) -> None:
        self._files = PresetFiles(folder)

    def names(self) -> list[str]:
        """Every preset by name."""
        return self._files.names()

    def read(self, name: str) -> dict[str, Value]:
        """The parameters of a preset.

        Raises:
            PresetError: if there is none of that name, or its file is wrong, with the line.
        """
        try:
            return parse(decode(self._files.read(name), name), name).as_dict()
        except (PresetFileError, ScenarioError) as error:
            raise PresetError(str(error)) from error

    def save(self, name: str, values: dict[str, Any], *, new: bool = False) -> None:
        """Save a preset, in the place of the one of that name if there is one.

        Args:
            name: of the preset.
            values: put over the defaults.
            new: that there is none of that name; what another page or REST has saved meanwhile is not overwritten.

        Raises:
            PresetError: if the name or a value is wrong, the file cannot be written, or it is not new.
        """

        def require(tag: str | None) -> None:
            if new and tag is not None:
                raise PresetError(f"there is a preset {name} by now: save it again to overwrite it")

        if re.fullmatch(NAME, name) is None:
            raise PresetError(f"name: {name[:64]!r} is none: use 1 to 64 letters, digits, _ and -, a letter first")
        try:
            parameters = Parameters.of(values)
            self._files.write(name, render(parameters.as_dict(), f"Preset {name}."), require)
        except (ParameterError, PresetFileError) as error:
            raise PresetError(str(error)) from error
        except OSError as error:
            raise _unwritable(error) from error

    def delete(self, name: str) -> None:
        """Remove a preset.

        Raises:
            PresetError: if there is none, or it cannot be removed.
        """
        try:
            self._files.delete(name)
        except PresetFileError as error:
            raise PresetError(str(error)) from error
        except OSError as error:
            raise _unwritable(error) from error


def _unwritable(error: OSError) -> PresetError:
    if isinstance(error, FolderTakenError):
        return PresetError(str(error))
    return PresetError(f"the preset cannot be written ({error.strerror}): KPP_DATA has to name a writable folder")
