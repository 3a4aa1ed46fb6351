"""Amendments of the rules: drafted, checked, their effect shown, published by another, kept over newer packs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from packs import PACKS
from rongtong import clock
from rongtong.apps.cases import actions as cases
from rongtong.apps.cases.errors import GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import queries as observations
from rongtong.apps.observations.actions import import_file
from rongtong.apps.packs import amend_actions, amend_effect, amend_layer, amend_queries, queries
from rongtong.apps.packs.actions import PackRefused, load
from rongtong.apps.packs.amend_actions import AmendRefused, StaleAmendment
from rongtong.apps.packs.amend_layer import Change
from rongtong.apps.packs.models import Amendment, Publication, Snapshot
from rongtong.apps.packs.resolve import check_folders
from rongtong.apps.planning import queries as planning
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period

pytestmark = pytest.mark.django_db
TODAY = date(2025, 7, 15)
HALF_OF_FIRMS = ("企业科技创新投入", "2025年上半年")


@dataclass(frozen=True)
class People:
    drafter: Account
    signer: Account
    system: Account


@pytest.fixture
def people(demo_store: Account) -> People:
    def new(name: str, role: str) -> Account:
        account = create_account(name, name, actor=demo_store, demo=True).account
        grant(account, role, "", actor=demo_store)
        return account

    return People(new("a-drafter", "provincial_officer"), new("a-signer", "approver"), demo_store)


def yellow_line(at: str = "0.9") -> Change:
    rule = amend_layer.plain(queries.current().get("lamps", "pace"))
    cases_ = [{**c, "when": c["when"].replace("0.85", at)} for c in rule["cases"]]
    return Change("lamps", "pace", rule, {**rule, "cases": cases_})


def statement(kind: str, code: str, **fields: object) -> Change:
    before = amend_layer.plain(queries.current().get(kind, code))
    return Change(kind, code, before, amend_layer.validated(kind, {**before, **fields}))


def drafted(people: People, *changes: Change, day: date = TODAY) -> Amendment:
    row = amend_actions.draft("改一改", day, "半年调度", people.drafter)
    return amend_actions.put(row.pk, changes, seen=row.number, actor=people.drafter) if changes else row


def turned(code: str, *pairs: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A lamp rule as it is, and with texts of its conditions replaced in pairs."""
    rule = amend_layer.plain(queries.current().get("lamps", code))
    cases_ = [dict(c) for c in rule["cases"]]
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        cases_ = [{**c, "when": c["when"].replace(old, new)} for c in cases_]
    return rule, {**rule, "cases": cases_}


def effect_of(people: People, *changes: Change, day: date = TODAY) -> amend_effect.Effect:
    return amend_effect.effect(amend_queries.laid(drafted(people, *changes, day=day)))


def unlisted() -> str:
    """An indicator that the dispatch paper does not name, with growth at the cities."""
    paper = queries.current().get("papers", "dispatch")
    for code in observations.codes_with_values(TODAY):
        period = observations.latest_period(code, TODAY)
        if period is None or code in (*paper.indicators, *paper.real_indicators):
            continue
        if any("yoy" in row.figures for row in planning.monitor(planning.Asked(code, period)).rows):
            return code
    raise AssertionError("no such indicator")


def sent(people: People, row: Amendment) -> Case:
    case = amend_queries.case_of(row)
    assert case is not None
    return cases.move(case.pk, "submit", actor=people.drafter, seen=case.events)


def published(people: People, row: Amendment) -> Publication:
    case = sent(people, row)
    cases.move(case.pk, "publish", actor=people.signer, seen=case.events)
    return Publication.objects.get(amendment=row)


def lamp(place: str) -> str:
    board = planning.monitor(planning.Asked("input_enterprise", Period(2025, 1, 6)))
    found = next(r.lamp for r in board.rows if r.place == place)
    return found.code if found else ""


def test_the_effect_is_seen_before_anything_is_in_force(people: People) -> None:
    effect = effect_of(people, yellow_line(), day=TODAY + timedelta(days=30))
    here = [(m.place, m.before, m.after) for m in effect.lamps if (m.about, m.period) == HALF_OF_FIRMS]
    assert ("舟山", "▲ 滞后", "■ 严重滞后") in here
    assert effect.figures == effect.ranks == ()
    assert lamp("330900") == "yellow"


