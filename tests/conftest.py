"""Fixtures and settings of all tests; the recorded program, by stack."""

import hypothesis
import pytest

from tests.support.pulumi_recorder import (
    ROOT,
    SUBSCRIPTION,
    RecordedResource,
    Recorder,
    configuration,
    record,
    run_program,
)

__all__ = ["ROOT", "SUBSCRIPTION", "RecordedResource", "Recorder", "configuration", "record", "run_program"]

# Slow machines are no reason for a test to fail, and the same commit gives the same result.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side (`--dist loadgroup`), tests stay together that share a file, an emulator or a browser."""
    for item in items:
        group = item.nodeid.partition("::")[0]
        if item.get_closest_marker("emulator"):
            group = "emulator"
        elif group.startswith("tests/functions/api/page/"):
            group = "browser"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def dev() -> Recorder:
    """The program as the stack `dev`."""
    return run_program("dev")


@pytest.fixture(scope="session")
def prod() -> Recorder:
    """The program as the stack `prod`."""
    return run_program("prod")


@pytest.fixture(scope="session")
def prod_private() -> Recorder:
    """The program as the stack `prod`, with a private network."""
    return run_program("prod", {"networkAccess": "private"})
