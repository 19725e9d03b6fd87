"""Fixtures of the tests of the function code."""

import pytest

from tests.support.in_memory_services import InMemoryServices


@pytest.fixture
def services() -> InMemoryServices:
    """In-memory services with the image `cat.png`."""
    services = InMemoryServices()
    services.upload("cat.png", b"cat")
    return services
