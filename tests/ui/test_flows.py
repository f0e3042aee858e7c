"""The bands of the energy picture against the plant's own ledger: nothing is drawn that does not flow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Browser

from kpp_physics.parameters import ParameterError, Parameters
from kpp_physics.plant import Plant
from tests.kpp_physics.test_properties import fitting
from ui import displayed_channels
from ui.lab import variants

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FOLDER = Path(__file__).resolve().parents[2] / "ui" / "frontend" / "src" / "plant"
STORES = {
    "air": ("receiver", "pockets", "surface"),
    "chain": ("chain", "shaft", "water", "shell"),
    "electric": ("magnetic", "dc_link"),
}
"""Hub of the picture, stores of the ledger that are its own."""

SURROUNDINGS = ("ambient_pressure", "ambient_temperature")

SHOWN = {channel.path: channel for channel in (*displayed_channels.SERIES, *displayed_channels.READINGS)}
COMPUTE = """async ([source, wanted]) => {
    const module = await import('data:text/javascript,' + encodeURIComponent(source));
    if (!wanted) return module.PATHS;
    return wanted.map((powers) => {
        const {bands, stored} = module.flows(new Map(Object.entries(powers)));
        return {bands: Object.fromEntries(bands), stored, ...module.sides(bands)};
    });
}"""


class Moment(NamedTuple):
    """What a plant showed after one step of 1 ms, and what its stores took up in that step (kW)."""

    of: str
    powers: dict[str, float]
    stored: dict[str, float]


def _source() -> str:
    """The module with what it imports, as one address: a page of no server can look up no file."""
    lines = (FOLDER / "ledger_lines.js").read_text(encoding="utf-8")
    flows = (FOLDER / "flows.js").read_text(encoding="utf-8")
    return flows.replace('"./ledger_lines.js"', f'"data:text/javascript,{quote(lines)}"')


def _stored(frame: dict[str, Any]) -> dict[str, float]:
    ledger = frame["ledger"]
    found = {hub: sum(ledger[f"stored_{each}"] for each in names) / 1e3 for hub, names in STORES.items()}
    found["air"] -= ledger["reference"] / 1e3  # no power: the air's energy counts from another zero
    return found


def _moment(plant: Plant, of: str, paths: list[str]) -> Moment:
    before = _stored(plant.observe())
    plant.step(1)
    frame = plant.observe()
    after = _stored(frame)
    powers = {}
    for path in paths:
        group, name = path.split(".")
        powers[path] = frame[group][name] * SHOWN[path].factor
    return Moment(of, powers, {hub: (after[hub] - before[hub]) * 1e3 for hub in STORES})


def _life(parameters: Parameters, of: str, paths: list[str]) -> Iterator[Moment]:
    """Start, work, another weather, coast, stop and emergency stop of a plant."""
    plant = Plant(parameters)
    plant.command("start", {})
    for second in range(90):
        plant.step(997)
        if second == 55:  # reached along ramps of some seconds
            plant.change_parameters({"ambient_pressure": 98_000.0, "ambient_temperature": 291.0})
        if second == 62:
            plant.change_parameters({name: getattr(parameters, name) for name in SURROUNDINGS})
        if second == 70 and plant.plc_state == "running":
            plant.command("coast", {})
        if second == 75 and plant.plc_state == "coasting":
            plant.command("resume", {})
        if second == 80 and plant.plc_state in {"starting", "running", "coasting"}:
            plant.command("emergency_stop", {})
        yield _moment(plant, f"{of} at {second} s, {plant.plc_state}", paths)


def _plants() -> Iterator[tuple[str, Parameters]]:
    for name, mode, parameters in variants(Parameters()):
        yield f"{name} {mode}", parameters
    rng = np.random.default_rng(13)
    found = 0
    while found < 30:
        try:
            yield f"random plant {found}", Parameters.of(fitting(rng))
        except ParameterError:
            continue
        found += 1


def test_i13_what_goes_in_comes_out_in_all_modes_of_all_hypotheses_and_stores_are_the_plants_own(
    browser: Browser,
) -> None:
    page = browser.new_page()
    source = _source()
    paths = page.evaluate(COMPUTE, [source, None])
    moments = [moment for of, parameters in _plants() for moment in _life(parameters, of, paths)]
    drawn = page.evaluate(COMPUTE, [source, [moment.powers for moment in moments]])
    page.close()
    wrong = []
    for moment, picture in zip(moments, drawn, strict=True):
        scale = max(1.0, picture["in"])
        if any(value <= 0 for value in picture["bands"].values()):
            wrong.append(f"{moment.of}: a band that is none, {picture['bands']}")
        if abs(picture["in"] - picture["out"]) > 1e-9 * scale:
            wrong.append(f"{moment.of}: {picture['in']} kW in, {picture['out']} kW out")
        # A step's end speed stands for its mean in the jet's power; sums of stores carry their rounding.
        for hub, value in moment.stored.items():
            if abs(picture["stored"][hub] - value) > 2e-3 * scale + 1e-2:
                wrong.append(f"{moment.of}: {hub} stores {value:.3f} kW, drawn {picture['stored'][hub]:.3f} kW")
    assert wrong == []
