"""Evidence kept with a slice: who adds it and until when, who reads it, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from collection_fixtures import COUNTY, Offices, kept_offices
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from rongtong import clock
from rongtong.apps.cases import actions
from rongtong.apps.cases.models import Attachment, Case
from rongtong.apps.observations import collecting, filing
from rongtong.apps.observations.filing import Typed
from rongtong.apps.records.models import Leaf
from worlds import browser

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n% audited figures\n%%EOF\n"
GOOD = {"input_enterprise": "225000", "input_government": "32000", "new_hte": "44", "new_srdi_smes": "30"}


@pytest.fixture(scope="module")
def offices(django_db_setup: None, django_db_blocker: Any) -> Iterator[Offices]:
    yield from kept_offices(django_db_blocker)


@pytest.fixture
def case(offices: Offices, settings: Settings, tmp_path: Any) -> Case:
    settings.HOME = tmp_path
    return filing.open_slice(collecting.task("county_input", "2025H1"), COUNTY, actor=offices.county)


def send(client: Client, case: Case, *files: tuple[str, bytes]) -> Any:
    sent = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(f"/collection/{case.pk}/evidence", {"files": sent}, follow=True)


def step(case: Case, transition: str, offices: Offices) -> Case:
    actor = {"submit": offices.county, "accept": offices.city, "approve": offices.province}[transition]
    case.refresh_from_db()
    return actions.move(case.pk, transition, actor=actor, seen=case.events)


def approved(case: Case, offices: Offices) -> Case:
    typed = [Typed(code, value, "", int(code == "input_enterprise")) for code, value in GOOD.items()]
    filing.save(case, typed, actor=offices.county)
    for transition in ("submit", "accept", "approve"):
        case = step(case, transition, offices)
    return case


def test_who_fills_attaches_a_file_and_who_reviews_reads_it(case: Case, offices: Offices) -> None:
    page = send(browser(offices.county), case, ("审计报告.pdf", PDF)).content.decode()
    assert "佐证材料已附上" in page
    kept = Attachment.objects.get(case=case)
    assert (kept.name, kept.size, kept.by, kept.event) == ("审计报告.pdf", len(PDF), offices.county, 1)
    for account in (offices.city, offices.province):
        client = browser(account)
        shown = client.get(f"/collection/{case.pk}").content.decode()
        assert "审计报告.pdf" in shown
        assert "county的姓名" in shown
        assert f"{kept.at.astimezone(clock.LOCAL):%Y-%m}" in shown
        answer = client.get(f"/collection/evidence/{kept.pk}")
        assert b"".join(answer.streaming_content) == PDF  # type: ignore[attr-defined]
        assert "attachment" in answer["Content-Disposition"]


def test_the_log_names_the_file_by_its_digest(case: Case, offices: Offices) -> None:
    send(browser(offices.county), case, ("审计报告.pdf", PDF))
    leaf = Leaf.objects.get(kind="observations.attach")
    assert (leaf.actor, leaf.place) == ("county", COUNTY)
    assert Attachment.objects.get(case=case).sha256 in leaf.payload.text


def test_who_does_not_see_the_slice_is_told_that_there_is_no_such_file(case: Case, offices: Offices) -> None:
    send(browser(offices.county), case, ("审计报告.pdf", PDF))
    kept = Attachment.objects.get(case=case)
    for account in (offices.neighbour, offices.other_city):
        assert browser(account).get(f"/collection/evidence/{kept.pk}").status_code == 404
        assert send(browser(account), case, ("b.pdf", PDF)).status_code == 404
    assert Client(HTTP_HOST="localhost").get(f"/collection/evidence/{kept.pk}").status_code == 302
    assert Attachment.objects.count() == 1


def test_who_reviews_does_not_attach(case: Case, offices: Offices) -> None:
    assert 'name="files"' not in browser(offices.city).get(f"/collection/{case.pk}").content.decode()
    assert send(browser(offices.city), case, ("b.pdf", PDF)).status_code == 403
    assert not Attachment.objects.exists()


def test_a_file_is_taken_under_review_and_not_after_approval(case: Case, offices: Offices) -> None:
    case = approved(case, offices)
    client = browser(offices.county)
    assert send(client, case, ("b.pdf", PDF)).status_code == 403
    assert 'name="files"' not in client.get(f"/collection/{case.pk}").content.decode()
    assert not Attachment.objects.exists()


def test_the_filer_adds_what_the_reviewer_asks_for_without_a_return(case: Case, offices: Offices) -> None:
    typed = [Typed(code, value, "", int(code == "input_enterprise")) for code, value in GOOD.items()]
    filing.save(case, typed, actor=offices.county)
    step(case, "submit", offices)
    assert send(browser(offices.county), case, ("b.pdf", PDF)).status_code == 200
    assert Attachment.objects.get(case=case).event == 2


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "没有选文件"),
        ((("报告.pdf", b"MZ not a pdf"),), "内容不是完整的 PDF"),
        ((("报告.exe", PDF),), "只接收"),
        (tuple((f"{n}.pdf", PDF) for n in range(4)), "至多 3 个"),
    ],
)
def test_a_refused_file_is_named_at_its_field_and_nothing_is_kept(
    case: Case, offices: Offices, files: tuple[tuple[str, bytes], ...], said: str
) -> None:
    answer = send(browser(offices.county), case, *files)
    page = answer.content.decode()
    assert (answer.status_code, said in page, 'href="#files"' in page) == (422, True, True)
    assert not Attachment.objects.exists()


def test_a_reload_of_the_address_shows_the_slice(case: Case, offices: Offices) -> None:
    answer = browser(offices.county).get(f"/collection/{case.pk}/evidence")
    assert (answer.status_code, answer["Location"]) == (302, f"/collection/{case.pk}")
