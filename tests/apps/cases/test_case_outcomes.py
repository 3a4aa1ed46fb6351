"""What a process file can bring forth: rows, experts who declare and score, notices and objections, dues, certificates, cases
under a case. One made-up mechanism has them all, and no line of code."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from packs import with_more
from rongtong import clock
from rongtong.apps.cases import actions, queries
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.evidence import Upload
from rongtong.apps.cases.models import Case, Certificate, Link, Obligation
from rongtong.apps.cases.ticking import tick
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account
from worlds import browser, member, unit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
PROCESSES = """\
- code: trial
  version: "1"
  name: 试制
  about: 试验用的流程，什么都有。
  start: asked
  opened_by: [firm, county]
  of: firm_code
  prefill: {firm_name: organisation.name}
  variables: {price: number, mode: text}
  tallies:
    - {code: scores, name: 评分数, at: [score]}
    - {code: mean_score, name: 平均分, at: [score], field: points, take: mean}
    - {code: parts_open, name: 下级件, under: piece, stages: [making]}
  dues:
    - {code: pay, name: 付款, by: firm, born: [sign], when: mode == 'later', months: [6, 12], amount: price * 0.333, met_by: [paid], waived_by: [void]}
    - {code: step, name: 节点, by: firm, born: [sign], each: milestones, met_by: [paid], waived_by: [void]}
  certificates:
    - {code: proof, name: 试制证明, prefix: SZ, at: [sign], fields: [price, mode], revoked_by: [void]}
  uses:
    - {block: notice, after: judged, with: {title: 拟试制公示, shows: [title], next: agreed, upheld: asked, by: [county], objector: [objector]}}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
    - {code: invited, name: 受邀专家, held_by: [expert], at: participant, head_only: true}
    - {code: expert, name: 专家, held_by: [expert], at: participant}
    - {code: objector, name: 异议人, held_by: [institution, enterprise], at: notice}
  form:
    type: object
    required: [title]
    properties:
      title: {type: string, title: 名称, minLength: 2, maxLength: 100}
      firm_code: {type: string, title: 企业代码, format: organisation}
      firm_name: {type: string, title: 企业名称, maxLength: 100}
      targets:
        type: array
        title: 指标
        items:
          type: object
          required: [name, goal]
          properties:
            name: {type: string, title: 指标, maxLength: 50}
            goal: {type: string, title: 目标值, format: decimal}
  stages:
    - {code: asked, name: 已提出, no_clock: 试验}
    - {code: judged, name: 评审中, no_clock: 试验, see: [firm, county, invited, expert]}
    - {code: agreed, name: 已同意, no_clock: 试验}
    - {code: signed, name: 已签约, no_clock: 试验}
    - {code: voided, name: 已作废, outcome: voided}
  transitions:
    - code: invite
      name: 请专家
      at: [asked]
      to: judged
      by: [county]
      parts: {invited: experts}
      form:
        type: object
        required: [experts]
        properties:
          experts: {type: array, title: 专家账号, items: {type: string, format: account}, minItems: 1}
    - {code: declare, name: 声明无利益冲突, at: [judged], by: [invited], takes: expert}
    - code: score
      name: 评分
      at: [judged]
      by: [expert]
      each: true
      read_by: [county]
      form:
        type: object
        required: [points]
        properties:
          points: {type: string, title: 分数, format: decimal}
    - {code: decide, name: 定, at: [judged], to: notice, by: [county], when: scores >= 2 and mean_score >= 60, refusal: 至少两位专家，平均不低于 60 分}
    - code: sign
      name: 签约
      at: [agreed]
      to: signed
      by: [county]
      files: required
      opens:
        - {process: piece, fields: {title: title}}
      form:
        type: object
        required: [price, mode]
        properties:
          price: {type: string, title: 价款（元）, format: decimal}
          mode: {type: string, title: 付款方式, oneOf: [{const: later, title: 延期}, {const: none, title: 无}]}
          milestones:
            type: array
            title: 节点
            items:
              type: object
              required: [name, due]
              properties:
                name: {type: string, title: 节点, maxLength: 50}
                due: {type: string, title: 时限, format: date}
                amount: {type: string, title: 金额（元）, format: decimal}
    - code: paid
      name: 已付
      at: [signed]
      by: [firm]
      optional: true
      form: {type: object, properties: {due_item: {type: integer, title: 哪一项, minimum: 1}}}
    - {code: void, name: 作废, at: [signed], to: voided, by: [county], optional: true}
