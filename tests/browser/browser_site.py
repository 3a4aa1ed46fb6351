"""An instance served by `rongtong serve`, the accounts of its demonstration, and pages opened on it in Chromium."""

from __future__ import annotations

import http.cookiejar
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

STARTED_WITHIN = 60
# Milliseconds that a page may take on a machine with other work; what it ought to take is measured in bench/pages.py.
PATIENCE = 120_000
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Nothing but the site is reached: names of other hosts do not resolve, and the browser itself calls nobody.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def chromium() -> str | None:
    """The path of the machine's own Chromium, or None."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


@dataclass(frozen=True, slots=True)
class Site:
    """A served instance: its address and its folder."""

    address: str
    home: Path

    @property
    def passwords(self) -> dict[str, str]:
        """User name → password of the demo accounts."""
        return _passwords(self.home / "demo-accounts.txt")


@cache
def _passwords(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t")[:2] for line in lines if line and not line.startswith("#"))


@contextmanager
def served(home: Path) -> Iterator[Site]:
    """Serve the instance in `home` on a free port until the block ends. Raises RuntimeError with what it printed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = Site(f"http://127.0.0.1:{port}", home)
    log = home / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "rongtong", "serve", "--port", str(port)],
            env={**os.environ, "RONGTONG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "rongtong.settings"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            _wait(site, server, log)
            yield site
        finally:
            server.terminate()
            server.wait(timeout=30)


def begin_day(home: Path, day: str) -> None:
    """Pin a demonstration that nobody serves just now to a later day, and run the daily job of that morning."""
    file = home / "instance.toml"
    text, changed = re.subn(r"(?m)^today = [\d-]+", f"today = {day}", file.read_text(encoding="utf-8"))
    assert changed == 1, text
    file.write_text(text, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "rongtong", "cases", "tick"],
        env={**os.environ, "RONGTONG_HOME": str(home)},
        capture_output=True,
        check=True,
    )


def _wait(site: Site, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < end and server.poll() is None:
        with suppress(URLError, ConnectionError):
            urllib.request.urlopen(f"{site.address}/login", timeout=STARTED_WITHIN).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"the site did not answer within {STARTED_WITHIN} s:\n{log.read_text(encoding='utf-8')}")


@dataclass
class Watch:
    """What pages said and asked for: errors of their console, requests to other hosts, answers of 500 and above."""

    site: Site
    console: list[str] = field(default_factory=list)
    strayed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.console.append(f"{page.url}: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _said(self, message: Any) -> None:
        # A page that is refused (403, 404) is written to the console by the browser itself.
        if message.type == "error" and not re.search(r"status of 4\d\d", message.text):
            self.console.append(f"{message.location.get('url')}: {message.text}")

    def _asked(self, request: Any) -> None:
        url = urlsplit(request.url)
        if url.scheme in ("http", "https", "ws", "wss") and f"{url.scheme}://{url.netloc}" != self.site.address:
            self.strayed.append(request.url)

    def _answered(self, response: Any) -> None:
        if response.status >= 500:
            self.failed.append(f"{response.status} {response.url}")

    def check(self) -> None:
        """Nothing strayed, nothing failed, nothing was said."""
        assert not self.strayed, f"asked for another host: {self.strayed}"
        assert not self.failed, self.failed
        assert not self.console, "\n".join(self.console)


def log_in(page: Page, site: Site, account: str) -> None:
    """Log in as a person does. Raises AssertionError when the site does not let the account in."""
    page.goto(f"{site.address}/login")
    page.get_by_label("用户名").fill(account)
    page.get_by_label("口令").first.fill(site.passwords[account])
    page.get_by_role("button", name="登录").click()
    page.wait_for_load_state()
    assert "/login" not in page.url, page.locator("main").inner_text()


def session(site: Site, account: str) -> str:
    """The Cookie header of a login without a browser; "" for nobody."""
    if not account:
        return ""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{site.address}/login", timeout=STARTED_WITHIN).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token, page
    form = {"csrfmiddlewaretoken": token[1], "username": account, "password": site.passwords[account]}
    opener.open(f"{site.address}/login", urlencode(form).encode(), timeout=STARTED_WITHIN).close()
    return "; ".join(f"{c.name}={c.value}" for c in jar)


def cookies(browser: Browser, site: Site, account: str) -> Any:
    """The state of a browser that has logged in, to start others from."""
    context = new_context(browser)
    log_in(context.new_page(), site, account)
    state = context.storage_state()
    context.close()
    return state


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser of its own, as an office in China has it, that waits for slow pages."""
    context = browser.new_context(locale="zh-CN", **options)
    context.set_default_timeout(PATIENCE)
    return context


def new_page(context: BrowserContext, watch: Watch) -> Page:
    """A page that is watched."""
    page = context.new_page()
    watch.attach(page)
    return page
