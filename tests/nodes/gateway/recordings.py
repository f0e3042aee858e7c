"""Two recorded runs, written as the recorder writes them: a parent, and a fork of it from its second second."""

from contextlib import closing
from pathlib import Path

from msgspec import structs

from bus.protocol import codec
from bus.protocol.messages import Event, Result
from nodes.recorder.core import Intake
from recording.folder import make_folder
from recording.hot import HotStore

from . import messages

PARENT, FORK = "0001-001", "0001-002"
TICKS = {PARENT: 400, FORK: 150}
FIRST = {PARENT: 0, FORK: -1}
"""Ticks that time is ahead of the first one: a fork shows the moment itself first, at time zero."""

FORKED_AT = 2.0
SHIFT = 200
"""The parent's tick at that moment."""


def write_recordings(root: Path) -> None:
    """Write both runs; the fork's numbers are those of its parent at the same moment."""
    for run, ticks in TICKS.items():
        intake = Intake()
        origin = {"fork": {"run": PARENT, "seq": SHIFT, "t": FORKED_AT}} if run == FORK else {}
        scenario = f"fork:{PARENT}@{SHIFT}" if run == FORK else "reference"
        intake.take(_begin(run, {"scenario": scenario, "parameters": {}, **origin}))
        for seq in range(1, ticks + 1):
            shown = messages.state(seq + (SHIFT - 1 if run == FORK else 0), run, floaters=3)
            intake.take(structs.replace(shown, t=(seq + FIRST[run]) / 100, seq=seq))
            if seq % 100 == 0:
                intake.take(_event(run, seq))
        with closing(HotStore(make_folder(root, run).hot)) as store:
            for batch in intake.batches().values():
                store.write(batch)


def _begin(run: str, applied: dict[str, object]) -> Result:
    fields = {
        "t": 0.0,
        "seq": 1,
        "run": run,
        "wall": 1.7e9,
        "module": "m1",
        "id": f"{run}.begin",
        "name": "begin",
        "outcome": "applied",
        "reason": "",
        "violations": [],
        "applied": applied,
    }
    message: Result = codec.build(Result, fields)
    return message


def _event(run: str, seq: int) -> Event:
    return Event(
        t=seq / 100, seq=seq, run=run, wall=1.7e9, module="m1", severity="info", kind="plc_state", text=f"tick {seq}"
    )
