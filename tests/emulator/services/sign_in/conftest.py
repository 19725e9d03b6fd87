"""A browser, and an application as the program deploys it."""

import pytest

from emulator.core.identity import Identities
from tests.emulator.services.sign_in.browser import Browser
from tests.emulator.tenant import Tenant, deploy_application


@pytest.fixture
def browser(tenant: Tenant, identities: Identities) -> Browser:
    return Browser(tenant, identities, deploy_application(tenant))
