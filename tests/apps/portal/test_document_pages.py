"""The living document over HTTP: clauses with their commitments and lamps, and an office's own official text in place."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from rongtong.apps.packs import queries as packs
from rongtong.apps.packs import texts
from rongtong.apps.packs.models import DocumentText
from rongtong.apps.planning import pages_ledger
from rongtong.apps.portal.document_marks import _spans, marked
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

REPLY = "zj-2025-315"
# Written for this test; no document says it so.
TEXT = """关于投入的一份试写文字
各有关单位：
一、做过的事
先说几句总的话。
（一）打基础
一是理顺机制。二是建好学校。
二、要做的事
总的要求写在这里。
（四）把钱投好
这一部分先有一句引子。
一是政府带头。2025年政府科技创新投入1200亿元以上，撬动全社会科技创新投入 7，200亿元。
二是企业为主。企业科技创新投入5650亿元，增幅要快。
三是管好全程。把目标分解到11个设区市，建设“科技创新投入监测研判”平台，每年开会。
以上各条请抓好落实。
"""


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


@pytest.fixture
def officer(demo_store: Account) -> Client:
    return _logged_in(demo_store, "provincial_officer")


def _logged_in(system: Account, role: str) -> Client:
    new = create_account(f"doc-{role}", "李四", actor=system, demo=True)
    grant(new.account, role, "", actor=system)
    browser = Client(HTTP_HOST="localhost")
    browser.force_login(new.account)
    return browser


def _attach(browser: Client, name: str, data: bytes) -> object:
    return browser.post(f"/documents/{REPLY}/text", {"text": SimpleUploadedFile(name, data)})


def test_the_first_page_is_the_document_with_most_commitments_and_a_stranger_may_read_it(client: Client) -> None:
    page = client.get("/").content.decode()
    assert "第1号提案的答复" in page
    assert 'id="c-2.4.3"' in page
    assert "<script>" not in page
    assert " style=" not in page


def test_every_commitment_of_the_pack_stands_under_its_clause(client: Client) -> None:
    page = client.get(f"/documents/{REPLY}").content.decode()
    for item in packs.current().all("commitments"):
        assert f'href="/commitments/{item.id}"' in page


def test_a_measured_promise_shows_its_value_its_lamp_and_its_chain(client: Client) -> None:
    page = client.get(f"/documents/{REPLY}/2.4.2").content.decode()
    assert 'href="/why/input_enterprise@330000@2025H1"' in page
    assert "2480.00" in page
    assert "演示数据" in page
    assert "▲" in page
    assert "滞后" in page


def test_the_strip_counts_what_the_ledger_holds(client: Client) -> None:
    page = client.get("/").content.decode()
    summary = pages_ledger.summary(pages_ledger.entries())
    assert f"<dd>{summary.promised} <span" in page
    assert f"没有指标衡量的 {summary.unmeasured} 条" in page
    assert summary.promised + summary.achieved == len(packs.current().all("commitments"))


def test_filters_keep_only_clauses_with_something_left(client: Client) -> None:
    page = client.get("/?lamp=yellow").content.decode()
    assert 'id="c-2.4.1"' in page
    assert 'id="c-2.1.1"' not in page
    assert "没有符合条件的条目" in client.get("/?q=没有这样的词").content.decode()


def test_a_clause_is_walked_both_ways(client: Client) -> None:
    page = client.get(f"/documents/{REPLY}/2.4.3").content.decode()
    assert f'href="/documents/{REPLY}"' in page
    assert 'href="/indicators/input_total"' in page
    assert 'id="use-ding"' in page
    targets = client.get(f"/documents/{REPLY}/2.4.2").content.decode()
    assert 'href="/targets/input_enterprise_2025"' in targets


@pytest.mark.parametrize("address", ["/documents/nothing", f"/documents/{REPLY}/9.9", "/documents/nothing/1.1"])
def test_a_document_or_clause_that_does_not_exist_is_said_with_404(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "没有" in response.content.decode()


def test_a_clause_whose_number_is_a_heading_has_its_page(client: Client) -> None:
    page = client.get("/documents/zj-input-opinion/2027年目标").content.decode()
    assert "“2027年目标”" in page
    assert 'href="/targets/input_total_2027"' in page


def test_an_attached_text_reads_in_its_clauses_with_numbers_and_promises_marked(officer: Client) -> None:
    assert _attach(officer, "答复.txt", TEXT.encode()).status_code == 302  # type: ignore[attr-defined]
    page = officer.get(f"/documents/{REPLY}/2.4.1").content.decode()
    assert 'href="/commitments/T050" title="T050' in page
    assert ">1200亿元</a>" in page
    assert ">7，200亿元</a>" in page
    assert "企业为主" not in page
    system = officer.get(f"/documents/{REPLY}/2.4.3").content.decode()
    assert ">11个</a>" in system
    assert ">“科技创新投入监测研判”平台</a>" in system
    whole = officer.get(f"/documents/{REPLY}").content.decode()
    assert "以上各条请抓好落实" in whole
    assert "总的要求写在这里" in whole


def test_an_attached_text_is_for_those_who_have_logged_in(client: Client, officer: Client) -> None:
    _attach(officer, "答复.txt", TEXT.encode())
    assert "政府带头" in officer.get("/").content.decode()
    for address in ("/", f"/documents/{REPLY}", f"/documents/{REPLY}/2.4.1"):
        assert "政府带头" not in client.get(address).content.decode()


def test_what_a_reader_was_shown_is_not_shown_to_the_next_who_may_not_see_it(client: Client, officer: Client) -> None:
    _attach(officer, "正文.txt", TEXT.encode())
    assert "政府带头" in officer.get("/").content.decode()
    assert "政府带头" not in client.get("/").content.decode()
    assert "政府带头" in officer.get("/").content.decode()


def test_a_newer_text_takes_the_place_of_the_one_shown_before(officer: Client) -> None:
    _attach(officer, "正文.txt", TEXT.encode())
    assert "撬动全社会" in officer.get("/").content.decode()
    _attach(officer, "新正文.txt", TEXT.replace("撬动全社会", "带动全社会").encode())
    assert "撬动全社会" not in officer.get("/").content.decode()


def test_a_word_file_is_read_paragraph_by_paragraph(officer: Client) -> None:
    from docx import Document

    document, out = Document(), io.BytesIO()
    for line in TEXT.splitlines():
        document.add_paragraph(line)
    document.save(out)
    assert _attach(officer, "答复.docx", out.getvalue()).status_code == 302  # type: ignore[attr-defined]
    assert texts.newest(REPLY).text == texts.read("x.txt", TEXT.encode())  # type: ignore[union-attr]


def test_attaching_is_an_act_in_the_log_and_the_same_file_again_adds_no_text(officer: Client) -> None:
    for _ in range(2):
        _attach(officer, "答复.txt", TEXT.encode())
    assert DocumentText.objects.filter(document=REPLY).count() == 1
    assert Leaf.objects.filter(kind="packs.attach_text").exists()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("答复.docx", b"not a document", "内容不是"),
        ("答复.pdf", b"%PDF-1.4 %%EOF", "只接收"),
        ("答复.txt", b"\x00\x01\x02", "不是文字文件"),
        ("答复.txt", b"  \n ", "没有文字"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words_beside_its_field(
    officer: Client, name: str, data: bytes, said: str
) -> None:
    response = _attach(officer, name, data)
    page = response.content.decode()  # type: ignore[attr-defined]
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert said in page
    assert 'href="#id_text"' in page
    assert 'aria-invalid="true"' in page


def test_who_may_not_attach_sees_no_form_and_is_refused(client: Client, demo_store: Account) -> None:
    reader = _logged_in(demo_store, "reader")
    assert 'type="file"' not in reader.get(f"/documents/{REPLY}").content.decode()
    response = _attach(reader, "答复.txt", TEXT.encode())
    assert response.status_code == 403  # type: ignore[attr-defined]
    assert _attach(client, "答复.txt", TEXT.encode()).status_code == 302  # type: ignore[attr-defined]
    assert not DocumentText.objects.exists()


CLAUSES = ("1.0", "1.1.1", "1.1.2", "2.0", "2.4.1", "2.4.2", "2.4.3")


def test_a_text_is_split_at_the_numbering_of_an_official_document() -> None:
    found = texts.split(TEXT.strip(), CLAUSES)
    assert found.preface[:2] == ["关于投入的一份试写文字", "各有关单位："]
    assert found.preface[-1] == "以上各条请抓好落实。"
    assert found.clauses["2.0"] == ["二、要做的事", "总的要求写在这里。"]
    assert found.clauses["1.1.2"] == ["二是建好学校。"]
    assert found.clauses["2.4.1"][:2] == ["（四）把钱投好", "这一部分先有一句引子。"]


def test_nothing_of_a_text_is_lost_or_doubled_by_splitting() -> None:
    found = texts.split(TEXT.strip(), CLAUSES)
    pieces = [*found.preface, *(p for parts in found.clauses.values() for p in parts)]
    assert sorted("".join(pieces)) == sorted(TEXT.replace("\n", ""))


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("2.4.3 建立平台", "2.4.3"),
        ("2.4.3、建立平台", "2.4.3"),
        ("二、要做的\n（四）投好\n3. 管好全程", "2.4.3"),
        ("二、要做的\n(四)投好\n3、管好全程", "2.4.3"),
    ],
)
def test_the_ways_of_numbering_lead_to_the_same_clause(text: str, clause: str) -> None:
    assert clause in texts.split(text, CLAUSES).clauses


def test_a_number_at_the_start_of_a_line_is_no_clause() -> None:
    assert texts.split("2.4亿元已经到位", CLAUSES).clauses == {}
    assert texts.split("一是没有编号的话", CLAUSES).preface == ["一是没有编号的话"]


def _marks(text: str, *codes: str) -> list[tuple[str, str]]:
    entries = [pages_ledger.entry(code) for code in codes]
    return [(s.text, s.entry.item.id) for s in marked(text, entries) if s.entry]


def test_the_same_number_twice_goes_to_the_commitment_whose_words_stand_beside_it() -> None:
    text = "新增雄鹰企业20家，再新增省级“链主”企业20家。"
    assert _marks(text, "T023", "T024") == [("20家", "T023"), ("20家", "T024")]
    assert _marks("新增省级“链主”企业20家，雄鹰企业20家。", "T023", "T024") == [("20家", "T024"), ("20家", "T023")]


def test_a_number_is_not_found_inside_a_longer_one() -> None:
    assert _marks("累计1200家，其中200家。", "T023") == []
    assert _marks("新增120家", "T023") == []


def test_percentages_full_coverage_and_small_numerals_are_found() -> None:
    assert _marks("占比达到60％。", "T005") == [("60％", "T005")]
    assert _marks("结对合作全覆盖。", "T013") == [("全覆盖", "T013")]
    assert _marks("编制三张清单", "T004") == [("三张", "T004")]


def test_a_text_marked_is_the_same_text() -> None:
    text = "新增雄鹰企业20家，再新增省级“链主”企业20家。"
    entries = [pages_ledger.entry(c) for c in ("T023", "T024")]
    assert "".join(s.text for s in marked(text, entries)) == text


def test_a_text_marked_again_is_not_searched_again() -> None:
    text = "新增雄鹰企业20家，再新增省级“链主”企业20家，打造具有全球影响力的科创高地。"
    entries = [pages_ledger.entry(c) for c in ("T023", "T024")]
    before = _spans.cache_info()
    assert marked(text, entries) == marked(text, entries)
    assert _spans.cache_info().misses == before.misses + 1
    assert _spans.cache_info().hits == before.hits + 1


def test_a_name_is_marked_as_far_as_it_stands_in_the_text_and_once() -> None:
    entry = next(e for e in pages_ledger.entries() if e.item.value is None and len(e.item.name) >= 10)
    name = entry.item.name
    text = f"前文{name[:6]}之后，{name}；再写{name}。"
    found = [s for s in marked(text, [entry]) if s.entry]
    assert [s.text for s in found] == [name]
    assert "".join(s.text for s in marked(text, [entry]))[: text.index(name)] == text[: text.index(name)]
