"""Hypotheses side by side: the plant with each claim off, physical and as claimed, computed by the plant's own model.

The plants run in a process of their own (`python -m ui.lab`: parameters in, meters out, both as JSON), at low priority,
so that neither the plant nor the pages wait for them.
"""

import asyncio
import hashlib
import json
import os
import sys
from collections import OrderedDict
from typing import Any, TextIO

from kpp_physics.parameters import ParameterError, Parameters
from runtime.process import SUPERVISOR_PID, die_with_parent, isolated

HYPOTHESES = ("h1", "h2", "h3", "jet", "recovery")
MODES = ("physical", "claimed")

LONGEST = 3600
"""Most simulated seconds of each plant; a plant that has not settled by then is reported as not settled."""

CHUNK = 10_000
"""Steps of 1 ms between two looks at whether a plant has settled."""

ENDS = frozenset({"tripped", "emergency_stop"})
"""States of the controller in which a plant can no longer settle."""

METERS = (
    "net_power",
    "grid_power",
    "compressor_power",
    "auxiliary_power",
    "cop",
    "cop_without_claims",
    "storage_share",
    "storage_limit",
    "unsourced_power",
    "chain_speed",
)
"""Lap means that are compared: null if the plant has not settled, net power and COP also if its stores have changed."""

TIMEOUT = 900.0
"""Seconds that a comparison may take."""

_NICE = 10
"""How much lower than ours the priority of the computation is: live plants on the same machine come first."""


class LabError(ValueError):
    """Plants that cannot be compared; the text says why."""


KEPT = 16
"""Comparisons that are remembered, the newest ones."""


class Lab:
    """Has plants compared, one comparison at a time, and remembers the newest results. For one loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._known: OrderedDict[bytes, Any] = OrderedDict()

    async def compare(self, parameters: dict[str, Any]) -> Any:
        """Meters of a plant with all claims off, and with each claim alone.

        Args:
            parameters: those of the plant, by name; which claims are on in them makes no difference.

        Raises:
            LabError: if a parameter is wrong or the computation has failed.
        """
        try:
            asked = json.dumps(_without_claims(Parameters.of(parameters)).as_dict())
        except (ParameterError, TypeError, AttributeError) as error:
            raise LabError(str(error)) from error
        digest = hashlib.sha256(asked.encode()).digest()
        # Looked up with the lock held: of several pages that ask for the same comparison, only the first has it made.
        async with self._turn:
            if digest not in self._known:
                self._known[digest] = await self._compute(asked)
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
            return self._known[digest]

    @staticmethod
    async def _compute(asked: str) -> Any:
        # stderr is inherited: if the computation fails, its traceback is in the dashboard's log.
        process = await asyncio.create_subprocess_exec(
            *isolated("ui.lab"),
            env={**os.environ, SUPERVISOR_PID: str(os.getpid())},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TIMEOUT):
                told, _ = await process.communicate(asked.encode())
        except TimeoutError:
            raise LabError(f"the comparison was stopped because it took longer than {TIMEOUT:g} s") from None
        finally:
            # Too slow, or cancelled because the dashboard stops: a computation that nobody waits for must not go on.
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise LabError(
                f"the comparison has failed (exit code {process.returncode}): the dashboard's log has the reason"
            )
        return json.loads(told)


def _without_claims(parameters: Parameters) -> Parameters:
    return parameters.with_changes({f"{name}_mode": "off" for name in HYPOTHESES})


def variants(parameters: Parameters) -> list[tuple[str, str, Parameters]]:
    """The plants to compare, as (hypothesis, mode, parameters): all claims off, then each alone in each mode."""
    off = _without_claims(parameters)
    alone = [(name, mode, off.with_changes({f"{name}_mode": mode})) for name in HYPOTHESES for mode in MODES]
    return [("none", "off", off), *alone]


def measure(parameters: Parameters, longest: int = LONGEST) -> dict[str, Any]:
    """Run every variant from standstill until it has settled; what could not be measured is null.

    Args:
        parameters: those of the plant.
        longest: most simulated seconds of each variant.
    """
    return {"rows": [_row(name, mode, each, longest) for name, mode, each in variants(parameters)]}


def _row(name: str, mode: str, parameters: Parameters, longest: int) -> dict[str, Any]:
    """Means of one plant over its last laps, which are alike; the laps before them, with the start, are left out."""
    # Here and not at the head of the file: the dashboard imports this module too, and must not load the compiler, which
    # takes a second and seventy megabytes.
    from kpp_physics.meters import DEFAULT_LAPS  # noqa: PLC0415  # loads the compiler, which takes seconds
    from kpp_physics.plant import Plant  # noqa: PLC0415  # loads the compiler, which takes seconds
    from kpp_physics.settling import settled  # noqa: PLC0415  # loads the compiler, which takes seconds

    plant = Plant(parameters)
    plant.command("start", {})
    calm = False
    while not calm and plant.time_us < longest * 1_000_000 and plant.plc_state not in ENDS:
        plant.step(CHUNK)
        calm = settled(*plant.lap_records(DEFAULT_LAPS))
    observed = plant.observe()
    meters = observed["meters"]
    return {
        "hypothesis": name,
        "mode": mode,
        "plc": observed["plc"]["state"],
        "trip": observed["plc"]["trip"],
        "settled": calm,
        "t": plant.time_us / 1e6,
        "laps": meters["laps"],
        "left_out": plant.laps - meters["laps"],
        "r_a": observed["ledger"]["r_a"],
        **{meter: meters[meter] if calm else None for meter in METERS},
    }


def main(given: TextIO = sys.stdin, told: TextIO = sys.stdout) -> int:
    """Read parameters, compute, and write the result; returns the exit code."""
    die_with_parent()  # a dashboard that is killed cannot end it any more
    os.nice(_NICE)
    json.dump(measure(Parameters.of(json.load(given))), told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
