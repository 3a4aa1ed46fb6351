"""Every page printed on A4: its title and figures, nothing that paper cannot do, no table shrunk until nobody reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from browser_site import Site, Watch, new_page

from crawl import Found

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

# Pixels between the margins of print.css, upright and across, at 96 to the inch.
UPRIGHT, ACROSS = 672, 1017
# The browser shrinks a page to its widest table: 10.5 pt by a fifth is the least that is read.
WIDEST = 1.25
ACCOUNTS = ("", "sheng", "qianfa", "anquan", "xitong", "shenji", "shi-330100", "xian-330102")
NEEDED = """() => Math.max(0, ...[...document.querySelectorAll('main *')]
  .filter(e => !e.closest('.sr, .sheets')).map(e => e.getBoundingClientRect().right))"""
LEFT_OUT = ".side, .fold, .tools, .account, .crumbs, .toolbar, .actions, .site, button"


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda a: a or "nobody")
def test_pages_are_printed_whole_and_without_what_paper_cannot_do(
    account: str, login: Callable[..., BrowserContext], site: Site, reachable: list[Found], watch: Watch
) -> None:
    page = new_page(login(account), watch)
    page.emulate_media(media="print")
    wrong: list[str] = []
    for found in (p for p in reachable if p.account == account and not p.dead):
        page.goto(site.address + found.path)
        across = page.evaluate("document.documentElement.classList.contains('broad')")
        width = ACROSS if across else UPRIGHT
        page.set_viewport_size({"width": width, "height": 900})
        needed = page.evaluate(NEEDED)
        if needed > width * WIDEST:
            wrong.append(f"{found.path}: {needed:.0f} px wide, the paper has {width}")
        if shown := page.locator(LEFT_OUT).filter(visible=True).count():
            wrong.append(f"{found.path}: {shown} controls or parts of the navigation are printed")
    assert not wrong, "\n".join(wrong)
