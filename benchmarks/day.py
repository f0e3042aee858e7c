"""A whole day at 100 Hz in one recording: how long its questions take, and what a start of the recorder costs."""

import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.recorder import best
from benchmarks.table import Row as Line
from benchmarks.table import note
from recording.channels import Channel, Schema
from recording.folder import RunFolder, make_folder
from recording.history import History, Query
from recording.hot import Batch, HotStore
from recording.record import Row
from recording.recovery import recover
from recording.retention import Limits, make_room
from recording.seal import Sealer
from recording.summary import summary

HOURS = 24
RATE = 100
CHANNELS = 10
"""Few, for the time that it takes to make a day of them; what a question costs depends on those that are asked for."""

SEGMENT = 60 * RATE
"""Rows of a segment: the recorder seals once a minute."""

SECOND_US = 1_000_000
ASKED = tuple(f"part.value{k}" for k in range(5))


def measure() -> list[Line]:
    """Questions to a day of 8.64 million states."""
    with tempfile.TemporaryDirectory() as root:
        folder = make_folder(Path(root), "day")
        record_day(folder)
        return question(folder)


def record_day(folder: RunFolder) -> None:
    """Write it through the hot store, sealed each minute as the recorder does; the last half minute stays hot."""
    schema = Schema(tuple(Channel(f"part.value{k}", "float", "W", "made up") for k in range(CHANNELS)))
    rng = np.random.default_rng(5)
    numbers = [line.tobytes() for line in np.cumsum(rng.normal(size=(SEGMENT, CHANNELS)), axis=0)]
    last = HOURS * 3600 * RATE
    with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
        store.write(Batch(schemas=[schema]))
        for start in range(1, last + 1, SEGMENT):
            if (start - 1) % (3600 * RATE) == 0:
                note(f"a day of history: hour {(start - 1) // (3600 * RATE)} of {HOURS}")
            rows = [
                Row("m1", seq, seq * SECOND_US // RATE, schema.key, seq, numbers[seq - start], b"[]", float(seq), "a")
                for seq in range(start, start + SEGMENT)
            ]
            store.write(Batch(rows=rows))
            sealer.seal("m1", start, min(start + SEGMENT - 1, last - SEGMENT // 2))
            sealer.merge("m1")


def question(folder: RunFolder) -> list[Line]:
    """Ask it what a dashboard asks."""
    day_us = HOURS * 3600 * SECOND_US
    noon_us = day_us // 2
    day = Query("m1", ASKED, 0, day_us, 1000)
    hour = day._replace(start_us=noon_us, end_us=noon_us + 3600 * SECOND_US)
    minute = hour._replace(end_us=noon_us + 60 * SECOND_US)
    newest = day._replace(start_us=day_us - 60 * SECOND_US)
    with closing(History(folder)) as history:
        first = best(lambda: history.query(day), 1)
        taken = [best(partial(history.query, query), 5) for query in (day, hour, minute, newest)]
        fine = best(lambda: history.query(hour._replace(bins=10_000)), 3)
        lost = history.query(day).lost
    figure = f"{taken[0] * 1000:.0f} ms ({first * 1000:.0f} ms the first time, when files are compared)"
    within = (
        f"{taken[1] * 1000:.0f} ms (one minute {taken[2] * 1000:.0f} ms, the newest {taken[3] * 1000:.0f} ms, the hour "
    )
    within += f"at the full rate {fine * 1000:.0f} ms)"
    opened, listed = best(lambda: recover(folder), 1), best(lambda: summary(folder), 3)
    dropped = make_room(folder.path.parent, Limits(), folder.run)
    cost = f"opened in {opened:.2f} s, listed in {listed * 1000:.0f} ms, {folder.size() / 1e6:.0f} MB for {CHANNELS} "
    cost += f"channels, {len(dropped)} files dropped by the default quota"
    return [
        Line("history, 24 h of 100 Hz x 5 channels in 1000 bins", figure, "<= 500 ms", taken[0] <= 0.5 and not lost),
        Line("history, 1 h x 5 channels out of a day", within, "<= 100 ms", taken[1] <= 0.1),
        Line("recording of a day", cost, "<= 5 s to open", opened <= 5.0 and not dropped),
    ]
