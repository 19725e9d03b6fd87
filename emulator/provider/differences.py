"""What differs between two versions of a resource's inputs, as the engine is told."""

from collections.abc import Collection

from pulumi.runtime.proto import provider_pb2

from emulator.core.resource_store import Properties
from schemas.azure_native.resource_type import ResourceType


def diff_response(
    resource_type: ResourceType, old: Properties, new: Properties, ignored: Collection[str]
) -> provider_pb2.DiffResponse:
    """Return the differences between inputs, with a detailed diff, as azure-native returns one.

    Without a detailed diff, `pulumi preview --json` and `pulumi refresh --preview-only --json` leave out what a refresh
    has changed. The paths are those of whole inputs; azure-native's lead into them.

    Args:
        resource_type: The type of the resource, which states which inputs cannot be changed in place.
        old: The inputs of the deployed resource.
        new: The inputs that the program states.
        ignored: The inputs of the resource option `ignore_changes`.
    """
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key) and key not in ignored)
    replaced = [key for key in changed if key in resource_type.replaces]
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if changed else response.DIFF_NONE,
        diffs=changed,
        replaces=replaced,
        # The name stays the same, so the old one must go first.
        deleteBeforeReplace=bool(replaced) and old.get(resource_type.name) == new.get(resource_type.name),
        detailedDiff={
            key: provider_pb2.PropertyDiff(kind=_kind(key, old, new, replaces=key in replaced), inputDiff=True)
            for key in changed
        },
        hasDetailedDiff=True,
    )


def _kind(key: str, old: Properties, new: Properties, *, replaces: bool) -> "provider_pb2.PropertyDiff.Kind.ValueType":
    difference = provider_pb2.PropertyDiff
    if key not in old:
        return difference.ADD_REPLACE if replaces else difference.ADD
    if key not in new:
        return difference.DELETE_REPLACE if replaces else difference.DELETE
    return difference.UPDATE_REPLACE if replaces else difference.UPDATE
