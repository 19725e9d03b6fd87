"""The laptop cloud's command: python -m emulator start | stop | down | status | run | pulumi | exec."""

import argparse
import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from emulator import daemon
from emulator import pulumi_cli as engine
from emulator.core.state_directory import Home, identity, network

_ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS, _STOP_SECONDS = 180, 90


class CommandError(Exception):
    """The command did not do what it should; the text says why."""


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description="Azure on this laptop.")
    parser.add_argument("command", choices=("start", "stop", "status", "down", "run", "pulumi", "exec"))
    parser.add_argument("words", nargs="*", help="behind `--`; pulumi: a stack and a Pulumi command; exec: a command")
    parser.add_argument("--home", type=Path, default=_ROOT / ".local", help="where its data lives")
    parser.add_argument("--tools", type=Path, default=_ROOT / ".tools", help="where `make` has put the tools")
    parser.add_argument("--virtual-network", metavar="NAME", help="exec: where the command runs, such as a VM would")
    parser.add_argument("--json", action="store_true", help="status as JSON")
    # Options may stand on either side of the command.
    arguments = parser.parse_intermixed_args()
    home = Home(arguments.home)
    try:
        match arguments.command:
            case "start":
                _start(home, arguments.tools.resolve())
            case "stop":
                _stop(home)
            case "down":
                return _down(home, arguments.tools.resolve())
            case "run":
                _run(home, arguments.tools.resolve())
            case "pulumi":
                planning = arguments.words[1:2] == ["preview"]
                return engine.run(home, _ROOT, environment(home, planning=planning), *arguments.words)
            case "exec":
                variables = environment(home, virtual_network=arguments.virtual_network)
                return subprocess.run(arguments.words, env=os.environ | variables, check=False).returncode
            case _:
                return _status(home, as_json=arguments.json)
    except (CommandError, daemon.DaemonError, engine.EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def environment(home: Home, *, planning: bool = False, virtual_network: str | None = None) -> dict[str, str]:
    """What a process needs to take this laptop for Azure. Raises CommandError when no daemon runs.

    Only what is `planning` may ask for things that the laptop does not have.
    """
    running = home.running()
    if running is None:
        raise CommandError(f"no laptop cloud is running on {home.root}; `make up` starts it")
    return {
        **network(home, running.ports, virtual_network),
        **identity(running.ports, running.user_secret),
        "PULUMI_DEBUG_PROVIDERS": f"azure-native:{running.ports.planner if planning else running.ports.provider}",
        **engine.environment(home),
    }


def _start(home: Home, tools: Path) -> None:
    running = home.running()
    if running is None:
        home.make()
        log = home.logs / "daemon.log"
        command = [sys.executable, "-m", "emulator", "run", "--home", str(home.root), "--tools", str(tools)]
        with log.open("ab") as sink:
            process = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while (running := home.running()) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                raise CommandError(f"the laptop cloud did not start; the end of {log}:\n{tail}")
            time.sleep(0.1)
    print(f"laptop cloud running (process {running.pid}, data in {home.root})")


def _stop(home: Home) -> None:
    running = home.running()
    if running is None:
        print("laptop cloud not running")
        return
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while home.locked():
        if time.monotonic() > deadline:
            raise CommandError(f"process {running.pid} does not stop; see {home.logs}")
        time.sleep(0.1)
    print("laptop cloud stopped")


def _down(home: Home, tools: Path) -> int:
    """Destroys the stack through Pulumi, which needs the laptop cloud running, and then stops that."""
    if engine.has_stack(home, "local"):
        _start(home, tools)
        code = engine.run(home, _ROOT, environment(home), "local", "destroy", "--yes", "--skip-preview")
        if code:
            raise CommandError(
                f"pulumi destroy ended with {code}; the laptop cloud keeps running, so it can be tried again"
            )
    _stop(home)
    return 0


def _run(home: Home, tools: Path) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Written by tools/setup.py, which has chosen or installed each of them.
    chosen = json.loads((tools / "local.json").read_text())
    asyncio.run(
        daemon.run(
            home,
            node=str(tools / chosen["node"]),
            models=tools / chosen["models"],
            worker_library=tools / chosen["worker"],
        )
    )


def _status(home: Home, *, as_json: bool) -> int:
    running = home.running()
    if as_json:
        print(json.dumps({"running": running is not None, "pid": running.pid if running else None}))
    else:
        print(f"running (process {running.pid})" if running else "not running")
    return 0 if running else 3


if __name__ == "__main__":
    sys.exit(main())
