"""The time that a process group uses, read from Linux's process information as a busy machine writes it."""

import os
from pathlib import Path

import pytest

from checks.mutants import process_clock
from checks.mutants.process_clock import ProcessClock

TICKS = os.sysconf("SC_CLK_TCK")


class Machine:
    """A clock, and the process information of processes."""

    def __init__(self, proc: Path) -> None:
        self.proc = proc
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def write(self, pid: int, states: str, *, group: int = 40, user: int = 0, children: int = 0) -> None:
        """Write a process with a thread for each state, and processor times in seconds."""
        for number, state in enumerate(states):
            times = f"{user * TICKS} 0 {children * TICKS} 0"
            text = f"{pid} (a (name) of it) {state} 1 {group} {group} 0 -1 0 0 0 0 0 {times} 20 0 1 0\n"
            for folder in (self.proc / f"{pid}", self.proc / f"{pid}/task/{pid + number}"):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "stat").write_text(text)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(process_clock, "time", machine)
    (tmp_path / "meminfo").touch()
    return machine


def test_a_process_that_waits_for_a_processor_uses_the_processor_time_alone(machine: Machine) -> None:
    machine.write(40, "R")
    clock = ProcessClock(40, proc=machine.proc)
    machine.now += 600
    machine.write(40, "R", user=3)
    assert clock.read() == 3
    machine.now += 600
    machine.write(40, "R", user=5)
    assert clock.read() == 5


def test_a_process_of_which_no_thread_can_run_uses_all_the_time(machine: Machine) -> None:
    machine.write(40, "SS")
    clock = ProcessClock(40, proc=machine.proc)
    machine.now += 600
    assert clock.read() == 600


@pytest.mark.parametrize("states", ["SR", "RS", "DS"])
def test_one_thread_that_can_run_is_enough(machine: Machine, states: str) -> None:
    machine.write(40, states)
    clock = ProcessClock(40, proc=machine.proc)
    machine.now += 600
    machine.write(40, states, user=2)
    assert clock.read() == 2


def test_a_process_that_waits_for_one_that_it_started_uses_the_time_of_that(machine: Machine) -> None:
    machine.write(40, "S", user=1)
    machine.write(41, "R", user=7)
    machine.write(42, "R", user=50, group=42)
    clock = ProcessClock(40, proc=machine.proc)
    machine.now += 600
    assert clock.read() == 8


def test_the_time_of_an_ended_process_that_was_waited_for_is_not_counted_twice(machine: Machine) -> None:
    machine.write(40, "R", user=1)
    machine.write(41, "R", user=7)
    clock = ProcessClock(40, proc=machine.proc)
    assert clock.read() == 8
    for path in (machine.proc / "41/task/41/stat", machine.proc / "41/stat"):
        path.unlink()
    machine.write(40, "R", user=2, children=7)
    assert clock.read() == 9


def test_a_process_that_is_gone_uses_the_time_of_waiting(machine: Machine) -> None:
    clock = ProcessClock(40, proc=machine.proc)
    machine.now += 4
    assert clock.read() == 4


def test_the_clock_of_this_process_does_not_go_back() -> None:
    clock = ProcessClock(os.getpgrp())
    first = clock.read()
    assert 0 < first <= clock.read()
