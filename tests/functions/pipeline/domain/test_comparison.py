"""A comparison: what it takes from records, and the schema of what is stored."""

from typing import Any, cast

from classifier.domain.comparison import ComparedAnalyzer, json_schema

from tests.support.in_memory_api import create_record


def test_the_schema_has_the_comparison_and_its_parts() -> None:
    schema = cast("dict[str, Any]", json_schema())
    assert schema["$ref"] == "#/$defs/Comparison"
    assert {"Comparison", "ComparedAnalyzer", "SuccessorOutcome"} <= schema["$defs"].keys()
    required = schema["$defs"]["Comparison"]["required"]
    assert {"id", "contentSha256", "main", "successor", "outcome"} <= {*required}


def test_a_record_without_an_analyzer_has_no_fingerprint() -> None:
    compared = ComparedAnalyzer.from_record(create_record("cat.png"))
    assert (compared.fingerprint, compared.model_version) == ("", None)
    assert compared.labels == ("cat", "grass")
