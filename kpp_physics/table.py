"""Tables of declared numbers: each is named once, with its unit and meaning, and its place in a vector follows.

A declaration returns the place as a plain number, so that compiled code sees a constant. The order of the declarations
is the order in memory: snapshots, recordings and digests depend on it. A new number is declared behind the others, in
a table with sides behind those of its side, and with it the version of snapshots changes (`plant.SNAPSHOT_SCHEMA`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar


@dataclass(frozen=True)
class Entry:
    """One declared number.

    Attributes:
        name: in lower case; the constant with its place has the same name in capitals.
        unit: SI, "-" for what has none.
        meaning: in one line. It is given as `meaning=`, which is no part of the kernel's version (`compiled.version`).
    """

    name: str
    unit: str
    meaning: str


E = TypeVar("E", bound=Entry)


class Table(Generic[E]):
    """Declared numbers in the order of their places."""

    def __init__(self, holds: str, first: int = 0) -> None:
        """Begin a table.

        Args:
            holds: what stands in it, for error messages.
            first: place of its first number.
        """
        self._holds = holds
        self._first = first
        self._entries: dict[str, E] = {}
        self._places: dict[str, int] = {}

    def declare(self, entry: E) -> int:
        """Append a number; returns its place.

        Raises:
            ValueError: when its name is declared already, or name, unit or meaning are missing.
        """
        if entry.name in self._entries:
            raise ValueError(f"{self._holds}: {entry.name} is declared twice")
        if not entry.name.isidentifier() or not entry.unit.strip() or not entry.meaning.strip():
            raise ValueError(f"{self._holds}: {entry.name!r} needs a name, a unit and a meaning")
        place = self._places[entry.name] = self._first + len(self._entries)
        self._entries[entry.name] = entry
        return place

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of their places."""
        return tuple(self._entries)

    def place(self, name: str) -> int:
        """Place of a number.

        Raises:
            KeyError: when there is none of that name.
        """
        if name not in self._places:
            raise KeyError(f"{self._holds}: there is no {name}")
        return self._places[name]

    def __getitem__(self, name: str) -> E:
        return self._entries[name]

    def __iter__(self) -> Iterator[E]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
