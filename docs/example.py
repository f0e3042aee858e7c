"""`python -m docs.example`: write the state that the description of the REST API shows, from a run of the reference."""

import sys
from pathlib import Path

import msgspec

from bus.protocol.messages import State
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from nodes.physics.replica.frame import observed_groups

STEPS = 60_000
"""A minute after the start."""

FLOATERS = 3
"""Of the floaters' lists no more is shown."""

PATH = Path(__file__).resolve().parents[1] / "nodes" / "gateway" / "example_state.json"


def main() -> int:
    """Write the file."""
    plant = Plant(Parameters())
    plant.command("start", {})
    plant.step(STEPS)
    header = {"t": STEPS / 1000, "seq": STEPS // 10, "run": "0001-001", "wall": 1767225600.0, "module": "m1"}
    header |= {"instance": "a", "scenario": "reference", "results": 1, "events": 2}
    state = State(**header, digest=plant.digest(), **observed_groups(plant, settled=False))
    floaters = msgspec.structs.asdict(state.floaters)
    few = type(state.floaters)(**{name: values[:FLOATERS] for name, values in floaters.items()})
    text = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(state, floaters=few)), indent=1)
    PATH.write_bytes(text + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
