"""What setting up costs: `python bench/install_size.py [--cold]`.

Installs requirements/runtime.txt and the project into a fresh environment as `make demo` does, and prints the seconds
and the megabytes in all and by package. `--cold` lets pip use no cache. Exit code 1 over 500 MB or 180 s.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT_MB, LIMIT_SECONDS = 500, 180
# What a set-up needs of the checkout.
NEEDED = ("Makefile", "README.md", "pyproject.toml", "requirements", "src", "tools")


def megabytes(folder: Path) -> float:
    """The size of a file, or of the files in a folder (1 MB = 10^6 bytes)."""
    if folder.is_file():
        return folder.stat().st_size / 1e6
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6


def main() -> int:
    """Set up a copy of the checkout and print the figures; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="rongtong-size-") as scratch:
        for name in NEEDED:
            source, target = ROOT / name, Path(scratch) / name
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        environment = {**os.environ, **({"PIP_NO_CACHE_DIR": "1"} if "--cold" in sys.argv else {})}
        started = time.monotonic()
        subprocess.run([sys.executable, "tools/bootstrap.py"], cwd=scratch, env=environment, check=True)
        seconds = time.monotonic() - started
        started = time.monotonic()
        subprocess.run([sys.executable, "tools/bootstrap.py"], cwd=scratch, env=environment, check=True)
        again = time.monotonic() - started
        venv = Path(scratch) / ".venv"
        total = megabytes(venv)
        (packages,) = venv.glob("lib/python3*/site-packages")
        by_package = sorted(((megabytes(p), p.name) for p in packages.iterdir()), reverse=True)
    for size, name in by_package[:12]:
        print(f"{size:8.1f} MB  {name}")
    print(f"{total:8.1f} MB  in all, limit {LIMIT_MB}")
    cache = "without pip's cache" if "--cold" in sys.argv else "with pip's cache as it is"
    print(f"{seconds:8.1f} s   to set up, {cache}, limit {LIMIT_SECONDS}")
    print(f"{again:8.1f} s   to find that nothing is to be done")
    return 0 if total <= LIMIT_MB and seconds <= LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
