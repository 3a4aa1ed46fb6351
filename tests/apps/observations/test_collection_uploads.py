"""Files: a slice's template there and back, a faulty file with its marked copy, imports, layouts that were taught."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from collection_fixtures import CITY, COUNTY, NEIGHBOUR, Offices, kept_offices
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from rongtong.apps.cases.models import Case
from rongtong.apps.observations import collecting, demo, filing
from rongtong.apps.observations.actions import import_file
from rongtong.apps.observations.models import Batch, Entry, Observation, OfficeSource, Upload
from rongtong.apps.records.models import Leaf
from rongtong.engine.pack.read import read_layer
from worlds import browser

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def offices(django_db_setup: None, django_db_blocker: Any) -> Iterator[Offices]:
    yield from kept_offices(django_db_blocker)


@pytest.fixture
def case(offices: Offices) -> Case:
    return filing.open_slice(collecting.task("county_input", "2025H1"), COUNTY, actor=offices.county)


def send(client: Client, address: str, data: bytes, name: str = "报表.xlsx") -> Any:
    return client.post(address, {"file": SimpleUploadedFile(name, data)}, follow=True)


def saved(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def template(client: Client, case: Case) -> Any:
    answer = client.get(f"/collection/{case.pk}/template")
    assert answer.status_code == 200
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def marked(answer: Any) -> list[str]:
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return [c.coordinate for line in book.worksheets[0].iter_rows() for c in line if c.comment is not None]


def test_the_template_of_a_slice_goes_out_and_comes_back_into_its_draft(case: Case, offices: Offices) -> None:
    client = browser(offices.county)
    book = template(client, case)
    sheet = book["填报"]
    assert book["_版本"].sheet_state == "hidden"
    assert [sheet["A4"].value, sheet["C4"].value, sheet["F4"].value] == ["input_enterprise", "万元", "215000"]
    sheet["C4"], sheet["F4"], sheet["F5"], sheet["F7"] = "亿元", 22.5, 32000, 44
    answer = send(client, f"/collection/{case.pk}/upload", saved(book))
    page = answer.content.decode()
    assert "225000" in page
    assert "现在还没有填入" in page
    assert not Entry.objects.filter(origin="import").exists()
    upload = Upload.objects.get()
    client.post(f"/collection/{case.pk}/upload/{upload.pk}")
    found = Entry.objects.filter(origin="import").values_list("indicator", "value", "unit")
    assert set(found) == {
        ("input_enterprise", "225000", "万元"), ("input_government", "32000", "万元"), ("new_hte", "44", "家"),
    }  # fmt: skip


def test_the_template_of_another_slice_is_refused(case: Case, offices: Offices) -> None:
    other = filing.open_slice(collecting.task("county_firms", "2025-06"), COUNTY, actor=offices.county)
    book = template(browser(offices.county), other)
    answer = send(browser(offices.county), f"/collection/{case.pk}/upload", saved(book))
    assert (answer.status_code, "另一张表、另一个期" in answer.content.decode()) == (422, True)


def test_a_file_with_five_faults_comes_back_marked_at_five_cells(case: Case, offices: Offices) -> None:
    client = browser(offices.county)
    data = demo.faulty_workbook(collecting.task("county_input", "2025H1"), COUNTY)
    answer = send(client, f"/collection/{case.pk}/upload", data, "五处错误.xlsx")
    assert "强制性 5 处" in answer.content.decode()
    upload = Upload.objects.get()
    copy = client.get(f"/collection/{case.pk}/upload/{upload.pk}/marked")
    assert len(marked(copy)) == 5
    refused = client.post(f"/collection/{case.pk}/upload/{upload.pk}")
    assert (refused.status_code, Entry.objects.filter(origin="import").count()) == (422, 0)


def test_a_change_made_between_preview_and_confirmation_is_not_overwritten(case: Case, offices: Offices) -> None:
    client = browser(offices.county)
    book = template(client, case)
    book["填报"]["F7"] = 44
    send(client, f"/collection/{case.pk}/upload", saved(book))
    filing.save(case, [filing.Typed("new_hte", "50", "", 0)], actor=offices.county_second)
    answer = client.post(f"/collection/{case.pk}/upload/{Upload.objects.get().pk}", {"s.new_hte": "0"})
    assert (answer.status_code, "county2的姓名" in answer.content.decode()) == (409, True)
    assert Entry.objects.get(indicator="new_hte").value == "50"


STANDARD = "指标,地区,期,数值,单位,状态,发布日期\ninput_government,330105,2025Q1,{},亿元,快报,2025-07-12\n"


def test_an_import_is_previewed_confirmed_and_changes_nothing_the_second_time(offices: Offices) -> None:
    client = browser(offices.city)
    for new in (1, 0):
        answer = send(client, "/collection/upload", STANDARD.format("4.4").encode(), "a.csv")
        assert f"将新增 {new} 行" in answer.content.decode()
        assert Batch.objects.filter(file_name="a.csv").count() == 1 - new
        client.post(f"/collection/upload/{Upload.objects.latest('pk').pk}", {"do": "confirm"})
    assert Observation.objects.filter(place="330105", indicator="input_government").count() == 1


def test_an_import_about_another_office_is_refused_before_anything_is_compared(offices: Offices) -> None:
    client = browser(offices.county)
    answer = send(client, "/collection/upload", STANDARD.format("4.4").encode(), "a.csv")
    assert answer.status_code == 403


FILED = "指标,地区,期,数值,单位,状态,发布日期\n{},{},2025H1,9.9,亿元,快报,2025-07-14\n"


def test_a_city_cannot_load_what_a_county_files_for_approval(offices: Offices) -> None:
    """Neither a first value nor a later one, nor a city what it files itself; the file says which table takes it."""
    client, before = browser(offices.city), Observation.objects.count()
    for indicator, place, table in (
        ("input_enterprise", COUNTY, "科投1表 县（市、区）科技创新投入"),
        ("input_government", NEIGHBOUR, "科投1表 县（市、区）科技创新投入"),
        ("fiscal_st_month", CITY, "科转1表 设区市成果转化与财政科技支出"),
    ):
        page = send(client, "/collection/upload", FILED.format(indicator, place).encode(), "a.csv").content.decode()
        assert table in page
        assert "填报后提交审核" in page
        assert "确认导入" not in page
        client.post(f"/collection/upload/{Upload.objects.latest('pk').pk}", {"do": "confirm"})
    report = import_file(FILED.format("input_enterprise", COUNTY).encode(), "a.csv", actor=offices.city)
    assert [(f.severity, f.cell) for f in report.findings] == [("强制性", "D2")]
    assert Observation.objects.count() == before


def test_the_province_may_load_what_counties_file_and_the_log_says_so(offices: Offices) -> None:
    report = import_file(FILED.format("input_enterprise", COUNTY).encode(), "a.csv", actor=offices.province)
    assert report.batch is not None
    leaf = Leaf.objects.filter(kind="observations.import").latest("sequence")
    assert (leaf.actor, json.loads(leaf.payload.text)["rows_past_filing"]) == ("province", 1)


def test_a_kept_file_is_its_senders_alone(offices: Offices) -> None:
    send(browser(offices.city), "/collection/upload", STANDARD.format("4.4").encode(), "a.csv")
    pk = Upload.objects.get().pk
    assert browser(offices.province).get(f"/collection/upload/{pk}").status_code == 404
    assert browser(offices.county).get(f"/collection/upload/{pk}").status_code == 404


def test_an_old_excel_file_is_refused_in_words(offices: Offices) -> None:
    answer = send(browser(offices.city), "/collection/upload", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "旧.xlsx")
    assert (answer.status_code, "另存为" in answer.content.decode()) == (422, True)


# --- a layout that nobody coded ---


def foreign(values: tuple[int, int, int]) -> bytes:
    """A title over all columns, headings of two rows partly merged, names instead of codes, a total row."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "汇总"
    sheet["A1"] = "研发投入情况（内部资料）"
    sheet.merge_cells("A1:D1")
    for cell, words in {
        "A2": "单位\n名称",
        "B2": "投入",
        "D2": "备 注",
        "B3": "政府科技创新投入（万元）",
        "C3": "新认定高企(家)",
    }.items():
        sheet[cell] = words
    for merged in ("A2:A3", "B2:C2", "D2:D3"):
        sheet.merge_cells(merged)
    rows = [("上城区", values[0], 40), ("拱墅区", values[1], 41), ("西湖", values[2], 42), ("合计", sum(values), 123)]
    for row in (*rows, ("杭州经开区", 5, 1)):
        sheet.append([*row, ""])
    return saved(book)


