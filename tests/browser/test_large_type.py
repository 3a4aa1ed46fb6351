"""Large type (大字版, 适老化): a choice of the browser, made without a script, that leaves every page whole and as readable."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from browser_site import Site, Watch, new_page

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

Login = Callable[..., "BrowserContext"]
WIDTHS = (1366, 390)
PAGES = {
    "": (
        "/",
        "/map",
        "/open/",
        "/en/open/",
        "/indicators/",
        "/targets/",
        "/login",
        "/privacy",
        "/processes/collection",
    ),
    "sheng": ("/work", "/map", "/supervision/", "/papers/", "/uses/", "/collection/", "/studio/", "/account"),
    "xian-330102": ("/work", "/collection/", "/account/requests"),
    "anquan": ("/accounts/", "/accounts/of/sheng", "/privacy/register"),
}
COLOURS = """() => [...document.querySelectorAll('body, main a, main h1, main .note, .menu a, .chip, .tag, .lamp')]
  .slice(0, 200).map(e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor].join())"""
# Text of 18 px or so and targets of 44: the running text, the notes, links of the navigation, buttons and fields.
SMALL = """() => [...document.querySelectorAll('main p, main td, .menu a, main button, main input:not([type=hidden], [type=radio], [type=checkbox]), main select')]
  .filter(e => e.getClientRects().length && !e.closest('.sr'))
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < 17
    || (!e.matches('p, td') && e.getBoundingClientRect().height < 43.5))
  .slice(0, 3).map(e => e.outerHTML.slice(0, 120))"""
WIDEST = """() => [...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')
    && ![...e.children].some(c => c.getBoundingClientRect().right > innerWidth + 1))
  .slice(0, 3).map(e => e.outerHTML.slice(0, 120))"""


# What the button says on an English page.
ENGLISH = {"大字版": "Large type", "标准字号": "Usual type"}


def switch(page: Page, name: str) -> None:
    english = "/en/" in page.url
    page.get_by_role("button", name=ENGLISH[name] if english else name, exact=True).click()
    page.wait_for_load_state()


def narrow(page: Page) -> list[str]:
    """The widths at which the open page is wider than the window."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 768})
        needed: Any = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            found.append(f"{needed} px wide at {width}: {page.evaluate(WIDEST)}")
    page.set_viewport_size({"width": WIDTHS[0], "height": 768})
    return found


def test_the_choice_is_made_and_taken_back_without_a_script(login: Login, site: Site, watch: Watch) -> None:
    page = new_page(login("", java_script_enabled=False), watch)
    page.goto(f"{site.address}/indicators/?q=1")
    switch(page, "大字版")
    assert page.url == f"{site.address}/indicators/?q=1"
    page.goto(f"{site.address}/open/")
    assert page.locator("html").get_attribute("data-size") == "large"
    switch(page, "标准字号")
    assert page.locator("html").get_attribute("data-size") is None


@pytest.mark.parametrize("account", PAGES, ids=lambda a: a or "nobody")
def test_pages_in_large_type_stay_whole_with_large_targets_and_the_same_colours(
    account: str, login: Login, site: Site, watch: Watch
) -> None:
    page = new_page(login(account, viewport={"width": WIDTHS[0], "height": 768}), watch)
    wrong: list[str] = []
    for path in PAGES[account]:
        page.goto(site.address + path)
        usual = page.evaluate(COLOURS)
        switch(page, "大字版")
        wrong += [f"{path}: {w}" for w in narrow(page)]
        wrong += [f"{path}: too small: {w}" for w in page.evaluate(SMALL)]
        if page.evaluate(COLOURS) != usual:
            wrong.append(f"{path}: other colours")
        switch(page, "标准字号")
    assert not wrong, "\n".join(wrong)
