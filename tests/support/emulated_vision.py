"""The shipped clients of Azure AI Vision, connected with the models of the emulator."""

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from azure.core.pipeline.transport import AioHttpTransport
from classifier.analyzers import image_analysis
from common.adapters.azure_clients import AzureClients
from common.domain.models import Analysis, ImageFormat, ImageInfo
from PIL import Image

from emulator.services.vision.model_server import create_application
from infra.core.analysis import Feature
from scripts.setup import build_models
from tests.support.fake_vision_service import OPTIONS, FakeCredential, run_calls

ENDPOINT = "https://vision.cognitiveservices.azure.com"


class _ModelsTransport(AioHttpTransport):
    """Sends the requests for an account to the model server."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def send(self, request: Any, **options: Any) -> Any:
        request.url = request.url.replace(ENDPOINT, f"http://127.0.0.1:{self._port}")
        return await super().send(request, **options)


@asynccontextmanager
async def connect_to_models() -> AsyncIterator[AzureClients]:
    """Clients of the account `ENDPOINT`, whose requests the emulator's models answer."""
    runner = web.AppRunner(create_application(build_models()), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with _ModelsTransport(runner.addresses[0][1]) as transport:
            credential: Any = FakeCredential()
            yield AzureClients(credential=credential, transport=transport)
    finally:
        await runner.cleanup()


async def analyze(contents: Sequence[bytes], features: Sequence[Feature], azure: AzureClients) -> list[Analysis]:
    """Analyze images with the shipped analyzer."""
    analyzer = image_analysis.build(OPTIONS, tuple(features), azure)
    return [await run_calls(analyzer, content, _image_info(content)) for content in contents]


def _image_info(content: bytes) -> ImageInfo:
    image = Image.open(io.BytesIO(content))
    file_format = {"PNG": ImageFormat.PNG, "JPEG": ImageFormat.JPEG}[image.format or ""]
    return ImageInfo(width=image.width, height=image.height, format=file_format)
