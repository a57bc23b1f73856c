"""What a benchmark measures, beside its aim, and how a whole process is measured."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Figure:
    what: str
    measured: float
    aim: float
    unit: str

    @property
    def met(self) -> bool:
        return self.measured <= self.aim


def process(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a process and return its wall time in seconds and its peak memory in megabytes."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], env=environment, cwd=BASE, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with status {child.returncode}.")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def show(figures: Iterable[Figure]) -> None:
    """Print figures, one a line, with the verdict on each."""
    for figure in figures:
        verdict = "met" if figure.met else "MISSED"
        print(f"{figure.what:72} {figure.measured:10.4g} {figure.unit:6} aim {figure.aim:g} {verdict}", flush=True)
