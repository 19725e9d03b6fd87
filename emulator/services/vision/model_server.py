"""The models' process: the operations of a Vision account, without its tokens and roles.

Usage: python -m emulator.services.vision.model_server MODELS_FOLDER.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiohttp import web

from emulator.services.vision.adult_content import AdultContentDetector
from emulator.services.vision.analysis import Analyzer
from emulator.services.vision.embeddings import create_embedders
from emulator.services.vision.operations import (
    ANALYZE_3_2_PATH,
    ANALYZE_PATH,
    VECTORIZE_IMAGE_PATH,
    VECTORIZE_TEXT_PATH,
)
from emulator.services.vision.recognition import Recognizer
from emulator.services.vision.requests import Request, RequestError

_Operation = Callable[[Request], dict[str, Any]]


def create_application(folder: Path) -> web.Application:
    """Load the models in `folder`, and return the application that serves them."""
    recognizer = Recognizer(folder)
    image_embedder, text_embedder = create_embedders(recognizer, folder)
    # One picture at a time: the models' own threads would only get into each other's way. Texts do not wait for them.
    images = ThreadPoolExecutor(max_workers=1)
    texts = ThreadPoolExecutor(max_workers=1)
    application = web.Application(client_max_size=32 * 1024 * 1024)
    application.router.add_post(ANALYZE_PATH, _handler(Analyzer(recognizer).analyze, images))
    application.router.add_post(ANALYZE_3_2_PATH, _handler(AdultContentDetector().analyze, images))
    application.router.add_post(VECTORIZE_IMAGE_PATH, _handler(image_embedder.vectorize, images))
    application.router.add_post(VECTORIZE_TEXT_PATH, _handler(text_embedder.vectorize, texts))
    return application


def _handler(operation: _Operation, executor: Executor) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        content = await request.read()
        parsed = Request(content=content, query=dict(request.query), content_type=request.content_type.lower())
        try:
            answer = await asyncio.get_running_loop().run_in_executor(executor, operation, parsed)
        except RequestError as error:
            return _error_response(error)
        return web.json_response(answer)

    return handle


def _error_response(error: RequestError) -> web.Response:
    detail: dict[str, Any] = {"code": error.code, "message": str(error)}
    if error.inner is not None:
        detail["innererror"] = {"code": error.inner, "message": str(error)}
    return web.json_response({"error": detail}, status=error.status)


async def _serve(folder: Path) -> None:
    runner = web.AppRunner(create_application(folder), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, lambda: None if os.read(0, 4096) else ended.set())
    print(f"READY http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
