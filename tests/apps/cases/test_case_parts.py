"""A firm's case: whose it is, who is named in it, what it is labelled and what it counts towards, all from one file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from packs import with_more
from rongtong import clock
from rongtong.apps.cases import access, actions, measuring, queries
from rongtong.apps.cases.errors import FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Label, Measured
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs.actions import PackRefused, load
from rongtong.apps.planning.queries import Asked, monitor
from rongtong.apps.registry.access import Denied, visible_places
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period
from worlds import browser, member, unit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
BLOCKS = """\
- code: post
  name: 公示
  about: 公示若干天，没有异议就往下走。
  parameters: {days: 5, next: null, by: null}
  stages:
    - {code: notice, name: 公示中, deadline: {days: $days, calendar: working, note: 建议值}}
  transitions:
    - {code: notice_over, name: 公示期满, at: [notice], to: $next, by: $by, when: overdue, refusal: 公示还没有期满}
"""
PROCESS = """\
- code: insure
  version: "1"
  name: 科技保险
  about: 试验
  start: asked
  opened_by: [firm]
  labels: [kind]
  clocks:
    - {code: answer, name: 答复期限, days: 2, starts: [open], stops: [accept], mark: proposed}
  variables: {amount: number, urgent: flag}
  measures:
    - {indicator: use_first_transfers, at: [accept], undone_by: [cancel]}
    - {indicator: input_enterprise, at: [accept], field: amount, unit: 万元, when: urgent}
  uses:
    - {block: post, after: checked, with: {days: 3, next: done, by: [county]}}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
    - {code: handler, name: 承办部门, held_by: [handler], at: participant}
  form:
    type: object
    required: [kind]
    properties:
      kind: {type: string, title: 险种, enum: [研发, 成果]}
      amount: {type: string, title: 保额（万元）, format: decimal}
      urgent: {type: boolean, title: 急用}
      chain: {type: string, title: 产业链, maxLength: 64}
  stages:
    - {code: asked, name: 已申请, no_clock: 试验}
    - {code: checked, name: 办理中, no_clock: 试验, see: [firm, county, handler]}
    - {code: done, name: 已办结, outcome: done}
    - {code: gone, name: 已撤销, outcome: gone}
  transitions:
    - code: assign
      name: 交办
      at: [asked]
      to: checked
      by: [county]
      parts: {handler: office}
      form:
        type: object
        required: [office]
        properties:
          office: {type: string, title: 承办单位, format: organisation}
    - {code: accept, name: 同意, at: [checked], to: notice, by: [handler]}
    - {code: cancel, name: 撤销, at: [notice, done], to: gone, by: [county], optional: true}
