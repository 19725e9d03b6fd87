"""Resource ids (`_rid`): 4 bytes of a database, 4 of a container, 8 of an item, in base64.

SDKs address items by them too (`_self`):
https://learn.microsoft.com/rest/api/cosmos-db/databases#addressing-a-database-resource
"""

import base64
import binascii
import hashlib
import secrets

_DATABASE_BYTES = 4
_CONTAINER_BYTES = 8
_ITEM_BYTES = 16


def database_rid(database_id: str) -> str:
    """The resource id of a database: it has no data of its own, so a hash of its ARM id is enough."""
    digest = hashlib.blake2b(database_id.lower().encode(), digest_size=_DATABASE_BYTES)
    return _encode(digest.digest())


def new_container_rid(database_id: str) -> str:
    """A resource id for a new container. A container that is created again gets another one, as on Azure."""
    number = bytearray(secrets.token_bytes(_CONTAINER_BYTES - _DATABASE_BYTES))
    # The highest bit distinguishes containers from users.
    number[0] |= 0x80
    return _encode(_decode(database_rid(database_id)) + bytes(number))


def item_rid(container_rid: str, number: int) -> str:
    """The resource id of the item with this number."""
    return _encode(_decode(container_rid) + number.to_bytes(_ITEM_BYTES - _CONTAINER_BYTES, "little"))


def item_number(rid: str) -> int | None:
    """The number of the item with this resource id, or None if it is not a resource id of an item."""
    try:
        data = _decode(rid)
    except (ValueError, binascii.Error):
        return None
    if len(data) != _ITEM_BYTES:
        return None
    return int.from_bytes(data[_CONTAINER_BYTES:], "little")


def _encode(data: bytes) -> str:
    return base64.b64encode(data, altchars=b"+-").decode()


def _decode(rid: str) -> bytes:
    return base64.b64decode(rid, altchars=b"+-", validate=True)
