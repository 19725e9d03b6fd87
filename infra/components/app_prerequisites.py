"""What a function app needs before it exists: identity and host storage."""

from __future__ import annotations

from infra.components.function_identity import FunctionIdentity
from infra.components.host_storage import HostStorage
from infra.core.context import DeploymentContext, DiagnosticTarget, PrivateLinkTarget


class AppPrerequisites:
    """The identity and the host storage of another app beside the pipeline app.

    Args:
        name: Logical name of the identity; the storage is `<name>-host`.
        context: Where the resources are deployed.
        label: Part of the names in Azure.
    """

    identity: FunctionIdentity
    host_storage: HostStorage

    def __init__(self, name: str, *, context: DeploymentContext, label: str) -> None:
        self.identity = FunctionIdentity(name, context=context, label=label)
        self.host_storage = HostStorage(f"{name}-host", context=context, purpose=label)

    @property
    def private_link_targets(self) -> list[PrivateLinkTarget]:
        """What needs a private endpoint with private networking."""
        return self.host_storage.private_link_targets

    @property
    def diagnostic_targets(self) -> list[DiagnosticTarget]:
        """What needs a diagnostic setting."""
        return self.host_storage.diagnostic_targets
