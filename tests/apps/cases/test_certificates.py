"""Certificates on paper and in files: the QR code leads to the page, the sheet says when it ended, the file holds its proof."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import segno
from django.test import Client
from pytest_django import Settings

from contract_world import World, certificate
from packs import PACKS
from rongtong.apps.cases.bearing import ALPHABET
from rongtong.apps.cases.models import Case
from rongtong.apps.packs.actions import PackRefused, load
from rongtong.apps.records import keys, publishing
from rongtong.apps.records.actions import erase_payload
from rongtong.apps.records.models import Payload
from rongtong.apps.registry.actions import system_account
from worlds import browser

pytestmark = pytest.mark.django_db
BORDER = 4


@pytest.fixture
def world(contracts: World, settings: Settings, tmp_path: Path) -> World:
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    keys.create(settings.HOME, "example.gov.cn/log")
    return contracts


@pytest.fixture
def case(world: World) -> Case:
    return world.registered()


@pytest.fixture
def anybody() -> Client:
    return browser()


def address(case: Case) -> str:
    one = certificate(case)
    return f"/verify/{one.number}/{one.secret}"


def dark(svg: str) -> set[tuple[int, int]]:
    """The dark modules that an SVG's path of horizontal strokes draws, as (row, column)."""
    path = re.search(r' d="([^"]+)"', svg)
    assert path is not None
    found, x, y = set[tuple[int, int]](), 0.0, 0.0
    for command, numbers in re.findall(r"([MmhH])([-\d. ]+)", path[1]):
        given = [float(n) for n in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "M":
            x, y = given
        elif command == "m":
            x, y = x + given[0], y + given[1]
        else:
            found |= {(int(y) - BORDER, int(x) - BORDER + n) for n in range(int(given[0]))}
            x += given[0]
    return found


def test_the_qr_code_on_paper_holds_the_address_of_the_certificate(case: Case, anybody: Client) -> None:
    page = anybody.get(f"{address(case)}/paper").content.decode()
    (picture,) = re.findall(r'<div class="qr".*?(<svg.*?</svg>)', page, re.DOTALL)
    wanted = segno.make(f"http://localhost{address(case)}", error="m", micro=False)
    assert dark(picture) == {(r, c) for r, row in enumerate(wanted.matrix) for c, module in enumerate(row) if module}
    assert f"http://localhost{address(case)}" in page
    one = certificate(case)
    assert f"校验码 {one.secret[:4]} {one.secret[4:]}" in page


def test_what_a_certificate_states_stands_in_its_order_and_once(case: Case, anybody: Client) -> None:
    states = anybody.get(f"/api/certificates{address(case).removeprefix('/verify')}").json()["states"]
    assert [(s["title"], s["text"]) for s in states] == [
        ("登记编号", "2025330106000123"),
        ("项目名称", "高温传感器开发"),
        ("合同类型", "技术开发"),
        ("卖方", "甲单位"),
        ("买方", "乙单位"),
        ("签订日期", "2025-07-01"),
        ("有效期至", "2026-06-30"),
        ("合同成交额（万元）", "120.345678"),
        ("技术交易额（万元）", "98.5"),
        ("技术领域", "电子信息"),
    ]


def test_no_cache_and_no_search_engine_keeps_an_address_with_a_code(case: Case, anybody: Client) -> None:
    publishing.publish(Path(settings_home()))
    for path in (address(case), f"{address(case)}/paper", f"{address(case)}/proof.json", f"/en{address(case)}"):
        answer = anybody.get(path)
        assert answer.status_code == 200, path
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["X-Robots-Tag"] == "noindex"


def settings_home() -> str:
    from django.conf import settings

    return str(settings.HOME)


def test_the_file_is_a_download_of_payload_salt_leaf_proof_and_checkpoint(case: Case, anybody: Client) -> None:
    publishing.publish(Path(settings_home()))
    answer = anybody.get(f"{address(case)}/proof.json")
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    document = json.loads(answer.content)
    assert set(document) == {"format", "sequence", "leaf", "inclusion", "checkpoint", "payload"}
    one = certificate(case)
    assert document["payload"] == {"text": one.leaf.payload.text, "salt": one.leaf.payload.salt}


def test_without_a_signing_key_the_page_says_that_no_file_is_there(
    case: Case, anybody: Client, settings: Settings
) -> None:
    (settings.HOME / keys.FILE).unlink()
    assert "还没有检查点" in anybody.get(address(case)).content.decode()
    assert anybody.get(f"{address(case)}/proof.json").status_code == 404


def test_a_checkpoint_that_was_forged_covers_nothing(case: Case, anybody: Client, settings: Settings) -> None:
    publishing.publish(settings.HOME)
    path = publishing.folder(settings.HOME) / publishing.CHECKPOINT
    path.write_text(path.read_text(encoding="utf-8").replace("\n\n", "\nx\n\n", 1), encoding="utf-8")
    assert "还没有检查点" in anybody.get(address(case)).content.decode()
    assert anybody.get(f"{address(case)}/proof.json").status_code == 404


def test_what_was_erased_is_shown_nowhere_but_that_it_was_issued_is(
    case: Case, anybody: Client, settings: Settings
) -> None:
    one = certificate(case)
    erase_payload(one.leaf_id, why="申请单位注销", actor=system_account())
    publishing.publish(settings.HOME)
    page = anybody.get(address(case)).content.decode()
    assert "所载内容已依申请删除" in page
    assert "甲单位" not in page
    assert "离线文件</a>" not in page
    assert anybody.get(f"{address(case)}/proof.json").status_code == 404
    assert anybody.get(f"{address(case)}/paper").status_code == 200


def test_an_account_from_outside_opens_the_pages_too(case: Case, world: World) -> None:
    for name in ("stranger", "expert1", "registrar"):
        assert world.browser(name).get(address(case)).status_code == 200, name
        assert world.browser(name).get("/verify/").status_code == 200, name


def test_a_code_has_nothing_that_is_read_for_something_else(case: Case) -> None:
    assert re.fullmatch(rf"[{ALPHABET}]{{8}}", certificate(case).secret)
    assert not set("01OI") & set(ALPHABET)


def test_an_empty_form_is_refused_with_words(anybody: Client) -> None:
    for address_, words in (
        ("/verify/", "没有编号和校验码都相符的证明"),
        ("/en/verify/", "No certificate has this number"),
    ):
        answer = anybody.post(address_, {"number": "<b>", "code": ""})
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert "&lt;b&gt;" in answer.content.decode()


def test_two_certificates_that_number_alike_are_not_loaded(tmp_path: Path) -> None:
    made = tmp_path / "more"
    (made / "processes").mkdir(parents=True)
    manifest = 'code: more\nname: 加\nversion: "1"\nextends: [zhejiang]\nroot_place: "330000"\n'
    (made / "pack.yaml").write_text(manifest, encoding="utf-8")
    shipped = (PACKS / "china" / "processes" / "authentication.yaml").read_text(encoding="utf-8")
    again = shipped.replace("code: authentication\n  version", "code: another\n  version")
    (made / "processes" / "another.yaml").write_text(again, encoding="utf-8")
    with pytest.raises(PackRefused, match="同用字头“JYJZ”"):
        load([PACKS / "china", PACKS / "zhejiang", made], system_account())


def test_a_number_may_hold_a_slash(case: Case, anybody: Client) -> None:
    one = certificate(case)
    type(one).objects.filter(pk=one.pk).update(number="JSHT-西湖/7")
    for path in ("", "/paper"):
        assert anybody.get(f"/verify/JSHT-西湖/7/{one.secret}{path}").status_code == 200
    answer: Any = anybody.get(f"/api/certificates/JSHT-西湖/7/{one.secret}").json()
    assert answer["number"] == "JSHT-西湖/7"
    assert Payload.objects.filter(leaf=one.leaf).exists()
