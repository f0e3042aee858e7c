"""`kpp` as a user calls it: real processes, their output and their exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catalog.scenarios import VARIABLE, Scenarios
from kpp_physics.parameters import DECLARATIONS, KINDS
from studies.result import METERS

ROOT = Path(__file__).resolve().parents[2]
KEYS = [
    "scenario",
    "parameters",
    "laps",
    "simulated_time",
    "wall_time",
    "digest",
    "meters",
    "steady",
    "waterfall",
    "ledger",
    "stores",
    "residuals",
    "warnings",
    "cross_checks",
]
FAST = ("--laps", "1", "--warmup-laps", "0")


def environment(**changes: str) -> dict[str, str]:
    known = {key: value for key, value in os.environ.items() if key != VARIABLE}
    return {**known, "PYTHONPATH": str(ROOT), **changes}


def kpp(*arguments: str, cwd: Path = ROOT, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def refused(*arguments: str, cwd: Path = ROOT, **changes: str) -> str:
    """What stderr says of arguments that cannot be used."""
    done = kpp(*arguments, cwd=cwd, **changes)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def measured(*arguments: str, cwd: Path = ROOT) -> dict[str, Any]:
    done = kpp("run", *arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return measured("reference", *FAST)


def test_the_object_has_exactly_its_keys(reference: dict[str, Any]) -> None:
    assert list(reference) == KEYS
    assert reference["scenario"] == "reference"
    assert list(reference["parameters"]) == list(DECLARATIONS)
    assert list(reference["meters"]) == list(METERS)
    assert len(METERS) == 21
    assert all(isinstance(value, float) for value in reference["meters"].values())
    assert list(reference["residuals"]) == ["r_a", "r_b", "r_c"]
    assert reference["residuals"]["r_a"] <= 1e-9
    assert reference["residuals"]["r_b"] <= 1e-4
    assert reference["residuals"]["r_c"] <= 1e-3
    assert reference["laps"] == 1
    assert reference["simulated_time"] > 290
    assert reference["wall_time"] > 0
    assert len(reference["digest"]) == 16
    assert any("icing" in text for text in reference["warnings"])
    for check in reference["cross_checks"]:
        assert list(check) == ["name", "asked", "available", "unit", "message"]


def test_meters_agree_with_the_published_ones_and_with_each_other(reference: dict[str, Any]) -> None:
    meters = reference["meters"]
    assert meters["chain_speed"] == pytest.approx(0.3632, rel=0.02)
    assert meters["compressor_power"] == pytest.approx(44560, rel=0.02)
    assert meters["grid_power"] == pytest.approx(14450, rel=0.02)
    paid = meters["compressor_power"] + meters["auxiliary_power"]
    assert meters["net_power"] == pytest.approx(meters["grid_power"] - paid)
    lines = {name: line["total"] for name, line in reference["ledger"].items()}
    taken = lines["compressor"] + lines["auxiliary"]
    assert meters["cop_raw"] == pytest.approx(lines["grid"] / taken, rel=1e-12)
    ends = [sum(reference["stores"][end]["exergy"].values()) for end in ("start", "end")]
    gained = ends[1] - ends[0]
    expected = (lines["grid"] + max(0.0, gained)) / (taken + max(0.0, -gained))
    assert meters["cop"] == meters["cop_without_claims"] == pytest.approx(expected, rel=1e-9)
    steady = reference["steady"]
    assert steady["steady"] is True
    assert steady["storage_change"] == pytest.approx(gained, rel=1e-9)
    assert steady["storage_share"] == pytest.approx(abs(gained) / taken, rel=1e-9)
    assert steady["storage_share"] <= steady["storage_limit"] == 0.02
    assert (steady["unsteady_reason"], steady["text"]) == ("none", None)


def test_the_object_closes_its_own_balance(reference: dict[str, Any]) -> None:
    """What went in less what went out is what the stores hold more, by their energies at both ends."""
    rows = {row["name"]: row["power"] for row in reference["waterfall"]}
    stored = [sum(reference["stores"][end]["energy"].values()) for end in ("start", "end")]
    span = reference["ledger"]["compressor"]["total"] / reference["ledger"]["compressor"]["mean"]
    assert -rows["into stores"] * span == pytest.approx(stored[1] - stored[0], abs=1e-3)


def test_a_run_that_is_not_steady_withholds_its_cop() -> None:
    """The receiver drains from a pressure that its compressor never reaches again."""
    change = ("--set", "receiver_volume=10", "--set", "unload_pressure=600000", "--set", "load_pressure=360000")
    done = kpp("run", "reference", "--json", *FAST, *change)
    result = json.loads(done.stdout)
    assert done.returncode == 3, done.stdout[-500:]
    assert result["steady"]["steady"] is False
    assert result["steady"]["unsteady_reason"] == "stores_changed"
    assert result["meters"]["cop"] is result["meters"]["net_power"] is result["meters"]["cop_without_claims"] is None
    assert result["meters"]["cop_raw"] is not None
    assert "not steady" in done.stderr
    assert "kJ of exergy" in result["steady"]["text"]


def test_the_same_run_twice_gives_the_same_bits(reference: dict[str, Any]) -> None:
    again = measured("reference", *FAST)
    for key in KEYS:
        if key != "wall_time":
            assert again[key] == reference[key], key


def test_text_shows_meters_waterfall_and_residuals() -> None:
    done = kpp("run", "reference", *FAST)
    assert done.returncode == 0
    for expected in (
        "1 laps measured after 0 laps",
        "grid power",
        " kW",
        "sum of inputs",
        "aftercooler",
        "sum of losses and stores",
        "R_A",
        "holds",
        "validated against a real plant",
        "whole load cycles",
    ):
        assert expected in done.stdout
    rows = {line[:28].strip(): float(line[28:40]) for line in done.stdout.splitlines() if line.rstrip().endswith("%")}
    assert rows["sum of inputs"] + rows["sum of losses and stores"] == pytest.approx(rows["grid"], abs=3e-4)
    assert "x real time" in done.stderr


def test_a_file_with_a_base_and_changes(tmp_path: Path) -> None:
    (tmp_path / "shallow.toml").write_text(
        'base = "rated-speed"\n[parameters]\nwater_depth = 12.5\nfloater_count = 33\n'
        "load_pressure = 260000\nunload_pressure = 300000\n",
        encoding="utf-8",
    )
    result = measured(str(tmp_path / "shallow.toml"), *FAST, "--set", "drag_area=0.25", "--set", "coflow=off")
    assert result["scenario"] == str(tmp_path / "shallow.toml")
    values = result["parameters"]
    assert (values["water_depth"], values["floater_count"], values["drag_area"]) == (12.5, 33, 0.25)
    assert (values["compressor_flow"], values["coflow"]) == (0.8, "off")
    assert result["meters"]["grid_power"] > 0


def test_errors_in_a_file_name_line_field_limit_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[parameters]\n\nwater_depth = 1000\n", encoding="utf-8")
    assert "wrong.toml, line 3: water_depth = 1000: the highest value allowed is 100 m" in refused("run", str(path))
    path.write_text("[parameters]\nwater_dept = 10\n", encoding="utf-8")
    assert "line 2: water_dept is not a parameter" in refused("run", str(path))
    path.write_text("[parameters\n", encoding="utf-8")
    assert "line 1" in refused("run", str(path))
    path.write_text('base = "nothing"\n', encoding="utf-8")
    assert "line 1: base = 'nothing': no such scenario" in refused("run", str(path))
    path.write_text("[parameters]\nwater_depth = " + "9" * 5000, encoding="utf-8")
    assert "wrong.toml: Exceeds the limit" in refused("run", str(path))
    path.write_text("[parameters]\nwater_depth = " + "[" * 5000, encoding="utf-8")
    assert "wrong.toml: maximum recursion depth" in refused("run", str(path))
    path.write_bytes(b"\xff\xfe")
    assert "UTF-8" in refused("run", str(path))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "perpetual"), "perpetual: no such scenario in scenarios"),
        (("run", "missing.toml"), "missing.toml: No such file"),
        (("run", "reference", "--set", "water_depth=1000"), "the highest value allowed is 100 m"),
        (("run", "reference", "--set", "water_depth=deep"), "--set water_depth = 'deep': give a number in m"),
        (("run", "reference", "--set", "water_depth=nan"), "give a finite number"),
        (("run", "reference", "--set", "depth=3"), "depth is not a parameter"),
        (("run", "reference", "--set", "water_depth"), "write name=value"),
        (("run", "reference", "--set", "load_pressure=500000"), "must be above load_pressure"),
        (("run", "reference", "--set", "coflow=maybe"), "choose one of on, off"),
        (("run", "reference", "--laps", "0"), "is not a whole number of 1 or more"),
        (("run", "reference", "--warmup-laps", "-1"), "is not a whole number of 0 or more"),
        (("run", "reference", "--duration", "inf"), "is not a time of more than 0 s"),
        (("run",), "required: SCENARIO"),
        (("walk",), "invalid choice"),
    ],
)
def test_wrong_arguments_are_refused_with_the_reason(arguments: tuple[str, ...], expected: str) -> None:
    assert expected in refused(*arguments)


def test_bases_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('base = "two"\n', encoding="utf-8")
    (tmp_path / "two.toml").write_text('base = "one"\n', encoding="utf-8")
    assert "one -> two -> one" in refused("run", "one", KPP_SCENARIOS=str(tmp_path))


def test_scenarios_lists_names_with_their_first_line(tmp_path: Path) -> None:
    done = kpp("scenarios", cwd=tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()] == Scenarios.at_hand().names()
    assert "Reference" in done.stdout
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.toml").write_text("# My own plant.\n", encoding="utf-8")
    assert "My own plant." in kpp("scenarios", cwd=tmp_path).stdout
    assert kpp("scenarios", KPP_SCENARIOS=str(tmp_path / "scenarios")).stdout.split()[0] == "mine"


def test_parameters_lists_every_declaration() -> None:
    lines = kpp("parameters").stdout.splitlines()
    table, kinds = lines[1 : len(DECLARATIONS) + 1], lines[len(DECLARATIONS) + 2 :]
    assert [line.split()[0] for line in table] == list(DECLARATIONS)
    assert [line.split()[0] for line in kinds] == list(KINDS)
    assert all(item.kind in line for item, line in zip(DECLARATIONS.values(), table, strict=True))
    listed = json.loads(kpp("parameters", "--json").stdout)
    assert [item["name"] for item in listed] == list(DECLARATIONS)
    assert listed[0]["default"] == 66
    by_name = {item["name"]: item for item in listed}
    assert (by_name["receiver_volume"]["kind"], by_name["receiver_volume"]["forkable"]) == ("built", True)
    assert (by_name["ambient_pressure"]["kind"], by_name["ambient_pressure"]["ramp"]) == ("environment", 1000)


def test_help_does_not_wait_for_the_compiler() -> None:
    for arguments in (("--help",), ("run", "--help")):
        assert "usage: kpp" in kpp(*arguments).stdout
    script = "import sys; sys.argv = ['kpp']; import console.simulate; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment(), check=False).returncode == 0


def test_of_all_nodes_only_a_plant_module_loads_the_compiler() -> None:
    others = "nodes.clock.app, nodes.gateway.app, nodes.recorder.app, nodes.supervision.plugin, ui.server"
    script = f"import sys, {others}; print([each for each in ('numba', 'llvmlite') if each in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(), check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def stopped(*arguments: str) -> dict[str, Any]:
    """The object of a run that could not be measured."""
    done = kpp("run", "reference", "--json", *arguments)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert list(result) == [*KEYS, "error"]
    assert set(result["meters"].values()) == {None}
    assert result["error"] in done.stderr
    return result


def test_a_plant_that_does_not_turn_says_so() -> None:
    result = stopped("--set", "fill_fraction=0")
    assert "does not turn: at 1830 s it is starting in lap 0" in result["error"]
    assert result["laps"] == 0


def test_a_plant_that_trips_says_so() -> None:
    error = stopped("--set", "chain_tension_limit=50000")["error"]
    assert "tripped at" in error
    assert "chain tension" in error


def test_the_duration_bounds_the_run() -> None:
    result = stopped("--duration", "12.3456", "--laps", "2")
    assert result["simulated_time"] == pytest.approx(12.346, abs=1e-9)
    assert "duration of 12.3456 s ended with the plant pressurising" in result["error"]
    assert "NOT MEASURED" in kpp("run", "reference", "--duration", "20").stdout


def test_a_duration_alone_measures_every_lap_until_then() -> None:
    result = measured("reference", "--duration", "520", "--warmup-laps", "0")
    assert result["simulated_time"] == 520
    assert result["laps"] == 2


def test_an_interrupt_ends_quietly() -> None:
    # Where a shell starts the tests in the background, programs ignore the signal unless they are told otherwise.
    listening = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        " runpy.run_module('console', run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", listening, "run", "reference", "--laps", "9999"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "simulated" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == ""
    assert "interrupted" in err
    assert "Traceback" not in err
