"""What a node reports to Prometheus, in the form of its client library: families made of messages, rendered on demand.

Names follow Prometheus: base units, `_total` for what only grows, labels for what would be many names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bus.protocol.messages import Event, Peer, State, Status
from bus.view.plant_view import PlantView

MEDIA_TYPE = CONTENT_TYPE_LATEST

WAYS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper edges, in seconds, of the classes of a time that messages travel between processes."""

LATENCY = ("kpp_message_latency_seconds", "from sending on the bus to arrival here", ("topic",))
"""Name, meaning and labels of a histogram that several nodes keep."""

QUEUES = ("kpp_queue_depth", "what waits in this node, by queue", ("queue",))
"""The same of the depths of queues, which several nodes report."""

LabelValues = TypeVar("LabelValues", bound=tuple[str, ...])


class _Given(Collector):
    """Families that exist already, as a collector."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return the families."""
        return self._families


def render(families: Iterable[Metric]) -> bytes:
    """The text that Prometheus reads, in its exposition format (MEDIA_TYPE)."""
    # A registry for each answer: the library's global one would add its own figures of the process, and families of the
    # last answer would have to be removed from it. `auto_describe` would collect once more at the registration.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(list(families)))
    return generate_latest(registry)


def gauge(name: str, text: str, values: Mapping[LabelValues, float], *labels: str) -> Metric:
    """A family of values that go up and down.

    Args:
        name: by Prometheus' rules, with the unit.
        text: its meaning.
        values: values of the labels, in their order -> the value.
        labels: names of the labels.
    """
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def counter(name: str, text: str, values: Mapping[LabelValues, float], *labels: str) -> Metric:
    """A family of values that only grow; the arguments are those of `gauge`.

    The name comes without `_total`, which the library adds.
    """
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def histogram(name: str, text: str, labels: tuple[str, ...], edges: tuple[float, ...]) -> Histogram:
    """A distribution whose owner observes values one by one; its `collect()` gives the family to render."""
    # No registry: it would be rendered twice, once as part of the global one.
    return Histogram(name, text, labels, buckets=edges, registry=None)


def distribution(name: str, text: str, edges: Sequence[float], counts: Sequence[int], total: float) -> Metric:
    """A distribution that a pure module has counted.

    Args:
        name: by Prometheus' rules, with the unit.
        text: its meaning.
        edges: upper edges of the classes, ascending.
        counts: how many values fell into each class; one more than edges, for what is above the last edge.
        total: sum of the values.
    """
    # In Prometheus' form each class counts everything below its edge, so classes can be dropped without a loss.
    cumulative = [float(count) for count in accumulate(counts)]
    names = [*(repr(float(edge)) for edge in edges), "+Inf"]
    return HistogramMetricFamily(name, text, buckets=list(zip(names, cumulative, strict=True)), sum_value=total)


def queues(depths: Mapping[str, int]) -> Metric:
    """How much waits in each queue of a node."""
    name, text, labels = QUEUES
    return gauge(name, text, {(queue,): float(depth) for queue, depth in depths.items()}, *labels)


def restarts(peers: Iterable[Peer]) -> Metric:
    """How often each program of a node was started again, as its supervisor counts; no value where nobody counts.

    A process that has died stays in the clock's table for a while beside its successor: the higher count holds.
    """
    newest: dict[tuple[str, str, str], int] = {}
    for peer in peers:
        if peer.restarts is not None:
            # With the supervisor: programs of the same name on two hosts are counted by two supervisors.
            key = (peer.node, peer.program, peer.supervisor)
            newest[key] = max(newest.get(key, 0), peer.restarts)
    counts: dict[tuple[str, str], float] = {}
    for (node, program, _supervisor), count in newest.items():
        counts[node, program] = counts.get((node, program), 0.0) + count
    text = "starts in the place of another process, since its supervisor began"
    return counter("kpp_node_restarts", text, counts, "node", "program")


def of_plant(plant: PlantView[Any]) -> Iterator[Metric]:
    """Figures of the live plant as a consumer knows it."""
    if plant.status is not None:
        yield from of_status(plant.status)
    yield from of_states(plant.states())
    yield from of_events(plant.events)
    counts: dict[tuple[str, ...], float] = {}
    for alarm in plant.alarms():
        counts[alarm.priority, alarm.state] = counts.get((alarm.priority, alarm.state), 0.0) + 1
    yield gauge("kpp_alarms", "alarms that ask for attention", counts, "priority", "state")


