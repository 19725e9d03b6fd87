"""Parameters and bodies of requests: what is read, and each value that is not valid."""

from typing import Annotated

import pytest
from image_api.domain.problems import InvalidValue, ProblemError, ProblemType
from image_api.http.decoding import MAX_BODY_BYTES, MAX_PARAMETER_CHARACTERS, decode_body, decode_parameters
from msgspec import Meta, Struct


class Parameters(Struct, frozen=True, kw_only=True, rename="camel"):
    """Parameters of each kind."""

    page_size: Annotated[int, Meta(ge=1)]
    labels: tuple[str, ...] = ()
    name: str = ""


class NoParameters(Struct, frozen=True):
    """No parameters."""


def errors_of(texts: dict[str, str], parameters_type: type[Struct] = Parameters) -> list[tuple[str, str]]:
    with pytest.raises(ProblemError) as raised:
        decode_parameters(texts, parameters_type, "query")
    assert (raised.value.problem_type, raised.value.detail) == (
        ProblemType.INVALID_REQUEST,
        "Parameters are not valid.",
    )
    return [(error.location, error.detail) for error in raised.value.errors]


def test_parameters_are_read_by_their_type() -> None:
    texts = {"pageSize": "20", "labels": "cat,dog", "name": "a,b"}
    assert decode_parameters(texts, Parameters, "query") == Parameters(page_size=20, labels=("cat", "dog"), name="a,b")


def test_every_parameter_that_is_not_valid_is_named() -> None:
    assert errors_of({"pageSize": "0", "size": "1", "name": "x" * (MAX_PARAMETER_CHARACTERS + 1)}) == [
        ("query pageSize", "Expected `int` >= 1"),
        ("query size", "unknown; allowed: labels, name, pageSize"),
        ("query name", "longer than 4096 characters"),
    ]


def test_a_parameter_may_have_the_limit() -> None:
    text = "x" * MAX_PARAMETER_CHARACTERS
    assert decode_parameters({"pageSize": "1", "name": text}, Parameters, "query").name == text


def test_a_parameter_that_is_required_is_missing() -> None:
    assert errors_of({}) == [("query pageSize", "missing")]


def test_an_unknown_name_is_cut() -> None:
    assert errors_of({"x" * 51: "1"}, NoParameters) == [(f"query {'x' * 50}", "unknown; allowed: none")]


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON ; charset=utf-8"])
def test_a_body_is_json(content_type: str) -> None:
    assert decode_body(b'{"pageSize": 1}', content_type, Parameters) == Parameters(page_size=1)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/problem+json", "text/plain; application/json"])
def test_a_body_of_another_type_is_refused(content_type: str) -> None:
    with pytest.raises(ProblemError) as raised:
        decode_body(b'{"pageSize": 1}', content_type, Parameters)
    assert (raised.value.problem_type, raised.value.detail) == (
        ProblemType.UNSUPPORTED_MEDIA_TYPE,
        "The header Content-Type has to be application/json.",
    )


def test_a_body_has_a_largest_size() -> None:
    body = b'{"pageSize": 1}'.ljust(MAX_BODY_BYTES)
    assert decode_body(body, "application/json", Parameters) == Parameters(page_size=1)
    with pytest.raises(ProblemError) as raised:
        decode_body(body + b" ", "application/json", Parameters)
    assert (raised.value.problem_type, raised.value.detail) == (
        ProblemType.BODY_TOO_LARGE,
        "A body has at most 8192 bytes.",
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "Input data was truncated"),
        (b'{"pageSize": 0}', "Expected `int` >= 1 - at `$.pageSize`"),
        (b"{}", "Object missing required field `pageSize`"),
    ],
)
def test_a_body_that_is_not_valid_is_refused_with_the_reason(body: bytes, detail: str) -> None:
    with pytest.raises(ProblemError) as raised:
        decode_body(body, "application/json", Parameters)
    assert raised.value.problem_type is ProblemType.INVALID_REQUEST
    assert raised.value.errors == (InvalidValue(location="body", detail=detail),)
