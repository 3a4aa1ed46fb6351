"""The pictures of the docs: `make screenshots`. Collected only where `--screenshots` names a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_site import Site, Watch, new_page

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

# File → account and address; a window of 1366 × 768, as offices have it, or of the width given. Pictures of steps under
# way (county-grid, city-counter …) are taken by hand with the manual's words beside them.
PICTURES = {
    "document.png": ("", "/"),
    "cockpit.png": ("", "/map"),
    "why.png": ("sheng", "/why/industrial_rd_expense@330400@2025Q1"),
    "work.png": ("sheng", "/work"),
    "city-work.png": ("shi-330100", "/work"),
    "county-work.png": ("xian-330102", "/work"),
    "studio.png": ("guihua", "/studio/enterprise_2025/"),
    "collection.png": ("shi-330100", "/collection/"),
    "supervision-ledger.png": ("sheng", "/supervision/"),
    "supervision-red.png": ("sheng", "/supervision/red"),
    "paper-page.png": ("sheng", "/papers/dispatch/2025H1/"),
    "amendment.png": ("sheng", "/amendments/1/"),
    "admin-accounts.png": ("xitong", "/accounts/"),
    "admin-audit.png": ("shenji", "/audit/"),
    "open.png": ("", "/open/"),
    "phone-cockpit.png": ("", "/map", 390),
    "phone-work.png": ("xian-330102", "/work", 390),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_made(
    name: str, login: Callable[..., BrowserContext], site: Site, watch: Watch, pytestconfig: pytest.Config
) -> None:
    account, path, *width = PICTURES[name]
    page = new_page(login(str(account), viewport={"width": width[0] if width else 1366, "height": 768}), watch)
    answer = page.goto(f"{site.address}{path}")
    assert answer is not None
    assert answer.status == 200
    folder = Path(pytestconfig.option.screenshots)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / name)
