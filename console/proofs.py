"""`kpp verify` and `kpp bundle`: a run computed again, here or on another machine."""

import argparse
import json
import platform
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import numba
import numpy as np

from bus.protocol.schema import PROTOCOL_VERSION
from catalog.data_folder import DataFolder
from catalog.recorded_runs import recorded
from catalog.scenarios import Scenarios
from console.progress import Progress
from console.verify import (
    Difference,
    ModuleComparison,
    VerifyError,
    journal_differences,
    recorded_modules,
    recorded_spans,
    verify_module,
)
from kpp_physics.compiled import KERNEL_VERSION
from kpp_physics.parameters import Parameters
from nodes.clock.journal import read_commands
from nodes.physics.replica.forks import PREFIX, ForkFolder, is_fork
from nodes.physics.replica.initial_parameters import packed, unpacked
from nodes.physics.replica.saved import Saved
from recording.bundle import Digest, pack_bundle
from recording.folder import RunFolder
from recording.output import folder_of, means_standard_output, opened_output
from recording.unbundle import opened_bundle

DIFFERENT: Final = 5
"""Exit code if something differs or is missing."""

JOURNAL: Final = "journal.json"
"""File of a bundle with tick and id of every journaled command of the run."""

INSIDE: Final = DataFolder(Path())
"""The data folder inside a bundle, where files lie as they do in a plant's."""


