"""Fixtures and settings of all tests; the recorded program, by stack."""

import hypothesis
import pytest
from xdist.remote import Producer

from tests.support.pulumi_recorder import (
    ROOT,
    SUBSCRIPTION,
    RecordedResource,
    Recorder,
    configuration,
    record,
    run_program,
)
from tests.support.scheduling import GroupScheduling, prepare_groups

__all__ = ["ROOT", "SUBSCRIPTION", "RecordedResource", "Recorder", "configuration", "record", "run_program"]

# Slow machines are no reason for a test to fail, and the same commit gives the same result.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("steady")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling | None:
    """The order of tests that run side by side with `--dist loadfile`."""
    if config.getvalue("dist") != "loadfile":
        return None
    # The order is that of `prepare_groups`, not by the number of tests.
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, sort the tests for `GroupScheduling`."""
    if hasattr(config, "workerinput"):
        prepare_groups(items)


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
