"""Cost of the compiled step of the plant: against real time, against C, and in proportion to what is computed."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
import timeit
import tracemalloc
from pathlib import Path

import numpy as np

from benchmarks.table import Row, note
from kpp_physics import coefficients as co
from kpp_physics import environment, exergy, ledger
from kpp_physics import state as st
from kpp_physics.buoyancy import work_array
from kpp_physics.constants import STEP
from kpp_physics.fleet import Fleet
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant

STEPS = 5000
SLICE = 500
ROUNDS = 7
GOAL = 200.0
"""Times real time that the reference plant must reach on one core."""

AGREEMENT = 1e-6
"""Largest relative difference between the state in C and by the kernel after the steps: rounding, and no more."""


def measure() -> list[Row]:
    """Every figure of the kernel."""
    note(f"kernel: {ROUNDS} x {STEPS} steps of the reference plant and others")
    return [_real_time(), _against_c(), _floaters(), _plants(), _allocations(), _import()]


def started(parameters: Parameters) -> Plant:
    """A plant in steady operation, or as near to it as 150 s bring it."""
    plant = Plant(parameters)
    plant.command("start", {})
    plant.step(150_000)
    return plant


def best(plant: Plant | Fleet, steps: int = STEPS) -> float:
    """Seconds a step, best of the rounds: what others do on the machine is not the plant's cost."""
    return min(timeit.repeat(lambda: plant.step(steps), number=1, repeat=ROUNDS)) / steps


def _real_time() -> Row:
    each = best(started(Parameters()))
    factor = STEP / each
    figure = f"{each * 1e6:.2f} us a step = {factor:.0f}x real time, ledgers, PLC and electrics on"
    return Row("plant, reference scenario", figure, ">= 200x", factor >= GOAL)


def _indices() -> str:
    """The places of every number in the memory of a plant, as a C header."""
    groups = {
        "CO": (co.NAMES, 0),
        "ST": (st.SCALARS, 0),
        "LE": (ledger.LINES, 0),
        "EX": (exergy.LINES + exergy.FLOWS, 0),
        "LAP": (st.LAP_EXTRAS, ledger.COUNT),
        "STORED": (ledger.STORES, 0),
    }
    numbers = {
        f"{prefix}_{name.upper()}": place
        for prefix, (names, first) in groups.items()
        for place, name in enumerate(names, first)
    }
    numbers |= {
        "ST_COUNT": st.SCALAR_COUNT,
        "LE_COUNT": ledger.COUNT,
        "LE_BALANCE_COUNT": ledger.BALANCE_COUNT,
        "EX_COUNT": exergy.COUNT,
        "EX_LINE_COUNT": exergy.LINE_COUNT,
        "STORED_COUNT": ledger.STORE_COUNT,
        "LAP_WIDTH": st.LAP_WIDTH,
        "LAP_RING": st.LAP_RING,
    }
    return "enum {\n" + "".join(f"    {name} = {place},\n" for name, place in numbers.items()) + "};\n"


