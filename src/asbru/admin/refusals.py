"""What went wrong, in one shape for every route: {"error": {"type", "code", "message"}}.

The errors are those of `core.errors`; what the framework raises by itself is told as one of them. Values that were sent
are never repeated: any of them may be a credential.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from asbru.admin.access import refuse_strangers
from asbru.core.errors import AsbruError, BadRequest, GatewayError, MethodNotAllowed, NotFound, Unauthenticated


def add_refusals(application: FastAPI) -> None:
    """Let every error leave in the one shape."""
    application.add_exception_handler(AsbruError, _refused)
    application.add_exception_handler(HTTPException, _refused_by_framework)
    application.add_exception_handler(RequestValidationError, _not_understood)
    application.add_exception_handler(Exception, _failed)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AsbruError)
    headers = {"www-authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after_s)))
    said = {"type": error.type, "code": error.code, "message": error.message}
    return JSONResponse({"error": said}, error.status, headers)


def _refused_by_framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    path = request.url.path
    known: AsbruError
    match error.status_code:
        case 404:
            known = NotFound(f"{path} does not exist; see /api/docs")
        case 405:
            known = MethodNotAllowed(f"{path} does not support {request.method}; see /api/docs")
        case status if status < 500:
            known = BadRequest(HTTPStatus(status).phrase, status=status)
        case status:
            known = GatewayError(HTTPStatus(status).phrase, status=status)
    response = _refused(request, known)
    response.headers.update(error.headers or {})
    return response


def _not_understood(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    try:
        refuse_strangers(request)  # a body is read before the route's dependencies: who may not, learns nothing of it
    except AsbruError as refusal:
        return _refused(request, refusal)
    problems = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
    return _refused(request, BadRequest("; ".join(problems), status=422))


def _failed(request: Request, error: Exception) -> JSONResponse:
    """The server, to which it is raised once more, writes the traceback."""
    return _refused(request, GatewayError("an internal error occurred in the management API"))
