"""Image Analysis 3.2 for adult content: the contract, and the harmless photos."""

from typing import Any

import pytest

from benchmarks.vision_accuracy import PHOTOS, read_photos
from emulator.services.vision.adult_content import AdultContentDetector
from emulator.services.vision.requests import Request, RequestError
from tests.emulator.services.vision.conftest import PHOTOS as FOLDER
from tests.emulator.services.vision.image_files import encoded

QUERY = {"visualFeatures": "Adult"}


@pytest.fixture(scope="module")
def detector() -> AdultContentDetector:
    return AdultContentDetector()


def test_the_answer_has_the_form_of_version_3_2(detector: AdultContentDetector) -> None:
    answer = detector.analyze(Request(content=(FOLDER / "astronaut.png").read_bytes(), query=QUERY))
    assert set(answer) == {"adult", "requestId", "metadata", "modelVersion"}
    assert answer["metadata"] == {"width": 512, "height": 512, "format": "Png"}
    assert answer["modelVersion"] == "emulator-safety-1"
    adult = answer["adult"]
    assert (adult["isAdultContent"], adult["isRacyContent"], adult["isGoryContent"]) == (False, False, False)
    assert 0 < adult["adultScore"] == adult["racyScore"] < 0.2
    assert adult["goreScore"] == 0.0


def test_no_harmless_photo_is_flagged(detector: AdultContentDetector) -> None:
    scores = {
        photo.path.name: detector.analyze(Request(content=photo.path.read_bytes(), query=QUERY))["adult"]["adultScore"]
        for photo in read_photos(PHOTOS)
    }
    assert len(scores) == 20
    # What the model's authors call safe.
    assert {name: score for name, score in scores.items() if score >= 0.2} == {}


@pytest.mark.parametrize(
    ("score", "adult", "racy"), [(0.49, False, False), (0.5, False, True), (0.79, False, True), (0.8, True, True)]
)
def test_the_flags_follow_the_score(
    detector: AdultContentDetector, monkeypatch: pytest.MonkeyPatch, score: float, adult: bool, racy: bool
) -> None:
    class Model:
        def classify(self, _image: object) -> Any:
            class Prediction:
                nsfw = score

            return Prediction

    monkeypatch.setattr(detector, "_model", Model())
    adult_scores = detector.analyze(Request(content=encoded(50, 50), query=QUERY))["adult"]
    assert (adult_scores["isAdultContent"], adult_scores["isRacyContent"]) == (adult, racy)
    assert adult_scores["adultScore"] == score


@pytest.mark.parametrize(
    ("content", "query", "status", "inner"),
    [
        (b"text", QUERY, 400, "InvalidImageFormat"),
        (b"", QUERY, 400, "InvalidImageSize"),
        (encoded(50, 50) + bytes(4 * 1024 * 1024), QUERY, 400, "InvalidImageSize"),
        (encoded(49, 50), QUERY, 400, "InvalidImageSize"),
        (encoded(60, 60, "WEBP"), QUERY, 400, "InvalidImageFormat"),
        (encoded(60, 60, "TIFF"), QUERY, 400, "InvalidImageFormat"),
        (encoded(60, 60), {"visualFeatures": "Adults"}, 400, "NotSupportedVisualFeature"),
        (encoded(60, 60), QUERY | {"language": "de"}, 400, "NotSupportedLanguage"),
        (encoded(60, 60), QUERY | {"model-version": "2021-04-01"}, 400, "InvalidRequest"),
        (encoded(60, 60), QUERY | {"api-version": "3.2"}, 400, "InvalidRequest"),
        # Azure does these.
        (encoded(60, 60), {}, 501, None),
        (encoded(60, 60), {"visualFeatures": "Adult,Tags"}, 501, None),
        (encoded(60, 60), QUERY | {"details": "Landmarks"}, 501, None),
    ],
)
def test_what_is_refused(
    detector: AdultContentDetector, content: bytes, query: dict[str, str], status: int, inner: str | None
) -> None:
    with pytest.raises(RequestError, check=lambda error: (error.status, error.inner) == (status, inner)):
        detector.analyze(Request(content=content, query=query))


@pytest.mark.parametrize(
    ("content_type", "status", "inner"),
    [
        ("text/plain", 415, "UnsupportedMediaType"),
        ("image/png", 415, "UnsupportedMediaType"),
        ("application/json", 501, None),
        ("multipart/form-data", 501, None),
    ],
)
def test_the_media_type_is_checked(
    detector: AdultContentDetector, content_type: str, status: int, inner: str | None
) -> None:
    with pytest.raises(RequestError, check=lambda error: (error.status, error.inner) == (status, inner)):
        detector.analyze(Request(content=encoded(60, 60), query=QUERY, content_type=content_type))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_every_format_of_version_3_2_is_accepted(detector: AdultContentDetector, kind: str) -> None:
    answer = detector.analyze(Request(content=encoded(50, 50, kind), query=QUERY | {"language": "pt"}))
    assert answer["metadata"] == {"width": 50, "height": 50, "format": kind.capitalize()}
