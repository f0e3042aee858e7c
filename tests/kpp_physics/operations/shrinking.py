"""Make a failing sequence as small as it can be: delta debugging of its actions, then of what they change."""

from collections.abc import Callable

from tests.kpp_physics.operations.play import Failure, play
from tests.kpp_physics.operations.sequence import Action, Sequence

Fails = Callable[[Sequence], bool]


def alike(first: Failure, second: Failure | None) -> bool:
    """Whether two failures are of the same quantity."""
    return second is not None and second.quantity == first.quantity


def shrink(sequence: Sequence, failure: Failure, budget: int = 400) -> Sequence:
    """The smallest sequence found that breaks the same quantity."""
    left = [budget]

    def fails(candidate: Sequence) -> bool:
        left[0] -= 1
        return left[0] > 0 and alike(failure, play(candidate))

    sequence = Sequence(sequence.parameters, sequence.actions[: failure.action + 1])
    for _ in range(3):
        before = sequence
        sequence = Sequence(sequence.parameters, _fewer_actions(sequence, fails))
        sequence = _fewer_parameters(sequence, fails)
        sequence = _fewer_changes(sequence, fails)
        sequence = _shorter_steps(sequence, fails)
        if sequence == before or left[0] <= 0:
            break
    return sequence


def _fewer_actions(sequence: Sequence, fails: Fails) -> list[Action]:
    actions, size = sequence.actions, max(1, len(sequence.actions) // 2)
    while True:
        at = 0
        while at < len(actions):
            candidate = actions[:at] + actions[at + size :]
            if fails(Sequence(sequence.parameters, candidate)):
                actions = candidate
            else:
                at += size
        if size == 1:
            return actions
        size //= 2


def _fewer_parameters(sequence: Sequence, fails: Fails) -> Sequence:
    for name in list(sequence.parameters):
        fewer = {key: value for key, value in sequence.parameters.items() if key != name}
        if fails(Sequence(fewer, sequence.actions)):
            sequence = Sequence(fewer, sequence.actions)
    return sequence


def _fewer_changes(sequence: Sequence, fails: Fails) -> Sequence:
    for number, action in enumerate(sequence.actions):
        if action[0] not in ("change", "fork"):
            continue
        for name in list(action[1]):
            fewer = {key: value for key, value in sequence.actions[number][1].items() if key != name}
            candidate = [*sequence.actions[:number], [action[0], fewer], *sequence.actions[number + 1 :]]
            if fails(Sequence(sequence.parameters, candidate)):
                sequence = Sequence(sequence.parameters, candidate)
    return sequence


def _shorter_steps(sequence: Sequence, fails: Fails) -> Sequence:
    for number, action in enumerate(sequence.actions):
        if action[0] != "step":
            continue
        n = action[1]
        while n > 1:
            candidate = [*sequence.actions[:number], ["step", n // 2], *sequence.actions[number + 1 :]]
            if not fails(Sequence(sequence.parameters, candidate)):
                break
            n //= 2
            sequence = Sequence(sequence.parameters, candidate)
    return sequence
