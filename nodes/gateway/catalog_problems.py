"""Errors of the catalog as problems of this API.

The catalog is used by other programs too and knows no HTTP; its errors are given a status here and nowhere else.
"""

from fastapi import FastAPI, Request
from starlette.responses import Response

from catalog.presets import NoPresetError, PresetError, PresetNameError, PresetNotWrittenError, PresetsFullError
from catalog.recorded_runs import NoRecordingError
from catalog.scenarios import NoScenarioError
from nodes.gateway.problems import Problem, ViolationAnswer, render


def of_preset(error: PresetError) -> Problem:
    """404 that lists the known presets, 422 for an invalid name, 503 if the disk does not take it, else 409."""
    if isinstance(error, NoPresetError):
        return Problem.of(404, "preset", str(error), known=error.known)
    if isinstance(error, PresetNameError):
        reason = "use 1 to 64 letters, digits, _ and -, beginning with a letter or a digit"
        return Problem.violation("name", "64 characters", reason)
    if isinstance(error, PresetNotWrittenError):
        return Problem.of(503, "presets", str(error))
    return Problem.of(409, "rejected" if isinstance(error, PresetsFullError) else "preset", str(error))


def of_scenario(error: NoScenarioError) -> Problem:
    """404 that lists the known scenarios."""
    reason = f"there is no scenario {error.name!r}: choose one of {', '.join(error.known) or '(none found)'}"
    # As a violation too, because the scenario is a field of the body.
    found = ViolationAnswer(field="scenario", limit="one of the known scenarios", reason=reason)
    return Problem.of(404, "scenario", reason, violations=[found], known=error.known)


def unknown_recording(run: str, known: list[str]) -> Problem:
    """404 that lists some of the recorded runs."""
    there = f"recorded are {', '.join(known)}" if known else "nothing is recorded yet"
    return Problem.of(404, "recording", f"no recording of run {run!r}: {there}", known=known)


async def _preset(_request: Request, error: PresetError) -> Response:
    return render(of_preset(error))


async def _scenario(_request: Request, error: NoScenarioError) -> Response:
    return render(of_scenario(error))


async def _recording(_request: Request, error: NoRecordingError) -> Response:
    return render(unknown_recording(error.run, error.known))


def register(app: FastAPI) -> None:
    """Have errors of the catalog answered with a problem."""
    app.exception_handler(PresetError)(_preset)
    app.exception_handler(NoScenarioError)(_scenario)
    app.exception_handler(NoRecordingError)(_recording)
