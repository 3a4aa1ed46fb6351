"""Releasing a paper: sent, signed by another, kept byte for byte, superseded only by a new issue."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import pytest
from django.test import Client
from docx import Document

from rongtong.apps.cases import actions as cases
from rongtong.apps.cases.errors import FormRefused, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.observations.actions import import_file
from rongtong.apps.papers import actions, queries
from rongtong.apps.papers.actions import PaperRefused, make, save_notes, send
from rongtong.apps.papers.layout import manual_texts
from rongtong.apps.papers.models import Issue, Release
from rongtong.apps.papers.queries import Title
from rongtong.apps.papers.writing import make_file
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period

pytestmark = pytest.mark.django_db
HALF = Period(2025, 1, 6)
TITLE = Title("dispatch", "2025H1")


@dataclass(frozen=True)
class People:
    editor: Account
    signer: Account
    system: Account


@pytest.fixture
def people(demo_store: Account) -> People:
    def new(name: str, role: str) -> Account:
        account = create_account(name, name, actor=demo_store, demo=True).account
        grant(account, role, "", actor=demo_store)
        return account

    return People(new("r-editor", "editor"), new("r-signer", "approver"), demo_store)


def issued(people: People) -> Issue:
    return make(make_file("dispatch", HALF), people.editor)


def signed(people: People, case: Case) -> Release:
    cases.move(case.pk, "release", actor=people.signer, seen=case.events)
    return Release.objects.latest("pk")


def words_of(data: bytes) -> str:
    document = Document(io.BytesIO(data))
    headers = [p.text for s in document.sections for p in s.header.paragraphs]
    return "\n".join([*headers, *(p.text for p in document.paragraphs)])


def test_a_release_is_the_reviewed_paper_without_the_draft_mark_dated_today(people: People) -> None:
    save_notes("dispatch", "2025H1", {"problems": "湖州说明了原因。"}, people.editor)
    issue = issued(people)
    release = signed(people, send(issue, people.editor))
    data = bytes(release.content)
    assert hashlib.sha256(data).hexdigest() == release.sha256
    assert "草稿" not in words_of(data)
    assert "草稿" in words_of(make_file("dispatch", HALF).data)
    assert "演示数据不是公布数" in words_of(data)
    assert "2025年7月15日" in words_of(data)
    assert manual_texts(data)["problems"] == "湖州说明了原因。"


def test_who_sent_a_paper_does_not_sign_it(people: People) -> None:
    grant(people.editor, "approver", "", actor=people.system)
    case = send(issued(people), people.editor)
    with pytest.raises(GuardRefused, match="职责分离"):
        cases.move(case.pk, "release", actor=people.editor, seen=case.events)
    assert not Release.objects.exists()


def test_an_editor_cannot_sign(people: People) -> None:
    case = send(issued(people), people.system)
    with pytest.raises(Denied):
        cases.move(case.pk, "release", actor=people.editor, seen=case.events)


def test_words_written_after_sending_are_not_in_the_release(people: People) -> None:
    save_notes("dispatch", "2025H1", {"next": "审过的话"}, people.editor)
    case = send(issued(people), people.editor)
    save_notes("dispatch", "2025H1", {"next": "没有审过的话"}, people.editor)
    assert manual_texts(bytes(signed(people, case).content))["next"] == "审过的话"


def test_figures_that_came_after_sending_stop_the_release(people: People) -> None:
    case = send(issued(people), people.editor)
    head = "指标,地区,期,数值,单位,状态,发布日期,来源,说明,口径\n"
    row = "industrial_rd_expense,330100,2025Q1,206.90,亿元,revised,2025-07-15,省统计局,更正,rd_expense\n"
    report = import_file((head + row).encode(), "更正.csv", actor=people.system)
    assert not report.blocking
    with pytest.raises(GuardRefused, match="送审之后来了新的数"):
        signed(people, case)
    assert not Release.objects.exists()
    assert queries.issue_of(case).pk == Issue.objects.latest("pk").pk


def test_a_new_issue_supersedes_and_the_old_one_stays_as_it_was(people: People) -> None:
    first = signed(people, send(issued(people), people.editor))
    kept = bytes(first.content)
    save_notes("dispatch", "2025H1", {"next": "第二版的话"}, people.editor)
    second = signed(people, send(issued(people), people.editor))
    assert [r.number for r in queries.releases(TITLE)] == [2, 1]
    assert bytes(Release.objects.get(pk=first.pk).content) == kept
    assert second.sha256 != first.sha256


def test_the_same_issue_is_not_released_twice(people: People) -> None:
    issue = issued(people)
    signed(people, send(issue, people.editor))
    with pytest.raises(PaperRefused, match="已经发布"):
        send(issue, people.editor)


def test_a_second_issue_waits_while_the_first_is_in_review(people: People) -> None:
    send(issued(people), people.editor)
    save_notes("dispatch", "2025H1", {"next": "又一稿"}, people.editor)
    with pytest.raises(PaperRefused, match="另一稿正在送审"):
        send(issued(people), people.editor)


def test_an_issue_sent_back_can_be_sent_again(people: People) -> None:
    issue = issued(people)
    case = send(issue, people.editor)
    case = cases.move(case.pk, "send_back", actor=people.signer, seen=case.events, data={"reason": "再核一核数"})
    assert send(issue, people.editor).stage == "review"


def test_a_withdrawn_issue_is_taken_up_again_with_a_reason_and_released(people: People) -> None:
    editor, page = Client(HTTP_HOST="localhost"), "/papers/dispatch/2025H1/"
    editor.force_login(people.editor)
    issue = issued(people)
    case = send(issue, people.editor)
    case = cases.move(case.pk, "withdraw", actor=people.editor, seen=case.events, data={"reason": "会议改期"})
    with pytest.raises(PaperRefused, match="先恢复"):
        send(issue, people.editor)
    assert "恢复</button>" in editor.get(page).content.decode()
    with pytest.raises(FormRefused):
        cases.move(case.pk, "reopen", actor=people.editor, seen=case.events)
    case = cases.move(case.pk, "reopen", actor=people.editor, seen=case.events, data={"reason": "会议照开"})
    assert case.stage == "draft"
    assert signed(people, send(issue, people.editor)).issue == issue


def test_an_older_issue_taken_up_again_neither_blocks_the_newest_nor_goes_before_it(people: People) -> None:
    old = send(issued(people), people.editor)
    old = cases.move(old.pk, "withdraw", actor=people.editor, seen=old.events, data={"reason": "会议改期"})
    save_notes("dispatch", "2025H1", {"next": "又一稿"}, people.editor)
    newest = issued(people)
    old = cases.move(old.pk, "reopen", actor=people.editor, seen=old.events, data={"reason": "会议照开"})
    assert send(newest, people.editor).stage == "review"
    with pytest.raises(GuardRefused, match="不是最新的一稿"):
        cases.move(old.pk, "submit", actor=people.editor, seen=old.events)


def test_a_released_workbook_is_the_one_that_was_made(people: People) -> None:
    made = make_file("ledger", Period(2025, 1, 12))
    release = signed(people, send(make(made, people.editor), people.editor))
    assert bytes(release.content) == made.data


def test_the_whole_way_over_the_pages(people: People) -> None:
    editor, signer = Client(HTTP_HOST="localhost"), Client(HTTP_HOST="localhost")
    editor.force_login(people.editor)
    signer.force_login(people.signer)
    page = "/papers/dispatch/2025H1/"
    editor.post("/papers/new", {"kind": "dispatch", "period": "2025H1"})
    issue = Issue.objects.latest("pk")
    assert editor.post(page + "send", {"issue": str(issue.pk)}).status_code == 302
    case = queries.case_of(issue)
    assert case is not None
    assert "发布</button>" in signer.get(page).content.decode()
    moved = signer.post(f"/cases/{case.pk}/move", {"transition": "release", "seen": case.events, "next": page})
    assert moved["Location"] == page
    shown = signer.get(page).content.decode()
    release = Release.objects.latest("pk")
    assert f"SHA-256 {release.sha256}" in shown
    assert "已发布" in shown
    assert "sheet unreleased" not in shown
    assert signer.get(f"/papers/releases/{release.sha256}").content == bytes(release.content)
    assert "1 版" in editor.get("/papers/").content.decode()


def test_sending_an_issue_that_is_no_longer_the_newest_is_refused(people: People) -> None:
    client = Client(HTTP_HOST="localhost")
    client.force_login(people.editor)
    old = issued(people)
    save_notes("dispatch", "2025H1", {"next": "新的"}, people.editor)
    issued(people)
    answer = client.post("/papers/dispatch/2025H1/send", {"issue": str(old.pk)})
    assert answer.status_code == 409
    assert "又生成了新的一稿" in answer.content.decode()


def test_a_released_file_of_the_whole_is_hidden_from_a_city(people: People) -> None:
    release = signed(people, send(issued(people), people.editor))
    city = create_account("r-city", "市", actor=people.system, demo=True).account
    grant(city, "city_officer", "330100", actor=people.system)
    client = Client(HTTP_HOST="localhost")
    client.force_login(city)
    assert client.get(f"/papers/releases/{release.sha256}").status_code == 404


def test_a_city_releases_its_own_evidence_sheet(people: People) -> None:
    made = make_file("evidence", HALF, None, "330100", "budget")
    officer = create_account("r-hz", "市", actor=people.system, demo=True).account
    grant(officer, "city_officer", "330100", actor=people.system)
    signer = create_account("r-hz-signer", "市审签", actor=people.system, demo=True).account
    grant(signer, "approver", "330100", actor=people.system)
    case = send(actions.make(made, officer), officer)
    assert case.place == "330100"
    cases.move(case.pk, "release", actor=signer, seen=case.events)
    assert Release.objects.get().file_name == "证据表_2025H1_330100_budget.docx"
