"""Marks of the map and rows of its table: each says and shows the other, under the pointer and under the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from browser_person import Typist
from browser_site import Site, Watch

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

CITIES = 11
# A point of the window where a mark, not the sea or another mark, lies under the pointer: the middlemost of a grid.
POINT = """mark => {
  const box = mark.getBoundingClientRect(), found = [];
  for (let i = 1; i < 40; i++) for (let j = 1; j < 40; j++) {
    const x = box.left + box.width * i / 40, y = box.top + box.height * j / 40;
    if (document.elementFromPoint(x, y)?.closest("a") === mark) found.push([Math.hypot(i - 20, j - 20), x, y]);
  }
  return found.sort((a, b) => a[0] - b[0])[0];
}"""


class Map(Typist):
    """A reader of the cockpit, with its map and its table in sight."""

    def marks(self) -> Locator:
        return self.page.locator(".map svg.chart a[data-place]")

    def linked_row(self, mark: Locator) -> Locator:
        return self.page.locator(f"tr[data-place='{mark.get_attribute('data-place')}']")

    def point_at(self, mark: Locator) -> None:
        """Move the pointer onto the mark."""
        mark.scroll_into_view_if_needed()
        point = mark.evaluate(POINT)
        assert point, f"the pointer cannot reach {mark.get_attribute('aria-label')}"
        self.page.mouse.move(point[1], point[2])

    def tooltip(self) -> Locator:
        return self.page.locator(".tip")

    def highlighted(self) -> list[str]:
        """The places of the table rows that are highlighted."""
        found: list[str] = self.page.locator("tr.here[data-place]").evaluate_all(
            "rows => rows.map(r => r.dataset.place)"
        )
        return found

    def said_of(self, mark: Locator) -> None:
        """The tooltip has the place and the value of the table's row, which alone is highlighted, and is seen so."""
        row = self.linked_row(mark)
        assert self.highlighted() == [mark.get_attribute("data-place")]
        assert self.tooltip().is_visible()
        words = self.tooltip().inner_text()
        assert row.locator("th").inner_text() in words
        assert self.value(row) in words
        box, window = self.tooltip().bounding_box(), self.page.viewport_size
        assert box
        assert window
        assert 0 <= box["x"] <= window["width"] - box["width"]
        assert 0 <= box["y"] <= window["height"] - box["height"]
        cell = "e => getComputedStyle(e.querySelector('th')).backgroundColor"
        others = self.page.locator("tr[data-place]:not(.here)").first
        assert row.evaluate(cell) != others.evaluate(cell), "a highlighted row looks like any other"

    def value(self, row: Locator) -> str:
        """What the row says in the column the map shows."""
        column = self.page.locator(".ranking thead th").evaluate_all("heads => heads.findIndex(h => h.ariaSort)")
        return row.locator("> *").nth(column).inner_text().strip()

    def nothing_said(self) -> None:
        assert not self.tooltip().is_visible()
        assert self.highlighted() == []


@pytest.fixture
def reader(login: Callable[..., BrowserContext], watch: Watch, site: Site) -> Map:
    map_ = Map(login("sheng", viewport={"width": 1366, "height": 900}), watch, site)
    map_.open("/map")
    assert map_.marks().count() == CITIES
    return map_


def test_the_pointer_over_a_mark_shows_its_place_and_value_and_its_row(reader: Map) -> None:
    for at in range(CITIES):
        mark = reader.marks().nth(at)
        reader.point_at(mark)
        reader.said_of(mark)
    reader.page.get_by_role("heading", level=1).hover()
    reader.nothing_said()


def test_the_name_written_on_a_mark_is_part_of_it(reader: Map) -> None:
    mark = reader.page.locator(".map svg.chart a[aria-label^='杭州']")
    mark.scroll_into_view_if_needed()
    box = reader.page.locator(".map svg.chart text").filter(has_text="杭州").bounding_box()
    assert box
    reader.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reader.said_of(mark)


def test_the_pointer_leaving_the_page_from_a_mark_takes_tooltip_and_highlight_away(reader: Map) -> None:
    mark = reader.marks().first
    reader.point_at(mark)
    reader.said_of(mark)
    reader.page.mouse.move(-20, -20)
    reader.nothing_said()


def test_focus_on_a_mark_shows_the_same_and_moves_with_tab(reader: Map) -> None:
    first, second = reader.marks().first, reader.marks().nth(1)
    reader.go(first)
    reader.said_of(first)
    reader.page.keyboard.press("Tab")
    reader.said_of(second)
    reader.page.keyboard.press("Shift+Tab")
    reader.said_of(first)
    reader.page.keyboard.press("Shift+Tab")
    assert reader.page.evaluate("document.activeElement.closest('svg') === null")
    reader.nothing_said()


def test_a_mark_that_loses_the_focus_to_nothing_says_nothing_more(reader: Map) -> None:
    mark = reader.marks().first
    reader.go(mark)
    reader.said_of(mark)
    mark.evaluate("e => e.blur()")
    reader.nothing_said()


def test_escape_takes_the_tooltip_away_and_leaves_the_focus(reader: Map) -> None:
    mark = reader.marks().first
    reader.go(mark)
    reader.page.keyboard.press("Escape")
    assert not reader.tooltip().is_visible()
    assert mark.evaluate("e => e === document.activeElement")


def test_a_row_lights_up_its_mark(reader: Map) -> None:
    mark = reader.marks().nth(3)
    reader.linked_row(mark).hover()
    assert reader.page.locator(".map svg.chart a.here").evaluate_all("marks => marks.map(m => m.dataset.place)") == [
        mark.get_attribute("data-place")
    ]
