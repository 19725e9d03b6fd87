"""A stack's outputs, and the ids of records."""

import pytest

from client.errors import ClientError
from client.samples import sample_photos
from client.stack_outputs import StackOutputs, parse_stack_outputs, record_id
from tests.conftest import Recorder

OUTPUTS = {
    "imagesEndpoint": "https://data.blob.core.windows.net/",
    "imagesContainer": "images",
    "recordsEndpoint": "https://records.documents.azure.com/",
    "recordsDatabase": "pipeline",
    "recordsContainer": "images",
    "apiUrl": "https://app.azurewebsites.net/api",
    "imageApiUrl": "https://api.azurewebsites.net/api",
    "galleryUrl": "https://api.azurewebsites.net/",
    "tenantId": "tenant-1",
    "apiClientId": "client-1",
    "release": "8a5f",
    "sizing": {"instances": 40},
}


def test_the_outputs_are_read_by_name() -> None:
    assert parse_stack_outputs("dev", OUTPUTS) == StackOutputs(
        images_endpoint="https://data.blob.core.windows.net/",
        images_container="images",
        records_endpoint="https://records.documents.azure.com/",
        records_database="pipeline",
        records_container="images",
        api_url="https://app.azurewebsites.net/api",
        image_api_url="https://api.azurewebsites.net/api",
        gallery_url="https://api.azurewebsites.net/",
        tenant_id="tenant-1",
        api_client_id="client-1",
    )


@pytest.mark.parametrize("absent", [{}, {"apiClientId": None}, {"apiClientId": ""}], ids=str)
def test_a_stack_may_have_no_sign_in(absent: dict[str, str | None]) -> None:
    outputs = {name: value for name, value in OUTPUTS.items() if name != "apiClientId"}
    assert parse_stack_outputs("dev", {**outputs, **absent}).api_client_id == ""


@pytest.mark.parametrize(
    "missing",
    [
        name
        for name in OUTPUTS
        if name not in {"apiClientId", "galleryUrl", "imageApiUrl", "release", "sizing", "tenantId"}
    ],
)
def test_a_missing_output_is_named(missing: str) -> None:
    outputs = {name: value for name, value in OUTPUTS.items() if name != missing}
    with pytest.raises(ClientError, match=f"the stack dev has no output '{missing}'"):
        parse_stack_outputs("dev", outputs)


def test_the_program_exports_what_the_client_reads(dev: Recorder) -> None:
    """A contract: client/ imports nothing of the program."""
    assert isinstance(parse_stack_outputs("dev", dev.outputs), StackOutputs)


def test_the_id_of_a_record_is_sha256_in_base32() -> None:
    # printf 'images/cat.png' | sha256sum | xxd -r -p | base32 | tr -d = | tr A-Z a-z
    assert record_id("images", "cat.png") == "6flw3l5gwcmj2dtqvmjeio5kaxoh4ufndd6iwnamps6irpos7xqa"


def test_the_sample_photos_are_installed() -> None:
    photos = sample_photos()
    assert len(photos) == 9
    assert photos[0].name == "chelsea.png"
    assert all(photo.is_file() for photo in photos)
