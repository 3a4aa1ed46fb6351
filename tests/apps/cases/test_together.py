"""One step in several cases with one form: what can be done is done, what cannot is told case by case."""

from __future__ import annotations

import pytest
from desk_world import need, taken

from rongtong.apps.cases import actions
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.registry.models import Account
from worlds import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
Who = dict[str, Account]


def ticked(*cases: Case) -> list[str]:
    return [f"{c.pk}:{c.events}" for c in cases]


def test_one_form_moves_every_case(who: Who) -> None:
    cases = [need(who, title=f"第 {n} 件") for n in range(3)]
    client = browser(who["county"])
    page = client.get("/desk/together", {"case": ticked(*cases), "transition": "accept"})
    assert "受理 3 件" in page.content.decode()
    sent = {"case": ticked(*cases), "transition": "accept", "office": "d-handler"}
    answer = client.post("/desk/together", sent)
    assert (answer.status_code, "办成 3 件" in answer.content.decode()) == (200, True)
    assert {Case.objects.get(pk=c.pk).stage for c in cases} == {"working"}
    # Sent again it changes nothing and says why of each.
    again = client.post("/desk/together", sent)
    assert (
        again.status_code,
        again.content.decode().count("没有办成：") + again.content.decode().count("没有办成</span>："),
    ) == (409, 3)
    assert Event.objects.filter(case__in=cases).count() == 6


def test_what_fails_is_told_and_the_rest_stays(who: Who) -> None:
    first, second, moved = (need(who, title=f"第 {n} 件") for n in range(3))
    seen = ticked(first, second, moved)
    actions.move(
        moved.pk,
        "supervise",
        actor=who["county"],
        seen=1,
        data={"supervision_level": "red", "supervision": "请尽快办理"},
    )
    answer = browser(who["county"]).post(
        "/desk/together", {"case": seen, "transition": "accept", "office": "d-handler"}
    )
    said = answer.content.decode()
    assert (answer.status_code, "办成 2 件，没有办成 1 件" in said, "您打开之后已有变化" in said) == (200, True, True)
    assert Case.objects.get(pk=moved.pk).stage == "asked"
    assert {Case.objects.get(pk=c.pk).stage for c in (first, second)} == {"working"}


def test_a_form_filled_in_wrong_moves_nothing_and_is_kept(who: Who) -> None:
    cases = [need(who, title=f"第 {n} 件") for n in range(2)]
    sent = {"case": ticked(*cases), "transition": "accept", "remark": "请抓紧"}
    answer = browser(who["county"]).post("/desk/together", sent)
    said = answer.content.decode()
    assert (answer.status_code, "请填写“承办账号”" in said, "请抓紧" in said) == (422, True, True)
    assert not Event.objects.filter(case__in=cases, number=2).exists()


def test_an_account_there_is_not_is_told_of_each_case(who: Who) -> None:
    cases = [need(who, title=f"第 {n} 件") for n in range(2)]
    sent = {"case": ticked(*cases), "transition": "accept", "office": "nobody-here"}
    answer = browser(who["county"]).post("/desk/together", sent)
    assert (answer.status_code, answer.content.decode().count("没有启用的账号")) == (409, 2)
    assert not Event.objects.filter(case__in=cases, number=2).exists()


@pytest.mark.parametrize(
    ("pick", "words"),
    [
        (lambda who, a, b: [], "还没有勾选"),
        (lambda who, a, b: ticked(a, b), "不是同一流程"),
        (lambda who, a, b: ["x", "1:y", f"{a.pk}"], "还没有勾选"),
        (lambda who, a, b: [f"{n}:1" for n in range(60)], "至多 50 件"),
        (lambda who, a, b: ["987654321:1"], "看不到"),
    ],
)
def test_what_cannot_be_taken_together_is_refused_with_what_to_do(who: Who, pick: object, words: str) -> None:
    waiting, working = need(who, title="待受理的"), need(who, title="在办的")
    working = taken(who, working)
    client = browser(who["county"])
    for ask in (client.get, client.post):
        answer = ask("/desk/together", {"case": pick(who, waiting, working)})  # type: ignore[operator]
        assert (answer.status_code, words in answer.content.decode()) == (422, True)


def test_a_case_that_moved_on_meanwhile_is_told_and_the_others_are_done(who: Who) -> None:
    first, moved = need(who, title="第一件"), need(who, title="第二件")
    seen = ticked(first, moved)
    taken(who, moved)
    answer = browser(who["county"]).post(
        "/desk/together", {"case": seen, "transition": "accept", "office": "d-handler"}
    )
    assert (answer.status_code, "办成 1 件，没有办成 1 件" in answer.content.decode()) == (200, True)


def test_nobody_moves_what_is_not_theirs_to_move(who: Who) -> None:
    case = need(who, title="一件")
    sent = {"case": ticked(case), "transition": "accept", "office": "d-handler"}
    for name in ("city", "province", "beside", "far", "firm", "rival", "handler"):
        browser(who[name]).post("/desk/together", sent)
        assert Event.objects.filter(case=case).count() == 1, name


def test_a_step_that_wants_files_of_each_is_not_offered(who: Who) -> None:
    case = taken(who, need(who, title="一件"))
    page = browser(who["handler"]).get("/desk/together", {"case": ticked(case)}).content.decode()
    assert "补材料" not in page
    assert "答复 1 件" not in page  # two steps are left (答复, 回应督办): one is to be chosen
    assert ">答复</a>" in page
