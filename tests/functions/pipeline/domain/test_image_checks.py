"""Formats, sizes and dimensions of images that are accepted, and the reasons of rejections."""

from dataclasses import replace
from typing import Any

import pytest
from classifier.domain import image_checks
from classifier.domain.errors import (
    ImageRejectedError,
)
from classifier.domain.models import Blob
from common.domain.image_limits import FORMATS, IMAGE_ANALYSIS_LIMITS, ImageLimits
from common.domain.models import ImageFormat, ImageInfo, Reason

from tests.support.in_memory_services import as_json

BLOB = Blob(content=b"cat", size_bytes=9, etag="e1", content_type="image/png", created_at=None)


def test_the_formats_are_these_eight() -> None:
    """https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis#input-requirements."""
    assert FORMATS == ("JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO")


@pytest.mark.parametrize(
    ("width", "height", "sentence"),
    [(49, 60, "The width is 49 pixels"), (60, 16_001, "The height is 16001 pixels"), (7, 8, "The width is 7 pixels")],
)
def test_dimensions_are_rejected_with_both_sides_and_both_limits(width: int, height: int, sentence: str) -> None:
    with pytest.raises(ImageRejectedError) as rejection:
        image_checks.check_image(ImageInfo(width=width, height=height, format=ImageFormat.PNG), IMAGE_ANALYSIS_LIMITS)
    assert as_json(rejection.value.reason()) == {
        "code": "BadDimensions",
        "sentence": f"{sentence}; it must be at least 50 and at most 16000.",
        "measured": {"width": width, "height": height},
        "limit": {"atLeast": 50, "atMost": 16_000},
    }


def content_reason(blob: Blob) -> dict[str, Any]:
    with pytest.raises(ImageRejectedError) as rejection:
        image_checks.require_content(blob)
    return as_json(rejection.value.reason())


def test_content_is_rejected_with_its_size_and_the_limit() -> None:
    assert content_reason(replace(BLOB, content=b"", size_bytes=9)) == {
        "code": "EmptyFile",
        "sentence": "The file is empty.",
        "measured": 0,
        "limit": 1,
    }
    assert content_reason(replace(BLOB, content=None, size_bytes=20_971_521)) == {
        "code": "TooLarge",
        "sentence": "The file has 20971521 bytes; it may have at most 20971520.",
        "measured": 20_971_521,
        "limit": 20_971_520,
    }
    reason = Reason(code="Archived", sentence="why", measured=1, limit=2)
    assert content_reason(replace(BLOB, content=None, rejection=reason)) == {
        "code": "Archived",
        "sentence": "why",
        "measured": 1,
        "limit": 2,
    }


def test_content_that_is_missing_for_no_reason_is_a_bug() -> None:
    with pytest.raises(ValueError, match="9 bytes are within the limit and were not read"):
        image_checks.require_content(replace(BLOB, content=None))


def test_a_format_that_the_analyzer_does_not_accept_is_named_with_those_that_it_does() -> None:
    limits = ImageLimits(formats=(ImageFormat.JPEG, ImageFormat.PNG), min_side=1, max_side=100)
    with pytest.raises(ImageRejectedError) as rejection:
        image_checks.check_image(ImageInfo(width=60, height=60, format=ImageFormat.BMP), limits)
    assert as_json(rejection.value.reason()) == {
        "code": "UnsupportedFormat",
        "sentence": "The format is BMP; the analyzer accepts JPEG, PNG.",
        "measured": "BMP",
        "limit": ["JPEG", "PNG"],
    }


@pytest.mark.parametrize(("side", "accepted"), [(1, True), (100, True), (101, False)])
def test_the_limits_are_the_analyzers_own(side: int, accepted: bool) -> None:
    limits = ImageLimits(formats=(ImageFormat.PNG,), min_side=1, max_side=100)
    info = ImageInfo(width=side, height=1, format=ImageFormat.PNG)
    if accepted:
        image_checks.check_image(info, limits)
        return
    with pytest.raises(ImageRejectedError, match="at least 1 and at most 100"):
        image_checks.check_image(info, limits)