- code: piece
  version: "1"
  name: 试制件
  about: 开在试制之下。
  start: making
  opened_by: [firm]
  under: {process: trial, at: [signed]}
  links: {instance: like}
  link_names: {instance: {name: 归入共性问题, back: 所含的办件}}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
  form:
    type: object
    required: [title]
    properties:
      title: {type: string, title: 名称, maxLength: 100}
      like: {type: string, title: 同样的件, format: case, maxLength: 40}
  stages:
    - {code: making, name: 制作中, no_clock: 试验}
    - {code: made, name: 已完成, outcome: made}
  transitions:
    - {code: finish, name: 完成, at: [making], to: made, by: [firm]}
"""
PLACE = "330106"


@pytest.fixture(scope="module")
def people(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    """Two firms, a county officer and its neighbour, three experts; the pack with the made-up mechanism in force."""
    load(with_more(tmp_path_factory.mktemp("pack"), PROCESSES), demo_store)
    made = {}
    for name, role, stem in (
        ("firm", "enterprise", "91339999000000019"),
        ("other", "enterprise", "91339999000000027"),
        ("county", "county_officer", ""),
        ("e1", "expert", ""),
        ("e2", "expert", ""),
        ("e3", "expert", ""),
    ):
        own = unit(stem, f"{name}公司（虚构）", "enterprise", PLACE, actor=demo_store) if stem else None
        made[name] = member(f"o-{name}", name, role, PLACE, actor=demo_store, organisation=own)
        Account.objects.filter(pk=made[name].pk).update(password_is_initial=False)
        made[name].refresh_from_db()
    return made


def step(case: Case, code: str, who: Account, **data: object) -> Case:
    files = [Upload("合同.pdf", b"%PDF-1.4 \n%%EOF")] if code == "sign" else []
    case.refresh_from_db()
    return actions.move(case.pk, code, actor=who, seen=case.events, data=data, files=files)


def asked(people: dict[str, Account], **more: object) -> Case:
    firm = people["firm"]
    data = {"title": "试制一台样机", **more}
    return actions.open_case("trial", actor=firm, place=PLACE, data=data, organisation=firm.organisation)


def judged(people: dict[str, Account]) -> Case:
    case = asked(people)
    return step(case, "invite", people["county"], experts=["o-e1", "o-e2"])


def noticed(people: dict[str, Account]) -> Case:
    case = judged(people)
    for name, points in (("e1", "80"), ("e2", "45.5")):
        step(case, "declare", people[name])
        step(case, "score", people[name], points=points)
    return step(case, "decide", people["county"])


def signed(people: dict[str, Account], **more: object) -> Case:
    case = agreed(people)
    return step(case, "sign", people["county"], **({"price": "1000.01", "mode": "later"} | more))


def agreed(people: dict[str, Account]) -> Case:
    """A case whose notice was over before the daily job ran."""
    case = noticed(people)
    Case.objects.filter(pk=case.pk).update(entered_at=clock.now() - timedelta(days=14))
    tick()
    case.refresh_from_db()
    assert case.stage == "agreed"
    return case


def test_a_number_is_taken_from_the_year_and_an_office_opens_for_a_firm(people: dict[str, Account]) -> None:
    first = asked(people)
    firm = people["other"].organisation
    assert firm is not None
    second = actions.open_case(
        "trial", actor=people["county"], place=PLACE, data={"title": "电话里说的", "firm_code": firm.uscc}
    )
    assert (first.key, second.key) == ("2025-000001", "2025-000002")
    assert second.organisation == firm
    assert queries.find(people["other"], second.pk) == second
    with pytest.raises(Case.DoesNotExist):
        queries.find(people["firm"], second.pk)
    with pytest.raises(FormRefused, match="没有登记"):
        actions.open_case("trial", actor=people["county"], place=PLACE, data={"title": "某某", "firm_code": "9" * 18})


def test_a_page_takes_rows_and_names_the_row_that_is_wrong(people: dict[str, Account]) -> None:
    client = browser(people["firm"])
    page = client.get(reverse("case-new", args=["trial"])).content.decode()
    assert "firm公司（虚构）" in page
    assert 'name="targets-0-goal"' in page
    filled = {"title": "样机", "targets-0-name": "功率", "targets-0-goal": "3.5", "targets-2-name": "噪声"}
    refused = client.post(reverse("case-new", args=["trial"]), filled)
    assert refused.status_code == 422
    assert "第 2 行还没有填“目标值”" in refused.content.decode()
    assert 'value="噪声"' in refused.content.decode()
    taken = client.post(reverse("case-new", args=["trial"]), filled | {"targets-2-goal": "60"})
    assert taken.status_code == 302
    case = Case.objects.get(process="trial")
    assert queries.data(case)["targets"] == [{"name": "功率", "goal": "3.5"}, {"name": "噪声", "goal": "60"}]
    page = client.get(reverse("case", args=[case.pk])).content.decode()
    assert "指标 功率，目标值 3.5" in page


def test_an_expert_reads_nothing_before_declaring_and_no_other_score_after(people: dict[str, Account]) -> None:
    case = judged(people)
    seen = browser(people["e1"]).get(reverse("case", args=[case.pk])).content.decode()
    assert "只看得到这件是什么" in seen
    assert "所填内容不向您显示" in seen
    assert all(not s["data"] for s in browser(people["e1"]).get(f"/api/cases/{case.pk}").json()["history"])
    with pytest.raises(Case.DoesNotExist):
        queries.find(people["e3"], case.pk)
    step(case, "declare", people["e1"])
    step(case, "score", people["e1"], points="80")
    with pytest.raises(GuardRefused, match="已办过"):
        step(case, "score", people["e1"], points="90")
    step(case, "declare", people["e2"])
    scores = {
        name: [s.data.get("points") for s in queries.history(case, people[name]) if s.transition == "score"]
        for name in ("e1", "e2", "firm", "county")
    }
    assert scores == {"e1": ["80"], "e2": [None], "firm": [None], "county": ["80"]}


def test_a_guard_counts_the_experts_and_means_their_scores_exactly(people: dict[str, Account]) -> None:
    case = judged(people)
    step(case, "declare", people["e1"])
    step(case, "score", people["e1"], points="80")
    with pytest.raises(GuardRefused, match="至少两位专家"):
        step(case, "decide", people["county"])
    step(case, "declare", people["e2"])
    step(case, "score", people["e2"], points="39.999999")
    with pytest.raises(GuardRefused):
        step(case, "decide", people["county"])
    assert noticed(people).stage == "notice"


def test_everybody_reads_a_notice_and_only_who_may_objects(people: dict[str, Account]) -> None:
    case = noticed(people)
    page = browser().get(reverse("notice", args=[case.pk])).content.decode()
    assert "试制一台样机" in page
    assert "45.5" not in page
    assert "Public notices" in browser().get(reverse("notices-en")).content.decode()
    other = browser(people["other"])
    assert other.get(reverse("case", args=[case.pk])).status_code == 404
    objection = {"transition": "object", "seen": case.events, "objection": "所称样机早已由他人制成，附照片为证。"}
    assert browser(people["e3"]).post(reverse("notice", args=[case.pk]), objection).status_code == 404
    sent = other.post(
        reverse("notice", args=[case.pk]),
        objection | {"files": SimpleUploadedFile("照片.pdf", b"%PDF-1.4 \n%%EOF")},
    )
    assert sent.status_code == 302
    case.refresh_from_db()
    assert case.stage == "objection"
    assert browser().get(reverse("notice", args=[case.pk])).status_code == 404
    said = [s for s in queries.history(case, people["firm"]) if s.transition == "object"]
    assert not said[0].readable
    evidence = case.attachments.get()
    assert browser(people["firm"]).get(reverse("case-evidence", args=[evidence.pk])).status_code == 404
    assert browser(people["county"]).get(reverse("case-evidence", args=[evidence.pk])).status_code == 200


def test_dues_are_born_in_exact_fen_met_and_waived(people: dict[str, Account]) -> None:
    rows = [{"name": "样机", "due": "2025-09-30", "amount": "0.01"}]
    case = signed(people, milestones=rows)
    dues = list(Obligation.objects.filter(case=case).order_by("number"))
    assert [(d.name, d.due, d.amount) for d in dues] == [
        ("付款（6 个月）", date(2026, 1, 15), 33300),
        ("付款（12 个月）", date(2026, 7, 15), 33300),
        ("样机", date(2025, 9, 30), 1),
    ]
    step(case, "paid", people["firm"])
    step(case, "paid", people["firm"], due_item=2)
    with pytest.raises(FormRefused, match="第 2 项"):
        step(case, "paid", people["firm"], due_item=2)
    page = browser(people["firm"]).get(reverse("case", args=[case.pk])).content.decode()
    assert "333.00 元" in page
    step(case, "void", people["county"])
    assert [bool(d.met_id) for d in Obligation.objects.filter(case=case).order_by("number")] == [False, True, True]
    assert Obligation.objects.get(case=case, number=1).waived_id is not None


def test_an_amount_that_is_not_known_stops_the_step(people: dict[str, Account]) -> None:
    case = agreed(people)
    with pytest.raises(CaseError, match="不为负"):
        step(case, "sign", people["county"], price="-1", mode="later")
    assert not Obligation.objects.exists()


def test_a_certificate_states_what_its_leaf_holds_and_is_revoked(people: dict[str, Account]) -> None:
    case = signed(people)
    one = Certificate.objects.get(case=case)
    assert one.number == f"SZ-{case.key}"
    assert '"states":[["价款（元）","1000.01"],["付款方式","延期"]]' in one.leaf.payload.text
    step(case, "void", people["county"])
    one.refresh_from_db()
    assert one.ended is not None
    assert not one.replaced


def test_a_step_opens_a_case_below_and_a_case_below_needs_one_above(people: dict[str, Account]) -> None:
    case = signed(people)
    below = Case.objects.get(process="piece")
    assert (below.parent, below.organisation, below.place) == (case, case.organisation, PLACE)
    client = browser(people["firm"])
    address = f"{reverse('case-new', args=['piece'])}?under={case.pk}"
    assert address in client.get(reverse("case", args=[case.pk])).content.decode()
    assert client.post(address, {"title": "又一件", "like": str(below.pk)}).status_code == 302
    assert Link.objects.get().target == below
    with pytest.raises(CaseError, match="所属的办件"):
        actions.open_case("piece", actor=people["firm"], place=PLACE, data={"title": "无主"})
    step(case, "void", people["county"])
    assert client.get(address).status_code == 404
    assert browser(people["other"]).get(address).status_code == 404


def test_a_step_that_wants_evidence_is_refused_without(people: dict[str, Account]) -> None:
    case = agreed(people)
    with pytest.raises(FormRefused, match="佐证材料"):
        actions.move(case.pk, "sign", actor=people["county"], seen=case.events, data={"price": "1", "mode": "none"})
    with pytest.raises(Denied):
        step(case, "sign", people["firm"], price="1", mode="none")
