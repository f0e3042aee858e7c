"""Preparation of runs: before a command that begins one is sequenced, the modules are asked whether they can. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bus.protocol.messages import CommandRequest, Prepared, PrepareRequest, Refused
from nodes.clock.controls import BegunWith

DEADLINE_NS = 1_000_000_000
"""How long modules may take to answer; clients go on asking for longer than that."""

PREPARATIONS_MAX = 32
"""Most beginnings of runs that are prepared at a time."""

RETRY_AFTER = 0.3
"""Seconds after which a beginning that could not be prepared may be tried again."""

Instance = tuple[str, str]
"""A module and one of its processes."""


@dataclass
class Preparation:
    """One command that begins a run, and the instances that still have to say whether they can.

    Attributes:
        request: the command.
        run: the run that it ends.
        question: what the modules are asked.
        deadline_ns: monotonic time at which their time to answer is over.
        waits_for: instances that have not answered.
        agreed: modules of which an instance can begin the run.
    """

    request: CommandRequest
    run: str
    question: PrepareRequest
    deadline_ns: int
    waits_for: set[Instance]
    agreed: set[str]


class Preparations:
    """The beginnings of runs that are being prepared.

    Args:
        modules: plant modules, each of which has to agree.
        epoch: incarnation of the clock; an answer to an earlier one means nothing.
    """

    def __init__(self, modules: tuple[str, ...], epoch: int) -> None:
        self._modules = modules
        self._epoch = epoch
        self._asked = 0
        self._waiting: dict[str, Preparation] = {}

    def find(self, command_id: str) -> Preparation | None:
        """The preparation for a command; None if there is none."""
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
            speaking: every process of a module that is heard; all of them are asked, since any may come to lead.
            now_ns: monotonic time.
        """
        # Refused at once: waiting for a module that is not there would only end with the same refusal a second later.
        silent = [module for module in self._modules if all(module != each for each, _instance in speaking)]
        if silent:
            return not_now(request, f"module {silent[0]} is silent and cannot say whether it can begin a run")
        if len(self._waiting) >= PREPARATIONS_MAX:
            return not_now(request, f"{PREPARATIONS_MAX} beginnings are being prepared")
        self._asked += 1
        scenario, parameters = begun_with
        # The epoch is part of the id, so an answer to the clock before this one finds nothing here.
        question = PrepareRequest(f"{self._epoch}.{self._asked}", scenario, parameters)
        # Every process that is heard is asked, standbys included: one that could not begin the run might later have to
        # take it over.
        made = Preparation(request, run, question, now_ns + DEADLINE_NS, set(speaking), set())
        self._waiting[question.id] = made
        return made

    def answered(self, instance: Instance, reply: Prepared | Refused) -> Preparation | Refused | None:
        """Take an answer.

        Returns:
            The preparation if it was the last answer, the refusal if it was one, None while others have to answer.
        """
        found = self._waiting.get(reply.id)
        # Late, repeated, or from an instance that was not asked: such an answer must not decide anything.
        if found is None or instance not in found.waits_for:
            return None
        if isinstance(reply, Refused):
            del self._waiting[reply.id]
            # One that cannot is enough: all instances of a module compute the same, and all modules begin together.
            reason = f"module {instance[0]} cannot begin this run: {reply.reason}"
            return Refused(found.request.id, reply.field, reason, reply.retry_after, reply.violations)
        found.waits_for.discard(instance)
        # By module: one process of each is enough in the end, since others may be starting.
        found.agreed.add(instance[0])
        if found.waits_for:
            return None
        del self._waiting[reply.id]
        return found

    def overdue(self, now_ns: int) -> Iterable[Preparation | Refused]:
        """Preparations whose deadline has passed: complete if a process of every module has agreed, else refused."""
        # A list, since what is overdue is removed during the loop.
        for found in [each for each in self._waiting.values() if each.deadline_ns <= now_ns]:
            del self._waiting[found.question.id]
            # A silent standby does not keep a run from beginning as long as its module has another process that can.
            missing = [module for module in self._modules if module not in found.agreed]
            if not missing:
                yield found
                continue
            after = DEADLINE_NS / 1e9
            yield not_now(
                found.request, f"module {missing[0]} has not said within {after:g} s whether it can begin a run"
            )


def not_now(request: CommandRequest, reason: str) -> Refused:
    """The refusal of a beginning that may succeed in another attempt."""
    return Refused(request.id, "", f"{reason}: the present run goes on, try again in a moment", RETRY_AFTER)
