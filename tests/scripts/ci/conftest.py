"""GitHub and Azure DevOps on a port of this machine."""

from collections.abc import Iterator

import pytest

from tests.support.fake_code_hosts import CodeHosts, run_code_hosts


@pytest.fixture
def code_hosts() -> Iterator[CodeHosts]:
    """The fakes, without anything published."""
    with run_code_hosts() as hosts:
        yield hosts
