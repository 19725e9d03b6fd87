"""The data types of the pipeline."""

import msgspec
import pytest
from common.domain.findings import AdultContent, AdultVerdict, Caption, Findings, Tag
from common.domain.models import Analysis, Tokens
from msgspec.structs import replace

from tests.support.in_memory_services import as_json


def test_an_analysis_is_json_and_comes_back_out_of_it() -> None:
    findings = Findings(tags=(Tag(name="cat", confidence=0.5),), vector=(0.25, -0.5))
    analysis = Analysis(analyzer="a", api_version="1", model_version="m", findings=findings, exclusive=True)
    item = as_json(analysis)
    assert item == {
        "analyzer": "a",
        "apiVersion": "1",
        "modelVersion": "m",
        "findings": {"tags": [{"name": "cat", "confidence": 0.5}], "vector": [0.25, -0.5]},
        "exclusive": True,
    }
    assert msgspec.convert(item, Analysis) == analysis
    assert Analysis(analyzer="a", api_version="1", model_version="m", findings=Findings()).exclusive is False


def test_results_of_several_calls_are_one_analysis() -> None:
    tags = (Tag(name="cat", confidence=0.5),)
    first = Analysis(analyzer="a", api_version="1", model_version="m", findings=Findings(tags=tags))
    second = Analysis(analyzer="a", api_version="1", model_version="", findings=Findings(smart_crops=()))
    third = Analysis(
        analyzer="a", api_version="1", model_version="n", findings=Findings(vector=(0.25,)), exclusive=True
    )
    first_tokens, third_tokens = Tokens(input=1_000, output=100), Tokens(input=300, output=20)
    first, third = replace(first, tokens=first_tokens), replace(third, tokens=third_tokens)
    assert Analysis.combine([first]) == first
    assert Analysis.combine([first, second, third]) == Analysis(
        analyzer="a",
        api_version="1",
        model_version="m, n",
        findings=Findings(tags=tags, smart_crops=(), vector=(0.25,)),
        exclusive=True,
        tokens=Tokens(input=1_300, output=120),
    )
    assert Analysis.combine([second, third]).tokens == third_tokens
    assert Analysis.combine([second, second]).tokens is msgspec.UNSET


def test_a_finding_that_was_not_requested_is_absent_and_an_empty_one_is_not() -> None:
    assert as_json(Findings()) == {}
    assert as_json(Findings(tags=(), smart_crops=(), dense_captions=())) == {
        "tags": [],
        "smartCrops": [],
        "denseCaptions": [],
    }


def test_findings_cannot_be_changed() -> None:
    caption = Caption(text="a cat", confidence=0.5)
    with pytest.raises(AttributeError):
        caption.text = "a dog"  # type: ignore[misc]


def test_a_verdict_is_one_of_three() -> None:
    unknown = AdultContent(verdict=AdultVerdict.UNKNOWN, reason="why", adult=None, racy=None, gory=None)
    assert msgspec.convert(as_json(unknown), AdultContent) == unknown
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value 'maybe'"):
        msgspec.convert(as_json(unknown) | {"verdict": "maybe"}, AdultContent)
