"""A data folder that one program at a time may use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus.folder import FolderTakenError, claim

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from bus.folder import claim
claim(Path(sys.argv[1]), "plant")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_program_is_refused_until_the_first_has_died(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(FolderTakenError, match=f"in use by another plant, process {first.pid}"):
            claim(tmp_path / "data", "plant")
        os.close(claim(tmp_path / "data", "other"))
        first.kill()
        first.wait()
    os.close(claim(tmp_path / "data", "plant"))
