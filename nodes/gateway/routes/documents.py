"""The machine-readable descriptions of this API and of the bus."""

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from nodes.gateway import asyncapi
from nodes.gateway.openapi import DOCUMENT

router = APIRouter(tags=["documents"])


@router.get("/openapi.json", responses=DOCUMENT, response_class=Response)
async def get_openapi(request: Request) -> Response:
    """This description."""
    return JSONResponse(request.app.openapi())


@router.get("/asyncapi.json", responses=DOCUMENT, response_class=Response)
async def get_asyncapi() -> Response:
    """The AsyncAPI description of the ZeroMQ topics, the request sockets and the WebSocket."""
    return JSONResponse(asyncapi.document())
