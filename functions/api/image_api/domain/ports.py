"""Ports: the interfaces that the use cases need. The adapters implement them.

Every method may raise MissingRightError, RetryLaterError and ConfigurationError, besides the errors that it names.
"""

from datetime import datetime
from typing import Protocol

from common.domain.principal import Principal
from common.domain.record import StoredRecord


class Authenticator(Protocol):
    """Validates access tokens, as `common.adapters.access_tokens.TokenValidator` does."""

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return who sends the request.

        Args:
            authorization: the value of the header Authorization, or None.

        Raises:
            AuthorizationError: 401 if the request has no valid token, 403 if the app has no sign-in, 503 if the token
                cannot be checked.
        """
        ...


class ImageBlobs(Protocol):
    """The container of the images."""

    async def exists(self, name: str) -> bool:
        """Return whether there is a blob of this name."""
        ...

    async def create_upload_url(self, name: str, *, now: datetime, expires_at: datetime) -> str:
        """Return a URL that allows one Put Blob of a new blob of this name, by HTTPS, until it expires."""
        ...

    async def create_read_url(self, name: str, content_type: str | None, *, now: datetime, expires_at: datetime) -> str:
        """Return a URL that allows to read a blob, by HTTPS, until it expires.

        Args:
            name: the name of the blob.
            content_type: media type of the blob, as stored. Unless it is an image's, the blob is answered as a download
                of unknown type, so that a browser does not run it.
            now: the current time.
            expires_at: when the URL expires.
        """
        ...


class RecordReader(Protocol):
    """The records, by their ids."""

    async def get(self, record_id: str) -> StoredRecord | None:
        """Return a record and its ETag, or None if there is no item.

        The value is None if the stored item does not match the schema.
        """
        ...


class ImageDeleter(Protocol):
    """Deletes images, in the name of a caller who may do that."""

    async def delete(self, record_id: str, authorization: str) -> bool:
        """Delete the blob of a record; return False if there is no such record.

        Args:
            record_id: the id of the record.
            authorization: the caller's header Authorization.
        """
        ...


class TextVectorizer(Protocol):
    """Makes embeddings of texts, in the space of the images' embeddings."""

    async def vectorize(self, text: str) -> tuple[float, ...]:
        """Return the embedding of a text."""
        ...
