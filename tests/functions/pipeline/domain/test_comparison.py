"""A comparison: what it takes from records, and the schema of what is stored."""

from typing import Any, cast

from classifier.domain.comparison import ComparedAnalyzer, Comparison, json_schema
from common.domain.findings import TextLine
from msgspec.structs import replace

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


def test_the_text_is_all_lines_and_at_most_4000_characters() -> None:
    lines = [TextLine(text=text, confidence=None, box=None) for text in ("STOP", "x" * 4_000)]
    record = replace(create_record("cat.png"), read=lines)
    assert ComparedAnalyzer.from_record(record).text == "STOP\n" + "x" * 3_995


def test_captions_and_texts_of_both_are_compared() -> None:
    record, successor = (
        replace(create_record("cat.png"), read=[TextLine(text=text, confidence=None, box=None)])
        for text in ("STOP", "STEP")
    )
    comparison = Comparison.create(record, successor, compared_at="2026-11-29T12:00:00+00:00", tokens=None)
    assert (comparison.caption_agreement, comparison.text_error_rate) == (1.0, 0.25)
    assert (comparison.input_tokens, comparison.output_tokens) == (None, None)
