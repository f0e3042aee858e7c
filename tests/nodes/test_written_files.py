"""Every file that is written whole or not at all, whoever writes it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bus.security import keys
from nodes.gateway.presets import Presets
from nodes.physics.snapshots import write_whole
from recording.files import whole_file
from ui.presets import Presets as DashboardPresets


def _segment(path: Path) -> None:
    with whole_file(path) as temporary:
        temporary.write_bytes(b"new")


WRITERS: dict[str, Callable[[Path], object]] = {
    "snapshot": lambda path: write_whole(path, b"new"),
    "segment": _segment,
    "key": lambda path: keys.write(path, {"new": 1}),
    "preset": lambda path: Presets(path.parent).write(path.stem, {}),
    "preset of the dashboard": lambda path: DashboardPresets(path.parent).save(path.stem, {}),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_f01_a_link_is_followed(writer: str, tmp_path: Path) -> None:
    far, near = tmp_path / "far" / "there.toml", tmp_path / "near" / "here.toml"
    far.parent.mkdir()
    near.parent.mkdir()
    far.write_bytes(b"old")
    near.symlink_to(far)
    WRITERS[writer](near)
    assert near.is_symlink()
    assert far.read_bytes() != b"old"
    assert [each.name for folder in (far.parent, near.parent) for each in folder.iterdir()] == [far.name, near.name]
