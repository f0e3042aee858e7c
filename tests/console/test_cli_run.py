"""What a headless run measures and when it gives up, without a process around it."""

from typing import Any

import pytest

from catalog.scenarios import Scenarios
from console.run_progress import ProgressBar
from kpp_physics.parameters import Parameters
from studies.plan import Plan, schedule
from studies.report import render
from studies.result import StudyResult, waterfall
from studies.run import Measurement, StudyRun


def run(plan: Plan, **changes: Any) -> Measurement:
    return StudyRun(Parameters.of(changes), plan).measure()


@pytest.fixture(scope="module")
def one_lap() -> Measurement:
    return run(Plan(laps=1, warmup_laps=1))


def test_laps_asked_for_are_exact_while_load_cycles_go_on(one_lap: Measurement) -> None:
    assert one_lap.error is None
    assert (one_lap.laps, one_lap.warmup_laps) == (1, 1)
    assert one_lap.cycle_laps > 1
    assert one_lap.load_cycles >= 10
    assert one_lap.meters["compressor_power"] == pytest.approx(44560, rel=5e-3)
    text = render(StudyResult("reference", one_lap, 1.0))
    assert f"over {one_lap.load_cycles} whole load cycles within {one_lap.cycle_laps} laps" in text


def test_the_waterfall_closes(one_lap: Measurement) -> None:
    rows = dict(waterfall(one_lap.means))
    assert rows["sum of inputs"] + rows["sum of losses and stores"] == pytest.approx(rows["grid"], rel=1e-12)
    assert abs(rows["into stores"]) < 0.02 * rows["compressor"]


def test_a_claim_is_shown_as_energy_without_a_source() -> None:
    found = StudyRun(Scenarios.at_hand().read("as-claimed"), Plan(laps=1, warmup_laps=1)).measure()
    unsourced = found.meters["unsourced_power"]
    assert unsourced is not None
    assert unsourced > 5000
    text = render(StudyResult("as-claimed", found, 1.0))
    assert f"{unsourced / 1e3:.2f} kW of this output has no source in the model." in text


def test_a_compressor_that_never_idles_is_averaged_over_the_laps() -> None:
    found = run(Plan(laps=1, warmup_laps=2), compressor_flow=0.15)
    assert found.error is None
    assert (found.laps, found.load_cycles) == (1, 0)
    assert found.meters["compressor_power"] == found.means["compressor"]
    assert "completed no load cycle" in render(StudyResult("starved", found, 1.0))


def test_a_receiver_that_never_fills_is_given_up() -> None:
    found = run(Plan(), relief_pressure=2e5)
    assert found.error is not None
    assert "still pressurising" in found.error
    assert "limit for filling the receiver" in found.error


def test_a_plant_that_never_reaches_its_speed_is_given_up() -> None:
    found = run(Plan(), generator_speed_setpoint=3000, generator_rated_speed=3000)
    assert found.error is not None
    assert "20 laps the plant is still starting: it does not reach half of its set speed" in found.error


def test_a_plant_too_weak_to_start_is_given_up_with_both_pulls() -> None:
    found = run(Plan(), floater_count=4, floater_volume=0.02)
    assert found.error is not None
    assert "does not turn: at 1830 s it is starting in lap 0" in found.error
    assert "breaking away needs a pull of 4689 N (850 N chain friction, 3839 N iron" in found.error
    assert "the air in the floaters pulls with 59 N" in found.error
    assert any(text.startswith("cross-check break away") for text in found.warnings)


def test_a_receiver_below_the_pockets_is_named() -> None:
    found = run(Plan(), load_pressure=110000, unload_pressure=200000)
    assert found.error is not None
    assert "the receiver holds 1.7" in found.error
    assert "the lowest pocket stands at 3.343 bar" in found.error


def test_a_lap_that_never_ends_is_given_up() -> None:
    creeping = StudyRun(Parameters(), Plan())
    assert creeping.found.schedule.longest_lap == 7200
    creeping.found.schedule = creeping.found.schedule._replace(longest_lap=50.0)  # its first lap takes 150 s
    found = creeping.measure()
    assert found.error is not None
    assert "the plant only creeps" in found.error
    assert "has not completed lap 1 in 50 s: breaking away needs" in found.error
    slow = schedule(Parameters.of({"generator_speed_setpoint": 5}))  # 0.016 m/s: a lap of an hour is what was asked for
    assert slow.longest_lap > 20 * 3200


def test_a_slow_receiver_gets_a_longer_warm_up() -> None:
    assert schedule(Parameters()).warmup_laps == 4
    assert schedule(Parameters.of({"receiver_volume": 50})).warmup_laps > 10
    assert schedule(Parameters.of({"receiver_volume": 500, "receiver_ua": 0})).warmup_laps <= 200


def test_few_load_cycles_are_enough_only_for_who_asked_for_laps() -> None:
    assert Plan(laps=2).enough_cycles(5) == 10
    assert Plan(laps=2).enough_cycles(6) == 2
    assert Plan().enough_cycles(60) == 10


class Terminal:
    """A stream that claims to be a terminal and keeps what is written."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


def test_the_bar_stays_on_one_line_and_is_taken_away(one_lap: Measurement) -> None:
    terminal: Any = Terminal()
    bar = ProgressBar(terminal, Plan(laps=1))
    bar(one_lap.plant, one_lap)
    bar.close()
    assert "\n" not in terminal.text
    assert "[" in terminal.text
    assert "x real time" in terminal.text
    assert terminal.text.endswith("\r")
