"""What a recording holds, in a few numbers."""

from contextlib import closing
from typing import NamedTuple

from recording.database import module_names, open_reader
from recording.folder import RunFolder
from recording.hot import hot_ranges, read_rows
from recording.manifest import read_manifest
from recording.record import Row
from recording.recovery import covered


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
        lines = read_manifest(hot)
        for number, name in module_names(hot).items():
            ranges = covered(hot, name)
            times = [t for line in lines if line.module == name for t in (line.t_first_us, line.t_last_us)]
            for first, last in hot_ranges(hot, number):
                ends = {first, last}
                found = [row for seq in ends for row in read_rows(hot, number, name, seq, seq) if isinstance(row, Row)]
                times += [row.t_us for row in found]
            if ranges and times:
                rows = sum(last - first + 1 for first, last in ranges)
                holdings.append(Holding(name, rows, ranges[0][0], ranges[-1][1], min(times), max(times)))
    return holdings
