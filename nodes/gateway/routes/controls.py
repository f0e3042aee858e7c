"""What an operator commands: sequence, injection, load, generator, modes, hypotheses, water, grid, emergency stop."""

from enum import StrEnum
from typing import Literal

from fastapi import APIRouter

from bus.protocol.messages import EMERGENCY_STOP, EVERY_MODULE
from nodes.gateway import parameters
from nodes.gateway.answers import AppliedAnswer, ControlsAnswer
from nodes.gateway.context import Ask, Here, ModuleName, NoArguments, Settings, parameter
from nodes.gateway.problems import Problem, ProblemError

router = APIRouter(tags=["controls"])

HypothesisMode = Literal["off", "physical", "claimed"]


class Sequence(StrEnum):
    """Orders to the controller of the plant."""

    START = "start"
    STOP = "stop"
    COAST = "coast"
    RESUME = "resume"


class Load(Settings):
    """Consumers beside the grid."""

    load_power: float = parameter("load_power")
    dump_load_power: float = parameter("dump_load_power")


class Generator(Settings):
    """Set-points of the generator."""

    generator_speed_setpoint: float = parameter("generator_speed_setpoint")
    torque_setpoint: float = parameter("torque_setpoint")


class Modes(Settings):
    """How generator and injection are controlled."""

    control_mode: Literal["speed", "torque"] = parameter("control_mode")
    injection_mode: Literal["auto", "manual"] = parameter("injection_mode")


class Claims(Settings):
    """How each of the five hypotheses is computed."""

    h1_mode: HypothesisMode = parameter("h1_mode")
    h2_mode: HypothesisMode = parameter("h2_mode")
    h3_mode: HypothesisMode = parameter("h3_mode")
    jet_mode: HypothesisMode = parameter("jet_mode")
    recovery_mode: HypothesisMode = parameter("recovery_mode")


class Water(Settings):
    """The water in the shaft."""

    water_temperature: float = parameter("water_temperature")


class Grid(Settings):
    """The grid that the plant is connected to."""

    grid_frequency: float = parameter("grid_frequency")
    grid_voltage: float = parameter("grid_voltage")


SETTINGS = [name for body in (Load, Generator, Modes, Claims, Water, Grid) for name in body.model_fields]
"""Names of the parameters that can be set here."""


@router.get("/controls")
async def get_controls(gateway: Here, module: ModuleName) -> ControlsAnswer:
    """The operator's settings in force, and the state of the controller."""
    found = await parameters.snapshot(gateway.endpoints, module)
    return ControlsAnswer(
        run=found.run,
        module=module,
        seq=found.seq,
        plc_state=found.state.plc.state if found.state else None,
        settings={name: found.parameters.get(name) for name in SETTINGS},
    )


@router.post("/controls/plant/{order}")
async def order_plant(ask: Ask, module: ModuleName, order: Sequence, _body: NoArguments | None = None) -> AppliedAnswer:
    """Start, stop, coast or resume the plant itself; simulated time is not affected."""
    return await ask.apply(module, f"plant_{order}", {})


@router.post("/controls/injection")
async def inject(ask: Ask, module: ModuleName, _body: NoArguments | None = None) -> AppliedAnswer:
    """Inject one pulse of air by hand."""
    return await ask.apply(module, "inject", {})


@router.post("/controls/emergency-stop")
async def emergency_stop(ask: Ask, module: ModuleName, _body: NoArguments | None = None) -> AppliedAnswer:
    """Stop one module at once. Never limited by rate or room."""
    return await ask.apply(module, EMERGENCY_STOP, {})


@router.post("/controls/emergency-stop/all")
async def emergency_stop_all(ask: Ask, _body: NoArguments | None = None) -> AppliedAnswer:
    """Stop every module at once, all in the same tick; `applied` has an entry for each module that it has stopped.

    It is sequenced even while a module is late, and acts on that module as soon as it has reached the tick. A module
    that is already in an emergency stop or a trip has nothing to apply; if that is true of all, the answer is 409.
    """
    return await ask.apply(EVERY_MODULE, EMERGENCY_STOP, {})


@router.post("/controls/trip-reset")
async def reset_trip(ask: Ask, module: ModuleName, _body: NoArguments | None = None) -> AppliedAnswer:
    """Leave a trip or an emergency stop, once its cause has gone and the chain is at rest."""
    return await ask.apply(module, "plant_reset", {})


@router.post("/controls/load")
async def set_load(ask: Ask, module: ModuleName, body: Load) -> AppliedAnswer:
    """Set the power of other consumers and of the dump load."""
    return await _set(ask, module, body)


@router.post("/controls/generator")
async def set_generator(ask: Ask, module: ModuleName, body: Generator) -> AppliedAnswer:
    """Set the speed or the torque that the generator holds."""
    return await _set(ask, module, body)


@router.post("/controls/mode")
async def set_mode(ask: Ask, module: ModuleName, body: Modes) -> AppliedAnswer:
    """Choose how the generator and the injection are controlled."""
    return await _set(ask, module, body)


@router.post("/controls/hypotheses")
async def set_hypotheses(ask: Ask, module: ModuleName, body: Claims) -> AppliedAnswer:
    """Choose how each hypothesis is computed: off, as physics has it, or as claimed."""
    return await _set(ask, module, body)


@router.post("/controls/water")
async def set_water(ask: Ask, module: ModuleName, body: Water) -> AppliedAnswer:
    """Set the temperature of the water."""
    return await _set(ask, module, body)


@router.post("/controls/grid")
async def set_grid(ask: Ask, module: ModuleName, body: Grid) -> AppliedAnswer:
    """Set the frequency and the voltage of the grid."""
    return await _set(ask, module, body)


async def _set(ask: Ask, module: str, body: Settings) -> AppliedAnswer:
    changes = body.model_dump(exclude_none=True)
    if not changes:
        known = ", ".join(type(body).model_fields)
        raise ProblemError(Problem.violation("body", "at least one setting", f"send at least one of {known}"))
    return await ask.apply(module, "set_parameters", changes)
