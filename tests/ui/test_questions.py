"""What a page may ask of the server: presets and a comparison of claims; bad questions get a reason."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from bus.protocol.endpoints import Endpoints
from bus.security.tokens import Caller, Role
from bus.transport.client import Commander
from catalog.data_folder import DataFolder
from catalog.presets import PresetError, Presets
from kpp_physics.parameters import Parameters
from kpp_physics.settling import settled
from tests.kpp_physics.laps import small_parameters, small_plant
from tests.ui.synthetic_plant import free_endpoints
from tests.watching import eventually
from ui import lab
from ui.lab import Lab
from ui.questions import QuestionAnswer, Questions
from ui.replays import Replays

ADMIN = Caller("", Role.ADMIN)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def questions(tmp_path: Path) -> Questions:
    return Questions(
        Commander(Endpoints.from_environment(free_endpoints())),
        Presets(tmp_path / "presets"),
        Lab(),
        Replays(DataFolder(tmp_path), lambda _told: None),
    )


def asked(questions: Questions, kind: str, **args: Any) -> QuestionAnswer:
    return asyncio.run(questions.answer({"id": "1", "ask": kind, "module": "m1", "args": args}, ADMIN, "page"))


def test_presets_are_files_in_the_form_of_scenarios(questions: Questions, tmp_path: Path) -> None:
    assert asked(questions, "presets").data == []
    assert asked(questions, "preset_save", name="deep", parameters={"water_depth": 40}).data == ["deep"]
    assert "water_depth = 40" in (tmp_path / "presets" / "deep.toml").read_text()
    assert asked(questions, "preset_read", name="deep").data == Parameters.of({"water_depth": 40}).as_dict()
    assert [path.name for path in (tmp_path / "presets").iterdir()] == ["deep.toml"], "nothing is left beside it"
    assert asked(questions, "preset_delete", name="deep").data == []


def test_a_preset_that_another_has_saved_meanwhile_is_not_overwritten(questions: Questions) -> None:
    saved = asked(questions, "preset_save", name="mine", parameters={"water_depth": 40}, new=True)
    assert saved.ok, "the page has seen none"
    again = asked(questions, "preset_save", name="mine", parameters={"water_depth": 30}, new=True)
    assert (again.ok, again.reason) == (False, "a preset mine exists by now: save it again to overwrite it")
    assert asked(questions, "preset_read", name="mine").data["water_depth"] == 40
    assert asked(questions, "preset_save", name="mine", parameters={"water_depth": 30}, new=False).ok, "confirmed"
    assert asked(questions, "preset_read", name="mine").data["water_depth"] == 30


@pytest.mark.parametrize(
    ("kind", "args", "reason"),
    [
        ("dance", {}, "use one of presets"),
        ("preset_read", {}, "name: is missing"),
        ("preset_read", {"name": "nope"}, "there is no preset 'nope'"),
        ("preset_save", {"name": "../up", "parameters": {}}, "use 1 to 64 letters"),
        ("preset_save", {"name": "x", "parameters": {"drag_area": 99}}, "the highest value allowed is 3 m2"),
        ("preset_save", {"name": "x", "parameters": []}, "give values by name"),
        ("history", {"run": "", "channels": [], "start": 0, "end": 1, "bins": 1}, "channels"),
        ("compare", {"parameters": {"nope": 1}}, "nope is not a parameter"),
    ],
)
def test_a_bad_question_is_answered_with_the_reason(
    questions: Questions, kind: str, args: dict[str, Any], reason: str
) -> None:
    reply = asked(questions, kind, **args)
    assert not reply.ok
    assert reason in reply.reason


async def _told_at_last(folder: Path, run: str) -> dict[str, Any]:
    """What is told of a replay in the end."""
    told: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    replays = Replays(DataFolder(folder), told.put_nowait)
    await replays.start(run)
    while True:
        newest = await told.get()
        assert newest is not None
        if newest["state"] == "ended":
            return newest


def test_a_replay_that_cannot_be_says_why(questions: Questions, tmp_path: Path) -> None:
    assert "is no run id" in asked(questions, "replay", run="; rm -rf /").reason
    told = asyncio.run(_told_at_last(tmp_path, "0009-009"))
    assert told["reason"].startswith("no recording of run '0009-009'")
    assert asked(questions, "replay_end").ok


def test_a_comparison_is_computed_once_for_the_same_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []

    async def compute(given: str) -> Any:
        computed.append(given)
        return {"rows": len(computed)}

    monkeypatch.setattr(Lab, "_compute", staticmethod(compute))

    async def compare() -> list[Any]:
        lab = Lab()
        plain: dict[str, Any] = {}
        claimed, other = {"h1_mode": "claimed"}, {"drag_area": 0.3}
        return [await lab.compare(each) for each in (plain, other, claimed, plain)]

    assert [each["rows"] for each in asyncio.run(compare())] == [1, 2, 1, 1]


def test_a_comparison_ends_with_whoever_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def given_up() -> int | None:
        started: list[asyncio.subprocess.Process] = []
        create, began = asyncio.create_subprocess_exec, asyncio.Event()

        async def create_and_tell(*program: str, **pipes: int) -> asyncio.subprocess.Process:
            started.append(await create(*program, stdin=pipes["stdin"], stdout=pipes["stdout"]))
            began.set()
            return started[-1]

        monkeypatch.setattr(asyncio, "create_subprocess_exec", create_and_tell)
        asking = asyncio.create_task(Lab().compare({}))
        await began.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return started[0].returncode

    assert asyncio.run(given_up()) == -signal.SIGKILL


def test_a_question_without_form_is_answered(questions: Questions) -> None:
    assert not asyncio.run(questions.answer("hello", ADMIN, "page")).ok


def test_a_damaged_preset_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[parameters]\nwater_depth = deep\n")
    with pytest.raises(PresetError, match="bad"):
        Presets(tmp_path).read("bad")


@pytest.fixture(scope="module")
def measured() -> list[dict[str, Any]]:
    """The comparison of a small plant."""
    rows: list[dict[str, Any]] = lab.measure(Parameters.of(small_parameters()))["rows"]
    return rows


def test_each_claim_is_compared_alone_and_physical_ones_pay_for_all_they_give(measured: list[dict[str, Any]]) -> None:
    rows = {(row["hypothesis"], row["mode"]): row for row in measured}
    assert len(rows) == 11
    assert all(row["trip"] is None and row["settled"] for row in rows.values())
    assert all(row["laps"] == 5 and row["left_out"] >= 1 for row in rows.values())
    assert all(row["unsourced_power"] == 0.0 for (_, mode), row in rows.items() if mode != "claimed")
    assert rows["h1", "claimed"]["unsourced_power"] > 0
    assert rows["h1", "claimed"]["net_power"] > rows["none", "off"]["net_power"]
    assert all(abs(row["r_a"]) < 1e-9 for row in rows.values())


def test_i13_all_claims_off_is_the_running_plant_once_both_have_settled(measured: list[dict[str, Any]]) -> None:
    off = measured[0]
    plant = small_plant()
    while plant.time_us < off["t"] * 1e6 or not settled(*plant.lap_records(5)):
        plant.step(lab.CHUNK)
    running = plant.observe()["meters"]
    assert {name: off[name] for name in lab.METERS} == {name: running[name] for name in lab.METERS}


def test_i13_a_plant_that_has_not_settled_has_no_means_to_compare() -> None:
    rows = lab.measure(Parameters.of(small_parameters()), longest=60)["rows"]
    assert all(not row["settled"] and row["net_power"] is None and row["cop"] is None for row in rows)


def test_s05_a_preset_is_deleted_by_an_administrator_alone(questions: Questions) -> None:
    asked = {"id": "1", "ask": "preset_delete", "module": "m1", "args": {"name": "mine"}}
    reply = asyncio.run(questions.answer(asked, Caller("ann", Role.OPERATOR), "page"))
    assert not reply.ok
    assert reply.reason == "preset_delete needs the role admin, 'ann' has operator"


def test_s10_a_question_about_a_module_that_there_is_not_says_which_there_are(questions: Questions) -> None:
    reply = asyncio.run(questions.answer({"id": "1", "ask": "channels", "module": "m9", "args": {}}, ADMIN, "page"))
    assert (reply.ok, reply.reason) == (False, "no module 'm9': KPP_MODULES names m1")


ASKS = """import asyncio
from kpp_physics.parameters import Parameters
from ui.lab import Lab
asyncio.run(Lab().compare(Parameters().as_dict()))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel of no other system ends orphans")
def test_a_comparison_ends_with_the_dashboard_that_is_killed() -> None:
    dashboard = subprocess.Popen([sys.executable, "-c", ASKS], cwd=ROOT)
    asking = psutil.Process(dashboard.pid)
    computing = eventually(asking.children, 20, "the plants are computed in a process of their own")[0]
    eventually(lambda: "ui.lab" in computing.cmdline() and computing.nice() > 0, 20, "it computes")
    dashboard.kill()
    dashboard.wait()
    try:
        eventually(lambda: _ended(computing), 1, "it ends long before it has computed anything")
    finally:
        if not _ended(computing):
            computing.kill()


def _ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)  # nobody may be there to ask how it ended
    except psutil.NoSuchProcess:
        return True
