"""Definitions of analyzers: what Azure refuses, what the emulator cannot fill, and that of the program."""

import json
from typing import Any

import pytest

from emulator.services.content_understanding.definitions import parse_definition
from emulator.services.content_understanding.errors import ContentUnderstandingError
from infra.components.analyzer_definition import create_definition
from infra.core.analysis import FoundryModel
from tests.emulator.services.content_understanding.support import DEFINITION


def with_fields(**fields: Any) -> dict[str, Any]:
    return {**DEFINITION, "fieldSchema": {"fields": fields}}


def refusal(definition: Any, analyzer_id: str = "mine") -> ContentUnderstandingError:
    with pytest.raises(ContentUnderstandingError) as error:
        parse_definition(analyzer_id, definition if isinstance(definition, bytes) else json.dumps(definition).encode())
    return error.value


def test_the_programs_own_definition_is_accepted() -> None:
    definition = create_definition(
        model=FoundryModel(), features=("tags", "caption", "read"), categories=("cat", "dog"), language="en"
    )
    parsed = parse_definition(definition.analyzer_id, json.dumps(definition.content).encode())
    assert [*parsed.fields] == ["caption", "tags", "category"]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("brand", {"type": "string", "method": "generate"}),
        ("caption", {"type": "number", "method": "generate"}),
        ("tags", {"type": "array", "method": "generate", "items": {"type": "number"}}),
        ("category", {"type": "string", "method": "classify", "enum": ["cat"]}),
        ("people", {"type": "integer", "method": "generate"}),
    ],
)
def test_a_field_that_the_models_cannot_fill_is_refused_by_name(name: str, field: dict[str, Any]) -> None:
    error = refusal(with_fields(**{name: field}))
    assert error.status == 501
    assert f"the field {name!r}" in str(error)


@pytest.mark.parametrize(
    ("definition", "inner"),
    [
        ({**DEFINITION, "models": {"completion": "gpt-5.6-luna"}}, "ModelNotSupported"),
        (with_fields(), "InvalidFieldSchema"),
        (with_fields(**{"a b": {"type": "string"}}), "InvalidFieldSchema"),
        (with_fields(caption={"type": "string", "method": "extract"}), "InvalidFieldSchema"),
        (with_fields(category={"type": "string", "method": "classify"}), "InvalidFieldSchema"),
        (with_fields(caption={"type": "string", "method": "generate", "enum": ["a"]}), "InvalidFieldSchema"),
        (with_fields(tags={"type": "array", "method": "generate"}), "InvalidFieldSchema"),
        (
            with_fields(category={"type": "string", "method": "classify", "enum": [str(n) for n in range(301)]}),
            "InvalidFieldSchema",
        ),
        (with_fields(**{f"f{number}": {"type": "string"} for number in range(1_001)}), "InvalidFieldSchema"),
        (b"{", "InvalidJsonRequest"),
    ],
)
def test_what_azure_refuses_is_refused(definition: Any, inner: str) -> None:
    error = refusal(definition)
    assert (error.status, error.code, error.inner) == (400, "InvalidRequest", inner)


@pytest.mark.parametrize(
    "definition",
    [
        {**DEFINITION, "baseAnalyzerId": "prebuilt-document"},
        {**DEFINITION, "config": {"disableFaceBlurring": True}},
        {**DEFINITION, "description": "x" * 1025},
        with_fields(caption={"type": "string", "examples": ["a"]}),
    ],
)
def test_what_azure_has_and_the_emulator_has_not_is_not_supported(definition: Any) -> None:
    assert refusal(definition).status == 501


def test_an_analyzer_of_the_service_cannot_be_defined() -> None:
    assert refusal(DEFINITION, "prebuilt-image").inner == "InvalidAnalyzerId"
