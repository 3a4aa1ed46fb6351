"""Makes `.venv` with what the lock files say, and does nothing when it is there already.

    python3 tools/bootstrap.py [dev] [bench]

Needs only a Python with pip and venv; any Python 3.6 or newer can run this file, which looks for one that is new
enough (3.11). `PYTHON=/path/to/python` names one. With a folder `wheels/` beside it (the bundle) no network is used.

Each step leaves its mark in `.venv/steps/` when it has ended well and only then, so an interrupted step is done again.
A changed runtime lock or interpreter, or a moved folder, makes the environment anew.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MARKS = VENV / "steps"
WHEELS = ROOT / "wheels"
NAMES = ("python3.13", "python3.12", "python3.11", "python3", "python")
PROBE = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3]))); print(sys.executable)"

NO_PYTHON = """没有找到可用的 Python(需要 {needed},含 venv 与 pip)。 / No usable Python ({needed}, with venv and pip).
{tried}
怎么办 / What to do:
  Debian, Ubuntu, 统信, 麒麟:  apt install python3 python3-venv
  RHEL, 欧拉 openEuler, 龙蜥:  dnf install python3.11 python3.11-pip
  已装在别处 / elsewhere:      make {target} PYTHON=/path/to/python3.11
"""
PIP_FAILED = """安装依赖失败。 / Installing the dependencies failed.
怎么办 / What to do: 检查网络;内网请先设置镜像(pip config set global.index-url …),或使用离线包(make bundle)。
  Check the network; behind a closed network name a mirror (pip config set global.index-url …) or use the bundle.
"""


class SetUpError(Exception):
    """Set-up cannot go on; the message says what to do."""


def main(groups):
    """Bring `.venv` up to date for the runtime and the named groups (dev, bench)."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with open(str(build / "bootstrap.lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("另一个安装正在进行，等待它结束… / waiting for another set-up to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for group in ("runtime", *groups):
            if not (ROOT / "requirements" / (group + ".txt")).is_file():
                raise SetUpError(
                    f"requirements/{group}.txt: 没有这个文件，请运行 make lock。 / missing: run make lock."
                )
        set_up(groups)


def set_up(groups):
    """The steps: the environment, the runtime, each group, the project itself."""
    locks = [ROOT / "requirements" / (group + ".txt") for group in ("runtime", *groups)]
    base = digest(locks[0], str(VENV))
    if not marked("environment", base) or not interpreter_fits():
        version, executable = find_python()
        say(f"建立 .venv(Python {version}) / making .venv")
        shutil.rmtree(str(VENV), ignore_errors=True)
        run([executable, "-m", "venv", str(VENV)], NO_PYTHON.format(needed=needed(), tried="", target="demo"))
        mark("environment", base)
    for lock in locks:
        if not marked(lock.stem, digest(lock)):
            say(f"安装 {lock.relative_to(ROOT)}（按哈希核对） / installing, checked by hash")
            unmark(lock.stem)
            pip("--require-hashes", "-r", str(lock.relative_to(ROOT)))
            mark(lock.stem, digest(lock))
    project = digest(ROOT / "pyproject.toml", str(ROOT))
    if not marked("project", project):
        say("安装融通 / installing Rongtong")
        unmark("project")
        pip("--no-deps", "--no-build-isolation", "-e", ".")
        mark("project", project)


def find_python():
    """Version and path of the interpreter to use: PYTHON when given, else the first that runs and is new enough.

    Each is run and not only looked up: a shim of a version manager may be there and refuse.
    """
    given = os.environ.get("PYTHON")
    tried = []
    for name in [given] if given else NAMES:
        found = probe(name)
        if found is None:
            tried.append(f"  {name}: 不可用 / does not run, or lacks venv or pip")
        elif fits(found[0]):
            return found
        else:
            tried.append(f"  {name}: {found[0]}")
    raise SetUpError(NO_PYTHON.format(needed=needed(), tried="\n".join(tried), target="demo"))


def probe(name):
    """Version and real path of an interpreter, or None when it does not run or lacks what is needed."""
    try:
        done = subprocess.run(
            [name, "-c", PROBE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.decode("utf-8", "replace").split("\n")
    return (lines[0], lines[1]) if done.returncode == 0 and len(lines) > 1 else None


def interpreter_fits():
    """Whether the environment's interpreter runs and is the one asked for."""
    own = probe(str(VENV / "bin" / "python"))
    if own is None or not fits(own[0]):
        return False
    given = os.environ.get("PYTHON")
    asked = probe(given) if given else own
    return asked is not None and asked[0] == own[0]


def fits(version):
    """Whether a version is new enough; a bundle fits only the version that its wheels are for."""
    parts = tuple(int(part) for part in version.split("."))
    only = bundle_version()
    return parts >= (3, 11) and (only is None or parts[:2] == only)


def bundle_version():
    """The version (3, 11) that the wheels of the bundle are for, or None without a bundle."""
    path = WHEELS / "python-version"
    return tuple(int(part) for part in path.read_text().split(".")) if path.is_file() else None


def needed():
    """The version needed, for people."""
    only = bundle_version()
    return "{}.{}".format(*only) if only else "≥ 3.11"


def pip(*arguments):
    """Run the environment's pip quietly: from the bundle's wheels and nowhere else where they are."""
    source = ["--no-index", "--find-links", "wheels"] if WHEELS.is_dir() else []
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    run([*command, "--disable-pip-version-check", *source, *arguments], PIP_FAILED)


def run(command, advice):
    """Run a command; when it fails raise SetUpError with the end of its output and the advice."""
    # Standard input is closed: a question of pip or of a proxy must fail and not hang.
    done = subprocess.run(
        command, cwd=str(ROOT), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise SetUpError(done.stdout.decode("utf-8", "replace")[-4000:] + "\n" + advice)


def digest(path, more=""):
    """What a step depends on, as one value."""
    return hashlib.sha256(path.read_bytes() + more.encode()).hexdigest()


def marked(step, value):
    """Whether the step has been done for this very value."""
    path = MARKS / step
    return path.is_file() and path.read_text() == value


def mark(step, value):
    """Remember that the step has been done."""
    MARKS.mkdir(exist_ok=True)
    (MARKS / step).write_text(value)


def unmark(step):
    """Forget a step before it is done again, since it may end half-way."""
    path = MARKS / step
    if path.exists():
        path.unlink()


STARTED = time.time()


def say(text):
    """One line of progress with the seconds since the start."""
    print(f"[{time.time() - STARTED:3.0f} s] {text}", flush=True)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        main(sys.argv[1:])
    except SetUpError as failure:
        sys.exit(f"\n{failure}")
    except KeyboardInterrupt:
        sys.exit(130)
