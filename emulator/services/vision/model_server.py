"""The models' process: `POST /analyze` with the service's own query. Usage: server.py MODELS_FOLDER."""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiohttp import web

from emulator.services.vision.analysis import Analyzer, RequestError


async def _serve(folder: Path) -> None:
    analyzer = Analyzer(folder)
    # One picture at a time: the models' own threads would only get into each other's way.
    pool = ThreadPoolExecutor(max_workers=1)

    async def analyze(request: web.Request) -> web.Response:
        content = await request.read()
        try:
            answer = await asyncio.get_running_loop().run_in_executor(
                pool, analyzer.analyze, content, dict(request.query)
            )
        except RequestError as error:
            detail: dict[str, Any] = {"code": "InvalidRequest", "message": str(error)}
            if error.inner is not None:
                detail["innererror"] = {"code": error.inner, "message": str(error)}
            return web.json_response({"error": detail}, status=400)
        return web.json_response(answer)

    application = web.Application(client_max_size=32 * 1024 * 1024)
    application.router.add_post("/analyze", analyze)
    runner = web.AppRunner(application, access_log=None)
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
