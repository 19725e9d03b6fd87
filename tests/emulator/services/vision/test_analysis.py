"""The models on real photos: what they must not unlearn, and the service's own limits and errors."""

from typing import Any

import pytest

from emulator.services.vision.analysis import Analyzer
from emulator.services.vision.requests import Request, RequestError
from tests.emulator.services.vision.conftest import PHOTOS
from tests.emulator.services.vision.image_files import encoded

VERSION = {"api-version": "2023-10-01"}


def analyze(analyzer: Analyzer, photo: str, features: str, **query: str) -> dict[str, Any]:
    content = (PHOTOS / photo).read_bytes()
    return analyzer.analyze(Request(content=content, query={**VERSION, "features": features, **query}))


def tags(analyzer: Analyzer, photo: str) -> dict[str, float]:
    return {tag["name"]: tag["confidence"] for tag in analyze(analyzer, photo, "tags")["tagsResult"]["values"]}


# A wrong conversion of the weights once called every photo a rugby ball.
@pytest.mark.parametrize(
    ("photo", "name", "at_least"),
    [
        ("chelsea.png", "Egyptian cat", 0.5),
        ("chelsea.png", "cat", 0.9),
        ("chelsea.png", "animal", 0.9),
        ("coffee.png", "espresso", 0.7),
        ("coffee.png", "coffee", 0.7),
        ("coffee.png", "drink", 0.7),
        ("motorcycle_left.png", "vehicle", 0.7),
        ("rocket.jpg", "rocket", 0.5),
        ("astronaut.png", "person", 0.6),
        ("motorcycle_left.png", "motorcycle", 0.6),
        ("horse.png", "horse", 0.5),
    ],
)
def test_photos_are_what_they_show(analyzer: Analyzer, photo: str, name: str, at_least: float) -> None:
    assert tags(analyzer, photo)[name] >= at_least


def test_a_box_lies_where_the_thing_is(analyzer: Analyzer) -> None:
    (person,) = analyze(analyzer, "astronaut.png", "people")["peopleResult"]["values"]
    box = person["boundingBox"]
    assert 0 <= box["x"] < 220
    assert box["x"] + box["w"] <= 512
    # Her face, in the middle of the upper half, is inside.
    assert box["x"] < 224 < box["x"] + box["w"]
    assert box["y"] < 120 < box["y"] + box["h"]


def test_text_is_read_where_there_is_some_and_not_where_there_is_none(analyzer: Analyzer) -> None:
    blocks = analyze(analyzer, "motorcycle_left.png", "read")["readResult"]["blocks"]
    assert [line["text"] for block in blocks for line in block["lines"]] == ["YAMAHA"]
    assert analyze(analyzer, "coffee.png", "read")["readResult"]["blocks"] == []


def test_a_caption_says_that_it_is_a_template(analyzer: Analyzer) -> None:
    answer = analyze(analyzer, "chelsea.png", "caption,denseCaptions")
    assert answer["captionResult"]["text"] == "template: a cat"
    assert answer["captionResult"]["confidence"] == pytest.approx(tags(analyzer, "chelsea.png")["cat"])
    assert all(item["text"].startswith("template: ") for item in answer["denseCaptionsResult"]["values"])


def test_a_caption_names_nothing_that_is_less_likely_than_not(analyzer: Analyzer) -> None:
    assert max(tags(analyzer, "moon.png").values()) < 0.5
    assert analyze(analyzer, "moon.png", "caption")["captionResult"] == {
        "text": "template: a picture",
        "confidence": 0.0,
    }


def test_dense_captions_need_no_other_feature(analyzer: Analyzer) -> None:
    values = analyze(analyzer, "chelsea.png", "denseCaptions")["denseCaptionsResult"]["values"]
    assert [item["text"] for item in values] == ["template: a cat", "template: a cat"]


