"""Propagation: time for role assignments to reach the services that check them."""

import time
from collections.abc import Sequence
from typing import Any, cast

import pulumi
from pulumi import dynamic


class _Wait(dynamic.ResourceProvider):
    """Waits once for each new set of assignments.

    Azure offers no way to ask whether one has arrived everywhere:
    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
    """

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        time.sleep(int(props["seconds"]))
        return dynamic.CreateResult("propagation", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        # Only new assignments are waited for; another number of seconds alone is no reason to wait again.
        return dynamic.DiffResult(changes=_olds["assignments"] != _news["assignments"])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        if set(_news["assignments"]) - set(cast("list[str]", _olds["assignments"])):
            time.sleep(int(_news["seconds"]))
        return dynamic.UpdateResult(_news)


class Propagation(dynamic.Resource, module="image-pipeline", name="Propagation"):
    """Ready when `seconds` have passed since the last of `grants` was first made; free at every later run."""

    def __init__(
        self,
        name: str,
        *,
        grants: Sequence[pulumi.CustomResource],
        seconds: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"assignments": [assignment.id for assignment in grants], "seconds": seconds}
        super().__init__(_Wait(), name, inputs, opts)
