"""The page of a chain, the way from a case to a figure and back, and the process library."""

from __future__ import annotations

from typing import get_args

import pytest
from lot_world import CHAIN, PLACE, links, lot, page, people_of, sold, step

from rongtong import clock
from rongtong.apps.cases.library_words import AT, KINDS, WORDS
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.process import ProcessRole
from rongtong.engine.process import form
from rongtong.languages import Language

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]


@pytest.fixture(scope="module")
def people(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    return people_of(demo_store, tmp_path_factory.mktemp("pack"))


def test_the_page_of_a_chain_shows_everybody_its_figures_and_notices_and_no_case(people: dict[str, Account]) -> None:
    sold(people)
    posted = lot(people, "挂着的成果")
    step(posted, "post", people["county"])
    lot(people, "没有公开的成果")
    text = page(None, f"/chains/{CHAIN}")
    year = clock.today()
    assert f"/why/first_sets#{CHAIN}@330000@{year.year}-01..{year.month:02d}" in links(text)
    assert "挂着的成果" in text
    assert "不与别的链相加" in text
    assert "没有公开的成果" not in text
    assert "school（虚构）" not in text
    assert "CJ-" not in text
    assert '<h2 id="work">' not in text


def test_an_officer_sees_the_cases_of_a_chain_within_their_scope_only(people: dict[str, Account]) -> None:
    sold(people)
    lot(people)
    text = page(people["county"], f"/chains/{CHAIN}")
    assert "已成交 1" in text
    assert "待审 1" in text
    assert "school（虚构）" in text
    beside = page(people["beside"], f"/chains/{CHAIN}")
    assert "没有您可以看到的这条链的办件" in beside
    assert "school（虚构）" not in beside
    assert page(people["county"], "/chains/").count("合计") == 1


def test_a_chain_that_does_not_exist_is_not_found() -> None:
    page(None, "/chains/nothing", 404)


def test_from_a_case_to_a_figure_it_counted_in_and_back_takes_one_click_each(people: dict[str, Account]) -> None:
    case = sold(people)
    period = f"{clock.today().year}-01..{clock.today().month:02d}"
    text = page(people["county"], f"/cases/{case.pk}")
    for place in (PLACE, "330000"):
        figure = f"/why/first_sets@{place}@{period}"
        assert figure in links(text)
        behind = page(people["county"], figure)
        assert "背后的办件" in behind
        assert f"/cases/{case.pk}" in links(behind)
        assert "+1" in behind


def test_whoever_may_not_read_the_cases_behind_a_figure_is_told_how_many_lie_where(people: dict[str, Account]) -> None:
    for n in range(3):
        sold(people, title=f"成果{n}")
    period = f"{clock.today().year}-01..{clock.today().month:02d}"
    other = page(people["beside"], f"/why/first_sets@330000@{period}")
    assert "/cases/" not in " ".join(links(other))
    assert "西湖 3 件" in other
    assert "成果0" not in other
    everybody = page(None, f"/why/first_sets@330000@{period}")
    assert "西湖 3 件" in everybody
    assert "成果0" not in everybody


def test_a_small_count_behind_a_figure_is_not_told_to_everybody(people: dict[str, Account]) -> None:
    sold(people)
    period = f"{clock.today().year}-01..{clock.today().month:02d}"
    assert "西湖 …" in page(None, f"/why/first_sets@330000@{period}")
    assert "西湖 1 件" in page(people["beside"], f"/why/first_sets@330000@{period}")


def test_a_figure_that_no_case_made_has_no_cases_behind_it(people: dict[str, Account]) -> None:
    assert "背后的办件" not in page(people["county"], "/why/input_enterprise@330100@2025H1")


def test_the_library_shows_what_a_mechanism_counts_towards_its_terms_and_what_they_rest_on(
    people: dict[str, Account],
) -> None:
    text = page(None, "/processes/lot")
    assert "/indicators/first_sets" in links(text)
    assert "审核期限" in text
    assert "10 工作日" in text
    assert "已核实" in text
    assert "/documents/zj-2025-315/2.4.3" in links(text)
    assert "建议值" in text
    assert "成果挂牌公告" in text
    assert "付款" in text
    assert "1、24 个月后" in text
    assert "成交证明" in text
    assert "剩 3 天时提醒：县科技局" in text
    assert "价款（元）" in text
    assert "未发布" in text
    assert "/processes/lot/new" not in links(text)
    assert "/processes/lot/new" in links(page(people["school"], "/processes/lot"))
    assert "/processes/lot" in links(page(None, "/processes/"))


def test_the_english_library_names_things_in_english_and_marks_what_is_chinese(people: dict[str, Account]) -> None:
    text = page(None, "/en/processes/lot")
    assert "Result on offer" in text
    assert "Asked" in text
    assert '<span lang="zh-Hans">挂牌</span>' in text
    assert "10 working days" in text
    listed = page(None, "/en/processes/")
    assert "/en/processes/lot" in links(listed)


def test_a_term_that_goes_by_the_sort_of_case_is_told_for_each_sort(people: dict[str, Account]) -> None:
    text = page(None, "/processes/lot")
    assert "机器 4 工作日" in text
    assert "软件 6 工作日" in text


def test_every_process_of_the_packs_has_a_page_in_both_languages(people: dict[str, Account]) -> None:
    for process in packs.current().all("processes"):
        page(None, f"/processes/{process.code}")
        page(None, f"/en/processes/{process.code}")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_library_has_a_word_for_every_way_a_role_stands_to_a_case_and_every_kind_of_field(
    language: Language,
) -> None:
    assert set(get_args(ProcessRole.model_fields["at"].annotation)) == set(AT[language])
    assert set(form.NAMED) <= set(KINDS[language])
    assert set(WORDS["zh"]) == set(WORDS["en"])
