"""Cases: who opens, moves and sees them; what is refused leaves nothing behind."""

from __future__ import annotations

import pytest
from django.test import Client

from rongtong.apps.cases import actions, queries
from rongtong.apps.cases.errors import CaseExists, FormRefused, GuardRefused, Stale
from rongtong.apps.cases.evidence import Upload
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.cases.supervision_actions import step
from rongtong.apps.papers import actions as papers
from rongtong.apps.papers.writing import make_file
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period
from worlds import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
ITEM = {"title": "研发费用同比下降", "level": "yellow", "source": "lamp"}


@pytest.fixture
def people(demo_store: Account) -> dict[str, Account]:
    """One officer of the province, of two cities and of a county."""
    made = {}
    for name, role, place in (
        ("province", "provincial_officer", ""),
        ("hangzhou", "city_officer", "330100"),
        ("hangzhou2", "city_officer", "330100"),
        ("ningbo", "city_officer", "330200"),
        ("xihu", "county_officer", "330106"),
    ):
        made[name] = create_account(f"t-{name}", name, actor=demo_store, demo=True).account
        grant(made[name], role, place, actor=demo_store)
    return made


@pytest.fixture
def item(people: dict[str, Account]) -> Case:
    return actions.open_case(
        "supervision", actor=people["province"], place="330100", key="t/1", title="杭州研发费用", data=ITEM
    )


def test_a_case_goes_from_opening_to_its_end_and_every_step_is_a_leaf(people: dict[str, Account], item: Case) -> None:
    case = actions.move(item.pk, "receive", actor=people["hangzhou"], seen=1)
    replied = {"reply": "已逐户核对，三季度补上缺口。"}
    proof = Upload("核对.pdf", b"%PDF-1.4\n%%EOF")
    case = step(case.pk, "reply", actor=people["hangzhou"], seen=2, data=replied, files=[proof])
    case = actions.move(case.pk, "close", actor=people["province"], seen=3)
    assert (case.stage, case.outcome, case.due) == ("closed", "closed", None)
    steps = queries.history(case)
    assert [s.name for s in steps] == ["开始督办", "签收", "反馈", "销号"]
    assert queries.data(case)["reply"].startswith("已逐户核对")
    kinds = list(Leaf.objects.filter(subject=f"case:{case.pk}").order_by("sequence").values_list("kind", flat=True))
    assert kinds == [f"cases.supervision.{k}" for k in ("open", "receive", "reply", "close")]


def test_the_stage_sets_the_due_day_by_working_days(item: Case) -> None:
    # Opened on Tuesday 2025-07-15: two working days.
    assert str(item.due) == "2025-07-17"


def test_a_step_by_somebody_else_is_refused_and_leaves_nothing(people: dict[str, Account], item: Case) -> None:
    before = Leaf.objects.count()
    with pytest.raises(Denied, match="责任单位"):
        actions.move(item.pk, "receive", actor=people["province"], seen=1)
    assert (Leaf.objects.count(), Event.objects.filter(case=item).count()) == (before, 1)


def test_what_a_neighbour_may_not_see_does_not_exist_for_it(people: dict[str, Account], item: Case) -> None:
    assert not queries.visible(people["ningbo"]).exists()
    for pk in (item.pk, 999_999):
        with pytest.raises(Case.DoesNotExist):
            queries.find(people["ningbo"], pk)
        with pytest.raises(Case.DoesNotExist):
            actions.move(pk, "receive", actor=people["ningbo"], seen=1)


def test_a_county_does_not_see_its_citys_case_and_the_city_sees_its_countys(people: dict[str, Account]) -> None:
    actions.open_case("supervision", actor=people["hangzhou"], place="330106", key="t/2", title="西湖", data=ITEM)
    actions.open_case("supervision", actor=people["province"], place="330100", key="t/3", title="杭州", data=ITEM)
    assert [c.key for c in queries.visible(people["xihu"])] == ["t/2"]
    assert [c.key for c in queries.visible(people["hangzhou"])] == ["t/2", "t/3"]


def test_the_second_officer_is_told_what_the_first_did(people: dict[str, Account], item: Case) -> None:
    actions.move(item.pk, "receive", actor=people["hangzhou"], seen=1)
    with pytest.raises(Stale, match=r"hangzhou于.*签收"):
        actions.move(item.pk, "receive", actor=people["hangzhou2"], seen=1)


def test_a_form_not_filled_as_asked_is_refused_by_field(people: dict[str, Account], item: Case) -> None:
    actions.move(item.pk, "receive", actor=people["hangzhou"], seen=1)
    with pytest.raises(FormRefused) as refused:
        actions.move(item.pk, "reply", actor=people["hangzhou"], seen=2, data={"reply": "短"})
    assert "至少 10 个字" in refused.value.errors["reply"]


def test_a_guard_that_does_not_hold_says_why_in_the_words_of_the_definition(
    people: dict[str, Account], item: Case
) -> None:
    actions.move(item.pk, "receive", actor=people["hangzhou"], seen=1)
    case = actions.move(item.pk, "reply", actor=people["hangzhou"], seen=2, data={"reply": "已逐户核对，没有附件。"})
    offer = next(o for o in queries.offers(people["province"], case) if o.transition == "close")
    assert offer.refused == "还没有佐证材料，不能销号"
    with pytest.raises(GuardRefused, match=r"^还没有佐证材料，不能销号$"):
        actions.move(item.pk, "close", actor=people["province"], seen=3)


