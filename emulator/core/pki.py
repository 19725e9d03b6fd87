"""The emulator's certificate authority and token signing key: created once, readable by their owner only."""

import json
import ssl
from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.core.state_directory import StateDirectory

# A wildcard stands for one label, and the host name of a topic has its region in another.
REGIONS = (
    "australiaeast",
    "brazilsouth",
    "canadaeast",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "japaneast",
    "koreacentral",
    "northeurope",
    "southcentralus",
    "southeastasia",
    "swedencentral",
    "switzerlandnorth",
    "uksouth",
    "westeurope",
    "westus",
    "westus2",
    "westus3",
)
# The names in the gateway's certificate.
HOSTS = (
    "*.blob.core.windows.net",
    "*.queue.core.windows.net",
    "*.documents.azure.com",
    "*.cognitiveservices.azure.com",
    "*.openai.azure.com",
    "*.services.ai.azure.com",
    "*.azurewebsites.net",
    "*.scm.azurewebsites.net",
    "management.azure.com",
    "login.microsoftonline.com",
    *(f"*.{region}-1.eventgrid.azure.net" for region in REGIONS),
)


@dataclass(frozen=True, kw_only=True)
class Pki:
    """The gateway's TLS configuration, and the key that signs tokens."""

    server: ssl.SSLContext
    signing_key: rsa.RSAPrivateKey


def load_or_create(state_directory: StateDirectory) -> Pki:
    """The keys in `state_directory.pki`, created at the first call and when HOSTS has changed.

    The certificate authority is trusted by processes with `state_directory.ca_bundle` only.
    """
    chain = state_directory.pki / "server.pem"
    key = state_directory.pki / "signing.pem"
    hosts_file = state_directory.pki / "hosts.json"
    certified_hosts = json.loads(hosts_file.read_text()) if hosts_file.exists() else None
    complete = chain.exists() and key.exists() and state_directory.ca_bundle.exists()
    if certified_hosts != [*HOSTS] or not complete:
        _create(state_directory, chain, key)
        _write(hosts_file, json.dumps(HOSTS).encode())
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(chain)
    signing_key = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(signing_key, rsa.RSAPrivateKey)
    return Pki(server=server, signing_key=signing_key)


def _create(state_directory: StateDirectory, chain: Path, key: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert(*HOSTS)
    _write(chain, certificate.private_key_and_cert_chain_pem.bytes())
    signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = signing_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key, pem)
    # REQUESTS_CA_BUNDLE replaces the public authorities, so the bundle contains them too.
    _write(state_directory.ca_bundle, Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
