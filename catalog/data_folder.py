"""Where everything lies in a data folder (KPP_DATA): the one place that names its subfolders.

Some have names of earlier versions (`forks`, `openings`): data folders that exist have to be found.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataFolder:
    """The data folder of a plant.

    Args:
        path: the folder, as KPP_DATA names it.
    """

    path: Path

    @property
    def recordings(self) -> Path:
        """Recorded runs, a folder for each; see `recording.folder`."""
        return self.path / "recordings"

    @property
    def presets(self) -> Path:
        """Presets, a file for each; see `catalog.presets`."""
        return self.path / "presets"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints from which runs were forked, in a folder for each module."""
        return self.path / "forks"

    @property
    def initial_parameters(self) -> Path:
        """Parameters with which runs began, in a folder for each module."""
        return self.path / "openings"

    @property
    def snapshots(self) -> Path:
        """States from which modules go on after a restart, in a folder for each module."""
        return self.path / "snapshots"

    @property
    def journal(self) -> Path:
        """The clock's journal of accepted commands, a database."""
        return self.path / "journal.sqlite"

    @property
    def runs(self) -> Path:
        """The clock's logs of the ticks that it has sent, a file for each run."""
        return self.path / "runs"

    @property
    def log(self) -> Path:
        """Logs of the plant's processes."""
        return self.path / "log"
