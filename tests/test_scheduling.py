"""Groups of tests that run side by side."""

from types import SimpleNamespace
from typing import Any

import pytest
from xdist.remote import Producer

from tests import conftest
from tests.conftest import ROOT
from tests.support.scheduling import LONG, SHARED, GroupScheduling, group_of, prepare_groups


def item(nodeid: str, *fixtures: str) -> Any:
    return SimpleNamespace(nodeid=nodeid, fixturenames=list(fixtures))


def test_tests_that_share_something_are_in_one_group() -> None:
    groups = [
        ["tests/e2e/test_gate.py::test_a[x/y]", "tests/e2e/test_plan.py::test_a"],
        ["tests/e2e/test_api.py::test_a[x/y]", "tests/e2e/test_destroy.py::test_a"],
        ["tests/e2e/test_upgrade.py::test_a", "tests/e2e/test_upgrade.py::test_b"],
        ["tests/e2e/test_pipelines.py::test_a"],
        ["tests/functions/api/page/test_keyboard.py::test_a", "tests/functions/api/page/test_states.py::test_a"],
        ["tests/functions/api/test_page.py::test_a", "tests/functions/api/test_page.py::test_b[tests/e2e/]"],
    ]
    names = [{group_of(nodeid) for nodeid in group} for group in groups]
    assert [len(name) for name in names] == [1] * len(groups)
    assert len(set.union(*names)) == len(groups)


def test_the_tests_that_take_longest_come_first() -> None:
    items = [
        item("tests/checks/test_a.py::test_a"),
        item("tests/e2e/test_upgrade.py::test_a"),
        item("tests/functions/api/page/test_keyboard.py::test_a"),
        item("tests/e2e/test_private.py::test_a", "checkout"),
        item("tests/e2e/test_pipelines.py::test_a"),
        item("tests/e2e/test_api.py::test_a", "checkout", "local_stack"),
        item("tests/e2e/test_gate.py::test_a", "checkout", "local_stack"),
    ]
    prepare_groups(items)
    assert [one.nodeid.split("test_")[1] for one in items] == [
        "gate.py::",
        "api.py::",
        "pipelines.py::",
        "upgrade.py::",
        "private.py::",
        "keyboard.py::",
        "a.py::",
    ]


def test_every_end_to_end_test_is_ranked() -> None:
    """A new file takes minutes too, and would else be among the last."""
    paths = {str(path.relative_to(ROOT)) for path in (ROOT / "tests/e2e").glob("test_*.py")}
    assert paths == SHARED.keys() | {*LONG}


def test_a_file_with_an_emulator_of_its_own_does_not_use_the_shared_one() -> None:
    with pytest.raises(pytest.UsageError, match=r"test_upgrade.py::test_a uses the checkout of a worker"):
        prepare_groups([item("tests/e2e/test_upgrade.py::test_a", "checkout")])


def test_the_scheduler_is_that_of_the_makefile() -> None:
    option = SimpleNamespace(loadscopereorder=True, tx=["popen"], maxschedchunk=None)
    config: Any = SimpleNamespace(option=option, getvalue=lambda name: {"dist": "loadfile", "tx": ["popen"]}[name])
    scheduler = conftest.pytest_xdist_make_scheduler(config, Producer("test", enabled=False))
    assert isinstance(scheduler, GroupScheduling)
    assert scheduler._split_scope("tests/e2e/test_gate.py::test_a") == group_of("tests/e2e/test_plan.py::test_a")
    assert not option.loadscopereorder
    assert (ROOT / "Makefile").read_text().count("-n 2 --dist loadfile") == 2
    config.getvalue = lambda _name: "load"
    assert conftest.pytest_xdist_make_scheduler(config, Producer("test", enabled=False)) is None
