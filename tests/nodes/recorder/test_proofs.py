"""`kpp verify` and `kpp bundle` on what a real plant has recorded, here and on another machine."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.nodes.recorder.conftest import ROOT, Plant, recorded_rows, wait_for_state
from tests.watching import eventually


def kpp(plant: Plant, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the data of a plant."""
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        cwd=data,
        env={**plant.environment, "PYTHONPATH": str(ROOT), "KPP_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_run_is_verified_here_and_its_bundle_on_another_machine(
    make_plant: Callable[..., Plant], tmp_path: Path
) -> None:
    plant = make_plant()
    plant.start("recorder")
    run = wait_for_state(plant).run
    plant.command("set_speed", speed=5)
    plant.command("start")
    plant.command("set_parameters", "m1", drag_area=0.3)
    eventually(lambda: recorded_rows(plant) > 250, 30.0, "some seconds are recorded")
    plant.kill("physics")
    plant.start("physics", "--module", "m1")
    eventually(lambda: recorded_rows(plant) > 500, 30.0, "the plant goes on")
    for node in ("recorder", "physics", "clock"):
        plant.stop(node)
    done = kpp(plant, tmp_path, "verify", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ticks verified" in done.stdout
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = elsewhere / "run.kpp"
    packed = kpp(plant, tmp_path, "bundle", run, "-o", str(file))
    assert packed.returncode == 0, packed.stderr
    again = kpp(plant, elsewhere, "verify", str(file))
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout == done.stdout
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    broken = kpp(plant, elsewhere, "verify", str(file))
    assert broken.returncode == 2
    assert "bundle" in broken.stderr
