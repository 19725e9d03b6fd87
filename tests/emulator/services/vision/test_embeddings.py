"""Embeddings: the contract of both operations, and photos that are found by words."""

import json
import statistics
import time

import numpy as np
import pytest

from emulator.services.vision.embeddings import ImageEmbedder, TextEmbedder, create_embedders
from emulator.services.vision.recognition import Recognizer
from emulator.services.vision.requests import Request, RequestError
from scripts.setup import build_models
from tests.emulator.services.vision.conftest import PHOTOS
from tests.emulator.services.vision.image_files import encoded

# What the function code sends.
QUERY = {"api-version": "2024-02-01", "model-version": "2023-04-15"}


@pytest.fixture(scope="module")
def embedders(recognizer: Recognizer) -> tuple[ImageEmbedder, TextEmbedder]:
    return create_embedders(recognizer, build_models())


@pytest.fixture(scope="module")
def images(embedders: tuple[ImageEmbedder, TextEmbedder]) -> ImageEmbedder:
    return embedders[0]


@pytest.fixture(scope="module")
def texts(embedders: tuple[ImageEmbedder, TextEmbedder]) -> TextEmbedder:
    return embedders[1]


def text_request(body: bytes, query: dict[str, str] | None = None, content_type: str = "application/json") -> Request:
    return Request(content=body, query=QUERY if query is None else query, content_type=content_type)


def vector_of(texts: TextEmbedder, text: str) -> np.ndarray:
    return np.array(texts.vectorize(text_request(json.dumps({"text": text}).encode()))["vector"])


def test_both_answers_have_the_form_of_azure(images: ImageEmbedder, texts: TextEmbedder) -> None:
    photo = Request(content=(PHOTOS / "chelsea.png").read_bytes(), query=QUERY)
    for answer in (images.vectorize(photo), texts.vectorize(text_request(b'{"text": "cat"}'))):
        assert set(answer) == {"modelVersion", "vector"}
        assert answer["modelVersion"] == "emulator-embedding-1"
        assert len(answer["vector"]) == 1024
        assert all(type(number) is float for number in answer["vector"])
        assert np.linalg.norm(answer["vector"]) == pytest.approx(1.0, abs=1e-4)


def test_photos_are_found_by_words(images: ImageEmbedder, texts: TextEmbedder) -> None:
    names = ["chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "horse.png", "astronaut.png"]
    vectors = np.array(
        [images.vectorize(Request(content=(PHOTOS / name).read_bytes(), query=QUERY))["vector"] for name in names]
    )
    for text, name in [
        ("kitten", "chelsea.png"),
        ("a cup of coffee", "coffee.png"),
        ("red motorbike", "motorcycle_left.png"),
        ("rocket on its launch pad", "rocket.jpg"),
        ("stallion", "horse.png"),
        ("somebody's portrait, a person", "astronaut.png"),
    ]:
        cosines = vectors @ vector_of(texts, text)
        assert names[int(cosines.argmax())] == name
        assert cosines.max() > 0.2
    assert (vectors @ vector_of(texts, "elephant")).max() < 0.2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"cat",
        b"{}",
        b'{"text": ""}',
        b'{"text": "   "}',
        b'{"text": 7}',
        b'{"text": null}',
        b'{"text": ["cat"]}',
        b'["cat"]',
        b'{"text": "cat", "language": "en"}',
        b'{"text": "\xff"}',
        json.dumps({"text": "cat " * 71}).encode(),
    ],
)
def test_bodies_without_1_to_70_words_are_refused(texts: TextEmbedder, body: bytes) -> None:
    with pytest.raises(RequestError, check=lambda error: (error.status, error.code) == (400, "InvalidRequest")):
        texts.vectorize(text_request(body))


def test_70_words_are_accepted(texts: TextEmbedder) -> None:
    assert vector_of(texts, "cat " * 70) @ vector_of(texts, "cat") == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 404),
        ({"api-version": "2023-10-01"}, 404),
        ({"api-version": "2024-02-01", "model-version": "2022-04-11"}, 400),
        ({"api-version": "2024-02-01", "modelVersion": "2023-04-15"}, 400),
        ({"api-version": "2024-02-01"}, 200),
        ({"api-version": "2024-02-01", "model-version": "emulator-embedding-1"}, 200),
    ],
)
def test_versions_are_checked(images: ImageEmbedder, texts: TextEmbedder, query: dict[str, str], status: int) -> None:
    if status == 200:
        assert texts.vectorize(text_request(b'{"text": "cat"}', query))["vector"]
        assert images.vectorize(Request(content=encoded(60, 60), query=query))["vector"]
        return
    with pytest.raises(RequestError, check=lambda error: error.status == status):
        texts.vectorize(text_request(b'{"text": "cat"}', query))
    with pytest.raises(RequestError, check=lambda error: error.status == status):
        images.vectorize(Request(content=encoded(60, 60), query=query))


def test_media_types_are_checked(images: ImageEmbedder, texts: TextEmbedder) -> None:
    with pytest.raises(RequestError, match="text/plain is not supported", check=lambda error: error.status == 400):
        texts.vectorize(text_request(b'{"text": "cat"}', content_type="text/plain"))
    with pytest.raises(RequestError, match="text/plain is not supported", check=lambda error: error.status == 400):
        images.vectorize(Request(content=encoded(60, 60), query=QUERY, content_type="text/plain"))
    with pytest.raises(RequestError, check=lambda error: error.status == 501):
        images.vectorize(Request(content=b'{"url": "x"}', query=QUERY, content_type="application/json"))


@pytest.mark.parametrize(
    ("content", "inner"),
    [
        (b"text", "InvalidImageFormat"),
        (b"", None),
        (encoded(9, 60), "InvalidImageSize"),
        (encoded(60, 60, "PPM"), "InvalidImageFormat"),
    ],
)
def test_images_that_are_none_or_too_small_are_refused(
    images: ImageEmbedder, content: bytes, inner: str | None
) -> None:
    with pytest.raises(RequestError, check=lambda error: (error.status, error.inner) == (400, inner)):
        images.vectorize(Request(content=content, query=QUERY))


@pytest.mark.parametrize(("width", "height"), [(10, 10), (10, 16_000), (16_000, 10)])
def test_the_smallest_and_the_narrowest_images_have_a_vector(images: ImageEmbedder, width: int, height: int) -> None:
    assert len(images.vectorize(Request(content=encoded(width, height), query=QUERY))["vector"]) == 1024


def test_a_text_takes_at_most_50_milliseconds(texts: TextEmbedder) -> None:
    body = json.dumps({"text": "a cup of coffee on a wooden table beside a red motorcycle"}).encode()
    durations: list[float] = []
    for _ in range(20):
        started = time.perf_counter()
        texts.vectorize(text_request(body))
        durations.append(time.perf_counter() - started)
    assert statistics.median(durations) < 0.05
