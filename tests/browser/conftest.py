"""The pages in a browser: a demonstration instance served as `rongtong serve` serves it, and the machine's Chromium."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser_site import FLAGS, Site, Watch, chromium, cookies, new_context, served, session

from crawl import Found, distinct, over_http, reach

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

Login = Callable[..., "BrowserContext"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The pictures of the docs are made only where a folder for them is named."""
    return True if collection_path.name == "test_screenshots.py" and not config.option.screenshots else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies in this folder needs the browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served demonstration that tests only read."""
    home = Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("site") / "var"))
    with served(home) as site:
        yield site


@pytest.fixture
def own_site(demo_home: Path, tmp_path: Path) -> Iterator[Site]:
    """A served demonstration of this test's own, which it may change."""
    with served(Path(shutil.copytree(demo_home, tmp_path / "var"))) as site:
        yield site


@pytest.fixture(scope="session")
def reachable(site: Site, demo_home: Path) -> list[Found]:
    """Every page that somebody reaches by links, each kind of page once; found once for all workers."""
    kept = demo_home.parent / "reachable.json"
    with (demo_home.parent / "reachable.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            found = [
                page
                for account in ("", *site.passwords)
                for page in reach(over_http(site.address, session(site, account)), account)
            ]
            rows = [(p.name, p.path, p.account, p.dead) for p in distinct(found)]
            kept.write_text(json.dumps(rows), encoding="utf-8")
    rows = json.loads(kept.read_text(encoding="utf-8"))
    return [Found(name, path, account, frozenset(), dead) for name, path, account, dead in rows]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a network. Of the module: while it runs, no other test may use the database."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: make test-all installs it"
    )
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on PATH: install the package chromium")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def states() -> dict[tuple[str, str], Any]:
    """What a browser holds after the login, by site and account, so that each account logs in once."""
    return {}


@pytest.fixture
def watch(site: Site) -> Iterator[Watch]:
    """What the pages of this test said and asked for; nothing of it may be wrong."""
    seen = Watch(site)
    yield seen
    seen.check()


@pytest.fixture
def login(browser: Browser, site: Site, states: dict[tuple[str, str], Any]) -> Iterator[Login]:
    """`login("sheng", java_script_enabled=False)` is a browser context logged in as that account; "" is nobody."""
    opened: list[BrowserContext] = []

    def make(account: str = "", **options: Any) -> BrowserContext:
        key = (site.address, account)
        if account and key not in states:
            states[key] = cookies(browser, site, account)
        context = new_context(browser, storage_state=states.get(key), **options)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()