def test_crops_have_the_ratio_asked_for(analyzer: Analyzer) -> None:
    query = {"smartcrops-aspect-ratios": "0.75,1.8"}
    crops = analyze(analyzer, "coffee.png", "smartCrops", **query)["smartCropsResult"]["values"]
    for crop, ratio in zip(crops, (0.75, 1.8), strict=True):
        assert crop["boundingBox"]["w"] / crop["boundingBox"]["h"] == pytest.approx(ratio, rel=0.03)


def test_only_what_was_asked_for_is_answered(analyzer: Analyzer) -> None:
    assert set(analyze(analyzer, "coffee.png", "tags")) == {"modelVersion", "metadata", "tagsResult"}


@pytest.mark.parametrize(
    ("content", "query", "inner"),
    [
        (b"text", {"features": "tags"}, "InvalidImageFormat"),
        (b"", {"features": "tags"}, None),
        (encoded(49, 200), {"features": "tags"}, "InvalidImageSize"),
        (encoded(60, 60, "PPM"), {"features": "tags"}, "InvalidImageFormat"),
        (encoded(60, 60), {"features": "faces"}, "NotSupportedVisualFeature"),
        (encoded(60, 60), {}, None),
        (encoded(60, 60), {"features": "tags", "language": "xx"}, "NotSupportedLanguage"),
        (encoded(60, 60), {"features": "tags", "gender-neutral-caption": "maybe"}, "InvalidRequest"),
        (encoded(60, 60), {"features": "tags", "model-version": "2021-04-01"}, "InvalidRequest"),
        (encoded(60, 60), {"features": "tags", "model-name": "mine"}, "InvalidRequest"),
        (encoded(60, 60), {"features": "smartCrops", "smartcrops-aspect-ratios": "3"}, "BadArgument"),
        (encoded(60, 60), {"features": "smartCrops", "smartcrops-aspect-ratios": "nan"}, "BadArgument"),
    ],
)
def test_what_the_service_refuses_is_refused(
    analyzer: Analyzer, content: bytes, query: dict[str, str], inner: str | None
) -> None:
    with pytest.raises(RequestError, check=lambda error: (error.status, error.inner) == (400, inner)):
        analyzer.analyze(Request(content=content, query=VERSION | query))


@pytest.mark.parametrize("query", [{}, {"api-version": "2023-02-01-preview"}, {"api-version": ""}])
def test_without_a_known_api_version_there_is_no_such_resource(analyzer: Analyzer, query: dict[str, str]) -> None:
    with pytest.raises(RequestError, match="Resource not found", check=lambda error: error.status == 404):
        analyzer.analyze(Request(content=encoded(60, 60), query={"features": "tags"} | query))


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("text/plain", 400), ("application/json", 501), ("multipart/form-data", 501), ("image/png", None)],
)
def test_the_media_type_is_checked(analyzer: Analyzer, content_type: str, status: int | None) -> None:
    request = Request(content=encoded(60, 60), query=VERSION | {"features": "smartCrops"}, content_type=content_type)
    if status is None:
        assert analyzer.analyze(request)["smartCropsResult"]
        return
    with pytest.raises(RequestError, check=lambda error: error.status == status):
        analyzer.analyze(request)


def test_other_languages_of_azure_are_not_supported(analyzer: Analyzer) -> None:
    with pytest.raises(RequestError, check=lambda error: error.status == 501):
        analyzer.analyze(Request(content=encoded(60, 60), query=VERSION | {"features": "tags", "language": "ja"}))


def test_the_bounds_themselves_are_accepted(analyzer: Analyzer) -> None:
    smallest = encoded(50, 50)
    query = VERSION | {"features": "tags"}
    largest = Request(content=smallest + bytes(20_971_520 - len(smallest)), query=query)
    assert analyzer.analyze(largest)["tagsResult"]
    with pytest.raises(RequestError, match="larger than 20971520 bytes"):
        analyzer.analyze(Request(content=largest.content + b"0", query=query))
