"""The processes of one supervisord by the names of their programs, and a small disk that can be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FREE_BLOCK = 1 << 16


def programs(supervisor: int) -> dict[str, int]:
    """Program name -> process id, of those that run now."""
    found: dict[str, int] = {}
    for pid in _children(supervisor):
        with suppress(OSError):
            for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                name, _, value = entry.partition(b"=")
                if name == b"SUPERVISOR_PROCESS_NAME":
                    found[value.decode()] = pid
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class NoDiskError(OSError):
    """A file system of its own cannot be mounted here."""


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """Mount a small file system of its own at `folder`, for as long as the block runs.

    Raises:
        NoDiskError: with the reason, if that is not permitted.
    """
    options = f"size={mebibytes}m,mode=0755"
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "kpp-chaos", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError as error:
        raise NoDiskError(f"mount cannot be run: {error}") from error
    if done.returncode != 0:
        raise NoDiskError(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Ballast:
    """A file that takes all the room that is left on a disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def fill(self) -> None:
        """Take what is left; again, what others have freed since."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for block in (FREE_BLOCK, 512, 1):
                with suppress(OSError):
                    while os.write(descriptor, bytes(block)) == block:
                        pass
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Give it back."""
        self._path.unlink(missing_ok=True)
