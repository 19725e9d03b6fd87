"""Settings of sign-in: which belong together, and what redirect URIs and application ids may be."""

import pytest

from infra.core.context import DirectoryPrincipal
from infra.core.errors import SettingsError
from tests.infra.test_settings import ALICE, parse, user

ASSIGNED_ELSEWHERE = (
    "is not allowed; allowed: nothing, unless signIn is create; the roles of an existing app registration are assigned"
    " in Microsoft Entra ID"
)
CLIENT_ID = "0123abcd-0123-4123-8123-0123456789ab"


def errors(**changes: object) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        parse(**changes)
    return [line.strip() for line in str(raised.value).splitlines()[1:]]


def test_an_existing_registration_is_named_by_its_client_id() -> None:
    settings = parse(signIn="existing", apiApplicationId=CLIENT_ID)
    assert (settings.sign_in, settings.api_application_id) == ("existing", CLIENT_ID)
    assert errors(signIn="existing") == [
        (
            "apiApplicationId: '' is not allowed; allowed: the application (client) id of the app registration, because"
            " signIn is existing"
        )
    ]


@pytest.mark.parametrize("sign_in", ["create", "none"])
def test_a_client_id_belongs_to_an_existing_registration(sign_in: str) -> None:
    assert errors(signIn=sign_in, apiApplicationId=CLIENT_ID) == [
        f"apiApplicationId: '{CLIENT_ID}' is not allowed; allowed: nothing, unless signIn is existing"
    ]


@pytest.mark.parametrize("config", [{"signIn": "existing", "apiApplicationId": CLIENT_ID}, {"signIn": "none"}])
def test_what_only_a_created_registration_gets_is_refused_with_another(config: dict[str, str]) -> None:
    principal = user(ALICE)
    assert errors(
        **config,
        readers=[principal],
        operators=[principal],
        uploaders=[principal],
        spaRedirectUris=["https://a.example/"],
    ) == [
        "spaRedirectUris: ['https://a.example/'] is not allowed; allowed: nothing, unless signIn is create",
        f"readers: {[principal]!r} {ASSIGNED_ELSEWHERE}",
        f"operators: {[principal]!r} {ASSIGNED_ELSEWHERE}",
    ]


def test_a_created_registration_takes_readers_operators_and_redirect_uris() -> None:
    settings = parse(
        signIn="create", readers=[user(ALICE)], operators=[user(ALICE)], spaRedirectUris=["https://a.example/"]
    )
    assert settings.readers == settings.operators == (DirectoryPrincipal(object_id=ALICE, principal_type="User"),)
    assert settings.spa_redirect_uris == ("https://a.example/",)
    assert settings.api_application_id is None


@pytest.mark.parametrize("value", ["", "Create", "azuread", None, 5])
def test_sign_in_is_one_of_three(value: object) -> None:
    assert errors(signIn=value) == [f"signIn: {value!r} is not allowed; allowed: existing or create or none"]


@pytest.mark.parametrize(
    "value", [CLIENT_ID.upper(), CLIENT_ID[:-1], f"{CLIENT_ID}0", f"api://{CLIENT_ID}", "x", None, 5]
)
def test_a_client_id_is_a_guid(value: object) -> None:
    assert errors(signIn="existing", apiApplicationId=value) == [
        f"apiApplicationId: {value!r} is not allowed; allowed: a GUID in lower case, or nothing"
    ]


@pytest.mark.parametrize(
    "uri",
    [
        "https://images.example",
        "https://images.example/a/b?c=d",
        "https://localhost:8443/",
        "http://localhost",
        "http://localhost:5173/signed-in",
        "http://127.0.0.1:5173/",
        f"https://images.example/{'a' * 233}",
    ],
)
def test_a_redirect_uri_is_https_or_on_this_machine(uri: str) -> None:
    assert parse(signIn="create", spaRedirectUris=[uri]).spa_redirect_uris == (uri,)


@pytest.mark.parametrize(
    "uris",
    [
        ["http://images.example/"],
        ["http://localhost.example/"],
        ["http://[::1]/"],
        ["https://"],
        ["https:///path"],
        ["https://user@images.example/"],
        ["https://*.example/"],
        ["https://images.example/#fragment"],
        ["https://images.example/#"],
        ["https://images.example/a b"],
        ["https://images.example/(a)"],
        ["ftp://images.example/"],
        ["javascript:alert(1)"],
        ["images.example"],
        [""],
        [f"https://images.example/{'a' * 234}"],
        ["https://a.example/", "https://a.example/"],
        [5],
        "https://a.example/",
        None,
    ],
)
def test_other_redirect_uris_are_refused(uris: object) -> None:
    (error,) = errors(signIn="create", spaRedirectUris=uris)
    assert error == (
        f"spaRedirectUris: {uris!r} is not allowed; allowed: up to 255 URIs, each once, with https, or with http for"
        " localhost or 127.0.0.1; no fragment, no wildcard, and at most 256 characters"
    )


def test_there_are_at_most_255_redirect_uris_beside_that_of_the_page() -> None:
    """https://learn.microsoft.com/entra/identity-platform/reply-url#maximum-number-of-redirect-uris."""
    uris = [f"https://images.example/{number}" for number in range(256)]
    assert len(parse(signIn="create", spaRedirectUris=uris[:255]).spa_redirect_uris) == 255
    assert len(errors(signIn="create", spaRedirectUris=uris)) == 1


def test_preview_says_what_a_stack_without_sign_in_lacks() -> None:
    assert parse(signIn="none").warnings == (
        "signIn is none: no API app is deployed, and nobody can call redrive and backfill (docs/sign-in.md)",
    )
    assert parse(signIn="create").warnings == ()
    assert parse(signIn="existing", apiApplicationId=CLIENT_ID).warnings == ()


def test_preview_says_that_a_placeholder_lets_nobody_in() -> None:
    placeholder = "00000000-0000-0000-0000-000000000000"
    (warning,) = parse(signIn="existing", apiApplicationId=placeholder).warnings
    assert warning == (
        f"apiApplicationId is the placeholder {placeholder}: nobody can sign in until it is the application (client)"
        " id of an app registration (docs/sign-in.md)"
    )
