"""Package revision: makes a failed deployment of code visible to the next update."""

import uuid
from typing import Any

import pulumi
from pulumi import dynamic


class _RevisionProvider(dynamic.ResourceProvider):
    """Creates a new revision when the hash of the package has changed."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("revision", props | {"revision": str(uuid.uuid4())})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=_olds.get("sha256") != _news["sha256"])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(_news | {"revision": str(uuid.uuid4())})


class PackageRevision(dynamic.Resource, module="image-pipeline", name="PackageRevision"):
    """A `revision` that changes whenever the package's SHA-256 differs from that of the last update.

    A dynamic resource whose update fails keeps its old state, although the app may run the new package by then. If the
    package were then changed back, its hash would be that of the state, and nothing would be deployed. The revision is
    stored before the deployment begins, so going back is a change like any other.
    """

    revision: pulumi.Output[str]

    def __init__(self, name: str, *, sha256: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(_RevisionProvider(), name, {"sha256": sha256, "revision": None}, opts)
