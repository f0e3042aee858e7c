"""The files of presets: one TOML file each in a folder of the plant's data, which several processes read and write.

Whoever changes one holds the folder meanwhile, so that what it has looked at is still so when it writes.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bus.protocol.tags import tag_of
from system.folder_lock import alone
from system.whole import clear_away, write_whole

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,63}$"
"""What a name of a preset looks like: never a path."""

MOST: Final = 1000
"""Presets that there may be."""

LARGEST: Final = 64 * 1024
"""Bytes of a file that is read."""

Require = Callable[[str | None], None]
"""Looks at the entity tag of what is there, None if nothing is; raises what it likes if that is not as expected."""


class PresetFileError(ValueError):
    """A preset that cannot be had or saved; the text says why and what to do."""


class NoPresetError(PresetFileError):
    """There is none of that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no preset {name[:64]!r}: there are {', '.join(known) or 'none'}")
        self.known = known


class UnusablePresetError(PresetFileError):
    """Its file is none that was saved here."""


class PresetsFullError(PresetFileError):
    """There are as many as there may be."""

    def __init__(self) -> None:
        super().__init__(f"there are {MOST} presets: delete one first")


def whatever(_tag: str | None) -> None:
    """Require nothing of what is there."""


class PresetFiles:
    """The files of one folder; what killed processes left of some is removed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        clear_away(folder)

    def names(self) -> list[str]:
        """Every preset by name."""
        if not self._folder.is_dir():
            return []
        return sorted(path.stem for path in self._folder.glob("*.toml") if re.fullmatch(NAME, path.stem))

    def read(self, name: str) -> bytes:
        """What the file of a preset holds; `bus.protocol.tags.tag_of` gives its entity tag.

        Raises:
            NoPresetError: if there is none of that name.
            UnusablePresetError: if it is too large, or no file.
        """
        names = self.names()
        if name not in names:
            raise NoPresetError(name, names)
        data = self._data(name)
        if len(data) > LARGEST:
            raise UnusablePresetError(f"{name}: its file is larger than {LARGEST} bytes")
        return data

    def write(self, name: str, text: str, require: Require = whatever) -> str:
        """Save a preset, in the place of the one of that name if there is one; it is on disk when this returns.

        Args:
            name: of the preset, as NAME says.
            text: of its file.
            require: see Require.

        Returns:
            Its entity tag.

        Raises:
            PresetsFullError: if it would be one too many.
            UnusablePresetError: if what is there cannot be read.
            FolderTakenError: if another process is at it for too long.
            OSError: if it cannot be written.
        """
        data = text.encode()
        with alone(self._folder):
            require(self._tag(name))
            names = self.names()
            if name not in names and len(names) >= MOST:
                raise PresetsFullError
            write_whole(self._path(name), data)
        return tag_of(data)

    def delete(self, name: str, require: Require = whatever) -> None:
        """Remove a preset.

        Raises:
            NoPresetError: if there is none of that name.
            UnusablePresetError: if what is there cannot be read.
            FolderTakenError: if another process is at it for too long.
            OSError: if it cannot be removed.
        """
        with alone(self._folder):
            names = self.names()
            if name not in names:
                raise NoPresetError(name, names)
            require(self._tag(name))
            self._path(name).unlink()

    def _tag(self, name: str) -> str | None:
        """Of one that is too large: a tag that nobody was told."""
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
