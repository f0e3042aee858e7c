"""The parameters that a run began with, kept beside it: a scenario file that is edited later must not change it."""

import json
from pathlib import Path

from kpp_physics.parameters import ParameterError, Parameters
from nodes.physics.scenarios import ScenarioFolder
from nodes.physics.snapshots import write_whole


class Openings:
    """Reads a scenario once for a run and gives the same parameters ever after.

    Args:
        folder: where they are kept; made if it is not there.
        module: plant module.
        scenarios: the scenario files.
    """

    def __init__(self, folder: Path, module: str, scenarios: ScenarioFolder) -> None:
        self._folder = folder / module
        self._folder.mkdir(parents=True, exist_ok=True)
        self._scenarios = scenarios
        self.problem = ""
        """Why those of the newest run could not be kept, empty when they were."""

    def read(self, run: str, scenario: str) -> Parameters:
        """Parameters that a run begins with.

        Raises:
            ScenarioError: if there is no such scenario, or its file is wrong, with the line.
            ParameterError: if what was kept does not fit this version of the parameters.
        """
        path = self._folder / f"{run}.json"
        if path.exists():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                return Parameters.of(kept["parameters"]).with_series(kept["series"])
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                if isinstance(error, ParameterError):
                    raise
                self.problem = f"{path.name} is damaged ({error}): the scenario file is read instead"
        parameters = self._scenarios.read(scenario)
        try:
            series = {name: each._asdict() for name, each in parameters.series.items()}
            kept = {"parameters": parameters.as_dict(), "series": series}
            write_whole(path, json.dumps(kept, indent=1).encode())
        except OSError as error:
            self.problem = f"the parameters of run {run} cannot be kept: {error.strerror}"
        return parameters
