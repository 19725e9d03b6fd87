"""The emulator's command: python -m emulator start | stop | down | status | run | pulumi | exec."""

import argparse
import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from emulator import pulumi_cli
from emulator.core.state_directory import StateDirectory, identity_environment, network_environment
from emulator.core.users import DEPLOYER, USERS
from emulator.gateway.browser_addresses import map_for_browser

_ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 180
_STOP_SECONDS = 90
_MAXIMUM_PARTITIONS = 100


class CommandError(Exception):
    """The command failed; the message has the reason."""


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description="Azure on this machine.")
    parser.add_argument("command", choices=("start", "stop", "status", "down", "run", "pulumi", "exec"))
    parser.add_argument("words", nargs="*", help="after `--`; pulumi: a stack and a Pulumi command; exec: a command")
    parser.add_argument("--state-directory", type=Path, default=_ROOT / ".local", help="where its data is")
    parser.add_argument("--tools", type=Path, default=_ROOT / ".tools", help="where `make setup` has put the tools")
    parser.add_argument("--virtual-network", metavar="NAME", help="exec: the network that the command runs in")
    parser.add_argument(
        "--user",
        choices=[user.name for user in USERS],
        default=DEPLOYER.name,
        help="exec: whom the command is signed in as (default: %(default)s)",
    )
    parser.add_argument(
        "--cosmos-partitions",
        type=_partitions,
        metavar="N",
        help="start: physical partitions of each Cosmos DB container, from then on (3 at first)",
    )
    parser.add_argument(
        "--for-browser", action="store_true", help="exec: print addresses that a browser on this machine can open"
    )
    parser.add_argument("--json", action="store_true", help="status as JSON")
    # Options may stand on either side of the command.
    arguments = parser.parse_intermixed_args()
    state_directory = StateDirectory(arguments.state_directory)
    tools = arguments.tools.resolve()
    try:
        match arguments.command:
            case "start":
                _start(state_directory, tools, arguments.cosmos_partitions)
            case "stop":
                _stop(state_directory)
            case "down":
                _down(state_directory, tools)
            case "run":
                _run(state_directory, tools, arguments.cosmos_partitions)
            case "pulumi":
                preview_only = arguments.words[1:2] == ["preview"]
                variables = environment(state_directory, preview_only=preview_only)
                return pulumi_cli.run(state_directory, _ROOT, variables, *arguments.words)
            case "exec":
                variables = environment(state_directory, virtual_network=arguments.virtual_network, user=arguments.user)
                return _execute(state_directory, arguments.words, variables, for_browser=arguments.for_browser)
            case _:
                return _print_status(state_directory, as_json=arguments.json)
    except (CommandError, pulumi_cli.PulumiError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def environment(
    state_directory: StateDirectory,
    *,
    preview_only: bool = False,
    virtual_network: str | None = None,
    user: str = DEPLOYER.name,
) -> dict[str, str]:
    """Environment variables with which a process uses the emulator in place of Azure.

    Args:
        state_directory: The state directory of the emulator.
        preview_only: Use the preview provider, which accepts what the emulator does not support, and deploys nothing.
        virtual_network: Name of the virtual network that the process's requests come from.
        user: Name of the user whom the process gets tokens of.

    Raises:
        CommandError: No daemon runs.
    """
    daemon_info = state_directory.read_daemon_info()
    if daemon_info is None:
        raise CommandError(f"no emulator is running on {state_directory.root}; `make up` starts it")
    ports = daemon_info.ports
    provider_port = ports.preview_provider if preview_only else ports.provider
    directory_port = ports.preview_directory_provider if preview_only else ports.directory_provider
    return {
        **network_environment(state_directory, ports, virtual_network),
        **identity_environment(ports, daemon_info.user_secrets[user]),
        "PULUMI_DEBUG_PROVIDERS": f"azure-native:{provider_port},azuread:{directory_port}",
        **pulumi_cli.environment(state_directory),
    }


def _start(state_directory: StateDirectory, tools: Path, cosmos_partitions: int | None) -> None:
    daemon_info = state_directory.read_daemon_info()
    if daemon_info is None:
        state_directory.create()
        log = state_directory.logs / "daemon.log"
        command = [sys.executable, "-m", "emulator", "run"]
        command += ["--state-directory", str(state_directory.root), "--tools", str(tools)]
        if cosmos_partitions is not None:
            command += ["--cosmos-partitions", str(cosmos_partitions)]
        with log.open("ab") as sink:
            process = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while (daemon_info := state_directory.read_daemon_info()) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                raise CommandError(f"the emulator did not start; the end of {log}:\n{tail}")
            time.sleep(0.1)
    print(f"emulator running (process {daemon_info.pid}, data in {state_directory.root})")


def _stop(state_directory: StateDirectory) -> None:
    daemon_info = state_directory.read_daemon_info()
    if daemon_info is None:
        print("emulator not running")
        return
    os.kill(daemon_info.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while state_directory.is_locked():
        if time.monotonic() > deadline:
            raise CommandError(f"process {daemon_info.pid} does not stop; see {state_directory.logs}")
        time.sleep(0.1)
    print("emulator stopped")


def _down(state_directory: StateDirectory, tools: Path) -> None:
    """Destroys the stack `local` through Pulumi, for which the emulator must run, and stops the emulator."""
    if pulumi_cli.has_stack(state_directory, "local"):
        _start(state_directory, tools, None)
        variables = environment(state_directory)
        code = pulumi_cli.run(state_directory, _ROOT, variables, "local", "destroy", "--yes", "--skip-preview")
        if code:
            raise CommandError(f"pulumi destroy ended with {code}; the emulator keeps running, so it can be repeated")
    _stop(state_directory)


def _run(state_directory: StateDirectory, tools: Path, cosmos_partitions: int | None) -> None:
    # Imported here because it takes most of a second, and no other command needs the services.
    from emulator import daemon  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Written by scripts/setup.py: what it has installed, or found on this machine.
    installed = json.loads((tools / "local.json").read_text())
    programs = daemon.Programs(
        node=str(tools / installed["node"]),
        models=tools / installed["models"],
        worker_library=tools / installed["worker"],
    )
    try:
        asyncio.run(daemon.run(state_directory, programs, cosmos_partitions=cosmos_partitions))
    except daemon.DaemonError as error:
        raise CommandError(str(error)) from error


def _execute(
    state_directory: StateDirectory, command: list[str], variables: Mapping[str, str], *, for_browser: bool
) -> int:
    """Run a command with more environment variables; return its exit code."""
    output = subprocess.PIPE if for_browser else None
    process = subprocess.run(command, env=os.environ | variables, stdout=output, text=True, check=False)
    daemon_info = state_directory.read_daemon_info()
    if for_browser and daemon_info is not None:
        print(map_for_browser(process.stdout, daemon_info.ports.browser_addresses), end="")
    return process.returncode


def _partitions(text: str) -> int:
    """The value of `--cosmos-partitions`."""
    if not text.isdecimal() or not 1 <= int(text) <= _MAXIMUM_PARTITIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAXIMUM_PARTITIONS}")
    return int(text)


def _print_status(state_directory: StateDirectory, *, as_json: bool) -> int:
    daemon_info = state_directory.read_daemon_info()
    if as_json:
        pid = daemon_info.pid if daemon_info else None
        print(json.dumps({"running": daemon_info is not None, "pid": pid}))
    elif daemon_info is not None:
        print(f"running (process {daemon_info.pid})")
    else:
        print("not running")
    return 0 if daemon_info else 3


if __name__ == "__main__":
    sys.exit(main())