def teach(client: Client, data: bytes, **changes: str) -> Any:
    answer = send(client, "/collection/sources/new", data)
    assert answer.status_code == 200
    address = answer.redirect_chain[-1][0]
    guess = answer.context["guess"]
    form = {
        "sheet": "汇总", "header_row": str(guess.header_row), "place_column": guess.place_column, "period": "2025H1",
        "known_from": "2025-07-14", "status": "flash", "skip": "合计", "name": "投入汇总", "code": "office_summary",
    }  # fmt: skip
    for picked in answer.context["picked"]:
        form |= {f"i.{picked.name}": picked.indicator, f"u.{picked.name}": picked.unit}
    return answer, client.post(address, form | {"do": "save"} | changes, follow=True)


def test_an_unknown_layout_is_guessed_from_its_headings(offices: Offices) -> None:
    guessed, _ = teach(browser(offices.city), foreign((32000, 33000, 34000)), do="preview")
    guess = guessed.context["guess"]
    assert (guess.header_row, guess.place_column, guess.skip, guess.unknown) == (
        3,
        "单位名称",
        ("合计",),
        ("杭州经开区",),
    )
    picked = {p.column.heading: (p.indicator, p.unit) for p in guessed.context["picked"]}
    assert picked["投入·政府科技创新投入(万元)"] == ("input_government", "万元")
    assert picked["投入·新认定高企(家)"][1] in ("", "家")


