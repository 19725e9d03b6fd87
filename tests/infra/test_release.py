"""The release as a resource: what makes it deploy again, and what it waits for."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.release import _ReleaseProvider
from tests.conftest import Recorder

PROPS = {"sha256": "1", "site": "/sites/app", "scm_host": "h", "functions": ["classify"], "package": "a.zip"}


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"sha256": "2"}, True),
        ({"site": "x"}, True),
        ({"functions": []}, True),
        ({"package": "b.zip"}, False),
        ({}, False),
    ],
)
def test_only_another_content_or_place_is_a_change(change: dict[str, Any], differs: bool) -> None:
    diff: Callable[..., Any] = _ReleaseProvider().diff
    assert diff("id", PROPS, PROPS | change).changes is differs


def test_the_publishing_policies_are_settled_before_the_package_is_sent(dev: Recorder) -> None:
    """They lock the site, and may restart its deployment service (https://github.com/pulumi/pulumi-azure-native/issues/4461)."""
    (release,) = [resource for resource in dev.resources if resource.name == "release"]
    policies = {
        f"{policy.type}::{policy.name}"
        for kind in ("WebAppFtpAllowed", "WebAppScmAllowed")
        for policy in dev.of_type(f"web:{kind}")
    }
    assert len(policies) == 2
    assert policies <= release.dependencies
