"""Recordings over REST: what is recorded, its history, events, export and comparison, and a fork of a real plant."""

import csv
import io
from typing import Any

import pyarrow.parquet as pq
import pytest
from mcap.reader import make_reader

from .conftest import Running
from .recordings import FIRST, FORK, FORKED_AT, PARENT, TICKS
from .test_rest import fields, problem


def get(gateway: Running, path: str, **query: Any) -> Any:
    """The answer to a question about recordings, which has to be one."""
    answer = gateway.rest.get(f"/v1/recordings{path}", params={key.strip("_"): value for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_recorded_runs_say_what_they_began_from_and_how_far_they_go(gateway: Running) -> None:
    found = {each["run"]: each for each in get(gateway, "")["recordings"]}
    assert set(found) == {PARENT, FORK}
    assert (found[PARENT]["scenario"], found[PARENT]["fork"]) == ("reference", None)
    assert found[FORK]["fork"] == {"run": PARENT, "seq": 200, "t": FORKED_AT}
    for run, ticks in TICKS.items():
        (module,) = found[run]["modules"]
        assert (module["module"], module["rows"], module["start"], module["end"]) == (
            "m1",
            ticks,
            (1 + FIRST[run]) / 100,
            (ticks + FIRST[run]) / 100,
        )
        assert found[run]["bytes"] > 0
    first = get(gateway, "", limit=1)
    assert first["more"]
    rest = get(gateway, "", before=first["recordings"][0]["run"])
    assert not rest["more"]
    assert {each["run"] for each in first["recordings"] + rest["recordings"]} == {PARENT, FORK}


def test_channels_come_with_unit_and_meaning(gateway: Running) -> None:
    found = {each["name"]: each for each in get(gateway, f"/{PARENT}/channels")["channels"]}
    assert found["grid.net_power"]["unit"] == "W"
    assert found["grid.net_power"]["meaning"]
    assert len(found) > 60


def test_history_is_minimum_mean_and_maximum_of_what_was_recorded(gateway: Running) -> None:
    found = get(gateway, f"/{PARENT}/history", channels="grid.net_power", from_=1.0, to=3.0, bins=2)
    (channel,) = found["channels"]
    assert (found["t"], found["width"], found["lost"]) == ([1.0, 2.0], 1.0, 0)
    assert channel["samples"] == [100, 100]
    exported = get_csv(gateway, PARENT, channels="grid.net_power", from_=1.0, to=2.0)
    values = [float(row["grid.net_power [W]"]) for row in exported]
    expected = [min(values), pytest.approx(sum(values) / len(values)), max(values)]
    assert [channel[name][0] for name in ("minimum", "mean", "maximum")] == expected
    whole = get(gateway, f"/{PARENT}/history", channels="grid.net_power")
    assert sum(whole["channels"][0]["samples"]) == TICKS[PARENT]


def test_events_and_results_come_with_the_time_asked_for(gateway: Running) -> None:
    found = get(gateway, f"/{PARENT}/events")
    assert [event["t"] for event in found["events"]] == [1.0, 2.0, 3.0, 4.0]
    assert [result["name"] for result in found["results"]] == ["begin"]
    assert (found["total"], found["next"]) == (5, None)
    assert [event["t"] for event in get(gateway, f"/{PARENT}/events", from_=1.5, to=3.0)["events"]] == [2.0]
    assert len(get(gateway, f"/{PARENT}/events", after=3)["events"]) == 2


def get_csv(gateway: Running, run: str, **query: Any) -> list[dict[str, str]]:
    """Rows of an export."""
    query = {key.strip("_"): value for key, value in query.items()}
    answer = gateway.rest.get(f"/v1/recordings/{run}/export", params={"format": "csv", **query})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_an_export_is_the_file_that_its_reader_opens(gateway: Running) -> None:
    rows = get_csv(gateway, PARENT, from_=1.0, to=2.0)
    assert [int(row["seq [1]"]) for row in rows] == list(range(100, 200))
    assert len(rows[0]) > 60
    url = f"/v1/recordings/{PARENT}/export"
    parquet = gateway.rest.get(url, params={"format": "parquet", "channels": "grid"})
    assert parquet.headers["content-type"] == "application/vnd.apache.parquet"
    assert parquet.headers["content-disposition"] == 'attachment; filename="0001-001-m1.parquet"'
    assert parquet.headers["transfer-encoding"] == "chunked", "it is sent while it is made"
    table = pq.read_table(io.BytesIO(parquet.content))
    assert table.num_rows == TICKS[PARENT]
    assert all(name in {"t", "seq"} or name.startswith("grid.") for name in table.column_names)
    mcap = gateway.rest.get(url, params={"format": "mcap"})
    topics = [channel.topic for _, channel, _ in make_reader(io.BytesIO(mcap.content)).iter_messages()]
    assert (topics.count("state/m1/"), topics.count("event/m1/")) == (TICKS[PARENT], 4)


def test_a_fork_is_laid_over_its_parent_at_the_same_moment(gateway: Running) -> None:
    wanted = {"channels": "grid.net_power,chain.speed", "bins": 100}
    found = get(gateway, "/compare", left=FORK, right=PARENT, **wanted)
    assert (found["common"], found["left"]["shift"], found["right"]["shift"]) == (PARENT, 0.0, FORKED_AT)
    assert len(found["left"]["t"]) > 30
    assert found["left"]["t"] == found["right"]["t"]
    assert found["left"]["channels"] == found["right"]["channels"]  # it was recorded with its parent's numbers
    turned = get(gateway, "/compare", left=PARENT, right=FORK, **wanted)
    assert turned["right"]["shift"] == -FORKED_AT
    assert turned["left"]["t"][0] >= FORKED_AT
    assert turned["left"]["channels"] == turned["right"]["channels"]
    answer = gateway.rest.get(
        "/v1/recordings/compare", params={"left": PARENT, "right": FORK, "to": 1.0, "channels": "chain.speed"}
    )
    assert "nothing of 0001-002 is recorded in that time" in str(problem(answer, 404)["detail"])


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/nope/channels", 404, None),
        ("/nope/history?channels=grid.net_power", 404, None),
        ("/nope/history?channels=grid.net_power&to=1", 404, None),
        ("/nope/events", 404, None),
        ("/nope/export", 404, None),
        ("/..%2F..%2Fpresets/export", 404, None),
        ("/compare?left=nope&right=0001-001&channels=chain.speed", 404, None),
        ("/0001-001/history?channels=nonsense", 404, "channels"),
        ("/0001-001/history?channels=plc.state", 404, "channels"),
        ("/0001-001/history?channels=,", 422, "channels"),
        ("/0001-001/history?channels=chain&from=2&to=1", 409, "from"),
        ("/0001-001/events?from=2&to=1", 409, "from"),
        ("/0001-001/export?from=2&to=1", 409, "from"),
        ("/0001-001/history?channels=a%0Ab", 422, "channels"),
        ("/0001-001/history?channels=chain.speed&bins=0", 422, "bins"),
        (
            "/0001-001/history?channels=" + ",".join(f"floaters.fill[{k % 3}]" for k in range(8)) + "&bins=1000",
            409,
            "bins",
        ),
        ("/0001-001/events?from=nan", 422, "from"),
        ("/0001-001/export?channels=nonsense", 404, "channels"),
        ("/0001-001/export?format=xlsx", 422, "format"),
    ],
)
def test_a_wrong_question_names_what_is_wrong(gateway: Running, path: str, status: int, field: str | None) -> None:
    found = problem(gateway.rest.get(f"/v1/recordings{path}"), status)
    if field is not None:
        assert fields(found) == [field]


def test_what_cannot_be_forked_is_refused_and_the_run_goes_on(gateway: Running) -> None:
    rest = gateway.rest
    known = problem(rest.post("/v1/recordings/nope/fork", json={"t": 1.0}), 404)["known"]
    assert set(known) == {PARENT, FORK}
    assert fields(problem(rest.post(f"/v1/recordings/{PARENT}/fork", json={"t": 0.0}), 404)) == ["t"]
    assert fields(problem(rest.post(f"/v1/recordings/{PARENT}/fork", json={}), 422)) == ["t"]
    refused = problem(rest.post(f"/v1/recordings/{PARENT}/fork", json={"t": 1.0}), 409)
    assert refused["detail"] == "that moment is not here"
    assert gateway.peer.commands == []
