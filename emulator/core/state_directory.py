"""The emulator's state directory, and the environments of processes that use the emulator."""

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The daemon's ports on 127.0.0.1, chosen by the system at every start."""

    provider: int
    preview_provider: int
    directory_provider: int
    preview_directory_provider: int
    identity: int
    proxy: int
    browser_addresses: int


@dataclass(frozen=True, kw_only=True)
class DaemonInfo:
    """A running daemon, as it describes itself in the daemon file once it is ready.

    `user_secrets` are the secrets of the token endpoint by the user's name.
    """

    pid: int
    ports: Ports
    user_secrets: dict[str, str]


class StateDirectory:
    """A directory with the emulator's data, keys, logs and Pulumi state; `.local` in a checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.data = self.root / "data"
        self.pki = self.root / "pki"
        self.run = self.root / "run"
        self.logs = self.root / "logs"
        self.pulumi = self.root / "pulumi"
        self.apps = self.root / "apps"

    def create(self) -> None:
        """Create the directories, readable by their owner only."""
        for folder in (self.root, self.data, self.pki, self.run, self.logs, self.pulumi, self.apps):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def daemon_file(self) -> Path:
        """The file with the DaemonInfo of a daemon that is ready."""
        return self.run / "daemon.json"

    @property
    def lock(self) -> Path:
        """The file that the daemon holds a lock on while it runs, so that there is never a second daemon."""
        return self.run / "daemon.lock"

    @property
    def ca_bundle(self) -> Path:
        """The public certificate authorities and the emulator's own."""
        return self.pki / "bundle.pem"

    def is_locked(self) -> bool:
        """Whether a daemon runs. A lock, unlike a process id, ends with its process."""
        try:
            with self.lock.open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def write_daemon_info(self, daemon_info: DaemonInfo) -> None:
        """Write the daemon file, at once and as a whole."""
        temporary = self.daemon_file.with_suffix(".new")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(asdict(daemon_info)))
        temporary.replace(self.daemon_file)

    def read_daemon_info(self) -> DaemonInfo | None:
        """The daemon that is ready now, or None."""
        if not self.is_locked():
            return None
        try:
            content = json.loads(self.daemon_file.read_text())
        except FileNotFoundError:  # the daemon is still starting, or already stopping
            return None
        return DaemonInfo(pid=content["pid"], ports=Ports(**content["ports"]), user_secrets=content["user_secrets"])


def network_environment(
    state_directory: StateDirectory, ports: Ports, virtual_network: str | None = None
) -> dict[str, str]:
    """Environment variables that direct HTTP clients to the emulator for Azure's host names, and nowhere else.

    With the name of a `virtual_network`, requests come from inside that network. The password in the proxy's URL has no
    meaning; some clients send no user name without one.
    """
    user = f"{virtual_network}:inside@" if virtual_network else ""
    proxy = f"http://{user}127.0.0.1:{ports.proxy}"
    ca_bundle_path = str(state_directory.ca_bundle)
    return {
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), ca_bundle_path),
    }


def identity_environment(ports: Ports, secret: str) -> dict[str, str]:
    """Environment variables with which Azure's SDKs find the emulator's token endpoint."""
    return {
        "IDENTITY_ENDPOINT": f"http://127.0.0.1:{ports.identity}/msi/token",
        "IDENTITY_HEADER": secret,
    }
