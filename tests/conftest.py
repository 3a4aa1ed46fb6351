"""What all tests share: an instance of their own, made before Django reads its settings.

    --no-skips        a skipped test is a failure (also RONGTONG_NO_SKIPS=1)
    --only-database   only tests that use the database
    --screenshots=DIR every page the browser opens is kept there as a picture
    RONGTONG_TEST_POSTGRES=postgresql://…   the tests' database is made there, not in SQLite

Every process (each worker of xdist too) has a home of its own, so a person's `var/` is neither read nor written.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Generator, Iterator
from datetime import date
from pathlib import Path

import django
import pytest
from django.conf import settings

from packs import PACKS
from rongtong.instance import write_instance

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
from throwaway_postgres import ABSENT, VARIABLE, cluster, server_programs

TODAY = date(2025, 7, 15)
Command = Callable[..., subprocess.CompletedProcess[str]]
Script = Callable[[Path, str], str]
WORKER = os.environ.get("PYTEST_XDIST_WORKER")
# The homes of the workers lie in the folder of the process that started them, which outlives them and removes it.
FOLDER = Path(os.environ["RONGTONG_TEST_FOLDER"] if WORKER else tempfile.mkdtemp(prefix="rongtong-test-"))
os.environ["RONGTONG_TEST_FOLDER"] = str(FOLDER)
HOME = FOLDER / (WORKER or "main")
write_instance(HOME, "demo", [], today=TODAY, database=os.environ.get(VARIABLE, ""))
os.environ["RONGTONG_HOME"] = str(HOME)
# Django is set up here, once the home is named and before any other conftest imports a model; that is why pyproject.toml
# does not name the settings. The name is not left in the environment: a worker of xdist would read the settings with
# this process's home.
os.environ["DJANGO_SETTINGS_MODULE"] = "rongtong.settings"
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]
# Passwords are hashed quickly: what is slow on purpose is Django's, not ours.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of this suite."""
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")
    parser.addoption("--only-database", action="store_true", help="only tests that use the database")
    parser.addoption("--screenshots", metavar="DIR", help="every page the browser opens is kept there as a picture")


def pytest_configure(config: pytest.Config) -> None:
    """The environment may ask for --no-skips, as CI does."""
    if os.environ.get("RONGTONG_NO_SKIPS") == "1":
        config.option.no_skips = True


def pytest_unconfigure(config: pytest.Config) -> None:
    """The homes go with the process that made the folder."""
    if not WORKER:
        shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The tests of the demonstration's store come last. Only those that use the database, and are not about the embedded
    one, are kept where that was asked."""
    items.sort(key=lambda item: "demo_store" in getattr(item, "fixturenames", ()))
    if config.option.only_database:
        chosen = [item for item in items if _uses_database(item) and not item.get_closest_marker("sqlite")]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under --no-skips a skipped test has failed."""
    report = yield
    if item.config.option.no_skips and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped, and --no-skips is set: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Under --no-skips a module that skips itself has failed."""
    report = yield
    if collector.config.option.no_skips and report.skipped:
        report.outcome, report.longrepr = "failed", f"skipped, and --no-skips is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def command() -> Command:
    """`command(home, "doctor", code=1)` runs `rongtong` as a person would, on the instance in `home`.

    It must end with `code` (0 unless given).
    """

    def run(home: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return _run(home, ["-m", "rongtong", *arguments], code)

    return run


@pytest.fixture(scope="session")
def script() -> Script:
    """`script(home, text)` runs Python with Django set up on the instance in `home` and returns what it printed."""

    def run(home: Path, text: str) -> str:
        return _run(home, ["-c", "import django; django.setup()\n" + textwrap.dedent(text)], 0).stdout

    return run


@pytest.fixture(scope="session")
def new_home(command: Command, script: Script, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo instance as `rongtong init` makes it, with a short log and a file. Copy it, never change it."""
    home = tmp_path_factory.mktemp("new") / "var"
    command(home, "init", "--mode", "demo", "--today", TODAY.isoformat())
    script(
        home,
        """
        from rongtong.apps.records.actions import act
        from rongtong.apps.registry.actions import system_account
        for n in range(20):
            with act("observations.import", actor=system_account(), subject=f"t:{n}") as this:
                this.payload["数"] = n
        """,
    )
    (home / "files").mkdir()
    (home / "files" / "附件.txt").write_text("附件的内容", encoding="utf-8")
    return home


@pytest.fixture(scope="session")
def demo_home(command: Command) -> Path:
    """The folder of an instance as `make demo` makes it, made once for all workers. Copy it, never change it."""
    home, done = FOLDER / "demo" / "var", FOLDER / "demo-made"
    with (FOLDER / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(home, ignore_errors=True)
            command(home, "demo", *(f"--pack={PACKS / name}" for name in ("china", "zhejiang")), "--no-serve")
            done.touch()
    return home


@pytest.fixture
def home(new_home: Path, tmp_path: Path) -> Path:
    """A demo instance of this test's own."""
    return Path(shutil.copytree(new_home, tmp_path / "var"))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL database whose owner the test is; skips where no server can be started."""
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    if server_programs() is None:
        pytest.skip(ABSENT)
    with cluster() as url:
        yield url


def _run(home: Path, arguments: list[str], code: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "RONGTONG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "rongtong.settings"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(fixtures & {"db", "transactional_db"})
