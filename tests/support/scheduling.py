"""Which tests stay in one worker when they run side by side, and which of them begin.

The groups that pytest-xdist has for that (`--dist loadgroup`) do nothing with pytest 9.2:
https://github.com/pytest-dev/pytest-xdist/issues/1386. So this scheduler has groups of its own, by files.
"""

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

_E2E = "tests/e2e/"
# They deploy to emulators of their own; the tests of all other files there share one, and the checkout that it runs in.
_OWN_EMULATORS = frozenset(
    f"{_E2E}test_{name}.py"
    for name in ("api_embeddings", "embeddings_change", "foundry_vision", "pipelines", "upgrade")
)
_SHARED_EMULATOR = "the shared emulator"
_BROWSER = "the browser"


class GroupScheduling(LoadFileScheduling):
    """Tests stay together that share a file, an emulator or a browser."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The name of a test's group."""
    path = nodeid.partition("::")[0]
    if path.startswith(_E2E) and path not in _OWN_EMULATORS:
        return _SHARED_EMULATOR
    if path.startswith("tests/functions/api/page/"):
        return _BROWSER
    return path


def prepare_groups(items: list[pytest.Item]) -> None:
    """Check the groups of tests, and sort the tests: first those that take longest.

    What is left then keeps all workers busy until the end: the tests that share an emulator, those with emulators of
    their own, and all others.

    Raises:
        pytest.UsageError: a test uses the shared emulator, and is not in its group.
    """
    for item in items:
        if "checkout" in getattr(item, "fixturenames", ()) and group_of(item.nodeid) != _SHARED_EMULATOR:
            raise pytest.UsageError(f"{item.nodeid} uses the checkout of {_SHARED_EMULATOR}, and is not in its group")
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    if group_of(item.nodeid) == _SHARED_EMULATOR:
        return 0
    return 1 if item.get_closest_marker("emulator") else 2
