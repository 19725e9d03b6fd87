"""The functions of the app: one for each operation of the API, its OpenAPI document, and the files of the page."""

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import cast

import azure.functions as func

from image_api.http.dispatcher import Dispatcher
from image_api.http.headers import CrossOriginPolicy
from image_api.http.messages import Request, Response
from image_api.http.operation import AnyOperation
from image_api.http.operations import OPENAPI_PATH, OPERATIONS, openapi_json
from image_api.http.page import START_FILE, Page, PageServer, load_page_files
from image_api.settings import SIGN_IN_ORIGIN, Settings
from image_api.use_cases.application import Application

# At INFO the SDKs log every request in full; retaining that would cost more than running the API.
logging.getLogger("azure").setLevel(logging.WARNING)
# The page lies beside this package.
_PAGE_FOLDER = Path(__file__).parents[1] / "page"
# The root of the host name and nothing else: an optional parameter that only an empty text can stand for. With an empty
# route, the host would use the function's name. https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints
_ROOT_PATH = "{ignored:maxlength(0)?}"
_PAGE_PATH = "page/{*path}"
_TRACE_ID = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

type HttpFunction = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

blueprint = func.Blueprint()


@cache
def _settings() -> Settings:
    return Settings.load()


@cache
def _application() -> Application:
    # Imported at the first call: importing the SDKs takes longer than everything else at the start of an instance.
    from image_api.composition import create_application  # noqa: PLC0415

    return create_application(_settings())


@cache
def _cross_origin_policy() -> CrossOriginPolicy:
    return CrossOriginPolicy(_settings().allowed_origins)


@cache
def _page() -> Page:
    files = load_page_files(_PAGE_FOLDER)
    return Page(files, blob_origin=_settings().blob_origin, sign_in_origin=SIGN_IN_ORIGIN)


dispatcher = Dispatcher(_application, _cross_origin_policy)
page_server = PageServer(_page)


def _read(request: func.HttpRequest) -> Request:
    headers = {name.lower(): value for name, value in cast("Mapping[str, str]", request.headers).items()}
    trace = _TRACE_ID.fullmatch(headers.get("traceparent", ""))
    return Request(
        method=(request.method or "").upper(),
        path_parameters=dict(cast("Mapping[str, str]", request.route_params)),
        query=dict(cast("Mapping[str, str]", request.params)),
        headers=headers,
        body=request.get_body(),
        id=str(uuid.UUID(trace[1])) if trace is not None else str(uuid.uuid4()),
    )


def _write(response: Response) -> func.HttpResponse:
    return func.HttpResponse(
        response.body,
        status_code=response.status,
        headers=dict(response.headers),
        mimetype=response.content_type,
    )


def _add(name: str, path: str, methods: Sequence[str], function: HttpFunction) -> None:
    """Add a function that the Functions host calls for these methods of a path.

    Whom it admits is decided by the dispatcher: the host checks function keys only, and these functions accept none.
    """
    function.__name__ = name
    route = blueprint.route(  # pyright: ignore[reportUnknownMemberType] (the types of **kwargs are missing in the library)
        path, trigger_arg_name="request", methods=[*methods], auth_level=func.AuthLevel.ANONYMOUS
    )
    route(function)


def _add_operation(operation: AnyOperation, preflight_methods: tuple[str, ...]) -> None:
    """Add the function of an operation, which also answers the preflight requests for these methods of its path."""

    async def respond(request: func.HttpRequest) -> func.HttpResponse:
        if preflight_methods and request.method == "OPTIONS":
            return _write(dispatcher.preflight(_read(request), preflight_methods))
        return _write(await dispatcher.respond(operation, _read(request)))

    methods = [operation.method, "OPTIONS"] if preflight_methods else [operation.method]
    _add(operation.name, operation.path, methods, respond)


async def _get_openapi(request: func.HttpRequest) -> func.HttpResponse:
    return _write(dispatcher.document(_read(request), openapi_json()))


async def _get_page(request: func.HttpRequest) -> func.HttpResponse:
    return _write(page_server.respond(START_FILE, _read(request)))


async def _get_page_file(request: func.HttpRequest) -> func.HttpResponse:
    read_request = _read(request)
    return _write(page_server.respond(read_request.path_parameters.get("path", ""), read_request))


_methods: dict[str, tuple[str, ...]] = {}
for _operation in OPERATIONS:
    _methods[_operation.path] = (*_methods.get(_operation.path, ()), _operation.method)
for _operation in OPERATIONS:
    # The first operation of a path answers its preflight requests.
    _add_operation(_operation, _methods.pop(_operation.path, ()))
_add("get_openapi", OPENAPI_PATH, ["GET"], _get_openapi)
_add("get_page", _ROOT_PATH, ["GET", "HEAD"], _get_page)
_add("get_page_file", _PAGE_PATH, ["GET", "HEAD"], _get_page_file)
