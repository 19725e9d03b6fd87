"""Deletions by the pipeline app, with the caller's own token."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from common.adapters.azure_clients import AzureClients, create_transport
from common.domain.errors import AuthorizationError, RetryLaterError
from image_api.adapters.pipeline import PipelineImageDeleter


def delete(status: int) -> tuple[bool, list[tuple[str, str, str]]]:
    requests: list[tuple[str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        requests.append((request.method, request.path, request.headers["Authorization"]))
        return web.Response(status=status)

    async def run() -> bool:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        transport: Any = create_transport()
        try:
            credential: Any = None
            azure = AzureClients(credential=credential, transport=transport)
            deleter = PipelineImageDeleter(f"http://127.0.0.1:{runner.addresses[0][1]}/api", azure)
            return await deleter.delete("abc", "Bearer token")
        finally:
            await transport.session.close()
            await runner.cleanup()

    return asyncio.run(run()), requests


@pytest.mark.parametrize(("status", "deleted"), [(200, True), (404, False)])
def test_the_pipeline_app_gets_the_id_and_the_token(status: int, *, deleted: bool) -> None:
    assert delete(status) == (deleted, [("DELETE", "/api/images/abc", "Bearer token")])


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_the_pipeline_app_is_one_of_the_api(status: int) -> None:
    with pytest.raises(AuthorizationError) as error:
        delete(status)
    assert error.value.status == status


@pytest.mark.parametrize("status", [400, 418])
def test_any_other_answer_is_an_error(status: int) -> None:
    with pytest.raises(RetryLaterError):
        delete(status)
