"""The authorization endpoint: who can be chosen, where the code goes, and what is refused in which way."""

import pytest

from emulator.core.identity import Identities
from tests.emulator.services.sign_in.browser import HOST, Browser
from tests.emulator.tenant import GUEST, READER, REDIRECT_URI, ROLES, TENANT, Tenant, deploy_application


def test_the_page_lists_the_users_with_the_app_roles_that_are_deployed(browser: Browser) -> None:
    page = browser.authorize()
    assert page.status == 200
    assert "Rita Reader</button> reader@emulator.onmicrosoft.com: Images.Read<" in page.text
    assert "Otto Operator</button> operator@emulator.onmicrosoft.com: Images.Read, Pipeline.Operate<" in page.text
    assert "Gus Guest</button> guest@emulator.onmicrosoft.com: no app role<" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_a_hint_leaves_one_user_to_choose(browser: Browser) -> None:
    page = browser.authorize(login_hint="reader@emulator.onmicrosoft.com")
    assert "Rita Reader" in page.text
    assert "Otto Operator" not in page.text


def test_the_chosen_user_returns_with_a_code_and_the_state(browser: Browser) -> None:
    response = browser.choose(browser.authorize(client_info="1"), "reader")
    assert response.status == 302
    assert response.location.startswith("https://images.example/?code=")
    assert response.answer.keys() == {"code", "client_info", "state"}
    assert response.answer["state"] == "state-1"


def test_the_answer_is_in_the_fragment_on_request(browser: Browser) -> None:
    response = browser.choose(browser.authorize(response_mode="fragment", state=None), "reader")
    assert response.location.startswith("https://images.example/#code=")
    assert response.answer.keys() == {"code"}


def test_a_choice_counts_once_and_for_ten_minutes(browser: Browser) -> None:
    page = browser.authorize()
    assert browser.choose(page, "reader").status == 302
    assert "AADSTS165000" in browser.choose(page, "operator").text
    page = browser.authorize(prompt="login")
    browser.clock.now += 600
    assert "AADSTS165000" in browser.choose(page, "reader").text


def test_nobody_else_can_be_chosen(browser: Browser) -> None:
    response = browser.choose(browser.authorize(), "root")
    assert (response.status, "AADSTS50034" in response.text) == (400, True)


def test_who_has_no_app_role_is_blocked_on_the_page(browser: Browser) -> None:
    response = browser.choose(browser.authorize(), "guest")
    assert response.status == 403
    assert "AADSTS50105: Your administrator has configured the application API" in response.text
    assert "Location" not in response.headers
    assert browser.cookie == ""


def test_app_roles_follow_what_is_deployed(browser: Browser, tenant: Tenant) -> None:
    (application,) = tenant.directory.applications()
    tenant.create(
        "AppRoleAssignment",
        appRoleId=ROLES["Images.Read"],
        principalObjectId=GUEST,
        resourceObjectId=application.service_principal_id,
    )
    assert browser.choose(browser.authorize(), "guest").status == 302


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": None}, 900144),
        ({"client_id": "11111111-1111-4111-8111-111111111111"}, 700016),
        ({"client_id": "<script>"}, 700016),
        ({"redirect_uri": None}, 50011),
        ({"redirect_uri": "https://images.example"}, 50011),
        ({"redirect_uri": "https://images.example/other"}, 50011),
        ({"redirect_uri": "https://images.example/?next=https://attacker.example"}, 50011),
        ({"redirect_uri": "https://IMAGES.example/"}, 50011),
        ({"redirect_uri": "https://images.example.attacker.example/"}, 50011),
        ({"redirect_uri": "http://images.example/"}, 50011),
        ({"redirect_uri": "http://localhost]/"}, 50011),
        ({"redirect_uri": "javascript:alert(1)"}, 50011),
    ],
)
def test_without_a_known_client_and_its_redirect_uri_nothing_is_sent_anywhere(
    browser: Browser, changes: dict[str, str | None], code: int
) -> None:
    response = browser.authorize(**changes)
    assert (response.status, f"AADSTS{code}:" in response.text) == (400, True)
    assert "Location" not in response.headers
    assert "<script>" not in response.text


