"""Checkpoints that runs were forked at stay as long as a recorded run began from them, and no longer."""

import os
import shutil
import time
from contextlib import closing
from pathlib import Path

from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import Command
from nodes.physics.replica.forks import ForkFolder
from nodes.physics.replica.saved import Saved
from nodes.recorder.checkpoints import UNUSED_SECONDS, Checkpoints
from recording.folder import make_folder
from recording.hot import Batch, HotStore


def begun(root: Path, run: str, scenario: str) -> None:
    """Record the first tick of a run."""
    command = Command(f"{run}.begin", "*", "begin", {"scenario": scenario, "parameters": {}}, "clock")
    with closing(HotStore(make_folder(root, run).hot)) as store:
        store.write(Batch(ticks=[TickSpan(1, 1, 0, 0, "stopped", (command,))]))


def test_a_checkpoint_goes_when_it_is_old_and_no_recorded_run_began_from_it(tmp_path: Path) -> None:
    root, forks = tmp_path / "recordings", tmp_path / "forks"
    checkpoints = Checkpoints(forks, root)
    assert checkpoints.prune(time.time()) == []
    for module in ("m1", "m2"):
        folder = ForkFolder(forks, module)
        for seq in (10, 20, 30):
            saved = Saved(module, "0001-001", seq, 0, 0, "reference", 0, 0, None, b"")
            # As `ForkFolder.write` names it, but without a plant to restore.
            path = forks / module / f"{saved.run}@{saved.seq}.snap"
            path.write_bytes(saved.pack())
            os.utime(path, (0, time.time() - (0 if seq == 30 else UNUSED_SECONDS + 60)))
        assert folder.read("fork:0001-001@10").seq == 10, "the module finds it under this name"
    begun(root, "0001-001", "reference")
    begun(root, "0001-002", "fork:0001-001@10")
    make_folder(root, "0001-003")
    with closing(HotStore(make_folder(root, "0001-003").hot)):
        assert checkpoints.prune(time.time()) == [], "nobody knows what the newest run began from"
    begun(root, "0001-003", "reference")
    assert sorted(checkpoints.prune(time.time())) == ["m1/0001-001@20.snap", "m2/0001-001@20.snap"]
    assert sorted(path.name for path in (forks / "m1").iterdir()) == ["0001-001@10.snap", "0001-001@30.snap"]
    shutil.rmtree(make_folder(root, "0001-002").path)  # dropped to make room
    assert sorted(checkpoints.prune(time.time())) == ["m1/0001-001@10.snap", "m2/0001-001@10.snap"]