def test_a_changed_target_moves_figures(people: People) -> None:
    effect = effect_of(people, statement("targets", "input_government_2025", value="1300"))
    moved = {(m.place, m.measure): (m.before, m.after) for m in effect.figures if "2025年上半年" in m.period}
    assert moved[("全省", "目标")] == ("1200 亿元", "1300 亿元")
    assert any(measure == "完成率" for _, measure in moved)


def test_a_lamp_rule_shows_every_lamp_that_the_boards_then_show(people: People) -> None:
    """Of every indicator, at every place of every board that a page shows; of none that stays."""
    row = drafted(people, Change("lamps", "pace", *turned("pace", "ratio >= 1", "ratio >= 0")),
                  statement("indicators", unlisted(), lamp="growth_vs_parent"),
        Change("lamps", "growth_vs_parent", *turned("growth_vs_parent", "gap >= 0", "gap >= 3")))  # fmt: skip
    laid = amend_queries.laid(row)
    assert laid.after is not None
    said = {(m.about, m.period, m.place) for m in amend_effect.effect(laid).lamps}
    wanted = set()
    for code in observations.codes_with_values(TODAY):
        period = observations.latest_period(code, TODAY)
        assert period is not None
        for level, within in (("city", ""), ("county", "330100"), ("county", "330400")):
            asked = planning.Asked(code, period, level, within)
            with queries.supposing(laid.before):
                old = planning.monitor(asked)
            with queries.supposing(laid.after):
                new = planning.monitor(asked)
            for a, b in zip((old.total, *old.rows), (new.total, *new.rows), strict=True):
                if (a.lamp and a.lamp.code) != (b.lamp and b.lamp.code):
                    place = queries.current().places.name(within) if within and a is old.total else a.name
                    wanted.add((old.card.name, period.chinese, place))
    paper = queries.current().get("papers", "dispatch")
    listed = {queries.current().get("indicators", c).name for c in (*paper.indicators, *paper.real_indicators)}
    assert wanted <= said
    assert {name for name, _, _ in wanted} - listed, "an indicator that no paper names moves too"


def test_a_place_that_stands_on_two_boards_counts_once_under_its_name(people: People) -> None:
    effect = effect_of(people, statement("indicators", "input_enterprise", decimals=0), yellow_line())
    for rows in (effect.lamps, effect.figures, effect.ranks):
        assert not [m.place for m in rows if m.place.startswith("全市")]
        once = [(m.about, m.period, m.place, m.measure) for m in rows]
        assert len(once) == len(set(once)), [x for x in once if once.count(x) > 1]
    here = [m.place for m in effect.lamps if (m.about, m.period) == HALF_OF_FIRMS]
    assert here.count("舟山") == 1
    board = planning.monitor(planning.Asked("input_enterprise", Period.parse("2025H1")))
    assert set(here) <= {r.name for r in (*board.rows, board.total)}


def test_a_county_board_moves_as_the_citys_does(people: People) -> None:
    effect = effect_of(people, statement("indicators", "input_enterprise", decimals=0))
    assert {"杭州", "上城"} <= {m.place for m in effect.figures if (m.about, m.period) == HALF_OF_FIRMS}


def test_an_amended_card_moves_what_is_derived_from_it(people: People) -> None:
    years = "".join(
        f"{code},330000,{year},{value},亿元,实际,2025-07-01\n"
        for year in (2023, 2024)
        for code, value in (("gdp", 82553 + year), ("rd_total", 2640 + year))
    )
    report = import_file(f"指标,地区,期,数值,单位,状态,发布日期\n{years}".encode(), "两数.csv", actor=people.system)
    assert report.batch is not None, [str(f) for f in report.findings]
    effect = effect_of(people, statement("indicators", "rd_intensity", decimals=1))
    (value,) = [m for m in effect.figures if (m.about, m.measure, m.place) == ("R&D经费投入强度", "数值", "全省")]
    assert value.before != value.after
    effect = effect_of(people, statement("indicators", "gdp", decimals=1))
    assert "R&D经费投入强度" in {name.partition(" ")[0] for name in effect.boards}


