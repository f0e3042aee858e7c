"""Makes the answers about the plant from what the gateway has heard. Pure: no request, no time of its own."""

from collections.abc import Collection
from typing import Any

from bus.protocol.schema import PROTOCOL_VERSION
from bus.view.roster import health_of
from nodes.gateway.answers import (
    AlarmsAnswer,
    BackendHealth,
    CommandsAnswer,
    EventsAnswer,
    HelloAnswer,
    ModuleAnswer,
    NodeAnswer,
    NodesAnswer,
    RunAnswer,
    RunsAnswer,
    StatusAnswer,
    TimeAnswer,
)
from nodes.gateway.core import GatewayPlant, Missing
from nodes.gateway.problems import MissingAnswer, Problem, ProblemError
from nodes.gateway.version import version


def events(
    plant: GatewayPlant,
    limit: int = 200,
    after: int = 0,
    run: str | None = None,
    module: str | None = None,
    severities: Collection[str] = (),
) -> EventsAnswer:
    """The newest of the events kept here that match.

    Args:
        plant: what is known of the plant.
        limit: most events.
        after: only those of later ticks.
        run: only those of this run; None for all.
        module: only those of this module; None for all.
        severities: only these; empty for all.
    """
    found = [
        event
        for event in plant.events
        if event.seq > after
        and run in {None, event.run}
        and module in {None, event.module}
        and (not severities or event.severity in severities)
    ]
    return EventsAnswer.made(events=found[-limit:])


def alarms(plant: GatewayPlant) -> AlarmsAnswer:
    """The alarms that ask for attention: active, or gone and not acknowledged."""
    return AlarmsAnswer.made(run=plant.run, alarms=plant.alarms())


def nodes(plant: GatewayPlant) -> NodesAnswer:
    """Every process that the clock hears of, sorted by node and instance."""
    report, newest = plant.status, plant.tick.seq if plant.tick else 0
    # Not below 0: right after the beginning of a run, a node's number may still be that of the run before.
    found = [NodeAnswer.made(peer, health=health_of(peer), behind=max(0, newest - peer.seq)) for peer in plant.peers]
    return NodesAnswer.made(
        run=plant.run,
        lateness=report.lateness if report else None,
        deadlines_missed=report.deadlines_missed if report else None,
        held_time=report.held_time if report else None,
        unrecorded=report.unrecorded if report else {},
        nodes=sorted(found, key=lambda node: (node.node, node.instance)),
    )


def commands(plant: GatewayPlant, count: int) -> CommandsAnswer:
    """The audit log: the `count` newest commands, newest first."""
    return CommandsAnswer.made(commands=plant.commands.newest(count))


def clock_time(plant: GatewayPlant) -> TimeAnswer:
    """Simulated time as the newest tick has it."""
    tick, report = plant.tick, plant.status
    return TimeAnswer(
        **_clock(plant),
        tick_rate=tick.rate if tick else None,
        policy=report.policy if report else None,
        held_time=report.held_time if report else None,
        owed_time=report.owed_time if report else None,
        problems=report.problems if report else [],
    )


def runs(plant: GatewayPlant, before: str | None, limit: int) -> RunsAnswer:
    """A page of the runs heard of, the newest first.

    Args:
        plant: what is known of the plant.
        before: the last run of the page before; None for the first page.
        limit: most runs of a page.

    Raises:
        ProblemError: 404 if `before` is no run that was heard of.
    """
    heard = list(reversed(plant.runs.values()))
    names = [item.run for item in heard]
    # Pages begin behind a run and not at a number: runs that begin meanwhile would shift the numbers.
    if before is not None and before not in names:
        detail = f"before: this gateway has not heard of a run {before!r}; leave it out to list from the newest run on"
        raise ProblemError(Problem.of(404, "run", detail, known=names[:10]))
    first = 0 if before is None else names.index(before) + 1
    page = heard[first : first + limit]
    return RunsAnswer(
        runs=[
            RunAnswer(
                run=item.run,
                scenario=item.scenario,
                present=item.run == plant.run,
                first_heard=item.first_t,
                simulated_time=item.last_t,
                tick=item.last_seq,
            )
            for item in page
        ],
        next=page[-1].run if page and first + limit < len(heard) else None,
    )


