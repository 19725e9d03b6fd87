"""Which host names the gateway answers to."""

import pytest

from emulator.gateway.router import service_of


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("a.blob.core.windows.net", "blob.core.windows.net"),
        ("a.documents.azure.com:443", "documents.azure.com"),
        ("management.azure.com", "management.azure.com"),
        ("blob.core.windows.net", None),
        ("example.com", None),
        ("evil-blob.core.windows.net.example.com", None),
        ("a.table.core.windows.net", None),
    ],
)
def test_only_azures_names_lead_anywhere(host: str, service: str | None) -> None:
    assert service_of(host) == service