def test_the_lamp_of_the_deadline_reaches_the_ledger_and_the_open_tasks(people: People) -> None:
    data = {"title": "按时限亮灯", "level": "blue", "source": "manual", "deadline": "2025-07-25"}
    due = date(2025, 7, 25)
    cases.open_case(
        "supervision", actor=people.drafter, place="330100", key="lit", title=data["title"], data=data, due=due
    )
    about: set[str] = set()
    for days in (0, 900):
        rule = turned("deadline", "days_left <= 10", f"days_left <= {days}", "days_left > 10", f"days_left > {days}")
        row = drafted(people, Change("lamps", "deadline", *rule))
        about |= {m.about for m in amend_effect.effect(amend_queries.laid(row), people.drafter).lamps}
    assert about == {"承诺一本账", "督办时限"}


def test_published_it_is_in_force_and_past_days_keep_their_rule(people: People) -> None:
    before = queries.current().fingerprint
    made = published(people, drafted(people, yellow_line()))
    assert lamp("330900") == "red"
    pack = queries.current()
    assert pack.fingerprint == made.fingerprint != before
    assert [layer.manifest.code for layer in pack.layers][-1] == amend_layer.OFFICE
    rules = sorted((r for r in pack.all("lamps") if r.code == "pace"), key=lambda r: r.valid_from)
    assert [(r.valid_from, r.valid_to) for r in rules] == [
        (date(2025, 1, 1), TODAY - timedelta(days=1)),
        (TODAY, None),
    ]
    assert "0.85" in rules[0].cases[3].when


