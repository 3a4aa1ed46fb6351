"""What the page of a case tells whoever opens it for the first time: whose turn it is, what is in the way, what runs."""

from __future__ import annotations

import re

import pytest

from contract_world import World
from rongtong.apps.cases.models import Case

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(contracts: World) -> World:
    return contracts


def page(world: World, who: str, case: Case) -> str:
    answer = world.browser(who).get(f"/cases/{case.pk}")
    assert answer.status_code == 200
    return answer.content.decode()


def turn(world: World, who: str, case: Case) -> str:
    (head,) = re.findall(r'<header class="page-head">.*?</header>', page(world, who, case), re.DOTALL)
    return "、".join(re.findall(r"<strong>(.*?)</strong>", head))


def test_the_page_says_whose_turn_it_is_until_the_case_has_ended(world: World) -> None:
    case = world.file()
    assert (turn(world, "registrar", case), turn(world, "seller", case)) == ("轮到您", "等登记机构")
    world.make(case, "accept", contract_text="complete")
    world.make(case, "ask_mend", to_mend="附件二没有盖章")
    assert (turn(world, "registrar", case), turn(world, "seller", case)) == ("等申请单位", "轮到您")
    world.make(case, "withdraw", "seller")
    assert (turn(world, "registrar", case), turn(world, "seller", case)) == ("", "")


def test_what_is_in_the_way_of_a_step_stands_outside_its_fold_with_the_numbers_by_their_names(world: World) -> None:
    said = page(world, "registrar", world.file(contract_amount="100", technology_amount="120.5"))
    (form,) = re.findall(r'<form[^>]*id="accept".*?</form>', said, re.DOTALL)
    folded, _, after = form.partition("</details>")
    assert "现在还不能" not in folded
    assert "请申请单位在受理前改正（现在：合同成交额（万元） 100，技术交易额（万元） 120.50）" in after
    assert "&lt;=" not in form


def test_terms_are_listed_once_one_has_started(world: World) -> None:
    case = world.file()
    assert "认定登记期限" not in page(world, "registrar", case)
    assert "<h2>期限</h2>" not in page(world, "registrar", case)
    assert "认定登记期限" in page(world, "registrar", world.make(case, "accept", contract_text="complete"))


def test_a_page_says_beforehand_how_long_a_text_has_to_be_and_a_refusal_how_long_it_is(world: World) -> None:
    case = world.make(world.accepted(), "refuse", refuse_reason="other", refuse_words="不符合登记条件")
    assert re.search(
        r'复核理由（必填）</label>\s*<p class="note" id="[^"]*">至少 10 个字</p>', page(world, "seller", case)
    )
    sent = {"transition": "ask_again", "seen": case.events, "grounds": "不服。" * 400}
    refused = world.browser("seller").post(f"/cases/{case.pk}/move", sent).content.decode()
    assert '<p class="error">“复核理由”至多 1000 个字，现有 1200 个。</p>' in refused
    # 1000 characters as their author counts them: a browser sends a line break as two.
    sent["grounds"] = "不服\r\n" * 333 + "完"
    world.browser("seller").post(f"/cases/{case.pk}/move", sent)
    case.refresh_from_db()
    assert case.stage == "again"
