"""A mechanism nobody coded: one YAML file is written, checked and loaded; its case runs to a certificate; its figure moves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_person import Person
from browser_site import Site, Watch, new_context, served

from packs import PACKS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

INDICATOR, PERIOD = "instrument_services", "2025-01..07"
FILE = """\
- code: instrument_sharing
  version: "1"
  name: 科研仪器共享
  about: 企业预约共享的科研仪器设备，用完评价，按次计数。
  start: asked
  opened_by: [firm]
  of: firm_code
  prefill: {firm: organisation.name}
  counts: {commitments: [A050], indicators: [instrument_services]}
  measures:
    - {indicator: instrument_services, at: [rate], note: 用完并评价的计一次}
  variables: {hours: number}
  dues:
    - {code: fee, name: 机时费, by: firm, born: [used], when: hours > 0, days: 30, amount: hours * 120.5, met_by: [paid]}
  certificates:
    - {code: service, name: 仪器共享服务证明, prefix: YQ, at: [rate], fields: [instrument, hours]}
  clocks:
    - {code: answer, name: 答复预约, days: 3, starts: [open], stops: [agree, decline], mark: proposed}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
    - {code: keeper, name: 仪器管理单位, held_by: [county_officer], at: self}
  form:
    type: object
    required: [instrument, samples]
    properties:
      firm: {type: string, title: 企业, maxLength: 200}
      firm_code: {type: string, title: 企业代码, format: organisation}
      instrument: {type: string, title: 仪器, oneOf: [{const: sem, title: 扫描电镜}, {const: nmr, title: 核磁共振谱仪}]}
      samples:
        type: array
        title: 样品
        minItems: 1
        items:
          type: object
          required: [name, count]
          properties:
            name: {type: string, title: 名称, maxLength: 50}
            count: {type: integer, title: 数量, minimum: 1}
  stages:
    - {code: asked, name: 待答复}
    - {code: booked, name: 已预约, no_clock: 按约定的日期}
    - {code: rating, name: 待评价, no_clock: 由企业定}
    - {code: done, name: 已完成, outcome: done}
    - {code: declined, name: 未接受, outcome: declined}
  transitions:
    - {code: agree, name: 接受预约, at: [asked], to: booked, by: [keeper]}
    - {code: decline, name: 不接受, at: [asked], to: declined, by: [keeper], optional: true}
    - code: used
      name: 登记使用
      at: [booked]
      to: rating
      by: [keeper]
      form:
        type: object
        required: [hours]
        properties:
          hours: {type: string, title: 机时（小时）, format: decimal}
    - {code: rate, name: 评价并确认, at: [rating], to: done, by: [firm]}
    - {code: paid, name: 已付机时费, at: [rating], by: [firm], optional: true}
"""


@pytest.fixture
def land(demo_home: Path, tmp_path: Path) -> Path:
    """A copy of the packs with one file more."""
    packs = Path(shutil.copytree(PACKS, tmp_path / "packs"))
    (packs / "zhejiang" / "processes").mkdir(exist_ok=True)
    (packs / "zhejiang" / "processes" / "instrument_sharing.yaml").write_text(FILE, encoding="utf-8")
    return packs


def rongtong(home: Path, *arguments: str | Path) -> str:
    """Run a command on an instance; what it printed. Fails where it does."""
    ran = subprocess.run(
        [sys.executable, "-m", "rongtong", *map(str, arguments)],
        env={**os.environ, "RONGTONG_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def figure(site: Site) -> int:
    """The figure of the province, as the public API gives it; 0 while there is none."""
    address = f"{site.address}/api/figures?indicator={INDICATOR}&period={PERIOD}"
    with urllib.request.urlopen(address) as answer:
        found = json.loads(answer.read())
    return int(found["total"]["value"] or 0)


def test_a_fifth_mechanism_from_one_file(browser: Browser, land: Path, demo_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(demo_home, tmp_path / "var"))
    folders = (land / "china", land / "zhejiang")
    assert "0 处问题" in rongtong(home, "process", "check", *folders)
    rongtong(home, "pack", "load", *folders)
    with served(home) as site:
        watch = Watch(site)
        context = {name: new_context(browser, viewport={"width": 1366, "height": 768}) for name in ("firm", "keeper")}
        firm = Person(context["firm"], watch, site, "qiye")
        keeper = Person(context["keeper"], watch, site, "xian-330102")
        address = the_firm_books(firm)
        the_keeper_agrees_and_notes_the_hours(keeper, address)
        before = figure(site)
        the_firm_pays_and_confirms(firm, address)
        assert figure(site) == before + 1
        watch.check()
        for each in context.values():
            each.close()


def the_firm_books(firm: Person) -> str:
    firm.open("/cases/")
    firm.follow("科研仪器共享")
    assert firm.page.get_by_label("企业", exact=True).input_value().startswith("演示企业")
    firm.page.get_by_label("仪器（必填）").select_option(label="扫描电镜")
    firm.page.get_by_label("第 1 行 名称").fill("涂层试片")
    firm.press("提交")
    firm.sees("第 1 行还没有填“数量”")
    firm.page.get_by_label("第 1 行 数量").fill("3")
    firm.press("提交")
    firm.sees("名称 涂层试片，数量 3")
    return firm.page.url.removeprefix(firm.site.address)


def the_keeper_agrees_and_notes_the_hours(keeper: Person, address: str) -> None:
    keeper.open("/work")
    assert "科研仪器共享" in keeper.text()
    keeper.open(address)
    keeper.press("接受预约")
    keeper.write("机时（小时）（必填）", "2.5")
    keeper.press("登记使用")
    keeper.sees("待评价")


def the_firm_pays_and_confirms(firm: Person, address: str) -> None:
    firm.open(address)
    # 2.5 hours at 120.5 yuan
    firm.sees("301.25 元")
    firm.press("已付机时费")
    firm.sees("已履行")
    firm.press("评价并确认")
    firm.sees("YQ-2025-000001")
