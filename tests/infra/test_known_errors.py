"""How long each known error of Azure is waited for, and by which words it is recognized."""

import re

import pytest

from infra.core.error_hooks import KnownError, waits
from infra.core.known_errors import (
    ACCOUNT_LOCKED,
    FOUNDRY_ACCOUNT_BUSY,
    IDENTITY_REFUSED,
    NOT_REPLICATED,
    PRINCIPAL_NOT_FOUND,
    QUOTA_EXCEEDED,
    TERMS_NOT_ACCEPTED,
    VECTOR_SEARCH_INACTIVE,
)


@pytest.mark.parametrize(
    ("known", "name", "retry_seconds"),
    [
        (NOT_REPLICATED, "role-or-principal-not-replicated", 600),
        (ACCOUNT_LOCKED, "account-locked", 600),
        (PRINCIPAL_NOT_FOUND, "principal-not-replicated", 600),
        (VECTOR_SEARCH_INACTIVE, "vector-search-inactive", 900),
        (IDENTITY_REFUSED, "role-assignments-not-in-effect", 600),
        (FOUNDRY_ACCOUNT_BUSY, "foundry-account-busy", 600),
        (QUOTA_EXCEEDED, "model-quota-exceeded", 0),
        (TERMS_NOT_ACCEPTED, "terms-not-accepted", 0),
    ],
)
def test_an_error_is_waited_for_as_long_as_azure_takes(known: KnownError, name: str, retry_seconds: int) -> None:
    assert (known.name, known.retry_seconds) == (name, retry_seconds)


@pytest.mark.parametrize(
    "error",
    ["Forbidden", "Unauthorized", "is unauthorised", "is not authorized", "no permission", "the topic lacks it"],
)
def test_event_grid_refuses_an_identity_in_many_words(error: str) -> None:
    assert re.search(IDENTITY_REFUSED.pattern, f"the first line\n{error}", re.IGNORECASE | re.DOTALL)
    of_the_deployer = f"AuthorizationFailed:\n{error}"
    assert not re.search(IDENTITY_REFUSED.pattern, of_the_deployer, re.IGNORECASE | re.DOTALL)


@pytest.mark.parametrize(
    ("retry_seconds", "expected"),
    [
        (4, []),
        (5, [5]),
        (14, [5]),
        (15, [5, 10]),
        (134, [5, 10, 20, 40]),
        (135, [5, 10, 20, 40, 60]),
        (195, [5, 10, 20, 40, 60, 60]),
        (600, [5, 10, 20, 40, *[60] * 8]),
        (900, [5, 10, 20, 40, *[60] * 13]),
    ],
)
def test_waits_double_up_to_a_minute_and_never_exceed_their_sum(retry_seconds: int, expected: list[int]) -> None:
    assert list(waits(retry_seconds)) == expected
