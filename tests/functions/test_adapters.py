"""The adapters against fakes of the services: requests as they should be, answers in the record's words."""

import io
from typing import Any

import pytest
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.identity import ManagedIdentityCredential
from classifier.adapters.blobs import BlobImages
from classifier.adapters.cosmos import CosmosAnalyses, CosmosRecords
from classifier.limits import MAX_BYTES, Rejected
from classifier.models import Analysis
from classifier.ports import Gone, Superseded
from PIL import Image


class FakeClient:
    """Stands where an SDK's client would: answers, or raises."""

    account_name, container_name = "acct", "images"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*positional: Any, **named: Any) -> Any:
            self.calls.append(((name, *positional), named))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


class Download:
    """A download as the SDK hands it over."""

    def __init__(self, content: bytes, size: int | None = None) -> None:
        self.size = len(content) if size is None else size
        self._content = content
        settings = type("Settings", (), {"content_type": "image/png"})
        self.properties = type("P", (), {"etag": '"e1"', "content_settings": settings, "creation_time": None})
        self.read = False

    def readall(self) -> bytes:
        self.read = True
        return self._content


def put(adapter: Any, answer: Any) -> FakeClient:
    client = FakeClient(answer)
    setattr(adapter, "_client" if hasattr(adapter, "_client") else "_container", client)
    return client


@pytest.fixture
def blobs() -> BlobImages:
    return BlobImages("https://acct.blob.core.windows.net/", "images", ManagedIdentityCredential())


def test_a_blob_is_read_only_in_the_version_of_the_event(blobs: BlobImages) -> None:
    client = put(blobs, Download(b"cat"))
    blob = blobs.read("a b/é.png", "e1")
    assert (blob.content, blob.size_bytes, blob.etag) == (b"cat", 3, "e1")
    ((call, named),) = client.calls
    assert call == ("download_blob", "a b/é.png")
    assert named["etag"] == '"e1"'
    assert "length" not in named


def test_a_blob_that_is_too_large_is_not_fetched(blobs: BlobImages) -> None:
    download = Download(b"", size=MAX_BYTES + 1)
    put(blobs, download)
    blob = blobs.read("big.png", "e1")
    assert (blob.content, blob.size_bytes, download.read) == (None, MAX_BYTES + 1, False)


@pytest.mark.parametrize(
    ("error", "expected"), [(ResourceNotFoundError(), Gone), (ResourceModifiedError(), Superseded)]
)
def test_a_blob_that_went_or_changed_is_told_apart(
    blobs: BlobImages, error: Exception, expected: type[Exception]
) -> None:
    put(blobs, error)
    with pytest.raises(expected):
        blobs.read("a.png", "e1")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "ICO"])
def test_headers_of_every_format_are_read(blobs: BlobImages, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 60)).save(buffer, format=kind, **({"sizes": [(64, 60)]} if kind == "ICO" else {}))
    info = blobs.inspect(buffer.getvalue())
    assert (info.width, info.height, info.format) == (64, 60, kind)


@pytest.mark.parametrize("content", [b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_image_is_rejected(blobs: BlobImages, content: bytes) -> None:
    with pytest.raises(Rejected, match="not an image"):
        blobs.inspect(content)


def test_a_record_is_created_or_replaced_under_its_etag() -> None:
    client = FakeClient({})
    records = CosmosRecords(client)  # type: ignore[arg-type]
    records.put({"id": "1"}, None)
    records.put({"id": "1"}, {"id": "1", "_etag": "e"})
    assert [call[0][0] for call in client.calls] == ["create_item", "replace_item"]
    assert client.calls[1][1]["etag"] == "e"


@pytest.mark.parametrize(
    "error", [CosmosResourceExistsError(), CosmosAccessConditionFailedError(), CosmosResourceNotFoundError()]
)
def test_a_record_that_somebody_else_wrote_is_never_overwritten(error: Exception) -> None:
    records = CosmosRecords(FakeClient(error))  # type: ignore[arg-type]
    with pytest.raises(Superseded):
        records.put({"id": "1"}, {"_etag": "e"})


def test_what_is_not_there_is_none_and_a_cached_analysis_stays() -> None:
    missing = FakeClient(CosmosResourceNotFoundError())
    assert CosmosRecords(missing).get("1") is None  # type: ignore[arg-type]
    assert CosmosAnalyses(missing).get("1") is None  # type: ignore[arg-type]
    analysis = Analysis(analyzer="a", api_version="1", model_version="m", findings={})
    CosmosAnalyses(FakeClient(CosmosResourceExistsError())).put("1", analysis)  # type: ignore[arg-type]
