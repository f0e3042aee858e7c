"""What Prometheus reads: clean metrics, and a scrape configuration by which every figure comes once."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from bus.protocol.messages import Peer
from runtime import metrics
from tests.watching import eventually

from . import messages
from .conftest import Running

DOCS = Path(__file__).resolve().parents[3] / "docs"
JOBS: dict[str, Any] = {
    job["job_name"]: job for job in YAML(typ="safe").load((DOCS / "prometheus.yml").read_text())["scrape_configs"]
}
STATUS = messages.status(7, lateness={"p50": 0.001, "p99": 0.002, "max": 0.003})


def names(families: list[Metric]) -> set[str]:
    return {sample.name for family in families for sample in family.samples}


def dropped(job: str, name: str) -> bool:
    """Prometheus takes a pattern from beginning to end."""
    return any(
        re.fullmatch(rule["regex"], name) and rule["action"] == "drop"
        for rule in JOBS[job].get("metric_relabel_configs", [])
    )


def complaints(families: list[Metric]) -> list[str]:
    """What `promtool check metrics` says, as far as it can concern us."""
    found = []
    for family in families:
        labels = {label for sample in family.samples for label in sample.labels}
        if not family.documentation:
            found.append(f"{family.name}: no help text")
        if family.type != "counter" and family.name.endswith("_total"):
            found.append(f"{family.name}: non-counter metrics should not have _total suffix")
        if family.type == "counter" and not all(
            sample.name.endswith(("_total", "_created")) for sample in family.samples
        ):
            found.append(f"{family.name}: counter metrics should have _total suffix")
        if family.type != "summary" and "quantile" in labels:
            found.append(f"{family.name}: non-summary metrics should not have quantile label")
        if family.type != "histogram" and "le" in labels:
            found.append(f"{family.name}: non-histogram metrics should not have le label")
        if labels & {"job", "instance"}:
            found.append(f"{family.name}: Prometheus has labels of its own with that name")
        if re.search(r"[A-Z:]|_(ms|us|minutes|hours|kilo|milli)", family.name):
            found.append(f"{family.name}: base units, small letters")
        seen = Counter((sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples)
        found += [f"{each}: twice" for each, count in seen.items() if count > 1]
    return found


@pytest.mark.parametrize("path", ["/metrics", "/v1/metrics"])
def test_s19_what_the_gateway_tells_is_clean(gateway: Running, path: str) -> None:
    page = ""

    def reported() -> bool:
        nonlocal page
        page = gateway.rest.get(path).text
        return "kpp_node_restarts" in page

    eventually(reported, 10, "the peer's first report of the nodes has come")
    families = list(text_string_to_metric_families(page))
    assert complaints(families) == []
    kinds = {family.name: family.type for family in families}
    assert kinds["kpp_node_restarts"] == "counter"
    assert len(kinds) == len(families), "every family stands once"
    kept = {name for name in names(families) if not dropped("gateway", name)}
    assert kept >= {"kpp_ledger_residual", "kpp_net_power_watts", "kpp_websocket_clients"}
    assert not any(name.startswith(("kpp_node", "kpp_ticks")) for name in kept)


def test_s19_what_all_doors_tell_is_clean_and_comes_once() -> None:
    everywhere = [*metrics.of_status(STATUS)]
    state = messages.state(7, messages.RUN)
    states = [*metrics.of_states([state]), *metrics.of_events([])]
    assert complaints(list(text_string_to_metric_families(metrics.render([*everywhere, *states]).decode()))) == []
    for name in names(everywhere):
        assert not dropped("clock", name)
        assert dropped("gateway", name), name
        assert dropped("dashboard", name), name
    for name in names(states):
        assert not dropped("gateway", name), name
        assert dropped("dashboard", name), name
    for name in (
        "kpp_tick_lateness_seconds_bucket",
        "kpp_dashboard_pages",
        "kpp_queue_depth",
        "kpp_rest_request_seconds_sum",
    ):
        assert not any(dropped(job, name) for job in JOBS), name


def restarts(peers: list[Peer]) -> dict[tuple[str, str], float]:
    """Restarts by node and program, as told by whoever hears this report first of all."""
    page = metrics.render(metrics.of_status(replace(STATUS, peers=peers))).decode()
    return {
        (sample.labels["node"], sample.labels["program"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "kpp_node_restarts_total"
    }


def test_restarts_are_those_that_the_supervisor_counts_whoever_has_just_begun_to_listen() -> None:
    def peer(node: str, program: str, pid: int, count: int | None, supervisor: str = "here", age: float = 0.1) -> Peer:
        return Peer(node, f"pid-{pid}", pid, "ok", 7, 0, age, 0, count, supervisor, program)

    newest = [
        peer("gateway", "gateway_0", 8, 3),
        peer("gateway", "gateway_1", 9, 1),
        peer("gateway", "gateway_1", 9, 2, supervisor="there"),
        peer("m1", "physics_m1", 10, 0),
        peer("ui", "", 11, None),
    ]
    gone = [peer("gateway", "gateway_0", 7, 2, age=30.0)]
    expected = {("gateway", "gateway_0"): 3, ("gateway", "gateway_1"): 3, ("m1", "physics_m1"): 0}
    assert restarts([*gone, *newest]) == expected, "a process that has gone is not counted twice"
    assert restarts([*newest, *gone]) == expected
    assert restarts(newest) == expected, "nor does its going change the count"