def versions() -> dict[str, str]:
    """Versions of everything that a result of this machine depends on; the kernel's covers its code and compiler."""
    return {
        "kpp-simulator": version("kpp-simulator"),
        "kernel": KERNEL_VERSION,
        "protocol": str(PROTOCOL_VERSION),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def bundle(given: argparse.Namespace) -> int:
    """Write a bundle; returns the exit code.

    Args:
        given: `run`, `output` and `data` of the command line.

    Raises:
        NoRecordingError: if the run is not recorded.
        VerifyError: if it cannot be computed from what is there.
        ValueError: if it would be written to a terminal.
    """
    folder = recorded(DataFolder(given.data).recordings, given.run)
    files = _files(given.data, folder)
    if means_standard_output(given.output) and sys.stdout.isatty():
        raise ValueError("a bundle is not text, so it is not written to a terminal: name a file with -o")
    with opened_output(given.output, sys.stdout.buffer) as output:
        about = pack_bundle(folder, output, versions(), files, folder_of(given.output))
    # The digests, by which a person can compare, must not get into the bundle on standard output.
    told = sys.stderr if means_standard_output(given.output) else sys.stdout
    for module, digest in about.digests.items():
        told.write(f"{module}: digest {digest.last}, all ticks {digest.sha256[:16]}\n")
    told.flush()
    return 0


def _files(data: Path, folder: RunFolder) -> dict[str, bytes]:
    """What a run was computed from, as files of a bundle: parameters, scenario and journal."""
    files: dict[str, bytes] = {}
    scenario = _scenario(folder)
    for module in recorded_modules(folder):
        begun_with = _read(data, module, folder.run, scenario)
        if isinstance(begun_with, Saved):
            files[f"{INSIDE.checkpoints}/{module}/{scenario.removeprefix(PREFIX)}.snap"] = begun_with.pack()
        else:
            files[f"{INSIDE.initial_parameters}/{module}/{folder.run}.json"] = packed(begun_with)
    at_hand = Scenarios.at_hand().paths()
    if scenario in at_hand:
        files[f"scenarios/{scenario}.toml"] = at_hand[scenario].read_bytes()
    # Ids are enough: the commands themselves are in the recorded ticks, and the journal proves that none is missing.
    journal = [(seq, command.id) for seq, command in read_commands(DataFolder(data).journal, folder.run)]
    files[JOURNAL] = json.dumps(journal).encode()
    return files


def _scenario(folder: RunFolder) -> str:
    """Name of the scenario that a run began with."""
    for command in recorded_spans(folder)[0].commands:
        if command.name == "begin":
            return str(command.args["scenario"])
    raise VerifyError(f"run {folder.run} did not begin with a scenario")


def _read(data: Path, module: str, run: str, scenario: str) -> Parameters | Saved:
    """What a run began with: the checkpoint from which it was forked, or the parameters that were kept.

    Without either, the parameters that the scenario has now.
    """
    if is_fork(scenario):
        return ForkFolder(DataFolder(data).checkpoints, module).read(scenario)
    path = DataFolder(data).initial_parameters / module / f"{run}.json"
    if not path.exists():
        return Scenarios.at_hand().read(scenario)
    try:
        return unpacked(path.read_bytes())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerifyError(f"{path} does not say what the run began with: {error}") from error


def verify(given: argparse.Namespace) -> int:
    """Compute a run, or the run of a bundle, again; returns the exit code.

    Args:
        given: `run` and `data` of the command line.

    Raises:
        NoRecordingError: if the run is not recorded.
        VerifyError: if it cannot be computed from what is there.
    """
    path = Path(given.run)
    if path.is_file():
        # Nothing of this machine's data folder is used: the bundle has to be enough.
        with opened_bundle(path) as opened:
            _tell_versions(opened.about.versions)
            journal = msgspec.json.decode((opened.path / JOURNAL).read_bytes(), type=list[tuple[int, str]])
            return _verify(opened.folder, opened.path, journal, opened.about.digests)
    folder = recorded(DataFolder(given.data).recordings, given.run)
    commands = read_commands(DataFolder(given.data).journal, folder.run)
    journal = [(seq, command.id) for seq, command in commands]
    return _verify(folder, given.data, journal)


def _tell_versions(recorded: dict[str, str]) -> None:
    # Only a remark: another kernel may well compute the same bits, and the comparison shows whether it does.
    for name, here in versions().items():
        if recorded.get(name) != here:
            sys.stderr.write(f"kpp: the bundle was made with {name} {recorded.get(name)}, here it is {here}\n")


def _verify(
    folder: RunFolder, data: Path, journal: list[tuple[int, str]], claimed: Mapping[str, Digest] | None = None
) -> int:
    """Compute every module again.

    Args:
        folder: the recording.
        data: data folder with what the run began with.
        journal: tick and id of every journaled command.
        claimed: module -> the digest that a bundle states; None without a bundle.
    """
    scenario = _scenario(folder)
    differences = journal_differences(recorded_spans(folder), journal)
    _tell("journal", differences, len(differences))
    good = not differences
    modules = recorded_modules(folder)
    # A bundle from which the recording of a module was removed would otherwise verify.
    for module in sorted(set(claimed or ()) - set(modules)):
        sys.stdout.write(f"{module}: NOT verified, the bundle names it but has no recording of it\n")
        good = False
    for module in modules:
        begun_with = partial(_begun_with, _read(data, module, folder.run, scenario))
        with closing(Progress(sys.stderr, "ticks")) as progress:
            verdict = verify_module(folder, module, begun_with, progress.show)
        if claimed is not None:
            verdict.compare_claim(claimed.get(module))
        good = _report(verdict) and good
    sys.stdout.flush()
    return 0 if good else DIFFERENT


def _begun_with(found: Parameters | Saved, _scenario: str) -> Parameters | Saved:
    return found


def _report(verdict: ModuleComparison) -> bool:
    _tell(verdict.module, verdict.differences, verdict.different)
    for missing in verdict.missing:
        sys.stdout.write(f"{verdict.module}: ticks {missing.first} to {missing.last} are missing: {missing.reason}\n")
    word = "verified" if verdict.verified else "NOT verified"
    sys.stdout.write(f"{verdict.module}: {verdict.compared} ticks {word}, digest {verdict.digest or 'none'}\n")
    return verdict.verified


def _tell(what: str, differences: list[Difference], count: int) -> None:
    for difference in differences:
        sys.stdout.write(f"{what}: tick {difference.seq}: {difference.what}\n")
    if count > len(differences):
        sys.stdout.write(f"{what}: and {count - len(differences)} more\n")
