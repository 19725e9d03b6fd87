"""Problem documents."""

import msgspec
from image_api.domain.problems import InvalidValue, ProblemError, ProblemType


def test_a_document_has_what_is_known_and_no_more() -> None:
    problem = ProblemError(ProblemType.INVALID_REQUEST, "It is not valid.")
    assert str(problem) == "It is not valid."
    assert msgspec.to_builtins(problem.document("1")) == {
        "type": "/api/openapi.json#/x-problems/invalidRequest",
        "title": "The request is not valid.",
        "status": 400,
        "code": "invalidRequest",
        "detail": "It is not valid.",
        "instance": "urn:uuid:1",
    }


def test_a_document_names_each_value_that_is_not_valid() -> None:
    errors = (InvalidValue(location="query limit", detail="too small"),)
    document = ProblemError(ProblemType.INVALID_REQUEST, "It is not valid.", errors=errors).document("1")
    assert msgspec.to_builtins(document)["errors"] == ({"location": "query limit", "detail": "too small"},)
