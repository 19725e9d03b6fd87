"""The OpenAPI document: valid, up to date in docs/, complete; and nothing is answered that it does not have."""

import json
import os
from typing import Any

import hypothesis
import pytest
import schemathesis
from azure.functions import AuthLevel
from hypothesis.errors import Unsatisfiable
from image_api.http.operations import OPERATIONS, openapi_json
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.conftest import ROOT
from tests.support.api_wsgi import create_wsgi_application
from tests.support.in_memory_api import ApiClient, InMemoryApi, create_record

DOCUMENT: dict[str, Any] = json.loads(openapi_json())
COPY = ROOT / "docs/openapi.json"
HTTP_METHODS = ("get", "post", "delete")


def test_the_document_is_valid_openapi_3_1() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_copy_in_the_documents_is_up_to_date() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        COPY.write_bytes(openapi_json())
    assert COPY.read_bytes() == openapi_json()
    assert openapi_json() is openapi_json()


def test_the_document_has_every_operation() -> None:
    documented = {
        (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item if method in HTTP_METHODS
    }
    assert documented == {(operation.method, f"/{operation.path}") for operation in OPERATIONS}


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{method} {path}", item[method]) for path, item in DOCUMENT["paths"].items() for method in item]


@pytest.mark.parametrize(("name", "operation"), operations(), ids=[name for name, _ in operations()])
def test_an_operation_is_described(name: str, operation: dict[str, Any]) -> None:
    """The rules of an OpenAPI linter that matter to readers and to generators of clients."""
    del name
    assert operation["summary"].endswith(".")
    assert operation["operationId"].isidentifier()
    assert operation["tags"] == ["images"]
    assert {"400", "500", "503"} <= operation["responses"].keys()
    assert ("401" in operation["responses"]) == (operation.get("security") != [])
    for response in operation["responses"].values():
        assert response["description"]
    for parameter in operation["parameters"]:
        assert parameter["description"].endswith(".")
        assert parameter["schema"]["type"] in {"string", "integer", "number", "array"}


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(ids) == len(set(ids)) == 10


def test_every_property_is_described() -> None:
    missing = [
        f"{name}.{key}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for key, value in schema.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]
    assert missing == []


def test_the_functions_accept_no_key() -> None:
    from image_api.triggers import blueprint  # noqa: PLC0415 (registers the functions)

    triggers: list[Any] = [builder._function.get_trigger() for builder in blueprint._function_builders]
    levels = {trigger.auth_level for trigger in triggers}
    assert levels == {AuthLevel.ANONYMOUS}


def create_schema() -> Any:
    api = InMemoryApi(burst=10**9)
    api.add(create_record("cat.png", vector=(0.1,) * 1024), text="a cat", similarity=0.3)
    # Every request has a token, so that none is refused before its parameters are read.
    document = json.loads(openapi_json())
    del document["security"]
    schema = schemathesis.openapi.from_dict(document)
    schema.app = create_wsgi_application(ApiClient(api))
    return schema


SCHEMA = create_schema()
SLOW = [hypothesis.HealthCheck.filter_too_much, hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_no_answer_is_a_server_error_or_not_in_the_document(path: str, mode: schemathesis.GenerationMode) -> None:
    """Requests that the document allows, and requests that it does not allow."""
    for method in (name for name in DOCUMENT["paths"][path] if name in HTTP_METHODS):
        strategy = SCHEMA[path][method.upper()].as_strategy(generation_mode=mode)

        @hypothesis.given(case=strategy)
        @hypothesis.settings(max_examples=25, suppress_health_check=SLOW)
        def check(case: schemathesis.Case) -> None:
            # Rules between parameters, such as the order of two times, are not in the document.
            case.call_and_validate(headers={"Authorization": "Bearer all"}, excluded_checks=[positive_data_acceptance])

        try:
            check()
        except Unsatisfiable:
            assert mode is schemathesis.GenerationMode.NEGATIVE
            assert SCHEMA[path][method.upper()].definition.raw["parameters"] == []
