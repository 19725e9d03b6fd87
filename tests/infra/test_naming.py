"""Names are legal for Azure, whatever the prefix and the stack are called; test_pinned_names.py pins them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.core.naming import Names

prefixes = st.from_regex(r"[a-z][a-z0-9]{1,9}", fullmatch=True)
stacks = st.from_regex(r"[A-Za-z0-9_.-]{1,100}", fullmatch=True)
subscriptions = st.uuids().map(str)


@given(prefixes, stacks, subscriptions)
def test_every_name_is_legal(prefix: str, stack: str, subscription: str) -> None:
    names = Names(prefix=prefix, stack=stack, subscription_id=subscription)
    for purpose in ("host", "data"):
        assert re.fullmatch(r"[a-z0-9]{3,24}", names.storage_account_name(purpose))
    for kind in ("cosmos", "vision1000", "func"):
        assert re.fullmatch(r"[a-z][a-z0-9-]{1,42}[a-z0-9]", names.global_name(kind))
        assert "--" not in names.global_name(kind)
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,48}[a-z0-9]", names.resource_name("egst"))


@given(prefixes, stacks, subscriptions)
def test_purposes_and_parts_make_names_of_their_own(prefix: str, stack: str, subscription: str) -> None:
    names = Names(prefix=prefix, stack=stack, subscription_id=subscription)
    assert names.storage_account_name("data") != names.storage_account_name("host")
    assert names.guid("a", "b") != names.guid("ab")


def test_another_subscription_gets_other_names_in_the_world() -> None:
    one, other = (Names(prefix="imgpipe", stack="dev", subscription_id=number) for number in ("1", "2"))
    assert one.storage_account_name("data") != other.storage_account_name("data")
    assert one.global_name("cosmos") != other.global_name("cosmos")
    assert one.resource_name("rg") == other.resource_name("rg") == "rg-imgpipe-dev"


def test_a_purpose_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 12 characters"):
        Names(prefix="imgpipe", stack="dev", subscription_id="1").storage_account_name("thirteenchars")
