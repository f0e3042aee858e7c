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
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from benchmarks.table import Row, note
from kpp_physics.air import adiabatic_mean, heat_from_water
from kpp_physics.constants import STEP
from kpp_physics.fleet import Fleet
from kpp_physics.geometry import mean_slope, place, tilt_capacity
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from kpp_physics.state import Vector

STEPS = 5000
ROUNDS = 7
GOAL = 200.0
"""Times real time that the reference plant must reach on one core."""


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


@numba.njit(error_model="numpy")
def _pocket_steps(p: Vector, f: Vector, work: Vector, position: float, ds: float, steps: int) -> float:
    """The hot path in the kernel's own functions; see `step.c`."""
    k, cp, water, ua, p0, weight, depth, straight, radius, pitch, full, aspect, h = p
    total = 0.0
    count = f.shape[1]
    for _ in range(steps):
        active = 0
        for i in range(count):
            before = f[2, i]
            volume = 0.0
            if f[0, i] == 0.0 and before == 0.0:
                continue
            if f[0, i] != 0.0:
                x = position + i * pitch
                z, cosine, sine = place(x, straight, radius)
                pressure = p0 + weight * (depth - z)
                energy = f[1, i] + heat_from_water(f[0, i], f[1, i], water, ua, cp, h)
                limit = full * (1.0 if sine == 0.0 else tilt_capacity(cosine, sine, aspect))
                volume = k * energy / pressure
                if volume > limit:
                    f[0, i] *= limit / volume
                    energy *= limit / volume
                    volume = limit
                f[1, i] = energy
                if f[0, i] != 0.0:
                    work[0, active], work[1, active], work[2, active] = x, pressure, volume
                    work[3, active], work[4, active], work[6, active] = cosine, sine, i
                    active += 1
            total += volume - before
            f[2, i] = volume
        for _pass in range(2):
            pull = 0.0
            for a in range(active):
                slope = mean_slope(work[0, a], ds, work[3, a], work[4, a], straight, radius)
                force = weight * work[2, a] * slope * adiabatic_mean(-weight * slope * ds / work[1, a], k)
                work[5, a] = force
                pull += force
            total += pull
        for a in range(active):
            f[1, int(work[6, a])] -= work[5, a] * ds
        position += ds
    return total


def _against_c() -> Row:
    """The hot path compiled by numba and by gcc -O2, on the same 66 pockets; the results must agree."""
    name = "pocket sweep of the step, 66 floaters, against C -O2"
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return Row(name, "not measured: the floor needs a C compiler", "<= 1.5x", False)
    p = np.array([287.055 / 1004.7, 1004.7, 293.15, 25, 101325, 9789, 25, 22.6, 1.2, 0.37, 0.4, 1.08, STEP])
    start = np.zeros((3, 66))
    start[0], start[1] = 0.48, 0.48 * 1004.7 * 285
    start[2] = p[0] * start[1] / 2e5
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "step.so"
        source = Path(__file__).with_name("step.c")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-lm"], check=True)
        function = ctypes.CDLL(str(library)).kpp_pocket_steps
    function.restype = ctypes.c_double
    numbers = ctypes.POINTER(ctypes.c_double)

    def floor(f: Vector, work: Vector) -> float:
        pointers = [array.ctypes.data_as(numbers) for array in (p, f, work)]
        result = function(*pointers, 66, ctypes.c_double(0.1), ctypes.c_double(3.6e-4), 1000)
        return float(result)

    def ours(f: Vector, work: Vector) -> float:
        return float(_pocket_steps(p, f, work, 0.1, 3.6e-4, 1000))

    times = [float("inf"), float("inf")]
    calls: list[Callable[[Vector, Vector], float]] = [floor, ours]
    results = [call(start.copy(), np.zeros((7, 66))) for call in calls]
    for _ in range(8 * ROUNDS):  # in turn, so that both meet the same machine
        for which, call in enumerate(calls):
            f, work = start.copy(), np.zeros((7, 66))
            begin = time.perf_counter()
            call(f, work)
            times[which] = min(times[which], time.perf_counter() - begin)
    agree = abs(results[0] - results[1]) <= 1e-9 * abs(results[0])
    ratio = times[1] / times[0]
    figure = f"{times[1] * 1e3:.2f} against {times[0] * 1e3:.2f} us = {ratio:.2f}x"
    figure += "" if agree else f", but results differ: {results}"
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
