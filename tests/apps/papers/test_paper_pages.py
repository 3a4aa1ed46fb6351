"""The pages of papers, asked over HTTP: the list, a paper as sheets, officers' paragraphs, new papers, who sees what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from rongtong.apps.papers import preview
from rongtong.apps.papers.actions import make, save_notes
from rongtong.apps.papers.models import Issue, Note
from rongtong.apps.papers.queries import Title
from rongtong.apps.papers.writing import make_file
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period

pytestmark = pytest.mark.django_db
PAGE = "/papers/dispatch/2025H1/"
HALF = Period(2025, 1, 6)


@pytest.fixture
def log_in(demo_store: Account) -> object:
    def as_(username: str, role: str, place: str = "") -> Client:
        new = create_account(username, f"某{username}", actor=demo_store, demo=True)
        grant(new.account, role, place, actor=demo_store)
        client = Client(HTTP_HOST="localhost")
        client.force_login(new.account)
        return client

    return as_


@pytest.fixture
def editor(log_in) -> Client:
    return log_in("writer", "editor")  # type: ignore[no-any-return]


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_papers_are_only_for_who_has_logged_in(demo_store: Account) -> None:
    for address in ("/papers/", PAGE, "/papers/new", "/papers/files/x.docx", "/papers/releases/" + "0" * 64):
        assert Client(HTTP_HOST="localhost").get(address).status_code == 302, address


def test_a_new_paper_is_made_and_stands_in_the_list_as_a_draft(editor: Client) -> None:
    answer = editor.post("/papers/new", {"kind": "dispatch", "period": "2025H1"})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    page = text(editor, "/papers/?kind=dispatch")
    assert "2025年上半年" in page
    assert "草稿" in page
    assert "没有" in text(editor, "/papers/?kind=bulletin")


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"kind": "dispatch", "period": "去年"}, "期“去年”认不出来"),
        ({"kind": "", "period": "2025H1"}, "没有选材料"),
        ({"kind": "annual", "period": "2025H1"}, "应为年，如 2024"),
        ({"kind": "dispatch", "period": "1999H1"}, "没有可写进调度会材料的数"),
        ({"kind": "evidence", "period": "2025H1", "place": "330100", "use": "nothing"}, "没有结果运用“nothing”"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_typed_is_lost(
    editor: Client, posted: dict[str, str], said: str
) -> None:
    answer = editor.post("/papers/new", posted)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert 'role="alert"' in page
    assert f'value="{posted["period"]}"' in page
    assert not Issue.objects.exists()


def test_the_preview_shows_pages_whose_numbers_lead_to_their_chain(editor: Client) -> None:
    page = text(editor, PAGE)
    assert page.count('<article class="sheet unreleased"') >= 4
    assert 'href="/why/industrial_rd_expense@330000@2025Q1">851.36<' in page
    assert "一、总体进展" in page
    assert "草稿　含演示数据" in page
    assert " style=" not in page
    assert "<script>" not in page
    picture = re.search(r'src="(/papers/dispatch/2025H1/pictures/[^"]+)"', page)
    assert picture
    assert editor.get(picture[1]).content.startswith(b"\x89PNG")
    assert editor.get("/papers/dispatch/2025H1/pictures/none.png").status_code == 404


def test_every_number_of_the_file_can_be_followed_from_the_preview(editor: Client) -> None:
    page = text(editor, PAGE)
    made = make_file("dispatch", HALF)
    missing = [figure for figure, _ in made.figures if f'href="/why/{figure}"' not in page]
    assert missing == []


def test_a_saved_paragraph_appears_and_survives_regeneration(editor: Client) -> None:
    seen = {"seen:problems": "0", "seen:coordination": "0", "seen:next": "0"}
    editor.post(PAGE + "notes", {"text:problems": "湖州：项目延期。\r\n已约谈。", **seen})
    editor.post(PAGE + "make")
    page = text(editor, PAGE)
    assert page.count("湖州：项目延期。") == 2
    assert "已约谈。" in page
    assert "湖州：项目延期。" in Issue.objects.latest("pk").lines


def test_a_stale_save_is_told_and_keeps_both_texts(editor: Client, demo_store: Account) -> None:
    save_notes("dispatch", "2025H1", {"problems": "别人的话"}, demo_store)
    answer = editor.post(PAGE + "notes", {"text:problems": "我的话", "seen:problems": "0"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "改过同一节" in page
    assert "别人的话" in page
    assert "我的话</textarea>" in page
    assert Note.objects.count() == 1
    seen = re.search(r'name="seen:problems" value="(\d+)"', page)
    assert seen
    answer = editor.post(PAGE + "notes", {"text:problems": "别人的话，我的话", "seen:problems": seen[1]})
    assert answer.status_code == 302
    assert Note.objects.latest("pk").text == "别人的话，我的话"


def test_two_officers_writing_different_sections_do_not_collide(editor: Client, demo_store: Account) -> None:
    save_notes("dispatch", "2025H1", {"problems": "别人的话"}, demo_store)
    answer = editor.post(
        PAGE + "notes",
        {"text:problems": "别人的话", "seen:problems": "0", "text:next": "我的话", "seen:next": "0"},
    )
    assert answer.status_code == 302
    assert Note.objects.get(section="next").text == "我的话"


def test_the_page_says_when_the_paper_would_now_come_out_differently(editor: Client, demo_store: Account) -> None:
    make(make_file("dispatch", HALF), demo_store)
    assert "有变动" not in text(editor, PAGE)
    save_notes("dispatch", "2025H1", {"problems": "新的一段"}, demo_store)
    assert "有变动" in text(editor, PAGE)


def test_two_issues_are_compared_by_figure_and_line(editor: Client, demo_store: Account) -> None:
    make(make_file("dispatch", HALF), demo_store)
    save_notes("dispatch", "2025H1", {"next": "各市七月底前补报"}, demo_store)
    make(make_file("dispatch", HALF), demo_store)
    page = text(editor, PAGE + "compare")
    assert "<ins><span" in page
    assert "各市七月底前补报" in page
    assert "数都没有动" in page


def test_the_draft_is_the_file_the_command_writes(editor: Client) -> None:
    answer = editor.get(PAGE + "draft")
    assert answer.content == make_file("dispatch", HALF).data
    assert "%E8%B0%83%E5%BA%A6%E4%BC%9A%E6%9D%90%E6%96%99_2025H1.docx" in answer["Content-Disposition"]


def test_the_ledger_is_shown_as_tables(editor: Client) -> None:
    page = text(editor, "/papers/ledger/2025/")
    assert "任务台账" in page
    assert '<th scope="col">责任单位</th>' in page


def test_papers_of_the_whole_are_hidden_from_a_city_and_its_own_sheet_is_not(log_in, demo_store: Account) -> None:
    make(make_file("dispatch", HALF), demo_store)
    city = log_in("citizen", "city_officer", "330100")
    assert city.get(PAGE).status_code == 404
    assert city.get("/papers/evidence/2025H1/").status_code == 404
    assert city.get("/papers/evidence/2025H1/?place=330200").status_code == 404
    assert "调度会材料</a></th>" not in text(city, "/papers/")
    answer = city.post("/papers/new", {"kind": "evidence", "period": "2025H1", "place": "330100", "use": "budget"})
    assert answer["Location"] == "/papers/evidence/2025H1/?place=330100&use=budget"
    assert "杭州市：财政预算安排" in text(city, answer["Location"])
    refused = city.post("/papers/new", {"kind": "dispatch", "period": "2025H1"})
    assert "不在您的范围内" in refused.content.decode()


def test_a_reader_looks_but_does_not_write(log_in) -> None:
    reader = log_in("onlooker", "reader")
    page = text(reader, PAGE)
    assert "<textarea" not in page
    assert reader.post(PAGE + "notes", {"text:next": "x", "seen:next": "0"}).status_code == 403
    assert reader.post(PAGE + "make").status_code == 403
    assert not Note.objects.exists()


def test_the_way_to_write_a_paragraph_is_shown_only_to_who_writes(editor: Client, log_in) -> None:
    reader = log_in("kan", "reader")
    assert "改这一段" in text(editor, PAGE)
    assert "改这一段" not in text(reader, PAGE)
    assert "改这一段" in text(editor, PAGE)


def test_a_preview_is_kept_while_only_accounts_change(editor: Client, demo_store: Account) -> None:
    title = Title("dispatch", "2025H1")
    kept = preview.shown(title)
    create_account("later", "某人", actor=demo_store, demo=True)
    assert preview.shown(title) is kept
    save_notes("dispatch", "2025H1", {"measures": "写了一句。"}, demo_store)
    assert preview.shown(title) is not kept


def test_generated_drafts_in_the_folder_are_handed_out_to_who_reads_the_whole(log_in) -> None:
    out = Path(settings.HOME) / "out"
    out.mkdir(exist_ok=True)
    (out / "稿.docx").write_bytes(b"x")
    reader, city = log_in("onlooker", "reader"), log_in("citizen", "city_officer", "330100")
    assert b"".join(reader.get("/papers/files/稿.docx").streaming_content) == b"x"
    assert reader.get("/papers/files/instance.toml").status_code == 404
    assert city.get("/papers/files/稿.docx").status_code == 404


@pytest.mark.parametrize("address", ["/papers/nothing/2025H1/", "/papers/dispatch/someday/", "/papers/annual/2025H1/"])
def test_a_paper_that_cannot_be_is_not_found(editor: Client, address: str) -> None:
    assert editor.get(address).status_code == 404
