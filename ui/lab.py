"""Hypotheses side by side: the plant with each claim off, physical and as claimed, computed by the plant's own model.

The plants run in a process of their own (`python -m ui.lab`: parameters in, meters out, as JSON), at low priority, so
that neither the plant nor the pages wait for them.
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
"""Most simulated seconds of each plant; one that has not settled by then is told as not settled."""

CHUNK = 10_000
"""Steps of 1 ms between two looks at a plant."""

ENDS = frozenset({"tripped", "emergency_stop"})
"""States of the controller in which a plant will not settle any more."""

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
"""Lap means that are compared, null if the plant has not settled; net power and COP also where its stores changed."""

TIMEOUT = 900.0
_NICE = 10


class LabError(ValueError):
    """Plants that cannot be compared; the text says why."""


KEPT = 16
"""Comparisons that are remembered."""


class Lab:
    """Has plants compared, one comparison at a time; the newest ones are kept."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._known: OrderedDict[bytes, Any] = OrderedDict()

    async def compare(self, parameters: dict[str, Any]) -> Any:
        """Meters of the plant of these parameters with all claims off, and with each one alone.

        Which claims are on in the parameters makes no difference, and what was computed once is known.

        Raises:
            LabError: if the parameters are wrong or the computation failed.
        """
        try:
            asked = json.dumps(_without_claims(Parameters.of(parameters)).as_dict())
        except (ParameterError, TypeError, AttributeError) as error:
            raise LabError(str(error)) from error
        digest = hashlib.sha256(asked.encode()).digest()
        async with self._turn:
            if digest not in self._known:
                self._known[digest] = await self._compute(asked)
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
            return self._known[digest]

    @staticmethod
    async def _compute(asked: str) -> Any:
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
            raise LabError(f"the plants were not computed in {TIMEOUT:g} s") from None
        finally:
            if process.returncode is None:  # too long, or the dashboard stops: it ends with whoever asked
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise LabError(
                f"the plants could not be computed (exit code {process.returncode}): see the dashboard's log"
            )
        return json.loads(told)


def _without_claims(parameters: Parameters) -> Parameters:
    return parameters.with_changes({f"{name}_mode": "off" for name in HYPOTHESES})


def variants(parameters: Parameters) -> list[tuple[str, str, Parameters]]:
    """(hypothesis, mode, parameters): first all off, then each hypothesis alone in each mode."""
    off = _without_claims(parameters)
    alone = [(name, mode, off.with_changes({f"{name}_mode": mode})) for name in HYPOTHESES for mode in MODES]
    return [("none", "off", off), *alone]


def measure(parameters: Parameters, longest: int = LONGEST) -> dict[str, Any]:
    """Run every variant from standstill until it has settled; what a plant could not measure is null."""
    return {"rows": [_row(name, mode, each, longest) for name, mode, each in variants(parameters)]}


def _row(name: str, mode: str, parameters: Parameters, longest: int) -> dict[str, Any]:
    """Means of one plant over laps that are alike; those before them, the start among them, are left out."""
    # Only the process that computes needs the compiler, which takes a second and seventy megabytes.
    from kpp_physics.meters import DEFAULT_LAPS  # noqa: PLC0415  # loads the compiler
    from kpp_physics.plant import Plant  # noqa: PLC0415  # loads the compiler
    from kpp_physics.settling import settled  # noqa: PLC0415  # loads the compiler

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
    """Read parameters, compute, tell; a dashboard that is killed takes what it has asked for along."""
    die_with_parent()
    os.nice(_NICE)
    json.dump(measure(Parameters.of(json.load(given))), told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
