"""The officer's desk: four lists of all mechanisms, filtered, in pages that miss and repeat nothing, and as columns."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from desk_world import PROCESS, load_process, need, taken
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from rongtong import clock
from rongtong.apps.cases import access, actions, desk_queries, queries
from rongtong.apps.cases.models import Case
from rongtong.apps.registry.models import Account
from worlds import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
Who = dict[str, Account]


def titles(account: Account, tab: str = "open", **asked: object) -> list[str]:
    page = desk_queries.page(account, desk_queries.Asked(tab, **asked))  # type: ignore[arg-type]
    return [line.item.case.title for line in page.lines]


def test_each_list_holds_what_its_name_says(who: Who) -> None:
    mine, given, closed = need(who, title="待受理的"), need(who, title="在办的"), need(who, title="不受理的")
    taken(who, given)
    actions.move(closed.pk, "refuse", actor=who["county"], seen=1, data={"why": "不属于本县"})
    assert titles(who["county"], "mine") == [mine.title]
    assert titles(who["handler"], "mine") == [given.title]
    assert titles(who["city"]) == [mine.title, given.title]
    assert titles(who["city"], "done") == [closed.title]
    assert titles(who["county"], "begun") == [closed.title, given.title, mine.title]
    assert titles(who["city"], "begun") == []


def test_nobody_sees_on_the_desk_what_they_may_not_read(who: Who) -> None:
    need(who, title="西湖的", uscc="91330100MA27XF7D36")
    need(who, "far", "330203", title="海曙的")
    seen = {name: titles(account) for name, account in who.items()}
    assert seen == {
        "province": ["西湖的", "海曙的"],
        "city": ["西湖的"],
        "county": ["西湖的"],
        "beside": [],
        "far": ["海曙的"],
        "handler": [],
        "firm": ["西湖的"],
        "rival": [],
    }
    for account in who.values():
        open_ones = queries.visible(account).filter(outcome="")
        for walk in (True, False):
            assert set(access.seen(account, access.Part(closed=False, walk=walk))) == set(open_ones)


def test_pages_miss_nothing_and_repeat_nothing(who: Who) -> None:
    made = [need(who, title=f"第 {n:02d} 件") for n in range(12)]
    # Days that several share, and cases without a day, which come last.
    for n, case in enumerate(made):
        case.due = None if n % 4 == 3 else clock.today() + timedelta(days=n % 3)
        case.save()
    wanted = [
        c.pk for c in sorted(made, key=lambda c: (c.due is None, c.due, c.pk) if c.due else (True, clock.today(), c.pk))
    ]
    for account in (who["county"], who["province"]):
        found, after, pages = [], "", 0
        while after or not pages:
            page = desk_queries.page(account, desk_queries.Asked("open", "need"), after, size=5)
            found += [line.item.case.pk for line in page.lines]
            after, pages = page.after, pages + 1
        assert (found, pages) == (wanted, 3)


def test_a_mark_that_cannot_be_read_begins_the_list_anew(who: Who) -> None:
    need(who, title="一件")
    for mark in ("x", "2025-02-30~1", "~", "~x", "2025-07-01", "~99999999999999999999"):
        answer = browser(who["county"]).get("/desk/", {"tab": "open", "after": mark})
        assert answer.status_code == 200
        assert "一件" in answer.content.decode()


def test_filters_leave_what_they_name(who: Who) -> None:
    money = need(who, title="要钱", chain="")
    need(who, title="要人", kind="people")
    far = need(who, "far", "330203", title="远处的")
    taken(who, need(who, title="在办的", kind="people"))
    Case.objects.filter(pk=money.pk).update(due=clock.today() - timedelta(days=1))
    Case.objects.filter(pk=far.pk).update(due=clock.today() + timedelta(days=40))
    province = who["province"]
    assert titles(province, process="need", labels=(("kind", "money"),)) == ["要钱", "远处的"]
    assert titles(province, process="need", stage="working") == ["在办的"]
    assert titles(province, place="330100") == ["要钱", "要人", "在办的"]
    assert titles(province, place="330203") == ["远处的"]
    assert titles(province, state="late") == ["要钱"]
    assert titles(province, state="soon") == ["要人"]
    assert titles(province, process="collection") == []


def test_a_case_under_supervision_is_found_and_marked(who: Who) -> None:
    need(who, title="没有督办")
    watched = need(who, title="督办着的")
    level = {"supervision_level": "red", "supervision": "三天内办完"}
    actions.move(watched.pk, "supervise", actor=who["county"], seen=1, data=level)
    assert titles(who["city"], supervised=True) == ["督办着的"]
    page = browser(who["city"]).get("/desk/?tab=open").content.decode()
    assert page.count('<span class="chip red">督办</span>') == 1


def test_a_line_says_how_it_stands_and_what_its_reader_may_do(who: Who) -> None:
    case = need(who, title="一件")
    (line,) = desk_queries.page(who["county"], desk_queries.Asked("mine")).lines
    assert [name for _, name in line.steps] == ["受理", "不予受理", "督办"]
    assert (line.lamp, line.word, line.labels) == ("blue", "临期", ("资金",))
    (read,) = desk_queries.page(who["city"], desk_queries.Asked("open")).lines
    assert (read.steps, read.waits_for) == ((), "县科技局")
    Case.objects.filter(pk=case.pk).update(due=clock.today() - timedelta(days=3))
    (late,) = desk_queries.page(who["city"], desk_queries.Asked("open")).lines
    assert (late.lamp, late.word) == ("red", "逾期")
    assert late.item.days_left is not None
    assert late.item.days_over == -late.item.days_left > 0


def test_columns_count_all_and_show_some(who: Who) -> None:
    for n in range(desk_queries.PER_COLUMN + 3):
        need(who, title=f"第 {n:02d} 件")
    taken(who, need(who, title="在办的"))
    columns = desk_queries.columns(who["city"], desk_queries.Asked("open", "need"))
    assert [(c.name, c.count, len(c.lines), c.more) for c in columns] == [
        ("待受理", 11, 8, 3),
        ("办理中", 1, 1, 0),
        ("待评价", 0, 0, 0),
    ]
    assert [line.item.case.title for line in columns[0].lines] == [f"第 {n:02d} 件" for n in range(8)]
    page = browser(who["city"]).get("/desk/?tab=open&process=need&view=columns").content.decode()
    assert "其余 3 件" in page


def test_a_closed_case_says_whether_it_was_in_time(who: Who) -> None:
    case = need(who, title="不受理的")
    actions.move(case.pk, "refuse", actor=who["county"], seen=1, data={"why": "不属于本县"})
    (line,) = desk_queries.page(who["city"], desk_queries.Asked("done")).lines
    assert (line.lamp, line.word, line.waits_for) == ("green", "按时办结", "")
    Case.objects.filter(pk=case.pk).update(late=True)
    assert titles(who["city"], "done", state="late") == ["不受理的"]


def test_the_workbook_holds_the_filtered_list_and_runs_no_formula(who: Who) -> None:
    need(who, title='=HYPERLINK("x")')
    need(who, title="要人", kind="people")
    answer = browser(who["county"]).get("/desk/export.xlsx", {"tab": "open", "process": "need", "label-kind": "money"})
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    heads = [c.value for c in sheet[2]]
    (row,) = [dict(zip(heads, line, strict=True)) for line in sheet.iter_rows(min_row=3)]
    assert (row["事项"].value, row["事项"].data_type) == ('=HYPERLINK("x")', "s")
    assert row["标签"].value == "资金"
    assert row["等谁办"].value == "县科技局"


def test_a_label_is_not_shown_to_whom_only_the_head_is_open(who: Who, demo_store: Account, tmp_path: Path) -> None:
    sealed = PROCESS.replace("at: participant}", "at: participant, head_only: true}")
    load_process(tmp_path, demo_store, sealed)
    taken(who, need(who, title="在办的"))
    (line,) = desk_queries.page(who["handler"], desk_queries.Asked("mine")).lines
    assert line.labels == ()
    assert titles(who["handler"], "mine", process="need", labels=(("kind", "money"),)) == []
    assert titles(who["county"], process="need", labels=(("kind", "money"),)) == ["在办的"]


@pytest.mark.sqlite  # the plans are its own
def test_no_list_reads_every_case(who: Who) -> None:
    """With 140,000 cases (bench/desk.py) each of these plans reads as many rows as it shows, or as its reader sees."""

    def plan(name: str, tab: str, walk: bool, **asked: str) -> str:
        wanted = desk_queries.Asked(tab, **asked)  # type: ignore[arg-type]
        column, descending = desk_queries.ORDER[tab]
        way = "-" if descending else ""
        rows = desk_queries.chosen(who[name], wanted, walk=walk).filter(**{f"{column}__isnull": False})
        found = rows.order_by(f"{way}{column}", f"{way}pk")[:51].explain()
        assert "SCAN cases_case" not in found, found
        assert "case_stage" not in found, found
        return found

    need(who)
    for name in ("province", "city"):
        assert "USING INDEX case_due (outcome=? AND due>?)" in plan(name, "open", walk=True)
        assert "USING INDEX case_due (outcome=? AND due>?)" in plan(name, "open", walk=True, process="need")
        assert "USING INDEX case_closed (closed_on>?)" in plan(name, "done", walk=True)
        assert "TEMP B-TREE" not in plan(name, "open", walk=True) + plan(name, "done", walk=True)
        assert "USING INDEX case_begun (by_id=?" in plan(name, "begun", walk=True)
    assert "INDEX case_sight (definition_id=? AND stage=? AND place=?)" in plan("county", "open", walk=False)
    assert "case_sight" in plan("county", "mine", walk=False)
    firm = plan("firm", "open", walk=False)
    assert "organisation_id=?" in firm
    assert "case_sight (definition_id=? AND stage=?)" not in firm


def test_a_page_asks_the_store_as_often_for_many_cases_as_for_one(who: Who) -> None:
    client, counts = browser(who["county"]), []
    need(who, title="一件")
    client.get("/desk/?tab=open")
    for more in (0, 20):
        for n in range(more):
            need(who, title=f"又一件 {n}")
        with CaptureQueriesContext(connection) as asked:
            client.get("/desk/?tab=open")
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 20
