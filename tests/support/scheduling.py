"""Which tests stay in one worker when they run side by side, and which of them begin.

The groups that pytest-xdist has for that (`--dist loadgroup`) do nothing with pytest 9.2:
https://github.com/pytest-dev/pytest-xdist/issues/1386. So this scheduler has groups of its own, by files.
"""

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

# The files whose tests share an emulator and the checkout that it runs in, the fixture `checkout`, by their group. Each
# worker has one checkout, so groups that run in different workers have different ones.
SHARED = {
    f"tests/e2e/test_{name}.py": group
    for group, names in {
        "the stack that is deployed again": ("gate", "local_stack", "plan", "planted_mistakes"),
        "the stack that is used": ("api", "api_rights", "destroy", "gallery", "gallery_in_browser", "sign_in"),
        "the private stack": ("private",),
    }.items()
    for name in names
}
_SHARED_GROUPS = list(dict.fromkeys(SHARED.values()))
# The other files that take minutes, the longest first.
LONG = tuple(
    f"tests/e2e/test_{name}.py"
    for name in (
        "pipelines",
        "shadow",
        "content_understanding",
        "foundry_vision",
        "upgrade",
        "commands",
        "embeddings_change",
        "api_embeddings",
    )
)
_BROWSER = "the browser"


class GroupScheduling(LoadFileScheduling):
    """Tests stay together that share a file, an emulator or a browser."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The name of a test's group."""
    path = nodeid.partition("::")[0]
    if path in SHARED:
        return SHARED[path]
    if path.startswith("tests/functions/api/page/"):
        return _BROWSER
    return path


def prepare_groups(items: list[pytest.Item]) -> None:
    """Check the groups of tests, and sort the tests: first those that take longest.

    What is left then keeps all workers busy until the end: the tests that share an emulator, the other files that take
    minutes, those in a browser, and all others.

    Raises:
        pytest.UsageError: a test uses the checkout of its worker, and is in no group that shares it.
    """
    for item in items:
        if "checkout" in getattr(item, "fixturenames", ()) and group_of(item.nodeid) not in _SHARED_GROUPS:
            raise pytest.UsageError(f"{item.nodeid} uses the checkout of a worker, and is in no group that shares it")
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    order = [*_SHARED_GROUPS[:2], *LONG, *_SHARED_GROUPS[2:], _BROWSER]
    group = group_of(item.nodeid)
    return order.index(group) if group in order else len(order)
