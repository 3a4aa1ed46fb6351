"""Writers that are killed with no warning at any moment, for the tests of what is left of their work.

Two processes write at once and are killed (SIGKILL) again and again until so many writes have been acknowledged: for each, one
line on their standard output, given once the write is done.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

# Acknowledgements altogether, and how many are waited for before each kill: at least ACKNOWLEDGED / LONGEST kills.
ACKNOWLEDGED, SHORTEST, LONGEST = 1000, 40, 120


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "RONGTONG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "rongtong.settings"}


def run(home: Path, text: str, *arguments: str) -> str:
    """What Python prints that runs the text on the instance in `home`."""
    done = subprocess.run(
        [sys.executable, "-c", text, *arguments], env=environment(home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_and_kill(home: Path, writer: str, seed: int) -> list[str]:
    """Run the text of a writer, which gets a name of its own as argument, until enough is acknowledged; all lines given."""
    dice, acknowledged, kills = random.Random(seed), [], 0
    while len(acknowledged) < ACKNOWLEDGED:
        acknowledged += _until_killed(home, writer, kills, dice)
        kills += 1
    assert kills >= 8
    return acknowledged


def _until_killed(home: Path, text: str, number: int, dice: random.Random) -> list[str]:
    """Two writers, killed soon after a few acknowledgements; returns all that were given."""
    wanted = dice.randint(SHORTEST, LONGEST)
    reader, writer = os.pipe()
    started = [
        subprocess.Popen([sys.executable, "-c", text, f"w{number}{name}"], env=environment(home), stdout=writer)
        for name in "ab"
    ]
    os.close(writer)
    said = b""
    try:
        while said.count(b"\n") < wanted:
            content = os.read(reader, 65536)
            assert content, "the writers ended by themselves"
            said += content
        # Anywhere in a write, not only right after one.
        time.sleep(dice.uniform(0, 0.05))
    finally:
        for process in started:
            process.send_signal(signal.SIGKILL)
            process.wait()
    while content := os.read(reader, 65536):
        said += content
    os.close(reader)
    assert said.endswith(b"\n")
    return said.decode().splitlines()


@contextmanager
def own_database(postgres_url: str) -> Iterator[str]:
    """The URL of a new PostgreSQL database on the server of this one; dropped afterwards."""
    name = f"killed_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    try:
        yield postgres_url.rpartition("/")[0] + f"/{name}"
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]
