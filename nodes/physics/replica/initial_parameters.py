"""The parameters that a run began with, kept beside it: a scenario file that is edited later must not change it."""

import json
from pathlib import Path

from catalog.scenarios import Scenarios
from kpp_physics.parameters import ParameterError, Parameters
from nodes.physics.replica.forks import ForkFolder, is_fork
from nodes.physics.replica.saved import Saved
from system.parts import clear_away
from system.whole import write_whole

LARGEST = 4 << 20
"""Largest file in bytes that is kept for a run: parameters and two series of 10,000 points take less than 1 MB."""


def packed(parameters: Parameters) -> bytes:
    """Parameters with their series as they are kept."""
    # Series too: a scenario may name a file for them, which can change as well as the scenario.
    series = {name: each._asdict() for name, each in parameters.series.items()}
    return json.dumps({"parameters": parameters.as_dict(), "series": series}, indent=1).encode()


def unpacked(data: bytes) -> Parameters:
    """Read what `packed` wrote.

    Raises:
        ParameterError: if it does not fit this version of the parameters.
        ValueError, KeyError, TypeError, AttributeError: if it is no such file.
    """
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST} bytes")
    try:
        # JSON and not a pickle: it is read by people, and written by nobody but this.
        kept = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return Parameters.of(kept["parameters"]).with_series(kept["series"])


class InitialParameters:
    """Reads a scenario once for a run and returns the same parameters from then on.

    Args:
        folder: where they are kept; made if it is not there.
        module: plant module.
        scenarios: the scenario files.
        forks: the checkpoints that runs may begin from.
    """

    def __init__(self, folder: Path, module: str, scenarios: Scenarios, forks: ForkFolder) -> None:
        self._folder = folder / module
        self._folder.mkdir(parents=True, exist_ok=True)
        clear_away(self._folder)
        self._scenarios = scenarios
        self._forks = forks
        self.problem = ""
        """Why the parameters of the newest run could not be kept; empty if they were."""

    def read(self, run: str, scenario: str) -> Parameters | Saved:
        """Parameters that a run begins with, or, for a fork, the checkpoint of another run.

        Raises:
            ScenarioError: if there is no such scenario, or its file is wrong, with the line.
            ParameterError: if what was kept does not fit this version of the parameters.
        """
        # A checkpoint does not change, so nothing has to be kept beside it.
        if is_fork(scenario):
            return self._forks.read(scenario)
        path = self._folder / f"{run}.json"
        if path.exists():
            try:
                with path.open("rb") as file:
                    return unpacked(file.read(LARGEST + 1))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                if isinstance(error, ParameterError):
                    raise
                self.problem = f"{path.name} is damaged ({error}): the scenario file is read instead"
        # Reached at the first beginning, or when what was kept is damaged. The scenario may have been edited since;
        # that is said, because a restart could then compute another run.
        parameters = self._scenarios.read(scenario)
        try:
            # Kept before the first state is published: a module that dies right after it must find the same values.
            write_whole(path, packed(parameters))
        except OSError as error:
            self.problem = f"the parameters of run {run} cannot be kept: {error.strerror}"
        return parameters

    def look(self, _run: str, scenario: str) -> Parameters | Saved:
        """What a run would begin with if one began now; nothing is kept.

        Raises:
            ScenarioError: as `read`.
        """
        # Nothing is written: the run that is asked about may never begin, and has no id yet.
        return self._forks.read(scenario) if is_fork(scenario) else self._scenarios.read(scenario)
