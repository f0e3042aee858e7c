"""Presets: named sets of parameters, one TOML file each, in the form of a scenario and in the folder that REST uses."""

import re
from pathlib import Path
from typing import Any

from bus.whole import clear_away, write_whole
from kpp_physics.parameters import ParameterError, Parameters, Value
from kpp_physics.scenario import ScenarioError, decode, parse, render

NAME = r"[A-Za-z0-9][A-Za-z0-9_\-]{0,63}"
"""What a name of a preset looks like: never a path."""

MOST = 1000
LARGEST = 64 * 1024


class PresetError(ValueError):
    """A preset that cannot be read, written or found; the text says why and what to do."""


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

    def read(self, name: str) -> dict[str, Value]:
        """The parameters of a preset.

        Raises:
            PresetError: if there is none of that name, or its file is wrong, with the line.
        """
        path = self._existing(name)
        if path.stat().st_size > LARGEST:
            raise PresetError(f"{name}: its file is larger than {LARGEST} bytes")
        try:
            return parse(decode(path.read_bytes(), name), name).as_dict()
        except ScenarioError as error:
            raise PresetError(str(error)) from error

    def save(self, name: str, values: dict[str, Any]) -> None:
        """Save a preset, in the place of the one of that name if there is one.

        Raises:
            PresetError: if the name or a value is wrong, or the file cannot be written.
        """
        if re.fullmatch(NAME, name) is None:
            raise PresetError(f"name: {name[:64]!r} is none: use 1 to 64 letters, digits, _ and -, a letter first")
        try:
            parameters = Parameters.of(values)
        except ParameterError as error:
            raise PresetError(str(error)) from error
        names = self.names()
        if name not in names and len(names) >= MOST:
            raise PresetError(f"there are {MOST} presets: delete one first")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / f"{name}.toml", render(parameters.as_dict(), f"Preset {name}.").encode())
        except OSError as error:
            reason = f"the preset cannot be written ({error.strerror}): KPP_DATA has to name a writable folder"
            raise PresetError(reason) from error

    def delete(self, name: str) -> None:
        """Remove a preset. Raises PresetError if there is none."""
        self._existing(name).unlink(missing_ok=True)

    def _existing(self, name: str) -> Path:
        names = self.names()
        if name not in names:
            raise PresetError(f"there is no preset {name[:64]!r}: there are {', '.join(names) or 'none'}")
        return self._folder / f"{name}.toml"
