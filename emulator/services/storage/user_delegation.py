"""User delegation keys: https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key.

The value of a key follows from its fields and a secret of the emulator, so none is stored: the same principal gets the
same key for the same times.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from emulator.core.errors import ServiceError

# The version of the REST API that keys are issued by.
_VERSION = "2025-11-05"
# "The value must be a valid date and time within 7 days of the current time."
_LONGEST_LIFETIME = timedelta(days=7)
_ALLOWED_ELEMENTS = {"Start", "Expiry"}


@dataclass(frozen=True, kw_only=True)
class UserDelegationKey:
    """What identifies a key; every signature states it. Times are texts, as they were requested."""

    object_id: str
    tenant_id: str
    start: str
    expiry: str
    service: str
    version: str


class UserDelegationKeys:
    """Issues keys, and knows their values again.

    Args:
        secret: What the values are derived from; the same after a restart, so that signatures stay valid.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def value(self, key: UserDelegationKey) -> bytes:
        """The value of a key, with which signatures are made."""
        fields = (key.object_id, key.tenant_id, key.start, key.expiry, key.service, key.version)
        return hmac.new(self._secret, "\n".join(fields).encode(), hashlib.sha256).digest()

    def issue(self, object_id: str, tenant_id: str, body: bytes) -> bytes:
        """The response, in XML, to a principal's request for a key. Raises ServiceError if the times are not valid."""
        start, expiry = _read_times(body)
        now = datetime.now(UTC)
        if not parse_time(start) < parse_time(expiry) <= now + _LONGEST_LIFETIME or parse_time(expiry) <= now:
            raise _invalid(f"the expiry {expiry} is not after the start {start}, and within seven days from now")
        key = UserDelegationKey(
            object_id=object_id, tenant_id=tenant_id, start=start, expiry=expiry, service="b", version=_VERSION
        )
        elements = {
            "SignedOid": key.object_id,
            "SignedTid": key.tenant_id,
            "SignedStart": key.start,
            "SignedExpiry": key.expiry,
            "SignedService": key.service,
            "SignedVersion": key.version,
            "Value": base64.b64encode(self.value(key)).decode(),
        }
        content = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in elements.items())
        return f'<?xml version="1.0" encoding="utf-8"?><UserDelegationKey>{content}</UserDelegationKey>'.encode()


def derive_secret(signing_key: RSAPrivateKey) -> bytes:
    """A secret that follows from the key with which the emulator signs tokens."""
    encoded = signing_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return hashlib.sha256(b"user delegation keys\n" + encoded).digest()


def parse_time(text: str) -> datetime:
    """A time in UTC. Raises ServiceError if the text is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(f"{text!r} is not a time") from error
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _read_times(body: bytes) -> tuple[str, str]:
    try:
        document = ET.fromstring(body)  # noqa: S314 (Expat refuses the expansion of nested entities)
    except ET.ParseError as error:
        raise ServiceError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from error
    texts = {element.tag: element.text or "" for element in document}
    if document.tag != "KeyInfo" or texts.keys() != _ALLOWED_ELEMENTS:
        raise ServiceError(501, "NotImplemented", f"the emulator supports keys with Start and Expiry, not {[*texts]}")
    return texts["Start"], texts["Expiry"]


def _invalid(reason: str) -> ServiceError:
    return ServiceError(400, "InvalidXmlNodeValue", f"The XML node value is not valid: {reason}.")
