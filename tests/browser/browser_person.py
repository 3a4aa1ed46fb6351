"""Somebody at a page, by roles and labels: with a mouse, or with nothing but the keyboard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from browser_site import Site, Watch, log_in, new_page

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

# What a form asks, by its labels: words, the words of a choice, a box ticked or not, or the rows of a table.
Answers = Mapping[str, "str | bool | Sequence[Mapping[str, str | bool]]"]
# So many stops of Tab reach anything on a page, the skip link used.
STOPS = 400


class Person:
    """An account at a page, working with the mouse."""

    def __init__(self, context: BrowserContext, watch: Watch, site: Site, account: str = "") -> None:
        self.site = site
        self.page: Page = new_page(context, watch)
        if account:
            log_in(self.page, site, account)

    def open(self, path: str) -> None:
        self.page.goto(self.site.address + path)

    def follow(self, name: str, within: Locator | None = None) -> None:
        """Follow the link of this name."""
        self.use((within or self.page.locator("main")).get_by_role("link", name=name).first)

    def follow_tool(self, name: str) -> None:
        """Follow the link of this name among the page's tools, outside its main part."""
        self.use(self.page.get_by_role("link", name=name).first)

    def follow_any(self, row: Locator) -> None:
        """Follow the first link of a row."""
        self.use(row.get_by_role("link").first)

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press the button of this name."""
        self.use((within or self.page.locator("main")).get_by_role("button", name=name, exact=True).first)

    def use(self, control: Locator) -> None:
        """Follow a link or press a button, and wait for what comes."""
        control.click()
        self.page.wait_for_load_state()

    def write(self, label: str, text: str, within: Locator | None = None) -> None:
        """Fill the field of this label."""
        self.type((within or self.page.locator("main")).get_by_label(label).first, text)

    def type(self, field: Locator, text: str) -> None:
        field.fill(text)

    def tick(self, box: Locator, wanted: bool) -> None:
        if box.is_checked() != wanted:
            box.click()

    def make(self, step: str, answers: Answers | None = None, paper: Path | None = None) -> None:
        """Make a step of a case: fill in what its form asks, attach a paper. Raises AssertionError with what is said against it."""
        form = self.page.locator("main").get_by_role("form", name=step, exact=True)
        if form.locator("details:not([open])").count():
            self.start(form.locator("summary").first)
        self.fill(answers or {}, form)
        if paper is not None:
            form.get_by_label("佐证材料").set_input_files(paper)
        self.press(step, form)
        self.accepted()

    def accepted(self) -> None:
        """The page says nothing against what was sent. Raises AssertionError with what it says."""
        said = self.page.locator("main [role=alert], main .errors, main .error").all_inner_texts()
        assert not said, f"{self.page.url}: {said}"

    def fill(self, answers: Answers, within: Locator | None = None) -> None:
        """Answer what a form asks, found by its labels; the rows of a table by the number and the column."""
        for label, given in answers.items():
            if isinstance(given, str | bool):
                self.answer(self.field(label, within), given)
                continue
            table = (within or self.page.locator("main")).get_by_role("group", name=_named(label))
            for number, row in enumerate(given, 1):
                for column, words in row.items():
                    self.answer(self.field(f"第 {number} 行 {column}", table), words)

    def field(self, label: str, within: Locator | None = None) -> Locator:
        """The field of this label, with or without the word that it must be filled in."""
        return (within or self.page.locator("main")).get_by_label(_named(label))

    def answer(self, field: Locator, given: str | bool) -> None:
        """Fill one field as its kind wants it: tick, choose by the words, or type."""
        if isinstance(given, bool):
            self.tick(field, given)
        elif field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(label=given)
        else:
            self.type(field, given)

    def attach(self, label: str, path: Path) -> None:
        """Choose a file; the choosing itself is the browser's own window, in every variant."""
        self.page.get_by_label(label).first.set_input_files(path)

    def download(self, control: Locator, folder: Path) -> Path:
        """Follow a link that hands out a file, and keep it."""
        with self.page.expect_download() as found:
            self.start(control)
        path = folder / found.value.suggested_filename
        found.value.save_as(path)
        return path

    def start(self, control: Locator) -> None:
        """Use a control that leaves the page where it is."""
        control.click()

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def sees(self, words: str) -> None:
        """Wait until the page says this."""
        self.page.locator("main").get_by_text(words).first.wait_for()

    def own_code(self) -> str:
        """The 统一社会信用代码 on the page of one's own."""
        self.open("/")
        self.follow_tool("我的办件")
        return self.page.locator("main header code").inner_text()

    def row(self, name: str) -> Locator:
        """The row of a table whose text has this name."""
        return self.page.get_by_role("row").filter(has_text=name).first


def _named(label: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*{re.escape(label)}(（必填）)?\s*$")


class Typist(Person):
    """The same with Tab, Enter, Space and typing only."""

    def go(self, control: Locator) -> None:
        """Move the focus to the control, as Tab does, from the top of the page over the skip link."""
        element: Any = control.element_handle()
        self.page.evaluate("document.activeElement && document.activeElement.blur()")
        for stop in range(STOPS):
            self.page.keyboard.press("Tab")
            if element.evaluate("e => e === document.activeElement"):
                return
            if stop == 0 and self._on_skip_link() and self._in_main(element):
                self.page.keyboard.press("Enter")
        raise AssertionError(f"{STOPS} stops of Tab do not reach {control}")

    def _on_skip_link(self) -> bool:
        return bool(self.page.evaluate("document.activeElement.classList.contains('skip')"))

    def _in_main(self, element: Any) -> bool:
        return bool(element.evaluate("e => !!e.closest('main')"))

    def use(self, control: Locator) -> None:
        self.go(control)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def start(self, control: Locator) -> None:
        self.go(control)
        self.page.keyboard.press("Enter")

    def type(self, field: Locator, text: str) -> None:
        self.go(field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def tick(self, box: Locator, wanted: bool) -> None:
        if box.is_checked() != wanted:
            self.go(box)
            self.page.keyboard.press("Space")
