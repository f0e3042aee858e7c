"""What a recording holds, in a few numbers."""

from contextlib import closing
from typing import NamedTuple

from recording.cursor import Placement
from recording.database import module_names, open_reader
from recording.folder import RunFolder
from recording.hot import read_rows
from recording.record import Row


class Holding(NamedTuple):
    """What is recorded of one module."""

    module: str
    rows: int
    first: int
    last: int
    t_first_us: int
    t_last_us: int


def summary(folder: RunFolder) -> list[Holding]:
    """What is recorded of each module of a run; one without rows is left out.

    Raises:
        StoreError: if the recording cannot be read.
    """
    holdings = []
    with closing(open_reader(folder.hot)) as hot:
        for number, name in module_names(hot).items():
            found = Placement.of(hot, name)
            # Damaged and dropped ones too: a run is as long as it was, whatever is left of it.
            times = [t for line in found.lines for t in (line.t_first_us, line.t_last_us)]
            # Time never goes back from one tick to the next: the ends of a range have the extremes of its times.
            for seq in {end for ends in found.hot for end in ends}:
                times += [row.t_us for row in read_rows(hot, number, name, seq, seq) if isinstance(row, Row)]
            ranges = found.covered
            if ranges and times:
                rows = sum(last - first + 1 for first, last in ranges)
                holdings.append(Holding(name, rows, ranges[0][0], ranges[-1][1], min(times), max(times)))
    return holdings