def test_a_layout_once_taught_reads_the_next_months_file_without_mapping(offices: Offices) -> None:
    client = browser(offices.province)
    _, answer = teach(client, foreign((32000, 33000, 34000)))
    assert OfficeSource.objects.get().version == 1
    assert answer.redirect_chain[-1][0].startswith("/collection/upload/")
    assert not Observation.objects.filter(batch__source="office_summary").exists()
    answer = send(client, "/collection/upload", foreign((35000, 36000, 37000)), "下月.xlsx")
    assert "这份文件的期" in answer.content.decode()
    address = f"/collection/upload/{Upload.objects.latest('pk').pk}"
    given = {"period": "2025H1", "known_from": "2025-07-15"}
    assert "检查通过" in client.get(address, given).content.decode()
    client.post(address, given | {"do": "confirm"})
    found = Observation.objects.filter(batch__source="office_summary", indicator="input_government")
    assert set(found.values_list("place", "value")) == {
        ("330102", 35_000_000_000), ("330105", 36_000_000_000), ("330106", 37_000_000_000),
    }  # fmt: skip


def test_a_layout_is_exported_as_a_file_that_a_pack_takes(offices: Offices) -> None:
    client = browser(offices.province)
    teach(client, foreign((32000, 33000, 34000)))
    answer = client.get("/collection/sources/office_summary.yaml")
    manifest = b'code: t\nname: t\nversion: "1"\nroot_place: "330000"\n'
    layer, problems = read_layer({"pack.yaml": manifest, "sources/office_summary.yaml": answer.content})
    assert problems == []
    assert layer is not None
    assert [s.name for s in layer.statements["sources"].values()] == ["投入汇总"]  # type: ignore[attr-defined]


def test_a_mapping_that_names_no_indicator_is_refused_and_kept_on_the_page(offices: Offices) -> None:
    client = browser(offices.city)
    data = foreign((32000, 33000, 34000))
    _, answer = teach(client, data, **{f"i.{n}": "" for n in range(1, 6)})
    page = answer.content.decode()
    assert (answer.status_code, "还没有把任何一列对到指标" in page, 'value="投入汇总"' in page) == (422, True, True)
    assert not OfficeSource.objects.exists()
