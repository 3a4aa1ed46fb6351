"""Writes dist/rongtong-VERSION-bundle.tar.gz: the source and the wheels of the runtime for this platform and Python.

Unpacked on a machine of the same platform and Python version, `make demo` works there without a network.
"""

from __future__ import annotations

import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What the source is not, where there is no git to tell.
NOT_SOURCE = {".git", ".venv", "var", "build", "dist", "wheels", "__pycache__", ".hypothesis"}


def main() -> int:
    """Make the bundle; returns the exit code."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    name = f"rongtong-{version}"
    target = ROOT / "dist" / f"{name}-bundle.tar.gz"
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        copy_source(folder)
        wheels = download(folder / "wheels")
        temporary = target.with_suffix(".new")
        with tarfile.open(temporary, "w:gz", compresslevel=6) as archive:
            archive.add(folder, arcname=name, filter=without_owner)
        temporary.replace(target)
    size = target.stat().st_size / 1e6
    print(f"{target.relative_to(ROOT)}: {size:.1f} MB, {wheels} wheels for {platform_name()}")
    print(f"  tar xzf {target.name} && cd {name} && make demo")
    return 0


def copy_source(folder: Path) -> None:
    """The last commit where git tells it, else every file that is not made by a command."""
    folder.mkdir()
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "--verify", "HEAD"], capture_output=True, check=False)
    if (ROOT / ".git").exists() and head.returncode == 0:
        packed = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], stdout=subprocess.PIPE, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder)
        changed = subprocess.run(
            ["git", "-C", ROOT, "status", "--porcelain"], stdout=subprocess.PIPE, check=True
        ).stdout
        if changed:
            print("注意：未提交的改动不在包里。 / Uncommitted changes are not in the bundle.")
        return
    shutil.copytree(ROOT, folder, dirs_exist_ok=True, symlinks=True, ignore=ignored)


def ignored(_folder: str, names: list[str]) -> set[str]:
    """The names in a folder that are no source."""
    return {n for n in names if n in NOT_SOURCE or n.endswith((".egg-info", "_cache", ".tar.gz"))}


def download(wheels: Path) -> int:
    """The wheels of the runtime lock, checked by hash; returns how many."""
    wheels.mkdir()
    command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-input"]
    # Only wheels: building one from source would need a compiler where there may be none.
    chosen = ["--only-binary", ":all:", "--require-hashes", "-r", "requirements/runtime.txt", "-d", str(wheels)]
    subprocess.run([*command, *chosen], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    (wheels / "python-version").write_text(f"{sys.version_info.major}.{sys.version_info.minor}\n", encoding="utf-8")
    return len(list(wheels.glob("*.whl")))


def platform_name() -> str:
    """This platform for people, as `Linux x86_64, Python 3.11`."""
    return f"{platform.system()} {platform.machine()}, Python {sys.version_info.major}.{sys.version_info.minor}"


def without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Who packed it is nobody's business, and may not exist where it is unpacked."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
