"""User delegation SAS: https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas.

Signatures with account keys are refused, because the emulated accounts have none.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from emulator.core.errors import ServiceError
from emulator.services.storage.operations import Operation
from emulator.services.storage.user_delegation import UserDelegationKey, UserDelegationKeys, parse_time

# Parameters of a signature: those that the emulator reads, and those whose meaning it does not support.
_REQUIRED = ("sv", "sr", "sp", "se", "skoid", "sktid", "skt", "ske", "sks", "skv")
_OPTIONAL = ("sig", "st", "spr", "rscc", "rscd", "rsce", "rscl", "rsct")
_UNSUPPORTED = ("saoid", "suoid", "scid", "skdutid", "sduoid", "sip", "ses", "srh", "srq", "si", "sdd", "ss", "srt")
PARAMETERS = frozenset({*_REQUIRED, *_OPTIONAL, *_UNSUPPORTED})
# The response headers that a signature sets.
_RESPONSE_HEADERS = {
    "rscc": "Cache-Control",
    "rscd": "Content-Disposition",
    "rsce": "Content-Encoding",
    "rscl": "Content-Language",
    "rsct": "Content-Type",
}
# From this version on, the text that is signed has fields for another delegated user, and for signed headers and query
# parameters: https://github.com/Azure/azure-sdk-for-python (azure-storage-blob, _shared_access_signature.py).
_OLDEST_VERSION = "2026-04-06"
# Permissions of each operation; one of them is enough.
_PERMISSIONS = {
    "GetBlob": "r",
    "GetBlobProperties": "r",
    "GetBlobMetadata": "r",
    "GetBlockList": "r",
    "PutBlob": "cw",
    "PutBlock": "cw",
    "PutBlockList": "cw",
    "SetBlobProperties": "w",
    "SetBlobMetadata": "w",
    "DeleteBlob": "d",
    "ListBlobs": "l",
}


@dataclass(frozen=True, kw_only=True)
class SharedAccessSignature:
    """A valid signature.

    Attributes:
        object_id: The principal whose key has signed it; its roles have to allow the operation, too.
        permissions: Letters of the permissions.
        response_headers: Headers that the response gets in place of the blob's.
    """

    object_id: str
    permissions: str
    response_headers: Mapping[str, str]

    def check(self, operation: Operation) -> None:
        """Raise ServiceError unless the signature allows the operation."""
        if not set(self.permissions) & set(_PERMISSIONS.get(operation.name, "")):
            message = "This request is not authorized to perform this operation using this permission."
            raise ServiceError(403, "AuthorizationPermissionMismatch", message)

    @property
    def creates_only(self) -> bool:
        """Whether the signature allows to create blobs, and to overwrite none."""
        return "c" in self.permissions and "w" not in self.permissions


def read_signature(
    query: Mapping[str, str], *, account: str, container: str, blob: str, keys: UserDelegationKeys
) -> SharedAccessSignature:
    """Check the signature of a request.

    Args:
        query: The parameters of the request, decoded.
        account: Name of the storage account.
        container: Name of the container.
        blob: Name of the blob; empty for the container itself.
        keys: The keys of the account.

    Raises:
        ServiceError: The signature is not valid, or not supported.
    """
    if "skoid" not in query:
        message = "Key based authentication is not permitted on this storage account."
        raise ServiceError(403, "KeyBasedAuthenticationNotPermitted", message)
    for name in _UNSUPPORTED:
        if query.get(name):
            raise ServiceError(501, "NotImplemented", f"the emulator does not support the SAS parameter {name}")
    missing = [name for name in _REQUIRED if not query.get(name)]
    if missing:
        raise _refusal(f"{missing[0]} is mandatory. Cannot be empty")
    if query["sv"] < _OLDEST_VERSION or query["sr"] not in {"b", "c"}:
        what = f"sv={query['sv']}, sr={query['sr']}"
        raise ServiceError(
            501, "NotImplemented", f"the emulator supports SAS from {_OLDEST_VERSION} on, for b and c: {what}"
        )
    key = UserDelegationKey(
        object_id=query["skoid"],
        tenant_id=query["sktid"],
        start=query["skt"],
        expiry=query["ske"],
        service=query["sks"],
        version=query["skv"],
    )
    resource = f"/blob/{account}/{container}" + (f"/{blob}" if query["sr"] == "b" else "")
    text = _text_to_sign(query, resource)
    expected = base64.b64encode(hmac.new(keys.value(key), text.encode(), hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(expected.encode(), query["sig"].encode()):
        raise _refusal("Signature did not match")
    _check_times(query)
    if query.get("spr", "https") not in {"https", "https,http"}:
        raise _refusal("spr is not https, or https,http")
    return SharedAccessSignature(
        object_id=key.object_id,
        permissions=query["sp"],
        response_headers={header: query[name] for name, header in _RESPONSE_HEADERS.items() if query.get(name)},
    )


def _text_to_sign(query: Mapping[str, str], resource: str) -> str:
    def value(name: str) -> str:
        return query.get(name, "")

    fields = [value("sp"), value("st"), value("se"), resource]
    fields += [value(name) for name in ("skoid", "sktid", "skt", "ske", "sks", "skv")]
    fields += [value(name) for name in ("saoid", "suoid", "scid", "skdutid", "sduoid", "sip", "spr", "sv", "sr")]
    # No snapshot, no encryption scope, no signed headers, no signed query parameters.
    fields += ["", "", "", ""]
    fields += [value(name) for name in ("rscc", "rscd", "rsce", "rscl", "rsct")]
    return "\n".join(fields)


def _check_times(query: Mapping[str, str]) -> None:
    now = datetime.now(UTC)
    start = max(parse_time(text) for text in (query.get("st") or query["skt"], query["skt"]))
    expiry = min(parse_time(query["se"]), parse_time(query["ske"]))
    if not start <= now < expiry:
        raise _refusal(
            f"Signature not valid in the specified time frame: Start [{start}] - Expiry [{expiry}] - Current [{now}]"
        )


def _refusal(detail: str) -> ServiceError:
    message = (
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly"
        f" including the signature.\nAuthenticationErrorDetail: {detail}"
    )
    return ServiceError(403, "AuthenticationFailed", message)
