"""Make the environment of this checkout in `.venv`: `python3 scripts/environment.py [test]`, as the Makefile does.

An environment that was left unfinished, or no longer runs, is made again; a checkout that was moved or copied goes on
with the one that it has. This file needs only the standard library, and runs with the Python that the environment is to
have.
"""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ".venv"
EXTRAS: Final = {"": "the simulator", "test": "what the tests need"}

PATHS: Final = "kpp-checkout.pth"
"""File of the environment that puts the checkout on Python's path, relative to itself: it stays true after a move."""

ISOLATED: Final = ("kpp", "supervisord", "supervisorctl")
"""Commands that import nothing from the present folder or from PYTHONPATH."""

_SHEBANG: Final = re.compile(rb"\A#!(?:[^\n]*/python[0-9.]*[ \t]*\n|/bin/sh\n'''exec' [^\n]*\n' '''\n)")
"""How pip begins a command: with the path of the environment's Python, in the second form where that path is long or
has spaces."""

_LAUNCHER: Final = """\
#!/bin/sh
'''exec' "$(dirname -- "$(readlink -f -- "$0")")/python" {option}"$0" "$@"
' '''
"""


class SetupError(Exception):
    """The environment cannot be made; the text says why and what to do."""


def main(arguments: Sequence[str]) -> int:
    """Make what is missing; returns the exit code."""
    try:
        make(ROOT, arguments[0] if arguments else "")
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def make(root: Path, extra: str) -> None:
    """Make the environment of a checkout whole.

    Args:
        root: the checkout.
        extra: "test" for what the tests need as well, "" otherwise.

    Raises:
        SetupError: if it cannot be made.
    """
    place = root / FOLDER
    if not is_whole(place):
        _begin_again(place)
    _follow(root, place)
    # A stamp is written only after everything it stands for is installed: an interrupted installation is repeated.
    for each in dict.fromkeys(("", extra)):
        stamp = place / f"installed{each and '-' + each}"
        wanted = _wanted(root, each)
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            _install(root, place, each)
            stamp.write_text(wanted, encoding="utf-8")


def is_whole(place: Path) -> bool:
    """True if the environment's Python runs and has pip, which is installed last into a new environment."""
    python = place / "bin" / "python"
    try:
        done = subprocess.run([python, "-I", "-c", "import pip"], capture_output=True, check=False)  # noqa: S603 - ours
    except OSError:
        return False
    return done.returncode == 0


def _begin_again(place: Path) -> None:
    if os.path.lexists(place):
        sys.stdout.write(f"The environment in {FOLDER} is incomplete: it is made again\n")
        if place.is_symlink() or not place.is_dir():
            place.unlink()
        else:
            shutil.rmtree(place)
    command = [sys.executable, "-I", "-m", "venv", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the running Python
    if done.returncode == 0 and is_whole(place):
        return
    shutil.rmtree(place, ignore_errors=True)
    said = (done.stderr or done.stdout).strip() or "it has no pip"
    raise SetupError(
        f"{said}\n\n{sys.executable} cannot make an environment with pip (on Debian and Ubuntu it needs the package "
        "python3-venv): install what it lacks, or set PYTHON=/path/to/another/python3"
    )


def _follow(root: Path, place: Path) -> None:
    """After the checkout was moved or copied, correct the files of the environment that hold its absolute path."""
    noted = place / "place"
    before = noted.read_text(encoding="utf-8") if noted.is_file() else ""
    if before == str(root):
        return
    if before:
        sys.stdout.write(f"This checkout was at {before}: its environment is adapted to the new place\n")
        command = [sys.executable, "-I", "-m", "venv", "--without-pip", str(place)]  # writes `activate` again
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - the running Python
    make_movable(root, place)
    noted.write_text(str(root), encoding="utf-8")


def _wanted(root: Path, extra: str) -> str:
    """A digest of what is to be installed, with the version of Python for which it is."""
    digest = hashlib.sha256(f"{extra} {sys.version}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def _install(root: Path, place: Path, extra: str) -> None:
    sys.stdout.write(f"Installing {EXTRAS[extra]} into {FOLDER} (once; a minute or two)\n")
    sys.stdout.flush()
    python = str(place / "bin" / "python")
    pip = [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt"]
    _must([*pip, "-e", f".[{extra}]" if extra else "."], root)
    make_movable(root, place)
    # Compiles the kernel, so the first start of the plant does not have to.
    if not extra:
        _must([python, "-I", "-m", "kpp_physics"], root)


def _must(command: list[str], root: Path) -> None:
    done = subprocess.run(command, cwd=root, check=False)  # noqa: S603 - our own commands
    if done.returncode != 0:
        raise SetupError(f"{' '.join(command[2:5])} ended with exit code {done.returncode}: see above")


def make_movable(root: Path, place: Path) -> None:
    """Have the environment's commands and imports find their files relative to where they are themselves."""
    for packages in place.glob("lib/python*/site-packages"):
        (packages / PATHS).write_text(os.path.relpath(root, packages) + "\n", encoding="utf-8")
    # A shell as the interpreter, which finds Python beside the command: a path in `#!` itself can only be absolute.
    # What follows is Python's and the shell's syntax at once: a text in three quotes, and a call of `exec`.
    for command in (place / "bin").iterdir():
        if command.is_symlink() or not stat.S_ISREG(command.stat().st_mode):
            continue
        data = command.read_bytes()
        found = _SHEBANG.match(data)
        if found is not None:
            option = "-I " if command.name in ISOLATED else ""
            command.write_bytes(_LAUNCHER.format(option=option).encode() + data[found.end() :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
