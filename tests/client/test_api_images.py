"""Uploads through the API: the requests, an existing name, answers that are lost, and which record counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.api import ApiClient, ApiProblemError
from client.api_images import ApiImageStore
from client.errors import ClientError
from client.image_store import Upload
from tests.support.fake_image_api import TOKEN, Answer, FakeImageApi, problem, serve

NAME = "pets/cat é.png"


@pytest.fixture
def api() -> Iterator[FakeImageApi]:
    with serve() as api:
        yield api


@pytest.fixture
def store(api: FakeImageApi) -> ApiImageStore:
    return ApiImageStore(ApiClient(api.url, lambda: TOKEN), "images")


@pytest.fixture
def photo(tmp_path: Path) -> Upload:
    path = tmp_path / "cat.png"
    path.write_bytes(b"cat")
    return Upload(path=path, blob_name=NAME)


def methods(api: FakeImageApi) -> list[str]:
    """The methods of the requests."""
    return [method for method, _, _ in api.requests]


def test_a_file_is_uploaded_and_its_record_is_waited_for(
    api: FakeImageApi, store: ApiImageStore, photo: Upload
) -> None:
    image = store.upload(photo, 5)
    assert api.blobs == {NAME: (b"cat", "image/png", "0x1")}
    assert image.blob_name == NAME
    assert image.read_record() is None
    record = image.read_record()
    assert record is not None
    assert record["blob"]["etag"] == "0x1"
    assert methods(api) == ["POST", "PUT", "GET", "GET"]


def test_an_image_of_the_same_name_is_replaced(api: FakeImageApi, store: ApiImageStore, photo: Upload) -> None:
    api.put_blob(NAME, b"dog")
    image = store.upload(photo, 5)
    assert image.blob_name == NAME
    assert api.blobs == {NAME: (b"cat", "image/png", "0x2")}
    # The record is still that of the deleted image; its version is not sent again.
    assert image.read_record() is None
    api.plan["GET"] = [Answer(status=304)]
    assert image.read_record() is None
    record = image.read_record()
    assert record is not None
    assert record["blob"]["etag"] == "0x2"
    assert [etag for method, _, etag in api.requests if method == "GET"][-2:] == ['"0x1"', '"0x1"']


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_image_that_was_deleted_meanwhile_needs_no_deletion(
    api: FakeImageApi, store: ApiImageStore, photo: Upload, method: str
) -> None:
    api.put_blob(NAME, b"dog")
    api.finish()
    api.plan[method] = [problem(404, "notFound")]
    api.plan["POST"] = [problem(409, "nameTaken")]
    del api.blobs[NAME]
    assert store.upload(photo, 5).blob_name == NAME
    assert api.blobs[NAME][0] == b"cat"


def test_without_the_right_to_delete_the_name_gets_a_suffix(
    api: FakeImageApi, store: ApiImageStore, photo: Upload
) -> None:
    api.may_delete = False
    api.put_blob(NAME, b"dog")
    image = store.upload(photo, 5)
    assert image.blob_name == f"{NAME}-suffix"
    assert {name: content for name, (content, _, _) in api.blobs.items()} == {NAME: b"dog", image.blob_name: b"cat"}


def test_without_the_right_to_delete_the_same_content_is_not_uploaded_again(
    api: FakeImageApi, store: ApiImageStore, photo: Upload
) -> None:
    api.may_delete = False
    api.put_blob(NAME, b"cat")
    image = store.upload(photo, 5)
    record = image.read_record()
    assert image.blob_name == NAME
    assert record is not None
    assert record["blob"]["etag"] == "0x1"
    assert "PUT" not in methods(api)


def test_an_image_of_the_same_name_without_a_record_is_an_error(
    api: FakeImageApi, store: ApiImageStore, photo: Upload
) -> None:
    api.put_blob(NAME, b"dog")
    with pytest.raises(ClientError, match="the image that has this name got no record in 0 s"):
        store.upload(photo, 0)


@pytest.mark.parametrize("failure", ["lost", Answer(status=503, headers={"x-ms-error-code": "ServerBusy"})])
def test_an_upload_that_fails_is_sent_again(
    api: FakeImageApi, store: ApiImageStore, photo: Upload, failure: Answer
) -> None:
    api.plan["PUT"] = [failure]
    image = store.upload(photo, 5)
    api.finish()
    assert methods(api) == ["POST", "PUT", "PUT"]
    record = image.read_record()
    assert record is not None
    assert record["blob"]["etag"] == "0x1"


def test_after_a_lost_answer_the_record_of_the_replaced_image_does_not_count(
    api: FakeImageApi, store: ApiImageStore, photo: Upload
) -> None:
    api.put_blob(NAME, b"dog")
    api.plan["PUT"] = ["lost"]
    image = store.upload(photo, 5)
    assert image.read_record() is None
    record = image.read_record()
    assert record is not None
    assert record["blob"]["etag"] == "0x2"


def test_an_upload_that_always_fails_is_an_error(api: FakeImageApi, store: ApiImageStore, photo: Upload) -> None:
    api.plan["PUT"] = [Answer(status=500)] * 9
    with pytest.raises(ClientError, match=r"the storage account refused the upload with 500$"):
        store.upload(photo, 5)
    assert methods(api).count("PUT") == 4


def test_a_name_that_another_client_took_is_an_error(api: FakeImageApi, store: ApiImageStore, photo: Upload) -> None:
    api.plan["PUT"] = [Answer(status=403, headers={"x-ms-error-code": "UnauthorizedBlobOverwrite"})]
    with pytest.raises(ClientError, match="refused the upload with 403 UnauthorizedBlobOverwrite"):
        store.upload(photo, 5)
    assert methods(api).count("PUT") == 1


def test_a_file_that_the_api_refuses_is_an_error_with_its_explanation(
    api: FakeImageApi, store: ApiImageStore, tmp_path: Path
) -> None:
    path = tmp_path / "photo.xyz-unknown"
    path.write_bytes(b"?")
    with pytest.raises(ApiProblemError, match=r"answered 400: The body is not valid\. body: Invalid enum value"):
        store.upload(Upload(path=path, blob_name="p"), 5)
    assert methods(api) == ["POST"]


def test_while_a_service_is_not_available_the_record_is_waited_for(
    api: FakeImageApi, store: ApiImageStore, photo: Upload
) -> None:
    image = store.upload(photo, 5)
    api.finish()
    api.plan["GET"] = [problem(503, "unavailable"), problem(503, "accessDenied", "the role is missing")]
    assert image.read_record() is None
    with pytest.raises(ApiProblemError, match="answered 503: the role is missing"):
        image.read_record()
    assert image.read_record() is not None


def test_an_image_that_was_deleted_after_its_upload_is_an_error(
    api: FakeImageApi, store: ApiImageStore, photo: Upload
) -> None:
    image = store.upload(photo, 5)
    api.plan["GET"] = [problem(404, "notFound", "There is no image x.")]
    with pytest.raises(ApiProblemError, match=r"answered 404: There is no image x\."):
        image.read_record()


def test_a_name_is_looked_up_in_the_form_in_which_it_is_stored(
    api: FakeImageApi, store: ApiImageStore, photo: Upload
) -> None:
    decomposed = NAME.replace("é", "e\u0301")
    api.plan["POST"] = [problem(409, "nameTaken")]
    api.put_blob(NAME, b"dog")
    store.upload(Upload(path=photo.path, blob_name=decomposed), 5)
    assert "?name=pets%2Fcat%20%C3%A9.png" in api.requests[1][1]
    assert ("DELETE", api.requests[1][1].partition("?")[0], None) in api.requests
