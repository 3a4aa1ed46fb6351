"""CPU seconds that importing the engine costs: `python bench/import_time.py [REPEATS]`.

The package and every module of the engine in one fresh interpreter, less what an empty interpreter costs; the median of
at least five repeats, and the limit. The schema of packs (pydantic) is left out and shown apart: the first pack that is
read loads it. Exit code 1 over the limit. CPU time and not elapsed time, so that neighbours matter little.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

LIMIT = 0.3
SCHEMA = tuple(f"rongtong.engine.pack.{name}" for name in ("model", "plan", "clock", "process"))
SOURCE = Path(__file__).parent.parent / "src"


def cpu_seconds(program: str) -> float:
    """User and system seconds of a fresh interpreter that runs a program."""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=SOURCE)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the import failed: {program}")
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Print each repeat and the median; returns the exit code."""
    repeats = max(5, int(sys.argv[1]) if len(sys.argv) > 1 else 7)
    paths = sorted((SOURCE / "rongtong" / "engine").rglob("*.py"))
    names = [".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    names = [name for name in names if name not in SCHEMA]
    program = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    cpu_seconds(program)  # writes the byte code
    empty = statistics.median(cpu_seconds("pass") for _ in range(repeats))
    taken = sorted(cpu_seconds(program) - empty for _ in range(repeats))
    median = statistics.median(taken)
    print(f"Python {sys.version.split()[0]}, {len(names)} modules of the engine, {repeats} repeats")
    print(f"CPU seconds, less {empty:.3f} of an empty interpreter: " + " ".join(f"{value:.3f}" for value in taken))
    schema = statistics.median(cpu_seconds(f"import {', '.join(SCHEMA)}") for _ in range(repeats)) - empty
    print(f"with the schema of packs alone: {schema:.3f} s")
    print(f"median {median:.3f} s, limit {LIMIT} s: {'within' if median <= LIMIT else 'OVER'}")
    return 0 if median <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