@pytest.mark.parametrize(
    ("registered", "requested", "is_equal"),
    [
        ("http://localhost/", "http://localhost:5173/", True),
        ("http://localhost:5173/", "http://localhost:8080/", True),
        ("http://127.0.0.1/", "http://127.0.0.1:9/", True),
        ("http://localhost/", "http://127.0.0.1/", False),
        ("http://localhost/", "http://localhost:5173/other", False),
        ("http://localhost/", "https://localhost/", False),
        ("http://localhost/", "http://user@localhost/", False),
        ("https://localhost/", "https://localhost:8443/", False),
    ],
)
def test_on_this_machine_the_port_does_not_count(
    tenant: Tenant, identities: Identities, registered: str, requested: str, *, is_equal: bool
) -> None:
    """https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions."""
    browser = Browser(tenant, identities, deploy_application(tenant, registered))
    response = browser.authorize(redirect_uri=requested)
    assert response.status == (200 if is_equal else 400)


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"response_type": None}, "invalid_request", 900144),
        ({"response_type": "token"}, "unsupported_response_type", 700051),
        ({"response_type": "id_token"}, "unsupported_response_type", 700054),
        ({"response_type": "code id_token"}, "unsupported_response_type", 70005),
        ({"prompt": "sometimes"}, "invalid_request", 90023),
        ({"scope": None}, "invalid_request", 900144),
        ({"scope": "openid api://unknown/user_impersonation"}, "invalid_resource", 500011),
        ({"scope": "user_impersonation"}, "invalid_resource", 500011),
        ({"scope": "api://{client}/admin"}, "invalid_client", 650053),
        ({"scope": "api://{client}/.default {client}/.default"}, "invalid_request", 28000),
        ({"code_challenge": "short"}, "invalid_request", 501491),
    ],
)
def test_other_errors_are_sent_to_the_application(
    browser: Browser, changes: dict[str, str | None], error: str, code: int
) -> None:
    scope = changes.get("scope")
    if scope is not None:
        changes = {**changes, "scope": scope.replace("{client}", browser.client_id)}
    response = browser.authorize(**changes)
    assert response.status == 302
    assert response.location.startswith(REDIRECT_URI)
    assert (response.answer["error"], response.answer["state"]) == (error, "state-1")
    assert response.answer["error_description"].startswith(f"AADSTS{code}: ")


def test_another_application_needs_consent(tenant: Tenant, identities: Identities) -> None:
    other_client_id = deploy_application(tenant)
    browser = Browser(tenant, identities, deploy_application(tenant))
    answer = browser.authorize(scope=f"{other_client_id}/.default").answer
    assert (answer["error"], answer["error_description"][:12]) == ("invalid_grant", "AADSTS65001:")


@pytest.mark.parametrize(
    "changes",
    [
        {"response_mode": "form_post"},
        {"scope": "openid profile"},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
    ],
)
def test_what_the_emulator_does_not_support_is_refused(browser: Browser, changes: dict[str, str | None]) -> None:
    response = browser.authorize(**changes)
    assert (response.status, "Location" in response.headers) == (501, False)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/common/oauth2/v2.0/authorize", 400, "AADSTS50194"),
        ("/contoso/oauth2/v2.0/authorize", 400, "AADSTS90002"),
        (f"/{TENANT}/oauth2/authorize", 501, "does not support GET"),
        (f"/{TENANT}/oauth2/v2.0/devicecode", 501, "does not support GET"),
    ],
)
def test_other_tenants_and_endpoints_are_refused(browser: Browser, path: str, status: int, text: str) -> None:
    response = browser.send("GET", path)
    assert (response.status, text in response.text) == (status, True)


def test_a_session_needs_no_choice_until_it_ends(browser: Browser) -> None:
    browser.sign_in("reader")
    again = browser.authorize(state="state-2")
    assert (again.status, again.answer["state"]) == (302, "state-2")
    assert browser.authorize(prompt="none").status == 302
    assert browser.authorize(prompt="select_account").status == 200
    logout = f"/{TENANT}/oauth2/v2.0/logout?post_logout_redirect_uri={REDIRECT_URI}"
    assert browser.send("GET", logout).location == REDIRECT_URI
    assert browser.authorize().status == 200


def test_a_logout_redirects_to_no_stranger(browser: Browser) -> None:
    response = browser.send("GET", f"/{TENANT}/oauth2/v2.0/logout?post_logout_redirect_uri=https://attacker.example/")
    assert (response.status, "Location" in response.headers) == (200, False)


def test_a_silent_request_shows_no_page(browser: Browser, tenant: Tenant) -> None:
    answer = browser.authorize(prompt="none").answer
    assert (answer["error"], answer["error_description"][:12]) == ("login_required", "AADSTS50058:")
    browser.sign_in("reader")
    (assignment,) = [
        item
        for item in tenant.directory.objects
        if item.inputs.get("principalObjectId") == READER and "appRoleAssignedTo" in item.id
    ]
    tenant.delete("AppRoleAssignment", assignment.id)
    answer = browser.authorize(prompt="none").answer
    assert (answer["error"], answer["error_description"][:12]) == ("interaction_required", "AADSTS50105:")


def test_the_session_is_a_cookie_that_scripts_cannot_read(browser: Browser) -> None:
    cookie = browser.choose(browser.authorize(), "reader").headers["Set-Cookie"]
    assert {"Secure", "HttpOnly", "SameSite=None", "Path=/"} <= {attribute.strip() for attribute in cookie.split(";")}


def test_the_metadata_names_the_endpoints(browser: Browser) -> None:
    response = browser.send("GET", f"/{TENANT}/v2.0/.well-known/openid-configuration")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    base = f"https://{HOST}/{TENANT}"
    assert {
        name: response.json[name] for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    } == {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
    }
    (key,) = browser.send("GET", f"/{TENANT}/discovery/v2.0/keys").json["keys"]
    assert (key["kty"], key["use"], key["issuer"]) == ("RSA", "sig", f"{base}/v2.0")
