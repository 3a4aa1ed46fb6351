"""Amendments of the rules: drafted, checked, their effect shown, published by another, kept over newer packs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from packs import PACKS
from rongtong import clock
from rongtong.apps.cases import actions as cases
from rongtong.apps.cases.models import Case
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
    effect = amend_effect.effect(amend_queries.laid(drafted(people, yellow_line(), day=TODAY + timedelta(days=30))))
    assert [(m.indicator, m.place, m.before, m.after) for m in effect.lamps] == [
        ("企业科技创新投入", "舟山", "▲ 滞后", "■ 严重滞后")
    ]
    assert effect.figures == effect.ranks == ()
    assert lamp("330900") == "yellow"


def test_a_changed_target_moves_figures(people: People) -> None:
    effect = amend_effect.effect(
        amend_queries.laid(drafted(people, statement("targets", "input_government_2025", value="1300")))
    )
    moved = {(m.place, m.measure): (m.before, m.after) for m in effect.figures}
    assert moved[("全省", "目标")] == ("1200 亿元", "1300 亿元")
    assert any(measure == "完成率" for _, measure in moved)


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
    with pytest.raises(cases.GuardRefused, match="职责分离"):
        cases.move(case.pk, "publish", actor=people.drafter, seen=case.events)
    assert not Publication.objects.exists()


def test_what_the_pack_check_refuses_is_found_with_what_to_do_and_not_published(people: People) -> None:
    row = drafted(people, statement("targets", "input_government_2025", unit="家"))
    found = [f for f in amend_queries.laid(row).findings if f.blocking]
    assert {(f.kind, f.code) for f in found} == {("targets", "input_government_2025")}
    assert all(f.problem.do for f in found)
    case = sent(people, row)
    snapshots = Snapshot.objects.count()
    with pytest.raises(cases.GuardRefused):
        cases.move(case.pk, "publish", actor=people.signer, seen=case.events)
    assert Snapshot.objects.count() == snapshots


def test_an_amendment_without_statements_is_not_published(people: People) -> None:
    case = sent(people, drafted(people))
    with pytest.raises(cases.GuardRefused, match="没有一条修订内容"):
        cases.move(case.pk, "publish", actor=people.signer, seen=case.events)


def test_a_day_before_today_is_refused(people: People) -> None:
    with pytest.raises(AmendRefused, match="早于今天"):
        drafted(people, day=TODAY - timedelta(days=1))


def test_a_changed_base_stops_publication_until_it_is_checked_again(people: People) -> None:
    row = drafted(people, statement("targets", "input_government_2025", note="甲"))
    published(people, drafted(people, statement("targets", "input_government_2025", note="乙")))
    assert not amend_queries.up_to_date(row)
    (shown,) = amend_queries.shown(row)
    assert [f.overtaken for f in shown.fields] == ["乙"]
    case = sent(people, row)
    with pytest.raises(cases.GuardRefused, match="起草之后规则包变了"):
        cases.move(case.pk, "publish", actor=people.signer, seen=case.events)
    cases.move(case.pk, "send_back", actor=people.signer, seen=case.events, data={"reason": "请重新检查"})
    row = amend_actions.rebase(row.pk, seen=row.number, actor=people.drafter)
    published(people, row)
    assert queries.current().get("targets", "input_government_2025").note == "甲"


def test_two_who_change_one_draft_are_told(people: People) -> None:
    row = drafted(people, yellow_line())
    with pytest.raises(StaleAmendment, match="a-drafter"):
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
