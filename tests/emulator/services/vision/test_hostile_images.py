"""Files that are no images, or damaged: each is answered or refused as Azure does, and never an error of the server."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.services.vision.adult_content import AdultContentDetector
from emulator.services.vision.analysis import Analyzer
from emulator.services.vision.embeddings import create_embedders
from emulator.services.vision.recognition import Recognizer
from emulator.services.vision.requests import Request, RequestError
from scripts.setup import build_models
from tests.emulator.services.vision.image_files import encoded, png_header

FILES = {kind: encoded(64, 64, kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "ICO")}
FILES |= {f"PNG {mode}": encoded(64, 64, "PNG", mode) for mode in ("L", "1", "P", "LA", "RGBA", "I;16")}
FILES |= {f"TIFF {mode}": encoded(64, 64, "TIFF", mode) for mode in ("CMYK", "F", "I")}


@pytest.fixture(scope="module")
def operations(recognizer: Recognizer, analyzer: Analyzer) -> list[Callable[[bytes], dict[str, Any]]]:
    adult = AdultContentDetector()
    images, _ = create_embedders(recognizer, build_models())
    analysis = {"api-version": "2023-10-01", "features": "tags,objects,people,smartCrops,denseCaptions"}
    return [
        lambda content: analyzer.analyze(Request(content=content, query=analysis)),
        lambda content: adult.analyze(Request(content=content, query={"visualFeatures": "Adult"})),
        lambda content: images.vectorize(Request(content=content, query={"api-version": "2024-02-01"})),
    ]


def refusals(operations: list[Callable[[bytes], dict[str, Any]]], content: bytes) -> list[str | None]:
    """The inner code of each operation, or `answered`; every other error ends the test."""
    codes: list[str | None] = []
    for operation in operations:
        try:
            operation(content)
        except RequestError as error:
            codes.append(error.inner if error.status == 400 else str(error.status))
        else:
            codes.append("answered")
    return codes


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from([*FILES.values()])))
    for position, value in draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=12)
    ):
        content[position] = value
    return bytes(content[: draw(st.integers(1, len(content)))])


@settings(max_examples=150)
@given(content=st.one_of(damaged_files(), st.binary(min_size=1, max_size=300)))
def test_damaged_files_are_answered_or_refused(
    operations: list[Callable[[bytes], dict[str, Any]]], content: bytes
) -> None:
    assert set(refusals(operations, content)) <= {"answered", "InvalidImageFormat", "InvalidImageSize"}


@pytest.mark.parametrize("name", FILES)
def test_undamaged_files_of_every_kind_are_answered(
    operations: list[Callable[[bytes], dict[str, Any]]], name: str
) -> None:
    is_of_version_3_2 = name.split(maxsplit=1)[0] in {"JPEG", "PNG", "GIF", "BMP"}
    adult = "answered" if is_of_version_3_2 else "InvalidImageFormat"
    assert refusals(operations, FILES[name]) == ["answered", adult, "answered"]


@pytest.mark.parametrize(
    ("width", "height", "code"),
    [
        (16_001, 60, "InvalidImageSize"),
        (60, 16_001, "InvalidImageSize"),
        (2**31 - 1, 2**31 - 1, "InvalidImageSize"),
        (4_000, 4_000, "InvalidImageFormat"),
        (0, 0, "InvalidImageFormat"),
    ],
)
def test_a_header_that_claims_too_much_is_refused(
    operations: list[Callable[[bytes], dict[str, Any]]], width: int, height: int, code: str
) -> None:
    assert refusals(operations, png_header(width, height)) == [code] * 3


def test_narrow_images_are_answered(operations: list[Callable[[bytes], dict[str, Any]]]) -> None:
    for width, height in ((50, 16_000), (16_000, 50)):
        assert refusals(operations, encoded(width, height)) == ["answered"] * 3
