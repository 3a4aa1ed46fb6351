"""Every page that somebody reaches by links: accessible (WCAG 2.2 AA), whole at every width, light, and without errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser_site import Site, Watch, new_page

from crawl import Found

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

WIDTHS = (1366, 390, 768, 1920)
HEIGHT = 768
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLD, WARM = 1024 * 1024, 200 * 1024
ACCOUNTS = ("", "sheng", "guihua", "bianji", "qianfa", "chakan", "xitong", "anquan", "shenji", "shi-330100",
            "shi-qianfa-330100", "xian-330102", "qiye", "gaoxiao", "chengban", "zhuanjia", "qifu", "hetong")  # fmt: skip
# Like one of these from outside the offices, these open public pages and the cases they have a part in.
ALIKE = {"gaoxiao2", "zhuanjia2", "zhuanjia3", "jingliren", "baoxian"}
Login = Callable[..., "BrowserContext"]


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as the package axe-playwright-python carries it."""
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: make test-all installs it")
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def test_the_accounts_asked_are_those_of_the_demonstration(site: Site) -> None:
    assert set(ACCOUNTS) - {""} | ALIKE == set(site.passwords)


def test_no_link_that_is_shown_is_dead(reachable: list[Found]) -> None:
    dead = [page.dead for page in reachable if page.dead]
    assert not dead, "\n".join(dead)


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda a: a or "nobody")
def test_pages_are_accessible_whole_light_and_without_errors(
    account: str, login: Login, site: Site, reachable: list[Found], watch: Watch, axe: str, pytestconfig: pytest.Config
) -> None:
    pages = [p for p in reachable if p.account == account and not p.dead]
    page = new_page(login(account, viewport={"width": WIDTHS[0], "height": HEIGHT}), watch)
    meter = Meter(page)
    wrong: list[str] = []
    for found in pages:
        cold, warm = meter.weigh(site.address + found.path)
        if cold > COLD or warm > WARM:
            wrong.append(f"{found.path}: {cold:,} bytes cold (most {COLD:,}), {warm:,} warm (most {WARM:,})")
        wrong += [f"{found.path}: {v}" for v in violations(page, axe)]
        wrong += [f"{found.path}: {v}" for v in overflows(page, pytestconfig.option.screenshots, found)]
    assert not wrong, "\n".join(wrong)


def test_every_page_sends_a_policy_that_allows_nothing_from_elsewhere(login: Login, site: Site, watch: Watch) -> None:
    page = new_page(login(""), watch)
    answer = page.goto(f"{site.address}/open/")
    policy = answer.headers.get("content-security-policy", "") if answer else ""
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


class Meter:
    """Counts the bytes that come over the line for a page."""

    def __init__(self, page: Page) -> None:
        self.page, self.bytes = page, 0
        self.line = page.context.new_cdp_session(page)
        self.line.send("Network.enable")
        self.line.on("Network.loadingFinished", self._finished)

    def _finished(self, event: Any) -> None:
        self.bytes += int(event["encodedDataLength"])

    def weigh(self, address: str) -> tuple[int, int]:
        """Bytes of a first visit with nothing kept, and of a later one."""
        return self._load(address, disabled=True), (self._load(address), self._load(address))[1]

    def _load(self, address: str, *, disabled: bool = False) -> int:
        self.line.send("Network.setCacheDisabled", {"cacheDisabled": disabled})
        self.bytes = 0
        self.page.goto(address, wait_until="load")
        return self.bytes


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds wrong on the open page with all it folds away shown, one line a place."""
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    page.evaluate(axe)
    found = page.evaluate(
        "async rules => (await axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})).violations",
        RULES,
    )
    return [
        f"{v['id']} ({v['help']}): {' '.join(map(str, node['target']))}: {node['html'][:160]}"
        for v in found
        for node in v["nodes"][:3]
    ]


def overflows(page: Page, pictures: str | None, found: Found) -> list[str]:
    """The widths at which the page as a whole is wider than the window."""
    wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        if pictures:
            name = re.sub(r"\W+", "-", f"{found.name}-{found.account or 'nobody'}-{width}")
            page.screenshot(path=Path(pictures) / f"{name}.png", full_page=True)
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            wide.append(f"{needed} px wide at {width}: {page.evaluate(WIDEST)}")
    page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
    return wide


# The innermost elements that pass the right edge without scrolling inside a box of their own.
WIDEST = """() => [...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')
    && ![...e.children].some(c => c.getBoundingClientRect().right > innerWidth + 1))
  .slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join(' | ')"""
