"""Which right is missing when a service denies access."""

import pytest
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from image_api.adapters.rights import RightRequired
from image_api.domain.errors import MissingRightError

COSMOS = (
    "Cosmos DB: (Forbidden) Request blocked by Auth records : Request for Read is blocked because principal [p] does"
    " not have required RBAC permissions to perform action [Microsoft.DocumentDB/databaseAccounts/readMetadata]"
)


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("Blob Storage: This request is not authorized", "blobs/read"),
        (COSMOS, "Microsoft.DocumentDB/databaseAccounts/readMetadata"),
    ],
)
def test_a_denied_access_names_the_right(sentence: str, right: str) -> None:
    with pytest.raises(MissingRightError) as error, RightRequired("service", "blobs/read"):
        raise AccessDeniedError(sentence)
    assert (error.value.service, error.value.right, str(error.value)) == ("service", right, sentence)


@pytest.mark.parametrize("other", [RetryLaterError("busy"), ConfigurationError("C", "gone"), ValueError("x")])
def test_any_other_error_stays_what_it_is(other: Exception) -> None:
    with pytest.raises(type(other)) as error, RightRequired("service", "right"):
        raise other
    assert error.value is other


def test_without_an_error_nothing_happens() -> None:
    with RightRequired("service", "right"):
        pass