"""
USCC = {"甲": "91330106MA27XYQ95", "乙": "91330106MA28A1B24", "局": "11330106002493876"}


@pytest.fixture(scope="module")
def people(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    """Two firms and a bureau of 西湖, its county officer, and one of a neighbour."""
    load(with_more(tmp_path_factory.mktemp("pack"), PROCESS, blocks=BLOCKS), demo_store)
    made = {}
    for name, role, place, kind in (
        ("甲", "enterprise", "330106", "enterprise"),
        ("乙", "enterprise", "330106", "enterprise"),
        ("局", "handler", "330106", "government"),
        ("西湖", "county_officer", "330106", ""),
        ("上城", "county_officer", "330102", ""),
    ):
        own = unit(USCC[name], f"{name}单位", kind, place, actor=demo_store) if kind else None
        made[name] = member(f"p-{len(made)}", name, role, place, actor=demo_store, organisation=own)
    return made


def ask(people: dict[str, Account], firm: str = "甲", **more: object) -> Case:
    who = people[firm]
    data = {"kind": "研发", "amount": "120.5", "urgent": True, "chain": "", **more}
    data = {k: v for k, v in data.items() if v != ""}
    return actions.open_case(
        "insure", actor=who, place="330106", key=f"{firm}/{Case.objects.count()}", title="科技保险", data=data,
        organisation=who.organisation,
    )  # fmt: skip


def accepted(people: dict[str, Account], case: Case) -> Case:
    office = people["局"].organisation
    assert office is not None
    actions.move(case.pk, "assign", actor=people["西湖"], seen=1, data={"office": office.uscc})
    return actions.move(case.pk, "accept", actor=people["局"], seen=2)


def test_a_firm_reads_its_own_cases_and_no_others_and_no_place(people: dict[str, Account]) -> None:
    own, other = ask(people, "甲"), ask(people, "乙")
    assert set(queries.visible(people["甲"])) == {own}
    assert set(queries.visible(people["乙"])) == {other}
    assert set(queries.visible(people["西湖"])) == {own, other}
    assert not queries.visible(people["上城"]).exists()
    assert visible_places(people["甲"]).places == ()


def test_a_firm_opens_cases_only_for_itself(people: dict[str, Account]) -> None:
    with pytest.raises(Denied, match="企业"):
        actions.open_case(
            "insure", actor=people["甲"], place="330106", key="x", title="x", data={"kind": "研发"},
            organisation=people["乙"].organisation,
        )  # fmt: skip
    with pytest.raises(Denied):
        actions.open_case("insure", actor=people["甲"], place="330106", key="x", title="x", data={"kind": "研发"})
    assert not Case.objects.filter(process="insure").exists()


def test_a_form_names_who_handles_the_case(people: dict[str, Account]) -> None:
    case = ask(people)
    assert not queries.visible(people["局"]).exists()
    with pytest.raises(FormRefused, match="没有登记"):
        actions.move(case.pk, "assign", actor=people["西湖"], seen=1, data={"office": "91330106MA27XYQ95X"})
    case = accepted(people, case)
    assert (case.stage, case.due) == ("notice", date(2025, 7, 18))
    assert [s.name for s in queries.history(case)] == ["开始科技保险", "交办", "同意"]


def test_a_block_stands_in_the_process_with_its_parameters(people: dict[str, Account]) -> None:
    case = accepted(people, ask(people))
    assert [s.name for s in queries.line(case)] == ["已申请", "办理中", "公示中", "已办结", "已撤销"]
    with pytest.raises(GuardRefused, match="公示还没有期满"):
        actions.move(case.pk, "notice_over", actor=people["西湖"], seen=3)
    Case.objects.filter(pk=case.pk).update(entered_at=clock.now() - timedelta(days=7))
    assert actions.move(case.pk, "notice_over", actor=people["西湖"], seen=3).outcome == "done"


def test_a_clock_runs_over_several_stages_and_stops(people: dict[str, Account]) -> None:
    case = ask(people)
    # Opened on Tuesday 2025-07-15.
    assert case.due == date(2025, 7, 17)
    (line,) = queries.clocks(case)
    assert (line.state, line.reading.days_left, [d.number for d in line.reading.days]) == ("计时中", 2, [0, 1, 2])
    case = accepted(people, case)
    (line,) = queries.clocks(case)
    assert (line.state, case.due) == ("按时办到", date(2025, 7, 18))


def test_a_firm_starts_and_reads_its_case_on_pages_nobody_wrote(people: dict[str, Account]) -> None:
    firm = browser(people["甲"])
    assert "/processes/insure/new" in firm.get("/cases/").content.decode()
    page = firm.get("/processes/insure/new").content.decode()
    assert "险种" in page
    assert "甲单位" in page
    answer = firm.post("/processes/insure/new", {"amount": "12"})
    assert (answer.status_code, "请填写“险种”" in answer.content.decode()) == (422, True)
    assert 'value="12"' in answer.content.decode()
    answer = firm.post("/processes/insure/new", {"kind": "研发", "amount": "12"})
    case = Case.objects.get(process="insure")
    assert (answer.status_code, case.organisation, case.place) == (302, people["甲"].organisation, "330106")
    shown = firm.get(answer["Location"]).content.decode()
    assert "答复期限" in shown
    assert "2025-07-17" in shown
    other = browser(people["乙"])
    assert other.get(answer["Location"]).status_code == 404
    officer = browser(people["西湖"])
    assert officer.get("/processes/insure/new").status_code == 404
    assert officer.get(answer["Location"]).status_code == 200


def test_labels_follow_the_forms(people: dict[str, Account]) -> None:
    case = ask(people, kind="成果")
    assert [(x.name, x.value) for x in Label.objects.filter(case=case)] == [("kind", "成果")]


def test_a_case_moves_its_indicators_in_every_place_above_it_and_back(people: dict[str, Account]) -> None:
    day, year = date(2025, 7, 15), Period.parse("2025-01..07")

    def known(indicator: str) -> dict[str, int]:
        return {f.place: f.value for f in observations.known([indicator], [year], day) if not f.chain}

    accepted(people, ask(people))
    case = accepted(people, ask(people, "乙", urgent=False))
    assert known("use_first_transfers") == {"330000": 2, "330100": 2, "330106": 2}
    # 120.5 万元 in 分, of the urgent one only
    assert known("input_enterprise") == {"330000": 120_500_000, "330100": 120_500_000, "330106": 120_500_000}
    found = monitor(Asked("use_first_transfers", year, as_of=day))
    assert [r.figures["value"].number for r in found.rows if r.place == "330100"] == [2]
    assert found.total.figures["value"].status == "synthetic"
    actions.move(case.pk, "cancel", actor=people["西湖"], seen=3)
    assert known("use_first_transfers") == {"330000": 1, "330100": 1, "330106": 1}
    assert [m.case_id for m in measuring.behind("use_first_transfers", "330100", year, day) if m.value < 0] == [case.pk]
    assert observations.latest_period("use_first_transfers", day) == year


def test_a_stock_goes_on_from_the_last_one_observed(people: dict[str, Account], settings: Settings) -> None:
    """The province published 2,500 by September: cases before are in it, cases after it are added to it."""
    accepted(people, ask(people))
    settings.PINNED_TODAY = date(2025, 10, 20)
    accepted(people, ask(people, "乙"))
    day = date(2025, 12, 31)

    def known(period: str) -> dict[str, int]:
        found = observations.known(["use_first_transfers"], [Period.parse(period)], day)
        return {f.place: f.value for f in found if not f.chain}

    assert known("2025-01..08") == {"330000": 1, "330100": 1, "330106": 1}
    assert known("2025-01..10") == {"330000": 2501, "330100": 2, "330106": 2}
    (whole,) = (
        f for f in observations.known(["use_first_transfers"], [Period.parse("2025")], day) if f.place == "330000"
    )
    assert whole.source.startswith("期初存量（2025年9月，浙江省科学技术厅")


def test_a_stock_stands_where_no_case_came_after_it(people: dict[str, Account]) -> None:
    """The city has the case, the province what it published: the whole is not empty because nothing came after that."""
    accepted(people, ask(people))

    def known(period: str) -> dict[str, tuple[int, str, str]]:
        found = observations.known(["use_first_transfers"], [Period.parse(period)], date(2025, 10, 9))
        return {f.place: (f.value, f.status, f.source[:4]) for f in found if not f.chain}

    assert known("2025-01..10")["330000"] == (2500, "actual", "期初存量")
    assert known("2025-09")["330000"] == (2500, "actual", "浙江省科")
    assert known("2025-01..10")["330100"][:2] == known("2025-09")["330100"][:2] == (1, "synthetic")


def test_what_is_known_on_an_earlier_day_does_not_change(people: dict[str, Account]) -> None:
    accepted(people, ask(people))
    before = date(2025, 7, 14)
    assert observations.known(["use_first_transfers"], [Period.parse("2025-01..07")], before) == ()
    assert measuring.counted(before) == frozenset()


def test_a_case_counts_once_for_an_indicator(people: dict[str, Account]) -> None:
    case = accepted(people, ask(people))
    assert Measured.objects.filter(case=case, indicator="use_first_transfers").count() == 1


def test_a_chain_has_facts_of_its_own(people: dict[str, Account]) -> None:
    accepted(people, ask(people, chain="415x-1"))
    day, year = date(2025, 7, 15), Period.parse("2025-01..07")
    chains = {f.chain for f in observations.known(["use_first_transfers"], [year], day)}
    assert chains == {"", "415x-1"}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("{block: post, after: checked, with: {days: 3, by: [county]}}", "缺少参数 next"),
        ("{block: post, after: nowhere, with: {next: done, by: [county]}}", "没有这个环节"),
        ("{block: objection, with: {}}", "没有；有的是："),
        ("{block: post, with: {next: done, by: [county], days: soon}}", "不成立"),
        ("{block: post, with: {next: done, by: [county], colour: red}}", "不是它的参数"),
    ],
)
def test_a_block_used_wrongly_is_refused_with_the_reason(
    demo_store: Account, tmp_path: Path, found: str, said: str
) -> None:
    right = "{block: post, after: checked, with: {days: 3, next: done, by: [county]}}"
    with pytest.raises(PackRefused, match=said):
        load(with_more(tmp_path, PROCESS.replace(right, found), blocks=BLOCKS), demo_store)


@pytest.mark.parametrize(
    ("right", "found", "said"),
    [
        ("labels: [kind]", "labels: [sort]", "labels 写了“sort”"),
        ("at: [accept], undone_by", "at: [agree], undone_by", "没有这个步骤"),
        ("field: amount, unit", "field: kind, unit", "不是数字变量"),
        ("when: urgent}", "when: amount}", "不是真假"),
        ("parts: {handler: office}", "parts: {handler: desk}", "表单里没有"),
        ("parts: {handler: office}", "parts: {helper: office}", "没有这个角色"),
        ("{amount: number, urgent: flag}", "{amount: number, urgent: flag, other: flag}", "变量 other 没有来处"),
        ("indicator: use_first_transfers", "indicator: nothing", "规则包里没有"),
    ],
)
def test_a_definition_that_names_what_is_not_there_is_refused(
    demo_store: Account, tmp_path: Path, right: str, found: str, said: str
) -> None:
    assert right in PROCESS
    with pytest.raises(PackRefused, match=said):
        load(with_more(tmp_path, PROCESS.replace(right, found), blocks=BLOCKS), demo_store)


def test_a_chain_that_does_not_exist_is_refused(people: dict[str, Account]) -> None:
    with pytest.raises(FormRefused, match="没有产业链"):
        ask(people, chain="长" * 64)


def test_a_binary_fraction_is_refused_by_the_form(people: dict[str, Account]) -> None:
    with pytest.raises(FormRefused, match="浮点数"):
        ask(people, amount=120.5)


def test_a_way_of_seeing_that_can_be_seen_to_meet_nothing_meets_nothing(people: dict[str, Account]) -> None:
    one = ask(people)
    met, unmet = (access._compiled(Case.objects.filter(pk__in=pks).values("pk")) for pks in ([one.pk], []))
    assert list(Case.objects.filter(pk__in=met)) == [one]
    assert list(Case.objects.filter(pk__in=unmet)) == []
