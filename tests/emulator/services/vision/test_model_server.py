"""The models' process: paths, statuses and the form of errors."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from emulator.services.vision.model_server import create_application
from scripts.setup import build_models
from tests.emulator.services.vision.image_files import encoded

RETRIEVAL = "api-version=2024-02-01&model-version=2023-04-15"


@pytest.fixture(scope="module")
def application() -> web.Application:
    return create_application(build_models())


def test_every_operation_answers(application: web.Application) -> None:
    """One conversation, because an application serves one event loop only."""
    photo = encoded(60, 60)
    requests: list[tuple[str, bytes, str]] = [
        ("/computervision/imageanalysis:analyze?api-version=2023-10-01&features=tags", photo, "image/png"),
        ("/vision/v3.2/analyze?visualFeatures=Adult", photo, "application/octet-stream"),
        (f"/computervision/retrieval:vectorizeImage?{RETRIEVAL}", photo, "application/octet-stream"),
        (f"/computervision/retrieval:vectorizeText?{RETRIEVAL}", b'{"text": "cat"}', "Application/JSON; charset=utf-8"),
        ("/computervision/retrieval:vectorizeText?api-version=2020-01-01", b'{"text": "cat"}', "application/json"),
        ("/vision/v3.2/analyze?visualFeatures=Adult", b"text", "application/octet-stream"),
        ("/vision/v3.2/analyze?visualFeatures=Adult", photo, "text/plain"),
        ("/analyze", photo, "image/png"),
    ]

    async def conversation() -> list[tuple[int, Any]]:
        async with TestClient(TestServer(application)) as client:
            answers: list[tuple[int, Any]] = []
            for path, body, content_type in requests:
                async with client.post(path, data=body, headers={"Content-Type": content_type}) as response:
                    text = await response.text()
                    answers.append((response.status, json.loads(text) if text.startswith("{") else text))
            return answers

    analysis, safety, image, text, version, format_, media_type, unknown = asyncio.run(conversation())
    assert (analysis[0], analysis[1]["modelVersion"]) == (200, "emulator-3")
    assert (safety[0], safety[1]["modelVersion"]) == (200, "emulator-safety-1")
    assert (image[0], image[1]["modelVersion"]) == (200, "emulator-embedding-1")
    assert (text[0], text[1]["modelVersion"]) == (200, "emulator-embedding-1")
    # https://github.com/MicrosoftDocs/azure-docs/issues/120920
    assert version == (404, {"error": {"code": "404", "message": "Resource not found"}})
    sentence = "Image format is not valid"
    assert format_ == (
        400,
        {
            "error": {
                "code": "InvalidRequest",
                "message": sentence,
                "innererror": {"code": "InvalidImageFormat", "message": sentence},
            }
        },
    )
    assert (media_type[0], media_type[1]["error"]["innererror"]["code"]) == (415, "UnsupportedMediaType")
    assert unknown[0] == 404
