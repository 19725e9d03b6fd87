"""Names that Azure accepts: deterministic, and globally unique where Azure requires it."""

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass

# Any fixed namespace will do; changing it would rename every role assignment.
_NAMESPACE = uuid.UUID("8f0c3c1e-2d43-5b0e-9c55-6b1a3f6a7d10")
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftstorage
_STORAGE_ACCOUNT_NAME_LENGTH = 24


@dataclass(frozen=True, kw_only=True)
class Names:
    """The physical names of one stack's resources.

    Globally unique names end in eight characters of a hash over subscription, prefix and stack: the same program in
    another subscription gets other names, and a second run gets the same ones.
    """

    prefix: str
    stack: str
    subscription_id: str

    @property
    def unique_suffix(self) -> str:
        """Eight lower-case letters and digits, the same at every run."""
        digest = hashlib.sha256(f"{self.subscription_id}/{self.prefix}/{self.stack}".encode()).digest()
        return base64.b32encode(digest).decode().lower()[:8]

    @property
    def deployment_name(self) -> str:
        """Prefix and stack, such as `imgpipe-dev`."""
        return f"{self.prefix}-{self._stack(20)}"

    def resource_name(self, kind: str) -> str:
        """A name that must be unique only within its resource group, such as `log-imgpipe-dev`."""
        return f"{kind}-{self.deployment_name}"

    def global_name(self, kind: str) -> str:
        """A name that becomes a host name: characters of [a-z0-9-], such as `func-imgpipe-dev-ab12cd34`.

        It has 40 characters at most, and more only for accounts of AI services with a region in their name (64).
        Of the services that use it, Cosmos DB has the strictest rule (44 characters; letters, digits and hyphens):
        https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
        """
        return f"{kind}-{self.prefix}-{self._stack(12)}-{self.unique_suffix}"

    def storage_account_name(self, purpose: str) -> str:
        """A storage account name: 3 to 24 lower-case letters and digits.

        Raises:
            ValueError: `purpose` has more than 12 characters.
        """
        room = _STORAGE_ACCOUNT_NAME_LENGTH - len("st") - len(purpose) - len(self.unique_suffix)
        if room < 2:
            raise ValueError(f"purpose {purpose!r} is too long for a storage account name: at most 12 characters")
        middle = (self.prefix + re.sub(r"[^a-z0-9]", "", self.stack.lower()))[:room]
        return f"st{middle}{purpose}{self.unique_suffix}"

    def guid(self, *components: str) -> str:
        """A GUID derived from logical names: a role assignment keeps its name whatever object ids Azure assigns."""
        return str(uuid.uuid5(_NAMESPACE, "/".join((self.subscription_id, self.prefix, self.stack, *components))))

    def _stack(self, length: int) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.stack.lower()).strip("-")[:length].strip("-") or "stack"