def _against_c() -> Row:
    """The whole step compiled by numba and by a C compiler at -O2, on the same plant; every number must agree."""
    name = "whole step, ledgers, PLC and electrics on, against C -O2"
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return Row(name, "not measured: the floor needs a C compiler", "<= 1.5x", False)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "step.so"
        (Path(folder) / "indices.h").write_text(_indices(), encoding="ascii")
        source = Path(__file__).with_name("step.c")
        options = ["-std=c11", "-O2", "-ffp-contract=off", "-I", folder, "-shared", "-fPIC"]
        subprocess.run([compiler, *options, "-o", str(library), str(source), "-lm"], check=True)
        function = ctypes.CDLL(str(library)).kpp_steps
    numbers = ctypes.POINTER(ctypes.c_double)
    plant = started(Parameters())
    begin = plant.memory()
    coefficients, work = environment.coefficients(plant.parameters), work_array(66)
    memory = np.frombuffer(begin).copy()
    pointers = [array.ctypes.data_as(numbers) for array in (coefficients, memory, work)]
    ours = floor = float("inf")
    for _ in range(30 * ROUNDS):  # in turn and in short slices, so that both meet the same machine
        plant.set_memory(begin)
        memory[:] = np.frombuffer(begin)
        times = [time.perf_counter()]
        plant.step(SLICE)
        times.append(time.perf_counter())
        function(*pointers, 66, SLICE)
        times.append(time.perf_counter())
        ours, floor = min(ours, (times[1] - times[0]) / SLICE), min(floor, (times[2] - times[1]) / SLICE)
    state = np.frombuffer(plant.memory())
    apart = float(np.max(np.abs(state - memory) / (1e-3 + np.abs(state))))
    moved = memory[st.STEPS] - np.frombuffer(begin)[st.STEPS]
    agree = apart <= AGREEMENT and moved == SLICE
    ratio = ours / floor
    figure = f"{ours * 1e6:.2f} against {floor * 1e6:.2f} us a step = {ratio:.2f}x"
    figure += (
        f", {len(begin) // 8} numbers of the state agree to {apart:.0e}"
        if agree
        else f", but they differ by {apart:.0e}"
    )
    return Row(name, figure, "<= 1.5x", agree and ratio <= 1.5)


def _floaters() -> Row:
    """Time a step over the number of floaters; a chain has 200 at most, more are several plants."""
    costs = {}
    for total, plants in ((66, 1), (264, 2), (1056, 8)):
        each = total // plants
        volume = 0.4 * 66 / each
        cold = Plant(Parameters.of({"floater_count": each, "floater_volume": max(volume, 0.02)}))
        cold.command("start", {})
        cold.step(60_000)
        costs[total] = best(Fleet([cold] * plants), 1000) * 1e6 / total
    ratio = max(costs.values()) / min(costs.values())
    shown = ", ".join(f"{total}: {cost * 1e3:.0f} ns" for total, cost in costs.items())
    return Row("per floater and step (264 = 2 x 132, 1056 = 8 x 132)", shown, "linear, within 2x", ratio <= 2)


def _plants() -> Row:
    plant = started(Parameters())
    fleets = {number: Fleet([plant] * number) for number in (1, 10, 100, 1000)}
    costs = dict.fromkeys(fleets, float("inf"))
    for _ in range(ROUNDS):  # in turn, so that all meet the same machine
        for number, fleet in fleets.items():
            rounds = max(1, 100 // number)
            begin = time.perf_counter()
            for _ in range(rounds):
                fleet.step(100)
            costs[number] = min(costs[number], (time.perf_counter() - begin) / (number * rounds * 100) * 1e6)
    shown = ", ".join(f"{number}: {cost:.2f} us" for number, cost in costs.items())
    ratio = costs[1000] / costs[1]
    return Row("per plant and step", shown, "linear, within 1.5x", ratio <= 1.5)


def _allocations() -> Row:
    """Growth of traced and resident memory over half a million steps; a byte a step would show as 0.5 MB."""
    plant = started(Parameters())
    tracemalloc.start()
    plant.step(1000)
    resident = _resident()
    before = tracemalloc.get_traced_memory()[0]
    plant.step(500_000)
    grown = tracemalloc.get_traced_memory()[0] - before
    pages = _resident() - resident
    tracemalloc.stop()
    figure = f"{grown} bytes traced, {pages / 1024:.0f} KiB resident in 500 000 steps"
    return Row("memory taken by stepping", figure, "none per step", grown < 2000 and pages < 500_000)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _import() -> Row:
    """A fresh process until its first step, with the kernel in the cache: what every restart waits for."""
    command = [sys.executable, "-m", "kpp_physics"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    taken = min(
        timeit.repeat(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), number=1, repeat=3)
    )
    return Row("process start to first step, kernel cached", f"{taken:.2f} s", "<= 2 s", taken <= 2)
