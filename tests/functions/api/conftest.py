"""Fixtures of the tests of the API app."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.in_memory_api import Answer, ApiClient, InMemoryApi


@pytest.fixture
def api() -> InMemoryApi:
    """In-memory services without images."""
    return InMemoryApi()


@pytest.fixture
def send(api: InMemoryApi) -> Callable[..., Answer]:
    """Sends a request to the functions of the app; arguments are those of `ApiClient.send`."""
    clients: list[ApiClient] = []

    def send_request(*arguments: Any, **options: Any) -> Answer:
        if not clients:
            clients.append(ApiClient(api))
        return asyncio.run(clients[0].send(*arguments, **options))

    return send_request
