"""Groups of tests that run side by side."""

from types import SimpleNamespace
from typing import Any

import pytest
from xdist.remote import Producer

from tests import conftest
from tests.conftest import ROOT
from tests.support.scheduling import GroupScheduling, group_of, prepare_groups


def item(nodeid: str, *fixtures: str, emulator: bool = False) -> Any:
    return SimpleNamespace(
        nodeid=nodeid, fixturenames=list(fixtures), get_closest_marker=lambda _name: "marker" if emulator else None
    )


def test_tests_that_share_something_are_in_one_group() -> None:
    groups = [
        ["tests/e2e/test_gate.py::test_a[x/y]", "tests/e2e/test_private.py::test_a"],
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
        item("tests/e2e/test_upgrade.py::test_a", emulator=True),
        item("tests/emulator/test_lifecycle.py::test_a", emulator=True),
        item("tests/e2e/test_private.py::test_a", "checkout", emulator=True),
        item("tests/e2e/test_gate.py::test_a", "checkout", "local_stack", emulator=True),
    ]
    prepare_groups(items)
    assert [one.nodeid.split("test_")[1] for one in items] == [
        "private.py::",
        "gate.py::",
        "upgrade.py::",
        "lifecycle.py::",
        "a.py::",
    ]


def test_a_file_with_an_emulator_of_its_own_does_not_use_the_shared_one() -> None:
    with pytest.raises(pytest.UsageError, match=r"test_upgrade.py::test_a uses the checkout of the shared emulator"):
        prepare_groups([item("tests/e2e/test_upgrade.py::test_a", "checkout")])


def test_the_scheduler_is_that_of_the_makefile() -> None:
    option = SimpleNamespace(loadscopereorder=True, tx=["popen"], maxschedchunk=None)
    config: Any = SimpleNamespace(option=option, getvalue=lambda name: {"dist": "loadfile", "tx": ["popen"]}[name])
    scheduler = conftest.pytest_xdist_make_scheduler(config, Producer("test", enabled=False))
    assert isinstance(scheduler, GroupScheduling)
    assert scheduler._split_scope("tests/e2e/test_gate.py::test_a") == group_of("tests/e2e/test_private.py::test_a")
    assert not option.loadscopereorder
    assert (ROOT / "Makefile").read_text().count("-n 2 --dist loadfile") == 2
    config.getvalue = lambda _name: "load"
    assert conftest.pytest_xdist_make_scheduler(config, Producer("test", enabled=False)) is None
