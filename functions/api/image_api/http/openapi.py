"""The OpenAPI document, made of the operations and of the types of their parameters and bodies.

https://spec.openapis.org/oas/v3.1.1
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from image_api.domain.problems import Problem, ProblemType
from image_api.http.messages import PROBLEM_JSON
from image_api.http.operation import AnyOperation, ReplyDescription

_JSON = "application/json"
_DESCRIPTION = (
    "Upload images to the image classification pipeline, and read, list and search their records. "
    "Every error is a problem document (RFC 9457); `x-problems` lists their types. "
    "Each caller has a limit of requests; the charge of Cosmos DB is in the header `Server-Timing`."
)
# What every operation may answer, besides its own problems.
_COMMON_PROBLEMS = (
    ProblemType.INVALID_REQUEST,
    ProblemType.INTERNAL_ERROR,
    ProblemType.ACCESS_DENIED,
    ProblemType.MISCONFIGURED,
    ProblemType.UNAVAILABLE,
)
_SIGNED_IN_PROBLEMS = (ProblemType.UNAUTHENTICATED, ProblemType.FORBIDDEN, ProblemType.TOO_MANY_REQUESTS)


def openapi_document(operations: Sequence[AnyOperation], *, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of the operations.

    Args:
        operations: the operations of the API.
        version: version of the API.
    """
    types = _body_types(operations)
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    references = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(f"/{operation.path}", {})[operation.method.lower()] = _operation(operation, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Image classification API",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The function app that serves this document."}],
        "security": [{"entra": []}],
        "tags": [{"name": "images", "description": "Images, their records, and searches in them."}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "entra": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Access token of Entra ID, version 2, with the app role that the operation needs.",
                }
            },
        },
        "x-problems": {one.code: {"status": one.status, "title": one.title} for one in ProblemType},
    }


def _body_types(operations: Sequence[AnyOperation]) -> list[type[Struct]]:
    """Return the types of all bodies, each once."""
    types: dict[type[Struct], None] = {Problem: None}
    for operation in operations:
        if operation.body_type is not None:
            types[operation.body_type] = None
        for reply in operation.replies.values():
            if reply.body is not None:
                types[reply.body] = None
    return list(types)


def _operation(operation: AnyOperation, references: Mapping[type[Struct], Any]) -> dict[str, Any]:
    description = operation.description
    if operation.role is not None:
        description = f"{description} Needs the app role `{operation.role}`.".strip()
    result: dict[str, Any] = {
        "operationId": _camel_case(operation.name),
        "tags": ["images"],
        "summary": operation.summary,
        "description": description,
        "parameters": [*_parameters(operation.path_type, "path"), *_parameters(operation.query_type, "query")],
        "responses": {
            **{str(status): _reply(reply, references) for status, reply in operation.replies.items()},
            **_problem_replies(operation, references[Problem]),
        },
    }
    if operation.role is None:
        result["security"] = []
    if operation.body_type is not None:
        result["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": references[operation.body_type]}},
        }
    return result


def _parameters(parameters_type: type[Struct], location: str) -> list[dict[str, Any]]:
    """Return the parameters that the fields of a type describe."""
    _, components = msgspec.json.schema_components([parameters_type], ref_template="{name}")
    definition: dict[str, Any] = components.pop(parameters_type.__name__)
    required: list[str] = definition.get("required", [])
    parameters: list[dict[str, Any]] = []
    for name, declared in definition["properties"].items():
        schema = _parameter_schema(declared, components)
        parameter: dict[str, Any] = {
            "name": name,
            "in": location,
            "required": name in required,
            "description": schema.pop("description"),
            "schema": schema,
        }
        if schema["type"] == "array":
            # Values are separated by commas.
            parameter["style"] = "form"
            parameter["explode"] = False
        parameters.append(parameter)
    return parameters


def _parameter_schema(declared: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter, without references, and without null: an absent parameter has no value."""
    schema = {name: value for name, value in declared.items() if (name, value) != ("default", None)}
    for choice in schema.pop("anyOf", []):
        if choice != {"type": "null"}:
            schema = {**choice, **schema}
    if "$ref" in schema:
        reference = schema.pop("$ref")
        schema = {**components[reference], "type": "string", **schema}
        schema.pop("title", None)
    return schema


def _reply(reply: ReplyDescription, references: Mapping[type[Struct], Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"description": reply.description}
    if reply.headers:
        result["headers"] = {
            name: {"description": description, "schema": {"type": "string"}}
            for name, description in reply.headers.items()
        }
    if reply.body is not None:
        result["content"] = {_JSON: {"schema": references[reply.body]}}
    return result


def _problem_replies(operation: AnyOperation, reference: Any) -> dict[str, Any]:
    problem_types = [*_COMMON_PROBLEMS, *operation.problems]
    if operation.role is not None:
        problem_types += _SIGNED_IN_PROBLEMS
    by_status: dict[int, list[ProblemType]] = {}
    for problem_type in sorted(problem_types, key=lambda problem_type: problem_type.code):
        by_status.setdefault(problem_type.status, []).append(problem_type)
    return {
        str(status): {
            "description": " Or: ".join(f"`{one.code}`: {one.title}" for one in of_status),
            "content": {PROBLEM_JSON: {"schema": reference}},
        }
        for status, of_status in sorted(by_status.items())
    }


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
