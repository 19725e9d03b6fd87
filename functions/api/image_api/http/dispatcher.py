"""Answers a request to an operation: token, role, rate, parameters, use case, problem, headers, log."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Mapping

import msgspec
from common.domain.metrics import collect_metrics
from common.domain.principal import Principal

from image_api.domain.problems import ProblemError, ProblemType
from image_api.http.decoding import decode_body, decode_parameters
from image_api.http.errors import problem_of
from image_api.http.headers import SECURITY_HEADERS, CrossOriginPolicy
from image_api.http.messages import PROBLEM_JSON, Request, Response
from image_api.http.operation import AnyOperation, Call, Reply
from image_api.use_cases.application import Application

# A request that takes longer is not waited for any more; the Functions host stops it after a minute (host.json).
REQUEST_SECONDS = 25.0
_log = logging.getLogger("image_api")


class Dispatcher:
    """Answers the requests to all operations.

    Args:
        load_application: returns the application, and creates it at the first call. Raises SettingsError.
        load_cross_origin_policy: the same for the policy.
        now: returns seconds that only increase.
    """

    def __init__(
        self,
        load_application: Callable[[], Application],
        load_cross_origin_policy: Callable[[], CrossOriginPolicy],
        *,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._load_application = load_application
        self._load_cross_origin_policy = load_cross_origin_policy
        self._now = now

    async def respond(self, operation: AnyOperation, request: Request) -> Response:
        """Return the response of an operation; a problem in place of every error."""
        started = self._now()
        caller: Principal | None = None
        code = ""
        with collect_metrics() as metrics:
            try:
                application = self._load_application()
                caller = await _authorize(application, operation, request)
                async with asyncio.timeout(REQUEST_SECONDS):
                    reply = await _run(application, operation, request, caller)
                response = _response(reply)
            except Exception as error:  # noqa: BLE001 (every error is answered with a problem, and logged)
                problem = problem_of(error, request.id)
                code = problem.problem_type.code
                response = problem_response(problem, request.id)
        milliseconds = round((self._now() - started) * 1000, 1)
        fields: dict[str, object] = {
            "operation": operation.name,
            "status": response.status,
            "code": code,
            "caller": caller.object_id if caller is not None else "",
            "ms": milliseconds,
            "id": request.id,
            **metrics,
        }
        _log.log(logging.ERROR if response.status >= 500 else logging.INFO, "request %s", json.dumps(fields))
        return self._with_headers(response, request, {"Server-Timing": _server_timing(milliseconds, metrics)})

    def preflight(self, request: Request, methods: tuple[str, ...]) -> Response:
        """Return the response to the preflight request of a browser for a path that has these methods."""
        headers = self._cross_origin_policy().preflight_headers(request.headers.get("origin"), methods)
        return Response(status=204, headers={**SECURITY_HEADERS, **headers, "Allow": ", ".join(("OPTIONS", *methods))})

    def document(self, request: Request, body: bytes) -> Response:
        """Return the response that has a document in JSON, for everybody."""
        response = Response(status=200, body=body, headers={"Cache-Control": "public, max-age=300"})
        return self._with_headers(response, request, {})

    def _with_headers(self, response: Response, request: Request, more: Mapping[str, str]) -> Response:
        cross_origin = self._cross_origin_policy().response_headers(request.headers.get("origin"))
        headers = {**SECURITY_HEADERS, **cross_origin, **more, "X-Request-Id": request.id, **response.headers}
        return Response(status=response.status, body=response.body, content_type=response.content_type, headers=headers)

    def _cross_origin_policy(self) -> CrossOriginPolicy:
        try:
            return self._load_cross_origin_policy()
        except Exception:  # noqa: BLE001 (the request itself was answered with the reason)
            return CrossOriginPolicy(())


def problem_response(problem: ProblemError, request_id: str) -> Response:
    """Return the response that has the problem's document."""
    headers: dict[str, str] = {}
    if problem.problem_type is ProblemType.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(math.ceil(problem.retry_after_seconds))
    body = msgspec.json.encode(problem.document(request_id))
    return Response(status=problem.problem_type.status, body=body, content_type=PROBLEM_JSON, headers=headers)


async def _authorize(application: Application, operation: AnyOperation, request: Request) -> Principal | None:
    """Return the caller. Raises an error if it may not call the operation, or calls too often."""
    if operation.role is None:
        return None
    caller = await application.authenticator.authenticate(request.headers.get("authorization"))
    caller.require(operation.role)
    wait = application.rate_limits.reserve(caller.object_id)
    if wait > 0:
        detail = "The caller has sent more requests than one caller may send."
        raise ProblemError(ProblemType.TOO_MANY_REQUESTS, detail, retry_after_seconds=wait)
    return caller


async def _run(application: Application, operation: AnyOperation, request: Request, caller: Principal | None) -> Reply:
    body = None
    if operation.body_type is not None:
        body = decode_body(request.body, request.headers.get("content-type", ""), operation.body_type)
    call = Call(
        caller=caller,
        path=decode_parameters(request.path_parameters, operation.path_type, "path"),
        query=decode_parameters(request.query, operation.query_type, "query"),
        body=body,
        headers=request.headers,
    )
    return await operation.handle(application, call)


def _response(reply: Reply) -> Response:
    body = b"" if reply.value is None else msgspec.json.encode(reply.value)
    return Response(status=reply.status, body=body, headers=reply.headers)


def _server_timing(milliseconds: float, metrics: Mapping[str, float]) -> str:
    """Return the header Server-Timing (https://www.w3.org/TR/server-timing/): the duration, and the charge."""
    charge = metrics.get("requestUnits")
    entries = [f"app;dur={milliseconds}"]
    if charge is not None:
        entries.append(f'cosmos;desc="{charge} RU"')
    return ", ".join(entries)
