"""Changes of a stack that `tests/support/preview_recorder.py` records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_FEATURES = ["tags", "objects", "people", "read", "caption"]
_UPLOADER = {"objectId": "00000000-0000-4000-8000-00000000a11c", "principalType": "User"}


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change of a file: `old`, which the file has once, becomes `new`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A stack and a change.

    Attributes:
        name: Name of the recording.
        stack: Stack of stacks/ with which both sides begin.
        deployed: Whether the stack is deployed before the change.
        before: Settings of the deployed stack beside those of its file.
        after: Settings that the change adds.
        edits: Changes of the program's source.
        destroy: Whether the whole stack is destroyed.
        fails: Whether the preview fails.
    """

    name: str
    stack: str = "dev"
    deployed: bool = True
    before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    after: Mapping[str, Any] = field(default_factory=dict[str, Any])
    edits: tuple[Edit, ...] = ()
    destroy: bool = False
    fails: bool = False


_PROTECTED = {"protectData": True, "uploaders": [_UPLOADER]}

SCENARIOS = (
    Scenario(name="nothing-changed"),
    Scenario(name="feature-added", after={"features": [*_FEATURES, "safety"]}),
    Scenario(name="vision-account-added", after={"imagesPerMonth": 20000000}),
    Scenario(name="private-network", after={"networkAccess": "private"}),
    Scenario(name="container-policy-changed", after={"features": [*_FEATURES, "embeddings"]}),
    Scenario(name="region-changed", after={"location": "westeurope"}),
    Scenario(name="uploader-added", after={"uploaders": [_UPLOADER]}),
    Scenario(name="retention-shortened", after={"imageRetentionDays": 7, "recordRetentionDays": 7, "cacheDays": 30}),
    Scenario(name="role-assignment-removed", after={"publishResults": False}),
    Scenario(name="copies-added", after={"copyClassified": True}),
    Scenario(
        name="custom-role-widened",
        edits=(
            Edit(
                path="infra/core/rbac.py",
                old='IMAGE_UPLOADER_DATA_ACTIONS = (f"{_BLOBS}/write",)',
                new='IMAGE_UPLOADER_DATA_ACTIONS = (f"{_BLOBS}/write", f"{_BLOBS}/delete")',
            ),
            Edit(
                path="infra/components/cosmos.py",
                old='    f"{_ITEMS}/delete",\n',
                new='    f"{_ITEMS}/delete",\n    f"{_ACCOUNTS}/sqlDatabases/containers/executeQuery",\n',
            ),
        ),
    ),
    Scenario(
        name="built-in-role-widened",
        edits=(
            Edit(
                path="__main__.py",
                old="function_access.assign(BuiltInRole.STORAGE_BLOB_DATA_READER, image_storage.images_scope)",
                new="function_access.assign(BuiltInRole.STORAGE_BLOB_DATA_OWNER, resource_group.scope)",
            ),
        ),
        # The policy pack refuses it as well.
        fails=True,
    ),
    Scenario(
        name="secret-changed",
        edits=(
            Edit(
                path="__main__.py",
                old="application_insights_connection_string=telemetry.insights.connection_string,",
                new="application_insights_connection_string=infra.app_settings.pulumi.Output.secret('changed-secret'),",
            ),
        ),
    ),
    Scenario(
        name="policy-violation",
        edits=(
            Edit(
                path="infra/components/storage.py",
                old="allow_blob_public_access=False",
                new="allow_blob_public_access=True",
            ),
        ),
        fails=True,
    ),
    Scenario(name="preview-failed", after={"namePrefix": "Not-Allowed"}, fails=True),
    Scenario(name="everything-deleted", destroy=True),
    Scenario(name="protection-off", before=_PROTECTED, after={"protectData": False}),
    Scenario(name="protected-region-changed", before=_PROTECTED, after={"location": "westeurope"}, fails=True),
    Scenario(name="uploader-removed", before=_PROTECTED, after={"uploaders": []}),
    Scenario(name="protected-everything-deleted", before=_PROTECTED, destroy=True, fails=True),
    Scenario(name="network-opened", before={"networkAccess": "private"}, after={"networkAccess": "public"}),
    Scenario(name="first-deployment", stack="prod", deployed=False),
)
