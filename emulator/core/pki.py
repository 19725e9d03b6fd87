"""The laptop's certificate authority and token signing key: made once, readable by their owner only."""

import json
import ssl
from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.core.state_directory import Home

# A wildcard stands for one label, and a topic's host name has its region in another.
REGIONS = (
    "australiaeast", "brazilsouth", "canadaeast", "eastasia", "eastus", "eastus2", "francecentral", "japaneast",
    "koreacentral", "northeurope", "southcentralus", "southeastasia", "swedencentral", "switzerlandnorth", "uksouth",
    "westeurope", "westus", "westus2", "westus3",
)  # fmt: skip
# Every name that the gateway answers to.
HOSTS = (
    "*.blob.core.windows.net",
    "*.queue.core.windows.net",
    "*.documents.azure.com",
    "*.cognitiveservices.azure.com",
    "*.azurewebsites.net",
    "*.scm.azurewebsites.net",
    "management.azure.com",
    "login.microsoftonline.com",
    *(f"*.{region}-1.eventgrid.azure.net" for region in REGIONS),
)


@dataclass(frozen=True, kw_only=True)
class Pki:
    """What the gateway shows to clients, and what signs tokens."""

    server: ssl.SSLContext
    signing_key: rsa.RSAPrivateKey


def load(home: Home) -> Pki:
    """The keys in `home.pki`, made at the first call. The authority is trusted by our own processes only."""
    chain, key = home.pki / "server.pem", home.pki / "signing.pem"
    named = home.pki / "hosts.json"
    made_for = json.loads(named.read_text()) if named.exists() else None
    if made_for != [*HOSTS] or not (chain.exists() and key.exists() and home.ca_bundle.exists()):
        _make(home, chain, key)
        _write(named, json.dumps(HOSTS).encode())
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(chain)
    signing_key = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(signing_key, rsa.RSAPrivateKey)
    return Pki(server=server, signing_key=signing_key)


def _make(home: Home, chain: Path, key: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert(*HOSTS)
    _write(chain, certificate.private_key_and_cert_chain_pem.bytes())
    signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(key, signing.private_bytes(*encoding))
    # REQUESTS_CA_BUNDLE replaces the public authorities, so they are kept beside ours.
    _write(home.ca_bundle, Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