def test_one_of_a_later_day_waits_for_its_day(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    published(people, drafted(people, yellow_line(), day=TODAY + timedelta(days=17)))
    assert lamp("330900") == "yellow"
    monkeypatch.setattr(clock, "today", lambda: TODAY + timedelta(days=17))
    assert lamp("330900") == "red"


def test_who_sent_it_does_not_publish_it_and_a_drafter_cannot(people: People) -> None:
    case = sent(people, drafted(people, yellow_line()))
    other = create_account("a-other", "另一人", actor=people.system, demo=True).account
    grant(other, "provincial_officer", "", actor=people.system)
    with pytest.raises(Denied):
        cases.move(case.pk, "publish", actor=other, seen=case.events)
    grant(people.drafter, "approver", "", actor=people.system)
    with pytest.raises(GuardRefused, match="职责分离"):
        cases.move(case.pk, "publish", actor=people.drafter, seen=case.events)
    assert not Publication.objects.exists()


def test_what_the_pack_check_refuses_is_found_with_what_to_do_and_not_sent(people: People) -> None:
    row = drafted(people, statement("targets", "input_government_2025", unit="家"))
    found = [f for f in amend_queries.laid(row).findings if f.blocking]
    assert {(f.kind, f.code) for f in found} == {("targets", "input_government_2025")}
    assert all(f.problem.do for f in found)
    snapshots = Snapshot.objects.count()
    with pytest.raises(GuardRefused, match="input_government_2025"):
        sent(people, row)
    assert Snapshot.objects.count() == snapshots


def test_an_amendment_without_statements_is_not_sent(people: People) -> None:
    with pytest.raises(GuardRefused, match="没有一条修订内容"):
        sent(people, drafted(people))


def test_a_day_before_today_is_refused(people: People) -> None:
    with pytest.raises(AmendRefused, match="早于今天"):
        drafted(people, day=TODAY - timedelta(days=1))


def test_a_changed_base_stops_publication_until_it_is_checked_again(people: People) -> None:
    row = drafted(people, statement("targets", "input_government_2025", note="甲"))
    case = sent(people, row)
    published(people, drafted(people, statement("targets", "input_government_2025", note="乙")))
    assert not amend_queries.up_to_date(row)
    (shown,) = amend_queries.shown(row)
    assert [f.overtaken for f in shown.fields] == ["乙"]
    with pytest.raises(GuardRefused, match="起草之后规则包变了"):
        cases.move(case.pk, "publish", actor=people.signer, seen=case.events)
    cases.move(case.pk, "send_back", actor=people.signer, seen=case.events, data={"reason": "请重新检查"})
    row = amend_actions.rebase(row.pk, seen=row.number, actor=people.drafter)
    published(people, row)
    assert queries.current().get("targets", "input_government_2025").note == "甲"


def test_two_who_change_one_draft_are_told(people: People) -> None:
    row = drafted(people, yellow_line())
    at = f"{row.at.astimezone(clock.LOCAL):%m-%d %H:%M}"
    with pytest.raises(StaleAmendment, match=f"a-drafter.*于 {at} 改过"):
        amend_actions.put(row.pk, [yellow_line("0.8")], seen=row.number - 1, actor=people.drafter)
    sent(people, row)
    with pytest.raises(AmendRefused, match="不在起草阶段"):
        amend_actions.remove(row.pk, "lamps", "pace", seen=row.number, actor=people.drafter)


def test_a_statement_set_back_to_what_it_was_leaves_the_draft(people: People) -> None:
    row = drafted(people, yellow_line())
    row = amend_actions.put(row.pk, [yellow_line("0.85")], seen=row.number, actor=people.drafter)
    assert amend_layer.parse(row.statements) == ()


def test_newer_packs_come_in_under_the_offices_amendments(people: People, tmp_path: Path) -> None:
    published(people, drafted(people, yellow_line()))
    later = drafted(
        people, statement("targets", "input_government_2025", note="八月起"), day=TODAY + timedelta(days=17)
    )
    published(people, later)
    newer = Path(shutil.copytree(PACKS / "zhejiang", tmp_path / "zhejiang"))
    manifest = (newer / "pack.yaml").read_text(encoding="utf-8")
    (newer / "pack.yaml").write_text(manifest.replace('version: "', 'version: "9.'), encoding="utf-8")
    pack, new = load([PACKS / "china", newer], people.system)
    assert new
    assert [layer.manifest.version[:2] for layer in pack.layers][1] == "9."
    assert lamp("330900") == "red"
    in_august = queries.current(TODAY + timedelta(days=17))
    assert in_august.get("targets", "input_government_2025").note == "八月起"
    assert in_august.layers[1].manifest.version.startswith("9.")
    again, new = load([PACKS / "china", newer], people.system)
    assert not new
    assert again.fingerprint == pack.fingerprint


def test_newer_packs_that_an_amendment_does_not_fit_are_refused_whole(people: People, tmp_path: Path) -> None:
    published(people, drafted(people, statement("targets", "input_government_2025", lamp="growth_vs_parent")))
    newer = Path(shutil.copytree(PACKS / "china", tmp_path / "china"))
    lamps = (newer / "lamps.yaml").read_text(encoding="utf-8")
    (newer / "lamps.yaml").write_text(lamps.replace("code: growth_vs_parent", "code: other"), encoding="utf-8")
    region = Path(shutil.copytree(PACKS / "zhejiang", tmp_path / "zhejiang"))
    for path in region.rglob("*.yaml"):
        content = path.read_text(encoding="utf-8")
        path.write_text(content.replace("lamp: growth_vs_parent", "lamp: other"), encoding="utf-8")
    national = newer / "indicators" / "rd.yaml"
    national.write_text(
        national.read_text(encoding="utf-8").replace("lamp: growth_vs_parent", "lamp: other"), encoding="utf-8"
    )
    snapshots = Snapshot.objects.count()
    with pytest.raises(PackRefused, match=r"office/targets\.yaml"):
        load([newer, region], people.system)
    assert Snapshot.objects.count() == snapshots


def test_the_exported_pack_is_accepted_by_the_check(people: People, tmp_path: Path) -> None:
    import io
    import zipfile

    row = drafted(people, yellow_line(), statement("papers", "dispatch", title="调度材料"))
    files = amend_layer.files(
        amend_queries.loaded_base(row), [(row.in_force_from, amend_layer.parse(row.statements))], code="office-1"
    )
    data = amend_layer.archive(files, "office-1")
    assert data == amend_layer.archive(files, "office-1")
    for name in ("china", "zhejiang"):
        shutil.copytree(PACKS / name, tmp_path / name)
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    assert [p for p in check_folders([tmp_path / "office-1"]) if p.severity == "error"] == []


def test_the_command_writes_what_is_in_force_as_a_folder(
    people: People, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from argparse import Namespace

    from rongtong.apps.packs import commands

    out = tmp_path / "office"
    assert commands.office(Namespace(output=out)) == 1
    published(people, drafted(people, yellow_line()))
    assert commands.office(Namespace(output=out)) == 0
    for name in ("china", "zhejiang"):
        shutil.copytree(PACKS / name, tmp_path / name)
    assert [p for p in check_folders([out]) if p.severity == "error"] == []
    assert "已写入" in capsys.readouterr().out
