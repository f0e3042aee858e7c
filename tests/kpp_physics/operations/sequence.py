"""An operating sequence: the plant it begins with and what is done to it, as plain data that a file can hold."""

import json
import pprint
from pathlib import Path
from typing import Any, Final, NamedTuple

Action = list[Any]
"""One action, its name first:

["step", n], ["command", name], ["change", {parameter: value}], ["series", {name: {"time": [...], "value": [...]}}],
["fork", {parameter: value}], ["snapshot"], ["restore"].
"""

FOUND: Final = Path(__file__).with_name("found")
"""Sequences that once broke a gate."""


class Sequence(NamedTuple):
    """Parameters of the plant at the start, and the actions in their order."""

    parameters: dict[str, Any]
    actions: list[Action]

    def as_json(self, note: str = "") -> str:
        """The text of a file."""
        return json.dumps({"note": note, **self._asdict()}, indent=1) + "\n"

    def as_python(self) -> str:
        """A program that plays the sequence and tells what it breaks."""
        return "\n".join(
            (
                "from tests.kpp_physics.operations.play import play",
                "from tests.kpp_physics.operations.sequence import Sequence",
                "",
                f"parameters = {pprint.pformat(self.parameters, width=110)}",
                f"actions = {pprint.pformat(self.actions, width=110)}",
                "print(play(Sequence(parameters, actions)))",
            )
        )


def read(path: Path) -> Sequence:
    """The sequence in a file."""
    held = json.loads(path.read_text(encoding="utf-8"))
    return Sequence(held["parameters"], held["actions"])
