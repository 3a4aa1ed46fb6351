"""A PostgreSQL cluster that lives as long as the tests that need it.

    python tools/throwaway_postgres.py COMMAND...   runs COMMAND with RONGTONG_TEST_POSTGRES set to the cluster's URL

The server refuses to run as root, so root starts it as the user `postgres` that the distribution's package makes.
Standard library only.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "RONGTONG_TEST_POSTGRES"
ABSENT = "no PostgreSQL server programs (initdb, pg_ctl) on PATH or under /usr/lib/postgresql"


def server_programs() -> Path | None:
    """The folder of the newest `initdb` and `pg_ctl`, or None."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders = sorted(versions, key=lambda f: int(f.parent.name) if f.parent.name.isdecimal() else 0, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


@contextmanager
def cluster(*options: str) -> Iterator[str]:
    """A new cluster on a free port of 127.0.0.1; yields the URL of its database `postgres` and removes all at the end.

    `options` are more settings of the server, such as "autovacuum=off".

    Raises RuntimeError, with what the programs printed, when there are none or they fail.
    """
    programs = server_programs()
    if programs is None:
        raise RuntimeError(ABSENT)
    folder = Path(tempfile.mkdtemp(prefix="rongtong-postgres-"))
    password = secrets.token_hex(16)
    try:
        (folder / "password").write_text(password, encoding="utf-8")
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        data, port = folder / "data", _free_port()
        settings = ("listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "shared_buffers=64MB", *options)
        started = f"-p {port} -k '' " + " ".join(f"-c {s}" for s in settings)
        _run(
            [programs / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"],
            [f"--pwfile={folder / 'password'}", "--no-sync"],
        )
        _run([programs / "pg_ctl", "-D", data, "-w", "-s", "-l", folder / "log", "-o", started, "start"])
        try:
            yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        finally:
            _run([programs / "pg_ctl", "-D", data, "-w", "-s", "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str | Path], more: Sequence[str] = ()) -> None:
    whole = [str(part) for part in (*command, *more)]
    if os.geteuid() == 0:
        whole = ["runuser", "-u", "postgres", "--", *whole]
    # To a file and not a pipe: the server inherits it and would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(whole, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
        output.seek(0)
        if done.returncode:
            raise RuntimeError(f"{Path(whole[-1]).name}: {' '.join(whole)}\n{output.read().decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(command: Sequence[str]) -> int:
    """Run the command with a cluster, or with the one that the environment names; returns its exit code.

    Without server programs the command is not run: that is said, and is a failure only under RONGTONG_NO_SKIPS.
    """
    if not command:
        print(__doc__)
        return 2
    if os.environ.get(VARIABLE):
        return subprocess.run(command, check=False).returncode
    if server_programs() is None:
        print(f"NOT RUN on PostgreSQL: {ABSENT}.", flush=True)
        return 1 if os.environ.get("RONGTONG_NO_SKIPS") == "1" else 0
    # So that ending this process ends the server too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Tests write in transactions that never end; autovacuum would find their tables empty, and plans would follow that.
    with cluster("autovacuum=off") as url:
        return subprocess.run(command, env={**os.environ, VARIABLE: url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
