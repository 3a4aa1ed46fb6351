"""Every page printed on A4: its title and figures, nothing that paper cannot do, no table shrunk until nobody reads it."""

from __future__ import annotations

import re
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
  .filter(e => !e.closest('.sr, .sheet')).map(e => e.getBoundingClientRect().right))"""
LEFT_OUT = ".side, .fold, .tools, .account, .crumbs, .toolbar, .actions, .site, button"


# Millimetres from the top of each sheet of a paper: its end, the end of what it holds, and its page number.
SHEETS = """() => [...document.querySelectorAll('.sheet')].map(s => {
  const top = s.getBoundingClientRect().top, mm = 96 / 25.4
  const held = [...s.children].filter(e => !e.matches('.mark, .folio')).map(e => e.getBoundingClientRect().bottom)
  return [s.getBoundingClientRect().bottom, Math.max(...held), s.querySelector('.folio').getBoundingClientRect().top]
    .map(v => (v - top) / mm)})"""
BROKEN = """() => [...document.querySelectorAll('.sheet td .num')].filter(e => e.getClientRects().length > 1)
  .map(e => e.textContent)"""
SMALL = """() => [...document.querySelectorAll('table :is(small, .note, .hint)')].filter(e => {
  const size = x => parseFloat(getComputedStyle(x).fontSize)
  return size(e) > size(e.closest('td, th, caption')) }).map(e => e.textContent)"""
PAPERS = ("half_year/2025H1", "bulletin/2025H1", "dispatch/2025H1", "annual/2024", "evidence/2025H1")


@pytest.mark.parametrize("paper", PAPERS)
def test_a_paper_is_printed_one_sheet_a_page_with_its_number_below_the_text(
    paper: str, login: Callable[..., BrowserContext], site: Site, watch: Watch
) -> None:
    page = new_page(login("bianji"), watch)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    page.goto(f"{site.address}/papers/{paper}/")
    sheets = page.evaluate(SHEETS)
    assert sheets
    for number, (end, held, folio) in enumerate(sheets, 1):
        assert end <= 297, f"sheet {number} is {end:.0f} mm high"
        assert held <= folio, (
            f"sheet {number}: the text ends at {held:.0f} mm, the page number stands at {folio:.0f} mm"
        )
    assert page.evaluate(BROKEN) == []
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", printed)) == len(sheets)


def test_a_ledger_is_printed_across_with_all_its_columns_and_tables(
    login: Callable[..., BrowserContext], site: Site, watch: Watch
) -> None:
    page = new_page(login("bianji"), watch)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": ACROSS, "height": 900})
    page.goto(f"{site.address}/papers/ledger/2025/")
    assert page.evaluate("getComputedStyle(document.body).page") == "broad"
    assert page.evaluate(NEEDED) <= ACROSS * WIDEST
    books = page.locator("table.book")
    assert books.count() > 1
    assert [b.bounding_box() is not None for b in books.all()] == [True] * books.count()


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
        if larger := page.evaluate(SMALL):
            wrong.append(f"{found.path}: printed larger than the cell they stand in: {larger[:3]}")
        if shown := page.locator(LEFT_OUT).filter(visible=True).count():
            wrong.append(f"{found.path}: {shown} controls or parts of the navigation are printed")
    assert not wrong, "\n".join(wrong)
