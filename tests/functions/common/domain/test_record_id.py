"""The id of a record: stable for one blob, and different for blobs of two storage accounts."""

import string

from common.domain.record_id import record_id
from hypothesis import assume, given
from hypothesis import strategies as st

# https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
CONTAINERS = st.text(string.ascii_lowercase + string.digits + "-", min_size=3, max_size=8)
STAMPS = st.text(string.ascii_lowercase + string.digits + "-", max_size=6)
NAMES = st.text("abc:/-", min_size=1, max_size=8)
BLOBS = st.tuples(CONTAINERS, NAMES, STAMPS)


def test_the_first_account_keeps_the_ids_from_before_there_were_stamps() -> None:
    assert record_id("images", "cat.png") == "6flw3l5gwcmj2dtqvmjeio5kaxoh4ufndd6iwnamps6irpos7xqa"
    assert record_id("images", "cat.png", "") == "6flw3l5gwcmj2dtqvmjeio5kaxoh4ufndd6iwnamps6irpos7xqa"


def test_the_same_name_in_another_account_has_another_id() -> None:
    ids = {record_id("images", "cat.png", stamp) for stamp in ("", "westeurope", "northeurope-2")}
    assert len(ids) == 3


@given(first=BLOBS, second=BLOBS)
def test_two_blobs_never_have_one_id(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    assume(first != second)
    assert record_id(*first) != record_id(*second)
