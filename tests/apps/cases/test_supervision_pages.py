"""督办 over HTTP: opened from a red figure, moved with evidence, extended, raised, closed; who may not is refused."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from rongtong import clock
from rongtong.apps.cases.models import Attachment, Case
from rongtong.apps.planning import queries as planning
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period
from worlds import browser, member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

RED = "industrial_rd_expense@330400@2025Q1"
PDF = b"%PDF-1.4\n% evidence\n%%EOF\n"


@pytest.fixture
def people(demo_store: Account) -> dict[str, Client]:
    """A logged-in browser for the provincial office, two cities and a reader."""
    made = {}
    for name, role, place in (
        ("province", "provincial_officer", ""),
        ("jiaxing", "city_officer", "330400"),
        ("hangzhou", "city_officer", "330100"),
        ("reader", "reader", "330100"),
    ):
        made[name] = browser(member(f"sup-{name}", name, role, place, actor=demo_store))
    return made


def form_of(client: Client, query: str) -> dict[str, str]:
    """What the form is prefilled with, as a browser would post it."""
    fields = client.get(f"/supervision/new?{query}").context["fields"]
    return {f["field"].name: f["value"] for f in fields}


def opened(client: Client, **changes: str) -> Case:
    """A 督办 opened from the red figure, by HTTP."""
    answer = client.post("/supervision/new", form_of(client, f"figure={RED}") | changes)
    assert answer.status_code == 302, answer.context["errors"]
    return Case.objects.get(pk=int(answer["Location"].rsplit("/", 1)[1]))


def step(client: Client, case: Case, transition: str, **data: Any) -> Any:
    seen = Case.objects.get(pk=case.pk).events
    return client.post(f"/supervision/{case.pk}/step", {"transition": transition, "seen": seen, **data})


def pdf(content: bytes = PDF, name: str = "说明.pdf") -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def test_a_red_figure_fills_the_form_and_one_press_opens_the_item(people: dict[str, Client]) -> None:
    given = form_of(people["province"], f"figure={RED}")
    assert given["place"] == "330400"
    assert given["responsible"] == "嘉兴市科技局"
    assert given["lead"] == "省科技厅"
    assert given["reference"] == "zj-2025-315#2.4.3"
    assert given["deadline"] == "2025-07-29"  # ten working days after Tuesday 2025-07-15
    assert "-2.8" not in given["title"]
    case = opened(people["province"])
    assert (case.place, case.stage, case.key) == ("330400", "issued", "督〔2025〕1号")


@pytest.mark.parametrize(("colour", "word", "other"), [("red", "红灯", "黄灯"), ("yellow", "黄灯", "红灯")])
def test_the_ledger_names_the_lamp_that_an_item_was_opened_for(
    people: dict[str, Client], colour: str, word: str, other: str
) -> None:
    page = people["province"].get("/supervision/red?indicator=industrial_rd_expense&period=2025Q1&yellow=1")
    lit = [row for row, _ in page.context["rows"] if row.lamp.code == colour]
    figure = lit[0].figures["value"].id
    answer = people["province"].post("/supervision/new", form_of(people["province"], f"figure={figure}"))
    ledger = people["province"].get("/supervision/?source=lamp").content.decode()
    assert answer.status_code == 302
    assert f'<span class="chip">{word}</span>' in ledger
    assert f'<span class="chip">{other}</span>' not in ledger
    assert f"<dd>{word}" in people["province"].get(answer["Location"]).content.decode()


def test_whoever_looks_at_the_counties_of_a_city_is_led_to_the_red_counties(people: dict[str, Client]) -> None:
    for within, level in (("", "city"), ("&within=330100", "county")):
        page = people["province"].get(f"/map?indicator=input_enterprise&period=2025H1{within}").content.decode()
        (address,) = re.findall(r'href="(/supervision/red[^"]+)"', page)
        assert address.endswith(f"&amp;level_of_board={level}")
        assert people["province"].get(address.replace("&amp;", "&")).context["level_of_board"] == level


def test_figures_and_commitments_are_offered_by_name(people: dict[str, Client]) -> None:
    page = people["province"].get("/supervision/new").content.decode()
    assert (
        "</option>" in page[page.index('<select name="figure"') : page.index("</select>", page.index('name="figure"'))]
    )
    assert re.search(rf'<option value="{RED}">嘉兴 [^<]*2025年一季度 红灯</option>', page)
    assert re.search(r'<option value="A001">A001 [^<]+</option>', page)
    other = people["hangzhou"].get("/supervision/new").content.decode()
    assert RED not in other


def test_a_figure_that_is_not_offered_stays_chosen_with_its_name(people: dict[str, Client]) -> None:
    board = planning.monitor(planning.Asked("industrial_rd_expense", Period.parse("2025Q1")))
    green = next(r for r in board.rows if r.lamp and r.lamp.code == "green")
    figure = green.figures["value"].id
    page = people["province"].get(f"/supervision/new?figure={figure}").content.decode()
    assert re.search(rf'<option value="{figure}" selected>{green.name} [^<]+2025年一季度</option>', page)


def test_numbers_of_a_year_have_no_gap_even_after_a_refused_form(people: dict[str, Client]) -> None:
    first = opened(people["province"])
    refused = people["province"].post("/supervision/new", form_of(people["province"], f"figure={RED}") | {"goal": ""})
    second = opened(people["province"])
    assert refused.status_code == 422
    numbers = [int(c.key.split("〕")[1].removesuffix("号")) for c in (first, second)]
    assert numbers[1] == numbers[0] + 1


def test_a_refused_form_says_where_and_keeps_what_was_typed(people: dict[str, Client]) -> None:
    typed = form_of(people["province"], f"figure={RED}")
    typed |= {"deadline": "2025-07-01", "milestones": "下周 交方案", "title": "我写的事项"}
    page = people["province"].post("/supervision/new", typed)
    text = page.content.decode()
    assert page.status_code == 422
    assert "早于今天" in text
    assert "下周 交方案" in text
    assert 'value="我写的事项"' in text
    assert 'href="#deadline"' in text


def test_a_city_may_not_open_an_item_for_another_city_and_a_reader_none(people: dict[str, Client]) -> None:
    typed = form_of(people["hangzhou"], "") | {"title": "给别的市交办", "responsible": "甲", "lead": "乙", "goal": "丙"}
    page = people["hangzhou"].post("/supervision/new", typed | {"place": "330400"})
    assert page.status_code == 422
    assert "不在您可以交办的范围内" in page.content.decode()
    assert people["reader"].get("/supervision/new").status_code == 403


def test_another_city_neither_sees_the_item_nor_its_evidence(people: dict[str, Client]) -> None:
    case = opened(people["province"])
    step(people["jiaxing"], case, "receive")
    step(people["jiaxing"], case, "progress", percent="30", dynamics="正在核实未报企业", files=pdf())
    file = Attachment.objects.get(case=case)
    assert people["jiaxing"].get(f"/supervision/evidence/{file.pk}").status_code == 200
    assert people["hangzhou"].get(f"/supervision/{case.pk}").status_code == 404
    assert people["hangzhou"].get(f"/supervision/evidence/{file.pk}").status_code == 404
    assert case.title not in people["hangzhou"].get("/supervision/").content.decode()


def test_progress_with_a_done_milestone_and_a_file_stands_on_the_page(people: dict[str, Client]) -> None:
    case = opened(people["province"])
    step(people["jiaxing"], case, "receive")
    answer = step(
        people["jiaxing"], case, "progress", percent="30", dynamics="正在核实未报企业", done="报送原因和整改措施", files=pdf()
    )  # fmt: skip
    page = people["province"].get(f"/supervision/{case.pk}").content.decode()
    assert answer.status_code == 302
    assert "说明.pdf" in page
    assert "已完成" in page
    assert "进度 30%" in page
    kept = Attachment.objects.get(case=case)
    assert kept.sha256 == hashlib.sha256(PDF).hexdigest()
    # The step's leaf in the log names the same content.
    assert kept.sha256 in case.steps.get(number=3).data["evidence"]


def test_a_file_whose_content_is_not_what_its_name_says_is_refused_and_nothing_moves(people: dict[str, Client]) -> None:
    case = opened(people["province"])
    step(people["jiaxing"], case, "receive")
    answer = step(
        people["jiaxing"], case, "progress", percent="30", dynamics="正在核实未报企业", files=pdf(b"MZ\x90", "表.pdf")
    )  # fmt: skip
    case.refresh_from_db()
    assert answer.status_code == 422
    assert "内容不是完整的 PDF" in answer.content.decode()
    assert "正在核实未报企业" in answer.content.decode()
    assert case.events == 2


def test_an_item_is_closed_only_on_evidence_and_not_by_who_replied(people: dict[str, Client]) -> None:
    case = opened(people["province"])
    step(people["jiaxing"], case, "receive")
    step(people["jiaxing"], case, "reply", reply="已经整改完毕，增速回升到全省平均。")
    without = step(people["province"], case, "close")
    assert without.status_code == 422
    assert "还没有佐证材料" in without.content.decode()
    step(people["province"], case, "reject", opinion="请附佐证材料。")
    step(people["jiaxing"], case, "reply", reply="已经整改完毕，材料随附，请审核。", files=pdf())
    assert "职责分离" in step(people["jiaxing"], case, "close").content.decode()
    case.refresh_from_db()
    assert case.stage == "replied"
    assert step(people["province"], case, "close").status_code == 302
    case.refresh_from_db()
    assert (case.stage, case.outcome) == ("closed", "closed")


def test_an_extension_granted_moves_the_deadline(people: dict[str, Client]) -> None:
    case = opened(people["province"])
    step(people["jiaxing"], case, "receive")
    step(people["jiaxing"], case, "ask_extension", new_due="2025-08-12", reason="企业季报核实要到月底才能完成")
    page = people["province"].get(f"/supervision/{case.pk}").content.decode()
    assert 'value="2025-08-12"' in page
    step(people["province"], case, "grant_extension", granted_due="2025-08-08")
    case.refresh_from_db()
    assert (case.stage, str(case.deadline)) == ("doing", "2025-08-08")


def test_a_level_only_rises_and_each_level_has_its_own_sheet(people: dict[str, Client]) -> None:
    case = opened(people["province"])
    down = step(people["province"], case, "escalate", level="yellow", opinion="再催一次，仍为黄色")
    up = step(people["province"], case, "escalate", level="red", opinion="连续两期滞后")
    assert (down.status_code, up.status_code) == (422, 302)
    client = people["jiaxing"]
    assert client.get(f"/supervision/{case.pk}/slip/blue").status_code == 404
    for level, word in (("yellow", "黄色"), ("red", "红色")):
        assert word in client.get(f"/supervision/{case.pk}/slip/{level}").content.decode()
        assert client.get(f"/supervision/{case.pk}/slip/{level}.docx").content[:2] == b"PK"
    assert "连续两期滞后" in client.get(f"/supervision/{case.pk}/slip/red").content.decode()


def test_who_comes_second_is_told_who_came_first_and_keeps_the_text(people: dict[str, Client]) -> None:
    case = opened(people["province"])
    step(people["jiaxing"], case, "receive")
    late = people["jiaxing"].post(
        f"/supervision/{case.pk}/step",
        {"transition": "progress", "seen": 1, "percent": "10", "dynamics": "我这边写好的进展"},
    )
    assert late.status_code == 409
    assert "签收" in late.content.decode()
    assert "我这边写好的进展" in late.content.decode()


def test_red_rows_of_a_board_are_opened_together(people: dict[str, Client]) -> None:
    page = people["province"].get("/supervision/red?indicator=industrial_rd_expense&period=2025Q1&yellow=1")
    rows = [r.figures["value"].id for r, _ in page.context["rows"]]
    assert RED in rows
    before = Case.objects.filter(process="supervision").count()
    shared = {"indicator": "industrial_rd_expense", "period": "2025Q1", "level_of_board": "city", "yellow": "1"}
    nothing = people["province"].post("/supervision/red", shared | {"lead": "省科技厅"})
    done = people["province"].post(
        "/supervision/red",
        shared | {"figure": rows, "lead": "省科技厅", "level": "yellow", "deadline": "2025-08-01"},
    )
    assert nothing.status_code == 422
    assert done.status_code == 302
    assert Case.objects.filter(process="supervision").count() == before + len(rows)


def test_the_ledger_filters_and_exports_what_it_shows(people: dict[str, Client]) -> None:
    case = opened(people["province"], title="=甲方整改事项")
    other = opened(people["province"], title="乙方整改事项", level="red")
    page = people["province"].get("/supervision/?level=red").content.decode()
    assert other.title in page
    assert case.title not in page
    for view in ("unit", "month", "gantt"):
        assert people["province"].get(f"/supervision/?view={view}").status_code == 200
    Case.objects.filter(pk=other.pk).update(deadline=clock.today() - timedelta(days=3))
    assert "■</span> 逾期" in people["province"].get(f"/supervision/{other.pk}").content.decode()
    book = load_workbook(io.BytesIO(people["province"].get("/supervision/ledger.xlsx").content))
    sheet = book["督办台账"]
    cells = [c for row in sheet.iter_rows() for c in row if c.value == "=甲方整改事项"]
    assert sheet.freeze_panes == "A3"
    assert [c.data_type for c in cells] == ["s"]
    # The lamp has the word in the workbook that it has on the page.
    (late,) = [[c.value for c in row] for row in sheet.iter_rows() if other.title in [c.value for c in row]]
    assert "■ 逾期" in late


def test_the_ledger_asks_the_store_the_same_number_of_questions_for_one_item_or_ten(
    people: dict[str, Client], django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        opened(people["province"])
    people["province"].get("/supervision/")
    with django_assert_max_num_queries(20):
        people["province"].get("/supervision/")


def test_the_list_known_by_its_count_shows_empty_lines_and_a_filled_one(people: dict[str, Client]) -> None:
    page = people["province"].get("/supervision/lines/T057").content.decode()
    assert page.count("待填") == 32
    assert "没有公布每一项的内容" in page
    given = form_of(people["province"], "commitment=T057/7")
    assert given["commitment"] == "T057/7"
    filled = people["province"].post(
        "/supervision/new",
        given | {"title": "本单位填的第七项", "responsible": "甲处", "lead": "乙处", "goal": "年底前办结"},
    )
    assert filled.status_code == 302
    page = people["province"].get("/supervision/lines/T057").content.decode()
    assert page.count("待填") == 31
    assert "本单位填的第七项" in page


def test_an_item_without_a_figure_shows_on_which_days_the_lamp_of_its_deadline_turned(
    people: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = opened(people["province"], figure="", source="manual", deadline="2025-08-05")
    address = f"/supervision/{case.pk}"
    lamps = re.compile(r'<th scope="row" class="nowrap">(\d{4}-\d\d-\d\d)</th><td><span class="lamp (\w+)')
    assert lamps.findall(people["province"].get(address).content.decode()) == [("2025-07-15", "green")]
    monkeypatch.setattr(clock, "today", lambda: date(2025, 8, 8))
    assert lamps.findall(people["province"].get(address).content.decode()) == [
        ("2025-07-15", "green"), ("2025-07-22", "blue"), ("2025-08-06", "red"),
    ]  # fmt: skip