def health(plant: GatewayPlant, missing: list[Missing]) -> BackendHealth:
    """ok if nothing is missing, down if the clock and every module are, degraded in between."""
    if not missing:
        return "ok"
    return "degraded" if len(missing) <= len(plant.modules) else "down"


def missing_answers(missing: list[Missing], wall: float) -> list[MissingAnswer]:
    """What is missing, as part of a problem.

    Args:
        missing: parts that are not heard, with the seconds since they were.
        wall: Unix time now (s), which turns those seconds into times.
    """
    return [
        MissingAnswer(name=item.name, since=wall - item.silent, silent=item.silent, reason=item.reason)
        for item in missing
    ]


def status(plant: GatewayPlant, clients: int, now: float) -> StatusAnswer:
    """The plant as it is heard.

    Args:
        plant: what is known of the plant.
        clients: number of WebSocket clients of this gateway.
        now: time (s).
    """
    missing = plant.missing(now)
    tick = plant.tick
    report = plant.status
    ages = [module.age(now) for module in plant.modules.values()]
    known = [age for age in ages if age is not None]
    return StatusAnswer(
        backend_status=health(plant, missing),
        missing=[item.name for item in missing],
        engine_initialized=all(plant.initialized(name) for name in plant.modules),
        engine_running=all(module.fresh(now) for module in plant.modules.values()),
        has_data=bool(known),
        # A clock that has fallen silent stays "running" in its last tick.
        simulation_running=tick is not None and plant.clock_fresh(now) and tick.mode == "running" and not tick.held,
        version=version(),
        protocol_version=PROTOCOL_VERSION,
        **_clock(plant),
        scenario=report.scenario if report else None,
        data_age=max(known) if known else None,  # the worst: one module that stands still is to be seen
        clients_connected=clients,
        gaps=plant.missed(),
        repaired=plant.streams.repaired,
        bad_frames=plant.bad_frames,
        old_frames=plant.old_frames,
        modules={name: _module(plant, name, now) for name in plant.modules},
    )


def _present(plant: GatewayPlant) -> dict[str, Any]:
    """The fields of a PresentAnswer."""
    tick = plant.tick
    return {
        "run": plant.run,
        "replay": (plant.status.replay or None) if plant.status else None,
        "mode": tick.mode if tick else None,
        "simulated_time": tick.t if tick else None,
    }


def _clock(plant: GatewayPlant) -> dict[str, Any]:
    """The fields of a ClockAnswer."""
    tick, report = plant.tick, plant.status
    return _present(plant) | {
        "tick": tick.seq if tick else None,
        "speed": tick.speed if tick else None,
        "achieved_speed": report.achieved_speed if report else None,
        "flat_out": tick.flat_out if tick else None,
        "held": tick.held if tick else [],
    }


def _module(plant: GatewayPlant, name: str, now: float) -> ModuleAnswer:
    module = plant.modules[name]
    head = module.frame.head if module.frame else None
    return ModuleAnswer(
        fresh=module.fresh(now),
        age=module.age(now),
        run=head.run if head else None,
        tick=head.seq if head else None,
        simulated_time=head.t if head else None,
    )


def hello(plant: GatewayPlant, clients: int, subprotocols: list[str], now: float) -> HelloAnswer:
    """What the WebSocket server reports of itself and the plant at `now` (s)."""
    missing = plant.missing(now)
    return HelloAnswer(
        message="KPP Simulator: state frames of the plant at /ws",
        version=version(),
        protocol_version=PROTOCOL_VERSION,
        status=health(plant, missing),
        missing=[item.name for item in missing],
        clients_connected=clients,
        **_present(plant),
        current_tick=plant.tick.seq if plant.tick else None,
        subprotocols=subprotocols,
    )
