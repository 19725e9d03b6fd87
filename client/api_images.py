"""Uploads through the API, and the records of what was uploaded."""

import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import TypedDict
from unicodedata import normalize
from urllib.parse import quote

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from client.api import ApiClient, ApiProblemError
from client.errors import ClientError
from client.image_store import ImageRecord, Upload
from client.stack_outputs import record_id
from client.waiting import wait_for

# Seconds for a connection, and between two parts of the answer to an upload of 20 MB.
_UPLOAD_TIMEOUT = (10, 600)
_UPLOAD_ATTEMPTS = 4
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
_OVERWRITE_REFUSED = "UnauthorizedBlobOverwrite"


class _Header(TypedDict):
    name: str
    value: str


class _UploadPermission(TypedDict):
    """The parts of the answer to `POST /api/uploads` that are read here; docs/openapi.json has all of them."""

    name: str
    url: str
    headers: list[_Header]
    statusUrl: str


class ApiImage:
    """`image_store.UploadedImage`, whose record the API answers.

    Args:
        api: The API.
        blob_name: Name of the image.
        status_url: Where the API answers its record.
        etag: ETag of the version that counts, without quotes; None if the answer to the upload was lost.
        replaced_etag: ETag of the version that this one has replaced, or None.
    """

    def __init__(
        self, api: ApiClient, *, blob_name: str, status_url: str, etag: str | None, replaced_etag: str | None = None
    ) -> None:
        self._api = api
        self._blob_name = blob_name
        self._status_url = status_url
        self._etag = etag
        self._replaced_etag = replaced_etag
        self._other_record_etag: str | None = None

    @property
    def blob_name(self) -> str:
        """Implements `UploadedImage.blob_name`."""
        return self._blob_name

    def read_record(self) -> ImageRecord | None:
        """Implements `UploadedImage.read_record`. The API does not send a record of another version twice."""
        headers = {} if self._other_record_etag is None else {"If-None-Match": self._other_record_etag}
        try:
            response = self._api.send("GET", self._status_url, headers=headers)
        except ApiProblemError as problem:
            if problem.code == "unavailable":
                return None
            raise
        if response.status_code != HTTPStatus.OK:
            return None
        record: ImageRecord = response.json()
        if self._is_of_this_version(record["blob"]["etag"]):
            return record
        self._other_record_etag = response.headers["ETag"]
        return None

    def _is_of_this_version(self, etag: str) -> bool:
        if self._etag is None:
            return etag != self._replaced_etag
        return etag == self._etag


class ApiImageStore:
    """`image_store.ImageStore`, which uploads through the API.

    The API overwrites nothing. An image of the same name is deleted first, if the caller may do that. Otherwise the
    file gets a name with a suffix, or is not uploaded at all because the image has the same content.

    Args:
        api: The API.
        container: Name of the container of the images.
    """

    def __init__(self, api: ApiClient, container: str) -> None:
        self._api = api
        self._container = container

    def upload(self, upload: Upload, timeout_seconds: float) -> ApiImage:
        """Implements `ImageStore.upload`."""
        try:
            return self._send(upload, self._request_permission(upload))
        except ApiProblemError as problem:
            if problem.code != "nameTaken":
                raise
        return self._replace(upload, timeout_seconds)

    def _replace(self, upload: Upload, timeout_seconds: float) -> ApiImage:
        """Upload a file whose name an image has."""
        # The name in the form in which the API stores it.
        name = normalize("NFC", upload.blob_name)
        image_url = f"images/{record_id(self._container, name)}"
        image = ApiImage(self._api, blob_name=name, status_url=f"{image_url}?name={quote(name, safe='')}", etag=None)
        record = None
        try:
            record = wait_for(image.read_record, timeout_seconds)
            if record is None:
                raise ClientError(f"the image that has this name got no record in {timeout_seconds:.0f} s")
            self._api.send("DELETE", image_url)
        except ApiProblemError as problem:
            if problem.code == "forbidden" and record is not None:
                if record["blob"].get("contentSha256") == _sha256(upload.path):
                    return image
                return self._send(upload, self._request_permission(upload, on_conflict="suffix"))
            # Somebody else has deleted it.
            if problem.code != "notFound":
                raise
        replaced_etag = None if record is None else record["blob"]["etag"]
        return self._send(upload, self._request_permission(upload), replaced_etag=replaced_etag)

    def _request_permission(self, upload: Upload, *, on_conflict: str = "refuse") -> _UploadPermission:
        body = {
            "name": upload.blob_name,
            "contentType": upload.content_type,
            "sizeBytes": upload.path.stat().st_size,
            "onConflict": on_conflict,
        }
        return self._api.send("POST", "uploads", body=body).json()

    def _send(self, upload: Upload, permission: _UploadPermission, *, replaced_etag: str | None = None) -> ApiImage:
        """Upload a file; once more, if the connection or the service fails."""
        etag: str | None = None
        for attempt in Retrying(
            retry=retry_if_exception_type((requests.ConnectionError, requests.Timeout, _ServerError)),
            wait=wait_exponential(multiplier=0.2, max=5),
            stop=stop_after_attempt(_UPLOAD_ATTEMPTS),
            reraise=True,
        ):
            with attempt:
                # Only a blob of an earlier attempt, whose answer was lost, may be there.
                etag = _put(upload.path, permission, may_exist=attempt.retry_state.attempt_number > 1)
        return ApiImage(
            self._api,
            blob_name=permission["name"],
            status_url=permission["statusUrl"],
            etag=etag,
            replaced_etag=replaced_etag,
        )


class _ServerError(ClientError):
    """The storage account answered 5xx."""


def _put(path: Path, permission: _UploadPermission, *, may_exist: bool) -> str | None:
    """Upload a file; return the ETag of the blob without quotes, or None if the blob exists and may."""
    headers = {header["name"]: header["value"] for header in permission["headers"]}
    with path.open("rb") as content:
        response = requests.put(permission["url"], data=content, headers=headers, timeout=_UPLOAD_TIMEOUT)
    if response.status_code == HTTPStatus.CREATED:
        return response.headers["ETag"].strip('"')
    code = response.headers.get("x-ms-error-code", "")
    if code == _OVERWRITE_REFUSED and may_exist:
        return None
    message = f"the storage account refused the upload with {response.status_code} {code}".rstrip()
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _ServerError(message)
    raise ClientError(message)


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
