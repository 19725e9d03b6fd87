"""Rule about secrets: no credential in what is stored or shown in plain text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from policy.model import Resource, StackRule

# Values that grant access to anyone who reads them. Application Insights' connection string does not, as long as
# local-auth-off holds.
_CREDENTIALS = {
    "an account key": re.compile(r"(AccountKey|SharedAccessKey)=", re.IGNORECASE),
    "a shared access signature": re.compile(r"SharedAccessSignature|[?&;]sig=[^&;\s]", re.IGNORECASE),
    # Keys of Storage and Cosmos DB are 64 bytes in base64.
    "a key of 64 bytes": re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])"),
    "a token": re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+"),
    "a password": re.compile(r"(^|[;\s])(password|pwd|client_?secret)\s*=\s*[^;\s]", re.IGNORECASE),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in cast("Mapping[str, Any]", value).values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)


def _secrets(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    for resource in resources:
        for name, value in resource.properties.items():
            # Names with two underscores are Pulumi's: the pickled provider of a dynamic resource, encrypted.
            if name in resource.secret_outputs or name.startswith("__"):
                continue
            texts = [*_texts(value)]
            for what, pattern in _CREDENTIALS.items():
                if any(pattern.search(text) for text in texts):
                    yield (
                        resource,
                        f"{name} holds {what}, which anyone with access to the state or the outputs can read",
                    )


NO_SECRETS = StackRule(
    name="no-secrets",
    description="No credential is in an output, or in any property that is not encrypted.",
    check=_secrets,
)
