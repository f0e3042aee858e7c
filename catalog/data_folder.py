"""Where everything lies in a data folder (KPP_DATA): the one place that names its subfolders."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataFolder:
    """The data folder of a plant.

    Args:
        path: as KPP_DATA has it.
    """

    path: Path

    @property
    def recordings(self) -> Path:
        """Recorded runs, a folder each; see `recording.folder`."""
        return self.path / "recordings"

    @property
    def presets(self) -> Path:
        """Presets, a file each; see `catalog.presets`."""
        return self.path / "presets"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints that runs were forked at, in a folder for each module."""
        return self.path / "forks"

    @property
    def initial_parameters(self) -> Path:
        """Parameters that runs began with, in a folder for each module."""
        return self.path / "openings"

    @property
    def snapshots(self) -> Path:
        """States that modules go on from after a restart, in a folder for each module."""
        return self.path / "snapshots"

    @property
    def journal(self) -> Path:
        """The clock's journal of accepted commands, a database."""
        return self.path / "journal.sqlite"

    @property
    def runs(self) -> Path:
        """The clock's logs of the ticks it has sent, a file for each run."""
        return self.path / "runs"

    @property
    def log(self) -> Path:
        """What the plant's processes say."""
        return self.path / "log"
