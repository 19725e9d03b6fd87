"""Which aliases the program drops: those of older API versions of azure-native's types, and no others."""

from typing import Any

import pulumi
import pytest

from infra.core.aliases import _without_version_aliases

QUEUE = "azure-native:storage:Queue"
VERSION_ALIAS = pulumi.Alias(type_="azure-native:storage/v20230101:Queue")
OTHERS = [
    "urn:pulumi:dev::image-pipeline::azure-native:storage:Queue::old",
    pulumi.Alias(name="old"),
    pulumi.Alias(type_="image-pipeline:index:Queue"),
]


def _resource() -> pulumi.Resource:
    # The transformation looks at type and options alone.
    return pulumi.Resource.__new__(pulumi.Resource)


def transform(type_: str, aliases: Any) -> pulumi.ResourceTransformationResult | None:
    options = pulumi.ResourceOptions(aliases=aliases)
    return _without_version_aliases(pulumi.ResourceTransformationArgs(_resource(), type_, "queue", {"a": 1}, options))


def test_the_aliases_of_older_api_versions_are_dropped_and_all_others_stay() -> None:
    result = transform(QUEUE, [OTHERS[0], VERSION_ALIAS, *OTHERS[1:]])
    assert result is not None
    assert result.opts.aliases == OTHERS
    assert result.props == {"a": 1}


@pytest.mark.parametrize(
    ("type_", "aliases"),
    [
        (QUEUE, None),
        ("random:index:RandomPet", [VERSION_ALIAS]),
        ("random:index:RandomPet", None),
    ],
)
def test_other_resources_and_those_without_aliases_are_not_changed(type_: str, aliases: Any) -> None:
    assert transform(type_, aliases) is None