def test_an_extension_granted_moves_the_cases_own_deadline(people: dict[str, Account], item: Case) -> None:
    actions.move(item.pk, "receive", actor=people["hangzhou"], seen=1)
    asked = {"new_due": "2025-09-30", "reason": "企业数据九月才出"}
    actions.move(item.pk, "ask_extension", actor=people["hangzhou"], seen=2, data=asked)
    case = actions.move(
        item.pk, "grant_extension", actor=people["province"], seen=3, data={"granted_due": "2025-08-29"}
    )
    assert (case.stage, str(case.deadline), str(case.due)) == ("doing", "2025-08-29", "2025-08-29")


def test_the_same_key_is_opened_once(people: dict[str, Account], item: Case) -> None:
    with pytest.raises(CaseExists) as there:
        actions.open_case("supervision", actor=people["province"], place="330100", key="t/1", title="再来", data=ITEM)
    assert there.value.case == item


def test_the_work_list_holds_what_waits_for_me_and_not_what_i_could_do_besides(
    people: dict[str, Account], item: Case
) -> None:
    assert [i.case.key for i in queries.work(people["hangzhou"])] == ["t/1"]
    assert queries.work(people["province"]) == ()
    assert [o.transition for o in queries.offers(people["province"], item)] == ["escalate"]


def test_who_submits_does_not_approve(people: dict[str, Account], demo_store: Account) -> None:
    both = create_account("t-both", "both", actor=demo_store, demo=True).account
    for role in ("provincial_officer", "approver"):
        grant(both, role, "", actor=demo_store)
    case = papers.send(papers.make(make_file("dispatch", Period.parse("2025H1")), both), both)
    offer = next(o for o in queries.offers(both, case) if o.transition == "release")
    assert "职责分离" in offer.refused
    with pytest.raises(GuardRefused, match="职责分离"):
        actions.move(case.pk, "release", actor=both, seen=case.events)


def test_the_page_of_a_case_is_worked_by_plain_forms(people: dict[str, Account], item: Case) -> None:
    client = browser(people["hangzhou"])
    own = client.get(f"/cases/{item.pk}")
    assert (own.status_code, own["Location"]) == (302, f"/supervision/{item.pk}")
    assert "签收" in client.get(own["Location"]).content.decode()
    answer = client.post(f"/cases/{item.pk}/move", {"transition": "receive", "seen": "1"})
    assert (answer.status_code, answer["Location"]) == (302, f"/cases/{item.pk}")
    refused = client.post(f"/cases/{item.pk}/move", {"transition": "reply", "seen": "2", "reply": "太短"})
    assert refused.status_code == 422
    assert "至少 10 个字" in refused.content.decode()
    assert "太短</textarea>" in refused.content.decode()
    stale = client.post(
        f"/cases/{item.pk}/move", {"transition": "reply", "seen": "1", "reply": "写了很久的一段话，不能丢"}
    )
    assert stale.status_code == 409
    assert "写了很久的一段话，不能丢</textarea>" in stale.content.decode()


def test_the_page_of_an_invisible_case_is_the_page_of_an_absent_one(people: dict[str, Account], item: Case) -> None:
    client = browser(people["ningbo"])
    for pk in (item.pk, 999_999):
        assert client.get(f"/cases/{pk}").status_code == 404
        assert client.post(f"/cases/{pk}/move", {"transition": "receive", "seen": "1"}).status_code == 404


def test_a_step_refused_on_a_page_is_in_the_log(people: dict[str, Account], item: Case) -> None:
    client = browser(people["province"])
    assert client.post(f"/cases/{item.pk}/move", {"transition": "receive", "seen": "1"}).status_code == 403
    denied = Leaf.objects.filter(kind="registry.denied").latest("sequence")
    assert "cases.supervision.receive" in denied.payload.text


def test_the_library_draws_every_process(client: Client) -> None:
    assert "数据填报审核" in client.get("/processes/", HTTP_HOST="localhost").content.decode()
    page = client.get("/processes/supervision", HTTP_HOST="localhost").content.decode()
    assert "<svg" in page
    assert "建议值" in page


def test_the_api_moves_a_case_and_says_why_it_does_not(people: dict[str, Account], item: Case) -> None:
    client = browser()
    assert client.get(f"/api/cases/{item.pk}").status_code == 401
    client.force_login(people["hangzhou"])
    found = client.get(f"/api/cases/{item.pk}").json()
    assert (found["stage"], [o["transition"] for o in found["offers"]]) == ("issued", ["receive"])

    def post(**body: object) -> tuple[int, dict[str, str]]:
        answer = client.post(f"/api/cases/{item.pk}/moves", body, content_type="application/json")
        return answer.status_code, answer.json()

    assert post(transition="receive", seen=1)[1]["stage"] == "doing"
    assert post(transition="receive", seen=1)[0] == 409
    assert post(transition="reply", seen=2, data={"reply": 3})[0] == 422
    client.force_login(people["ningbo"])
    assert post(transition="receive", seen=2)[0] == 404
