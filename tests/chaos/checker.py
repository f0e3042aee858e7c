"""Lost, doubled or different: compares what clients were told with what happened. Pure."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from bus.protocol.messages import CLOCK_MODULE, STEP_US, STOP_LATE, STOPPED_LATE, Command, Event, Result, Tick
from tests.chaos.history import Asked, Evidence, Recording, Reference, Refused, Sequenced, Unanswered

Fault = Literal["lost", "doubled", "different"]
Place = tuple[str, int]
"""Run and tick."""

LISTED = 20
"""Most findings of one kind in a summary."""


@dataclass(frozen=True)
class Finding:
    """Something that must not be."""

    fault: Fault
    what: str


def check(evidence: Evidence) -> list[Finding]:
    """Everything that is wrong; empty when nothing is."""
    recording = evidence.recording
    carried = _carried(recording.ticks)
    return [
        *_ticks(recording.ticks),
        *_end(evidence),
        *_states(recording, evidence.reference),
        *_recorded(evidence),
        *_commands(evidence, carried),
        *_journal(evidence, carried),
        *_results(recording.results, evidence.reference),
        *_events(evidence, carried),
    ]


def summary(findings: list[Finding]) -> str:
    """The findings as text, the first ones of each kind."""
    lines = [f"{count} {fault}" for fault, count in Counter(finding.fault for finding in findings).items()]
    for fault in ("lost", "doubled", "different"):
        lines += [f"{fault}: {each.what}" for each in findings if each.fault == fault][:LISTED]
    return "\n".join(lines) or "nothing lost, doubled or different"


def unheard(evidence: Evidence) -> list[str]:
    """Commands that acted and of which no result was heard."""
    heard = {result.id for result in evidence.recording.results}
    return [
        command.id
        for tick in evidence.recording.ticks
        for command in tick.commands
        if command.origin != CLOCK_MODULE and command.id not in heard
    ]


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _ticks(ticks: list[Tick]) -> list[Finding]:
    """No gap, no repetition, no step back, no tick of a clock that was replaced, and time without a break."""
    findings: list[Finding] = []
    for before, after in pairwise(ticks):
        name = f"tick {after.seq} of {after.run}"
        if after.epoch < before.epoch:
            findings.append(Finding("different", f"{name} comes from a clock that was replaced"))
        if after.run != before.run:
            if after.seq != 1:
                findings.append(Finding("lost", f"ticks 1 to {after.seq - 1} of {after.run}"))
        elif after.seq <= before.seq:
            findings.append(Finding("doubled", f"{name}, after {before.seq}"))
        elif after.seq > before.seq + 1:
            findings.append(Finding("lost", f"ticks {before.seq + 1} to {after.seq - 1} of {after.run}"))
        elif _us(after.t) - _us(after.dt) != _us(before.t):
            findings.append(Finding("different", f"{name} does not begin where the last one ended"))
        if _us(after.dt) % STEP_US:
            findings.append(Finding("different", f"{name} is no whole number of steps"))
    return findings


def _end(evidence: Evidence) -> list[Finding]:
    """No run ended too soon, and none is missing."""
    heard = {tick.run: tick.seq for tick in evidence.recording.ticks}
    due = {**evidence.lasts, evidence.end[0]: evidence.end[1]}
    return [
        Finding("lost", f"ticks {heard.get(run, 0) + 1} to {last} of {run}")
        for run, last in due.items()
        if heard.get(run, 0) < last
    ]


def _states(recording: Recording, reference: Reference) -> list[Finding]:
    """One state for each tick from the first state on, and each the one of a run without faults."""
    findings: list[Finding] = []
    times = {(tick.run, tick.seq): _us(tick.t) for tick in recording.ticks}
    seen: set[Place] = set()
    for state in recording.states:
        place = (state.run, state.seq)
        name = f"state {state.seq} of {state.run}"
        expected = reference.digests.get(place)
        if place in seen:
            findings.append(Finding("doubled", name))
        seen.add(place)
        if expected is None or place not in times:
            findings.append(Finding("different", f"{name} belongs to no tick"))
        elif expected != state.digest:
            findings.append(Finding("different", f"{name} is {state.digest}; without faults it is {expected}"))
        elif times[place] != _us(state.t):
            findings.append(Finding("different", f"{name} is of another time than its tick"))
    order = list(times)
    first = next((index for index, place in enumerate(order) if place in seen), None)
    if first is None:
        return [*findings, Finding("lost", "every state")]
    return findings + [Finding("lost", f"state {seq} of {run}") for run, seq in order[first:] if (run, seq) not in seen]


def _recorded(evidence: Evidence) -> list[Finding]:
    """The recorder node has every state once, by its key, and each is the one of a run without faults."""
    if evidence.recorded is None:
        return []
    run, last = evidence.end
    findings: list[Finding] = []
    for place, digest in evidence.reference.digests.items():
        kept = evidence.recorded.get(place)
        name = f"recorded state {place[1]} of {place[0]}"
        if kept is None and (place[0] != run or place[1] <= last):
            findings.append(Finding("lost", name))
        elif kept is not None and kept != digest:
            findings.append(Finding("different", f"{name} is {kept}; without faults it is {digest}"))
    return findings


def _carried(ticks: list[Tick]) -> dict[str, list[tuple[Place, Command]]]:
    """Command id -> where ticks carried it."""
    carried: dict[str, list[tuple[Place, Command]]] = defaultdict(list)
    for tick in ticks:
        for command in tick.commands:
            carried[command.id].append(((tick.run, tick.seq), command))
    return carried


def _commands(evidence: Evidence, carried: dict[str, list[tuple[Place, Command]]]) -> list[Finding]:
    """What the client was told is what happened, once."""
    findings: list[Finding] = []
    asked = {said.id: said for said in evidence.client if isinstance(said, Asked)}
    promised: dict[str, Place] = {}
    refused = {said.id for said in evidence.client if isinstance(said, Refused)}
    unknown = {said.id for said in evidence.client if isinstance(said, Unanswered)}
    for said in evidence.client:
        if isinstance(said, Sequenced):
            place = (said.run, said.seq)
            if promised.setdefault(said.id, place) != place:
                findings.append(Finding("different", f"{said.id} was promised {promised[said.id]} and then {place}"))
    written = {row.command.id: (row.run, row.seq) for row in evidence.journal}
    recorded = {(tick.run, tick.seq) for tick in evidence.recording.ticks}
    answered = {result.id for result in evidence.recording.results if result.outcome == "rejected"}
    for command_id, place in promised.items():
        if written.get(command_id) != place:
            findings.append(
                Finding("lost", f"{command_id}, promised {place}, is journaled at {written.get(command_id)}")
            )
        if place in recorded and place not in [where for where, _ in carried.get(command_id, [])]:
            findings.append(Finding("lost", f"{command_id}, promised {place}, is not in that tick"))
        if place[0] != evidence.end[0] and place[1] > evidence.lasts.get(place[0], 0) and command_id not in answered:
            findings.append(Finding("lost", f"{command_id}, promised {place}, came to nothing with its run, untold"))
    findings += [
        Finding("different", f"{command_id} was refused and acts at {carried[command_id][0][0]}")
        for command_id in refused - unknown - promised.keys()
        if command_id in carried
    ]
    for command_id, places in carried.items():
        findings += _act(command_id, places, asked.get(command_id))
    return findings


def _act(command_id: str, places: list[tuple[Place, Command]], asked: Asked | None) -> list[Finding]:
    findings = []
    if len(places) > 1:
        findings.append(Finding("doubled", f"{command_id} acts at {[place for place, _ in places]}"))
    for place, command in places:
        if command.origin == CLOCK_MODULE:
            continue
        if asked is None:
            findings.append(Finding("different", f"{command_id} acts at {place} and nobody asked for it"))
        elif (asked.module, asked.name, asked.args) != (command.module, command.name, command.args):
            findings.append(Finding("different", f"{command_id} acts at {place} as {command}, asked was {asked}"))
    return findings


def _journal(evidence: Evidence, carried: dict[str, list[tuple[Place, Command]]]) -> list[Finding]:
    """What is on disk acts, at its tick; what acts is on disk.

    A write that was reported as failed may be on disk all the same: then the client was told so, and it does not act.
    """
    counts = Counter(row.command.id for row in evidence.journal)
    findings = [Finding("doubled", f"{each} stands in the journal {n} times") for each, n in counts.items() if n > 1]
    recorded = {(tick.run, tick.seq) for tick in evidence.recording.ticks}
    refused = {said.id for said in evidence.client if isinstance(said, Refused)}
    refused -= {said.id for said in evidence.client if isinstance(said, Sequenced)}
    for row in evidence.journal:
        place = (row.run, row.seq)
        acts = (place, row.command) in carried.get(row.command.id, [])
        if place in recorded and not acts and row.command.id not in refused:
            findings.append(Finding("lost", f"{row.command.id}, journaled at {place}, does not act there"))
    findings += [
        Finding("different", f"{command_id} acts at {place} and is not in the journal")
        for command_id, places in carried.items()
        for place, command in places
        if command.origin != CLOCK_MODULE and command_id not in counts
    ]
    return findings


def _results(results: list[Result], reference: Reference) -> list[Finding]:
    """Every result that was heard is the one of a run without faults, however often it was heard."""
    findings: list[Finding] = []
    heard: dict[str, tuple[object, ...]] = {}
    for result in results:
        told = _told(result)
        if heard.setdefault(result.id, told) != told:
            findings.append(Finding("different", f"{result.id} has two results: {heard[result.id]} and {told}"))
        expected = reference.results.get(result.id)
        if expected is not None and _told(expected) != told:
            findings.append(Finding("different", f"{result.id} is {told}; without faults it is {_told(expected)}"))
    return findings


def _events(evidence: Evidence, carried: dict[str, list[tuple[Place, Command]]]) -> list[Finding]:
    """Every event of a module once, and one for each time that the clock ended a run for a late module."""
    recording = evidence.recording
    run_cut, last = evidence.end
    expected = Counter(
        _happened(event) for event in evidence.reference.events if event.run != run_cut or event.seq < last
    )
    rejected = {result.id for result in recording.results if result.outcome == "rejected"}
    for command_id, places in carried.items():
        for (run, seq), command in places:
            due = run != run_cut or seq < last
            if command.name == STOP_LATE and command_id not in rejected and due:
                expected[run, seq, CLOCK_MODULE, STOPPED_LATE] += 1
    heard = Counter(_happened(event) for event in recording.events if event.kind != "node")
    missing, invented = expected.keys() - heard.keys(), heard.keys() - expected.keys()
    return [
        *(Finding("lost", f"event {each}") for each in missing),
        *(Finding("different", f"event {each}: nothing of the kind happened") for each in invented),
        *(Finding("doubled", f"event {each}") for each, n in heard.items() if n > expected[each] > 0),
    ]


def _happened(event: Event) -> tuple[object, ...]:
    """What tells an event from others; the text of one of the clock names who was late, which no fold can tell."""
    return (event.run, event.seq, event.module, event.kind if event.module == CLOCK_MODULE else event.text)


def _told(result: Result) -> tuple[object, ...]:
    return (result.run, result.seq, result.module, result.outcome, result.reason, result.applied, _us(result.t))
