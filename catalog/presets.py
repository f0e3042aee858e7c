"""Presets: named sets of parameters in the form of a scenario, a TOML file for each in a folder of the plant's data.

Several processes read and write them. A process that changes one holds the folder meanwhile, so what it has read is
still true when it writes.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bus.protocol.tags import tag_of
from kpp_physics.parameters import Parameters, Value
from kpp_physics.scenario import ScenarioError, decode, parse, render
from system.folder_lock import FolderTakenError, alone
from system.parts import clear_away
from system.whole import remove_whole, write_whole

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,63}$"
"""What the name of a preset looks like: never a path."""

MOST: Final = 1000
"""Most presets of a folder."""

LARGEST: Final = 64 * 1024
"""Most bytes of a preset's file."""

Require = Callable[[str | None], None]
"""Checks the entity tag of the preset that is there, None if there is none. If the tag is not as expected it raises an
exception of its own, and nothing is changed."""


class PresetError(ValueError):
    """A preset that cannot be read or saved; the text says why, and what to do."""


class PresetNameError(PresetError):
    """A name that no preset can have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"name: {name[:64]!r} cannot be the name of a preset: use 1 to 64 letters, digits, _ and -, "
            "a letter or digit first"
        )


class NoPresetError(PresetError):
    """There is no preset of that name; `known` are those that exist."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no preset {name[:64]!r}: there are {', '.join(known) or 'none'}")
        self.known = known


class UnusablePresetError(PresetError):
    """The preset's file was not saved here, or is damaged."""


class PresetsFullError(PresetError):
    """There are as many presets as a folder may have."""

    def __init__(self) -> None:
        super().__init__(f"there are {MOST} presets: delete one first")


class PresetNotWrittenError(PresetError):
    """The disk does not take the change, or another process holds the folder for too long."""

    def __init__(self, error: OSError) -> None:
        taken = isinstance(error, FolderTakenError)
        reason = f"the preset cannot be written ({error.strerror}): KPP_DATA must name a folder that can be written to"
        super().__init__(str(error) if taken else reason)


class Preset(NamedTuple):
    """The parameters of a preset, and the entity tag of its file."""

    parameters: Parameters
    tag: str


def whatever(_tag: str | None) -> None:
    """Require nothing: change the preset whatever is there."""


class Presets:
    """The presets of one folder. Half-written files that killed processes left there are removed.

    Args:
        folder: the folder, which need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        clear_away(folder)

    def names(self) -> list[str]:
        """Names of all presets, in order."""
        if not self._folder.is_dir():
            return []
        # A file that somebody put there under another kind of name could not be named in a request: it is no preset.
        return sorted(path.stem for path in self._folder.glob("*.toml") if re.fullmatch(NAME, path.stem))

    def read(self, name: str) -> Preset:
        """A preset.

        Raises:
            NoPresetError: if there is none of that name.
            UnusablePresetError: if its file cannot be read or is wrong, with the line.
        """
        # By the list of names: one that no preset can have, such as a path, is in no list and opens no file.
        self._require(name)
        data = self._data(name)
        if len(data) > LARGEST:
            raise UnusablePresetError(f"{name}: its file is larger than {LARGEST} bytes")
        try:
            return Preset(parse(decode(data, name), name), tag_of(data))
        except ScenarioError as error:
            raise UnusablePresetError(str(error)) from error

    def write(self, name: str, values: dict[str, Value], require: Require = whatever) -> Preset:
        """Save a preset, replacing one of the same name; it is on disk when this returns.

        Args:
            name: name of the preset.
            values: parameters that differ from the defaults.
            require: see Require.

        Raises:
            PresetNameError: if no preset can have the name.
            ParameterError: if a value is wrong.
            PresetsFullError: if there would be too many.
            UnusablePresetError: if what is there cannot be read.
            PresetNotWrittenError: if it cannot be written.
        """
        if re.fullmatch(NAME, name) is None:
            raise PresetNameError(name)
        parameters = Parameters.of(values)
        data = render(parameters.as_dict(), f"Preset {name}.").encode()
        # Everything that can be wrong with the request itself was found above, before the folder is held.
        with self._alone():
            require(self._tag(name))
            names = self.names()
            if name not in names and len(names) >= MOST:
                raise PresetsFullError
            write_whole(self._path(name), data)
        return Preset(parameters, tag_of(data))

    def delete(self, name: str, require: Require = whatever) -> None:
        """Remove a preset; it is gone from the disk when this returns.

        Args:
            name: name of the preset.
            require: see Require.

        Raises:
            NoPresetError: if there is none of that name.
            UnusablePresetError: if what is there cannot be read.
            PresetNotWrittenError: if it cannot be removed.
        """
        with self._alone():
            self._require(name)
            require(self._tag(name))
            remove_whole(self._path(name))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder; raises PresetNotWrittenError if that, or a write in the block, fails."""
        try:
            with alone(self._folder):
                yield
        except OSError as error:
            raise PresetNotWrittenError(error) from error

    def _require(self, name: str) -> None:
        names = self.names()
        if name not in names:
            raise NoPresetError(name, names)

    def _tag(self, name: str) -> str | None:
        """The entity tag of a preset, None if there is none of that name."""
        # Of a file that is too large only its beginning is read. The tag is then one that was given to nobody, so a
        # client that requires a tag does not overwrite it.
        return tag_of(self._data(name)) if name in self.names() else None

    def _data(self, name: str) -> bytes:
        try:
            with self._path(name).open("rb") as file:
                return file.read(LARGEST + 1)
        except FileNotFoundError:  # deleted just now
            raise NoPresetError(name, self.names()) from None
        except OSError as error:
            raise UnusablePresetError(f"{name}: its file cannot be read: {error.strerror}") from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.toml"
