"""Preparation of runs: before a command that begins one is sequenced, the modules are asked whether they can. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bus.protocol.messages import CommandRequest, Prepared, PrepareRequest, Refused
from nodes.clock.controls import BegunWith

DEADLINE_NS = 1_000_000_000
"""How long modules may take to answer; a client asks again for longer than that."""

PREPARATIONS_MAX = 32
"""Most beginnings that are prepared at a time."""

RETRY_AFTER = 0.3
"""When a beginning that could not be prepared may be tried again, in seconds."""

Instance = tuple[str, str]
"""A module and one of its processes."""


@dataclass
class Preparation:
    """One command that begins a run, and the instances that have still to answer whether they can."""

    request: CommandRequest
    run: str
    """The run that it ends."""
    question: PrepareRequest
    deadline_ns: int
    waits_for: set[Instance]
    agreed: set[str]
    """Modules of which an instance can begin so."""


class Preparations:
    """What is being prepared.

    Args:
        modules: plant modules, each of which has to agree.
        epoch: incarnation of the clock: an answer to one before it means nothing.
    """

    def __init__(self, modules: tuple[str, ...], epoch: int) -> None:
        self._modules = modules
        self._epoch = epoch
        self._asked = 0
        self._waiting: dict[str, Preparation] = {}

    def find(self, command_id: str) -> Preparation | None:
        """What is being prepared for a command."""
        return next((each for each in self._waiting.values() if each.request.id == command_id), None)

    def ask(
        self,
        request: CommandRequest,
        run: str,
        begun_with: BegunWith,
        speaking: set[Instance],
        now_ns: int,
    ) -> Preparation | Refused:
        """Begin to prepare.

        Args:
            request: the command.
            run: the present run.
            begun_with: scenario and parameters of the run that it begins.
            speaking: every process of a module that is heard; all of them are asked, for any may come to lead.
            now_ns: monotonic time.
        """
        # Refused at once: waiting for somebody who is not there would only end with the same words a second later.
        silent = [module for module in self._modules if all(module != each for each, _instance in speaking)]
        if silent:
            return not_now(request, f"module {silent[0]} is silent and cannot say whether it can begin a run")
        if len(self._waiting) >= PREPARATIONS_MAX:
            return not_now(request, f"{PREPARATIONS_MAX} beginnings are being prepared")
        self._asked += 1
        scenario, parameters = begun_with
        # The epoch is in the name, so that an answer to the clock before this one finds nothing here.
        question = PrepareRequest(f"{self._epoch}.{self._asked}", scenario, parameters)
        # Everyone who speaks is asked, standbys too: one that could not begin so would take over a run that it cannot
        # compute.
        made = Preparation(request, run, question, now_ns + DEADLINE_NS, set(speaking), set())
        self._waiting[question.id] = made
        return made

    def answered(self, instance: Instance, reply: Prepared | Refused) -> Preparation | Refused | None:
        """Take an answer: the preparation if it was the last one, a refusal if it was one, else None."""
        found = self._waiting.get(reply.id)
        # Late, doubled, or from somebody who was not asked: none of these may decide anything.
        if found is None or instance not in found.waits_for:
            return None
        if isinstance(reply, Refused):
            del self._waiting[reply.id]
            # One that cannot is enough: all instances of a module compute the same, and all modules begin together.
            reason = f"module {instance[0]} cannot begin a run so: {reply.reason}"
            return Refused(found.request.id, reply.field, reason, reply.retry_after, reply.violations)
        found.waits_for.discard(instance)
        # By module: one process of it is enough in the end, the others may be starting.
        found.agreed.add(instance[0])
        if found.waits_for:
            return None
        del self._waiting[reply.id]
        return found

    def overdue(self, now_ns: int) -> Iterable[Preparation | Refused]:
        """Preparations whose deadline has passed: complete if one process of every module has agreed, else refused."""
        # A list first: what is overdue is taken out while it is walked through.
        for found in [each for each in self._waiting.values() if each.deadline_ns <= now_ns]:
            del self._waiting[found.question.id]
            # A silent standby does not keep a run from beginning, as long as its module has another process that can.
            missing = [module for module in self._modules if module not in found.agreed]
            if not missing:
                yield found
                continue
            after = DEADLINE_NS / 1e9
            yield not_now(found.request, f"module {missing[0]} has not said in {after:g} s whether it can begin a run")


def not_now(request: CommandRequest, reason: str) -> Refused:
    """The refusal of a beginning that may succeed when it is tried again."""
    return Refused(request.id, "", f"{reason}: the present run goes on, try again in a moment", RETRY_AFTER)