def of_status(status: Status) -> Iterator[Metric]:
    """Figures of the clock's report: ticks, lateness, flow control, and every node that the clock hears."""
    plain: tuple[str, ...] = ()  # no labels
    yield counter("kpp_ticks", "tick frames since the clock started", {plain: status.frames_sent})
    yield counter(
        "kpp_ticks_left_out", "ticks left out because their time had passed", {plain: status.deadlines_missed}
    )
    yield counter("kpp_held_seconds", "wall time that simulated time waited for modules", {plain: status.held_time})
    yield counter("kpp_clock_bad_frames", "malformed requests to the clock", {plain: status.bad_frames})
    yield gauge("kpp_modules_held_for", "modules that simulated time waits for", {plain: len(status.held)})
    yield gauge("kpp_owed_seconds", "simulated time that policy catch_up has to make up for", {plain: status.owed_time})
    yield gauge("kpp_clock_problems", "things that the clock cannot do now", {plain: len(status.problems)})
    yield gauge("kpp_tick", "number of the newest tick of the run", {plain: status.seq})
    yield gauge("kpp_simulated_seconds", "simulated time of the run", {plain: status.t})
    yield gauge("kpp_speed_requested", "simulated seconds per second, as requested", {plain: status.speed})
    yield gauge("kpp_speed_achieved", "simulated seconds per second, as measured", {plain: status.achieved_speed})
    late = status.lateness  # None while no tick has had a deadline
    if late is not None:
        figures = {("p50",): late.p50, ("p99",): late.p99, ("max",): late.max}
        text = "ticks sent after their deadline, of the clock's last report"
        # Not "quantile": Prometheus keeps that label for summaries.
        yield gauge("kpp_tick_lateness_recent_seconds", text, figures, "statistic")
    unrecorded = {(publisher,): float(ticks) for publisher, ticks in status.unrecorded.items()}
    text = "ticks of the clock and of each module that are published and not on disk yet"
    yield gauge("kpp_ticks_unrecorded", text, unrecorded, "publisher")
    nodes = {(peer.node, peer.instance): peer for peer in status.peers}
    labels = ("node", "process")  # not "instance": Prometheus means the address that it reads
    behind = {key: float(max(0, status.seq - peer.seq)) for key, peer in nodes.items()}
    yield gauge("kpp_node_beat_age_seconds", "time since its last beat", {k: p.age for k, p in nodes.items()}, *labels)
    yield gauge("kpp_node_ticks_behind", "ticks that it has not worked off yet", behind, *labels)
    repaired = {key: float(peer.gaps) for key, peer in nodes.items()}
    yield counter("kpp_node_gaps_repaired", "frames that it missed and had sent again", repaired, *labels)
    yield restarts(status.peers)


def of_states(states: Iterable[State]) -> Iterator[Metric]:
    """Figures of each module's ledgers and controller, from its newest state."""
    # One family for each figure with the modules as labels: in Prometheus' format a name may come only once.
    found = list(states)
    residuals: dict[tuple[str, ...], float] = {}
    for state in found:
        books = {"first": state.ledger.r_a, "first_sampled": state.sampled.r_b, "second": state.exergy.r_c}
        residuals |= {(state.module, law): value for law, value in books.items()}
    by_module = {(state.module,): state for state in found}
    powers = {key: state.grid.net_power for key, state in by_module.items()}
    unsourced = {key: state.ledger.unsourced for key, state in by_module.items()}
    tripped = {key: float(state.plc.trip is not None) for key, state in by_module.items()}
    yield gauge("kpp_ledger_residual", "what does not close, over the energy scale", residuals, "module", "law")
    yield gauge("kpp_net_power_watts", "export minus import", powers, "module")
    yield gauge("kpp_unsourced_joules", "energy without a source since the start of the run", unsourced, "module")
    yield gauge("kpp_tripped", "1 while a trip is in force", tripped, "module")


def of_events(events: Iterable[Event]) -> Iterator[Metric]:
    """How many events of each severity are kept.

    A gauge and not a counter: a node remembers only so many events, and the oldest make room.
    """
    counts: dict[tuple[str, ...], float] = {}
    for event in events:
        counts[event.module, event.severity] = counts.get((event.module, event.severity), 0.0) + 1
    yield gauge("kpp_events_kept", "events that this node remembers", counts, "module", "severity")
