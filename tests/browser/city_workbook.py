"""A workbook as a city's office sends it: titles, headings of two rows, totals between, numbers as text, a remark."""

from __future__ import annotations

import io
from typing import Any

import openpyxl

SHEET = "附表2"
COUNTIES = {"上城区": ("312,450", "28,100"), "拱墅区": ("298,300", "26,050.25"), "西湖区": ("405,118", "41,900")}
NEAR = {"滨江区": ("988,200", "61,330"), "萧山区": ("730,015", "48,200")}
SKIPPED = ("主城区小计", "新城区小计")


def city_workbook(month: str, added: int = 0) -> bytes:
    """The workbook of a month; `added` thousands of 万元 more for the firms of each county."""
    book = openpyxl.Workbook()
    page: Any = book.active
    page.title = SHEET
    page.append([f"附件2  杭州市各区县科技投入情况表（{month}）"])
    page.append(["编制单位：杭州市科学技术局", None, None, None, "单位：万元，%"])
    page.append(["序号", "区、县\n（市）", "企业科技投入", None, "政府科技投入", None])
    page.append([None, None, "本月止累计", "同比增长", "本月止累计", "同比增长"])
    for merge in ("A1:F1", "A2:D2", "E2:F2", "A3:A4", "B3:B4", "C3:D3", "E3:F3"):
        page.merge_cells(merge)
    for name, group in zip(SKIPPED, (COUNTIES, NEAR), strict=True):
        for county, (firms, government) in group.items():
            whole = f"{int(firms.replace(',', '')) + 1000 * added:,}"
            page.append([page.max_row - 3, county, whole, "12.3", government, "8.1"])
        page.append([None, name, "1,000,000", None, "100,000", None])
    page.append([f"注：{month}数据为快报数，企业科技投入由各区县统计局提供。"])
    page.merge_cells(f"A{page.max_row}:F{page.max_row}")
    page.append(["填表人：王某", None, "审核人：李某", None, "联系电话：0571-00000000"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
