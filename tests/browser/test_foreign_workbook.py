"""A workbook that nobody coded, mapped on the page once: the next month's needs no mapping."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_person import Person
from browser_site import Site, Watch, new_context
from city_workbook import SKIPPED, city_workbook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FIRMS, GOVERNMENT = "企业科技投入·本月止累计", "政府科技投入·本月止累计"


@pytest.fixture
def city(browser: Browser, own_site: Site) -> Iterator[Person]:
    watch = Watch(own_site)
    context = new_context(browser, viewport={"width": 1366, "height": 768})
    yield Person(context, watch, own_site, "shi-330100")
    watch.check()
    context.close()


def test_a_workbook_of_a_city_is_mapped_once_and_read_the_next_month(city: Person, tmp_path: Path) -> None:
    june, july = tmp_path / "6月.xlsx", tmp_path / "7月.xlsx"
    june.write_bytes(city_workbook("2025年1—3月"))
    july.write_bytes(city_workbook("2025年4—6月", added=7))
    the_unknown_workbook_is_led_to_the_mapping(city, june)
    the_guess_is_right(city)
    the_layout_is_tried_and_saved(city)
    city.press("确认导入")
    city.sees("已导入")
    the_next_month_needs_the_period_only(city, july)


def the_unknown_workbook_is_led_to_the_mapping(city: Person, file: Path) -> None:
    city.open("/collection/upload")
    city.attach("文件", file)
    city.press("上传并预览")
    city.sees("还不认识这张表的版式")
    city.follow("教")


def the_guess_is_right(city: Person) -> None:
    main = city.page.locator("main")
    assert main.get_by_label("表头行").input_value() == "4"
    assert main.get_by_label("地区列").first.input_value() == "区、县(市)"
    for heading, card in ((FIRMS, "input_enterprise"), (GOVERNMENT, "input_government")):
        assert main.get_by_label(f"{heading}对应的指标").input_value() == card
        assert main.get_by_label(f"{heading}的单位").input_value() == "万元"
    assert all(word in main.get_by_label("不取").first.input_value() for word in SKIPPED)


def the_layout_is_tried_and_saved(city: Person) -> None:
    city.write("这份文件的期", "2025年一季度")
    city.write("这份文件的发布日期", "2025-04-12")
    city.write("名称", "杭州科技投入月报")
    city.press("试读")
    city.sees("读得通")
    assert "312450万元" in city.row("附表2!C5").inner_text()
    city.press("保存版式")
    city.sees("检查通过")


def the_next_month_needs_the_period_only(city: Person, file: Path) -> None:
    city.open("/collection/upload")
    city.attach("文件", file)
    city.press("上传并预览")
    city.sees("杭州科技投入月报")
    city.write("这份文件的期", "2025Q2")
    city.write("发布日期", "2025-07-12")
    city.press("按此预览")
    city.sees("检查通过")
    city.press("确认导入")
    city.sees("已导入")
    assert "319450万元" in city.row("附表2!C5").inner_text()
