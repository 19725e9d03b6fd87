"""Where the laptop cloud keeps its things: one folder, one subfolder for each subject."""

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the daemon listens on 127.0.0.1; chosen by the system at every start."""

    provider: int
    planner: int
    identity: int
    proxy: int


@dataclass(frozen=True, kw_only=True)
class Running:
    """A running daemon, as it announces itself once everything is ready."""

    pid: int
    ports: Ports
    user_secret: str


class Home:
    """The `.local` folder of a checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.data = self.root / "data"
        self.pki = self.root / "pki"
        self.run = self.root / "run"
        self.logs = self.root / "logs"
        self.pulumi = self.root / "pulumi"
        self.apps = self.root / "apps"

    def make(self) -> None:
        """Creates the folders, for this user's eyes only."""
        for folder in (self.root, self.data, self.pki, self.run, self.logs, self.pulumi, self.apps):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def announcement(self) -> Path:
        """The file that says that a daemon is ready, and where."""
        return self.run / "daemon.json"

    @property
    def lock(self) -> Path:
        """Held by the daemon for as long as it lives, so that there is never a second one."""
        return self.run / "daemon.lock"

    @property
    def ca_bundle(self) -> Path:
        """The public certificate authorities and the laptop's own."""
        return self.pki / "bundle.pem"

    def locked(self) -> bool:
        """Whether a daemon is alive: a lock, unlike a process id, is gone with its holder, whatever ended it."""
        try:
            with self.lock.open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def announce(self, running: Running) -> None:
        """Tells everybody that the daemon is ready."""
        temporary = self.announcement.with_suffix(".new")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(asdict(running)))
        temporary.replace(self.announcement)

    def running(self) -> Running | None:
        """The daemon that is ready now, or None."""
        if not self.locked():
            return None
        try:
            found = json.loads(self.announcement.read_text())
        except FileNotFoundError:  # it is still starting, or stopping already
            return None
        return Running(pid=found["pid"], ports=Ports(**found["ports"]), user_secret=found["user_secret"])


def network(home: Home, ports: Ports, virtual_network: str | None = None) -> dict[str, str]:
    """The environment under which Azure's host names lead to this laptop, and nothing leads out of it.

    With the name of a `virtual_network`, requests come from inside that network. The password means nothing; some
    clients send no user name without one.
    """
    user = f"{virtual_network}:inside@" if virtual_network else ""
    proxy = f"http://{user}127.0.0.1:{ports.proxy}"
    bundle = str(home.ca_bundle)
    return {
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), bundle),
    }


def identity(ports: Ports, secret: str) -> dict[str, str]:
    """The environment in which Azure's SDKs find the laptop's identities."""
    return {
        "IDENTITY_ENDPOINT": f"http://127.0.0.1:{ports.identity}/msi/token",
        "IDENTITY_HEADER": secret,
    }
