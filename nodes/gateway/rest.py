"""The REST API: every route under /v1, the paths of the first version as aliases, behind the checks of each request."""

from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

from bus.security.access_middleware import AccessMiddleware
from bus.security.admission import Admission
from bus.security.hosts import Names
from bus.security.room import Room
from nodes.gateway import catalog_problems, preconditions, problems
from nodes.gateway.access import Roles, urgent
from nodes.gateway.bodies import StrictBodies
from nodes.gateway.compression import Compressed
from nodes.gateway.context import Gateway
from nodes.gateway.openapi import PROBLEM, describe
from nodes.gateway.routes import (
    controls,
    data,
    documents,
    parameters,
    plant,
    presets,
    recordings,
    replay,
    runs,
    stream,
    time,
)
from nodes.gateway.version import version
from runtime.http import HeadAsGet

SUBJECTS = (plant, time, runs, parameters, presets, controls, data, recordings, replay, stream, documents)
FIRST = (plant, time, runs, parameters, data)
"""Subjects that have paths of the first version, without /v1."""


def api() -> APIRouter:
    """Every route of the API, under /v1 and as alias."""
    router = APIRouter(responses=PROBLEM)
    for subject in SUBJECTS:
        router.include_router(subject.router, prefix="/v1")
    for subject in FIRST:
        router.include_router(subject.first, deprecated=True)
    return router


def described() -> FastAPI:
    """The routes with their complete description, without a gateway behind them."""
    # The documentation pages of FastAPI load scripts from other hosts, so only the description itself is served.
    app = FastAPI(title="KPP Simulator", version=version(), docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(api())
    problems.register(app)
    preconditions.register(app)
    catalog_problems.register(app)
    describe(app)
    app.state.roles = Roles(operations(app))
    return app


def operations(app: FastAPI) -> dict[str, dict[str, Any]]:
    """Every operation by path and method, as it is described.

    Those that the description leaves out are here too, without anything said of them: they need a role all the same.
    """
    found = {path: dict(methods) for path, methods in app.openapi()["paths"].items()}
    routes = [*app.routes, *(route for subject in FIRST for route in subject.first.routes)]
    for route in routes:
        if isinstance(route, Route) and route.path not in found:
            found[route.path] = {method.lower(): {} for method in route.methods or () if method != "HEAD"}
    return found


def description() -> dict[str, Any]:
    """The OpenAPI description."""
    return described().openapi()


def application(gateway: Gateway, admission: Admission, names: Names, room: Room) -> ASGIApp:
    """The REST API behind its checks of host, origin, token, role, rate, room and body.

    Args:
        gateway: what the routes work with.
        admission: tokens and rates.
        names: who we are, and whose pages may use the server.
        room: how many requests may be under way.
    """
    app = described()
    app.state.gateway = gateway
    roles: Roles = app.state.roles
    # From the inside out: a body is read only once the request has been let in, so that nobody without a token can have
    # bodies of 64 KiB read; a refusal is small and is not compressed.
    packed = Compressed(StrictBodies(app))
    return HeadAsGet(AccessMiddleware(packed, names, admission, roles.needed, roles.methods, room, urgent))
