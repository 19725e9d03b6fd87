"""The shipped analyzer with every feature, against the emulator's models, for the sample photos."""

import asyncio
import io
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from classifier.analyzers import image_analysis
from common.domain.models import Analysis, ImageFormat, ImageInfo
from PIL import Image

from client.samples import sample_photos
from emulator.services.vision.model_server import create_application
from scripts.setup import build_models
from tests.support.fake_vision_service import (
    OPTIONS,
    FakeResponse,
    FakeVisionService,
    create_azure_clients,
    run_calls,
)

FEATURES = (
    "tags", "objects", "people", "read", "smartCrops", "caption", "denseCaptions", "safety", "embeddings",
)  # fmt: skip


class ModelsTransport(FakeVisionService):
    """Sends the SDK's requests to the model server."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        super().__init__()
        self._client = client

    async def send(self, request: Any, **_: Any) -> Any:
        content = request.content
        body = content if isinstance(content, bytes) else b"".join([piece async for piece in content])
        headers = {"Content-Type": request.headers["Content-Type"]}
        path = request.url.removeprefix("https://vision.cognitiveservices.azure.com")
        async with self._client.post(path, data=body, headers=headers) as response:
            return FakeResponse(response.status, await response.json(), {})


def image_info(content: bytes) -> ImageInfo:
    image = Image.open(io.BytesIO(content))
    file_format = {"PNG": ImageFormat.PNG, "JPEG": ImageFormat.JPEG}[image.format or ""]
    return ImageInfo(width=image.width, height=image.height, format=file_format)


@pytest.fixture(scope="module")
def analyses() -> dict[str, Analysis]:
    async def run() -> dict[str, Analysis]:
        async with TestClient(TestServer(create_application(build_models()))) as client:
            clients = create_azure_clients(ModelsTransport(client))
            analyzer = image_analysis.build(OPTIONS, FEATURES, clients)
            results: dict[str, Analysis] = {}
            for path in sample_photos():
                content = path.read_bytes()
                results[path.name] = await run_calls(analyzer, content, image_info(content))
            return results

    return asyncio.run(run())


def test_every_sample_photo_has_findings_of_every_feature(analyses: dict[str, Analysis]) -> None:
    assert len(analyses) == 9
    for analysis in analyses.values():
        assert analysis.model_version == "emulator-3, 3.2 emulator-safety-1, vectorizeImage emulator-embedding-1"
        assert analysis.findings.adult
        assert analysis.findings.adult.verdict == "clear"
        assert isinstance(analysis.findings.vector, tuple)
        assert len(analysis.findings.vector) == 1024


def test_the_photo_of_a_cat_is_one(analyses: dict[str, Analysis]) -> None:
    tags = analyses["chelsea.png"].findings.tags
    assert isinstance(tags, tuple)
    assert tags[0].name == "cat"
