"""A world with one image in it."""

import pytest

from tests.support.in_memory_services import World


@pytest.fixture
def world() -> World:
    world = World()
    world.upload("cat.png", b"cat")
    return world
