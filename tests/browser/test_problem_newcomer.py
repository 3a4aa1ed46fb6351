"""Somebody who never saw the system files a problem, others route and answer it, the firm rates it: by what the screens say,
with and without a script. With `--screenshots FOLDER` each step leaves a picture for the manuals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_person import Person
from browser_site import Site, Watch, new_context

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TITLE = "新厂房验收要跑三个部门"
PEOPLE = {"firm": "qiye", "desk": "qifu", "bureau": "chengban", "province": "sheng"}


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def people(request: pytest.FixtureRequest, browser: Browser, own_site: Site) -> Iterator[dict[str, Person]]:
    """The firm, the service desk, the bureau and an officer of the province, each at a page of their own."""
    watch = Watch(own_site)
    options = {"viewport": {"width": 1366, "height": 768}, "java_script_enabled": request.param}
    contexts = {name: new_context(browser, **options) for name in PEOPLE}
    yield {name: Person(contexts[name], watch, own_site, account) for name, account in PEOPLE.items()}
    watch.check()
    for each in contexts.values():
        each.close()


@pytest.fixture
def keep(pytestconfig: pytest.Config) -> Path | None:
    """Where pictures are kept, if anywhere."""
    wanted = pytestconfig.option.screenshots
    return Path(wanted) if wanted else None


def test_a_newcomer_files_a_problem_that_is_routed_answered_and_rated(
    people: dict[str, Person], keep: Path | None
) -> None:
    before = counted(people["province"])
    the_firm_files_it(people["firm"], keep)
    the_desk_accepts_and_routes_it(people["desk"], keep)
    the_bureau_answers_it(people["bureau"], keep)
    the_firm_is_satisfied(people["firm"], keep)
    assert counted(people["province"]) == before + 1
    the_figure_leads_back_to_the_case(people["province"], keep)


def the_firm_files_it(firm: Person, keep: Path | None) -> None:
    firm.open("/")
    firm.follow_tool("我的办件")
    firm.follow("企呼我应")
    firm.write("问题（一句话）（必填）", TITLE)
    firm.page.get_by_label("问题类别（建议值）（必填）").select_option(label="项目审批与建设")
    picture(firm, keep, "problem-file")
    firm.write("具体情况（必填）", "新厂房竣工验收，消防、规划、住建三家各要一套材料，跑了六趟还没有办完。")
    firm.press("提交")
    firm.sees("待受理")
    firm.sees("等本级分办")
    picture(firm, keep, "problem-filed")


def the_desk_accepts_and_routes_it(desk: Person, keep: Path | None) -> None:
    desk.open("/work")
    desk.follow(TITLE)
    for label, choice in (("分级（必填）", "本级"), ("分类（必填）", "部门"), ("分层（必填）", "简单")):
        desk.page.get_by_label(label).first.select_option(label=choice)
    desk.press("受理")
    desk.sees("待分办")
    desk.write("主办单位（必填）", "演示承办部门（虚构）")
    picture(desk, keep, "problem-route")
    desk.press("分办")
    desk.sees("已交办待签收")


def the_bureau_answers_it(bureau: Person, keep: Path | None) -> None:
    bureau.open("/work")
    bureau.follow(TITLE)
    bureau.press("签收")
    bureau.page.get_by_label("办理结果（必填）").select_option(label="已解决")
    bureau.write("答复（必填）", "三家已联合到现场验收，材料共用一套，本周内发证。")
    picture(bureau, keep, "problem-answer")
    bureau.press("答复")


def the_firm_is_satisfied(firm: Person, keep: Path | None) -> None:
    firm.open("/work")
    firm.follow(TITLE)
    firm.page.get_by_label("评价（必填）").first.select_option(label="满意")
    picture(firm, keep, "problem-rate")
    firm.press("评价")
    firm.sees("已办结")


def the_figure_leads_back_to_the_case(province: Person, keep: Path | None) -> None:
    province.open("/why/problems_satisfied@330102@2025-01..07")
    province.sees(TITLE)
    picture(province, keep, "problem-behind")
    # Nothing promises this number itself: the chain leads by the process to what the document does promise.
    province.sees("它随流程“企呼我应”计入")
    province.follow("省级“企呼我应”系统")
    province.sees("D020")
    province.page.go_back()
    province.follow(TITLE)
    province.sees("三家已联合到现场验收")


def counted(province: Person) -> int:
    """How many problems the firms of the county were satisfied with this year, as the API says."""
    site = province.site.address
    answer = province.page.request.get(
        f"{site}/api/figures?indicator=problems_satisfied&period=2025-01..07&level=children&place=330100"
    )
    rows = {r["place"]: r["value"] for r in answer.json()["rows"]}
    return int(rows.get("330102") or 0)


def picture(person: Person, keep: Path | None, name: str) -> None:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        person.page.screenshot(path=keep / f"{name}.png")
