"""A contract is filed, mended, registered, changed and cancelled; whoever holds its certificate knows each time what it is worth.

Told through the pages and the API, and at the end on a machine that has nothing but the offline file, the verifier and
the office's published key.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from contract_world import FILED, VERIFIED, World, certificate, make_world
from rongtong.apps.cases import queries
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import queries as observations
from rongtong.apps.records import keys, log_commands, publishing
from rongtong.engine.period import Period
from worlds import browser

pytestmark = pytest.mark.django_db
VERIFIER = Path(log_commands.__file__).parent / "static" / "records" / "rongtong_verify.py"
KEY = "example.gov.cn/log"


@pytest.fixture
def site(db: None, settings: Settings, tmp_path: Path) -> tuple[World, str]:
    """Everybody, and an instance folder with a signing key; them and the public key."""
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    return make_world(), str(keys.create(settings.HOME, KEY))


def verified(path: Path, key: str) -> tuple[int, str]:
    """What the one-file verifier says, run as whoever got the file would."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), "proof", str(path), "--key", key],
        capture_output=True, text=True, encoding="utf-8", check=False, env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done.returncode, done.stdout


def counted(place: str) -> dict[str, int]:
    """The contracts of the year to July and their technical amount in 分, as the indicators have them."""
    facts = observations.known(["tech_contracts", "tech_trade"], [Period.parse("2025-01..07")], date(2025, 7, 15))
    return {f.indicator: f.value for f in facts if f.place == place and not f.chain}


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def test_from_filing_to_a_certificate_that_anybody_verifies_offline(
    site: tuple[World, str], settings: Settings, tmp_path: Path
) -> None:
    world, key = site
    firm, office, anybody = world.browser("seller"), world.browser("registrar"), browser()
    # The firm files on the page that the definition makes; what it forgets is said, what it typed stays.
    assert firm.post("/processes/technology_contract/new", FILED | {"title": ""}).status_code == 422
    answer = firm.post("/processes/technology_contract/new", FILED | {"buyer": world.uscc("buyer")})
    assert answer.status_code == 302, answer.content.decode()
    case = Case.objects.get(process="technology_contract")
    assert (case.place, case.organisation) == ("330106", world.accounts["seller"].organisation)
    # Whoever did something is told so at first, and nobody else.
    said = f'<p class="notice" role="status">已提交，编号 {case.key}。</p>'
    assert [said in text(one, f"/cases/{case.pk}") for one in (firm, office)] == [True, False]
    # To take it back is two clicks, the first of which says what the second does; what goes on is one.
    mine, theirs = (text(one, f"/cases/{case.pk}") for one in (firm, office))
    assert re.search(r"<summary>撤回申请</summary>\s*<p class=\"note\">办了这一步，这件就结束。</p>", mine)
    assert "这件就结束" not in theirs
    # The registration office of the city accepts, and asks for something: the clock stands still meanwhile.
    page = f"/cases/{case.pk}"
    office.post(f"{page}/move", {"transition": "accept", "seen": "1", "contract_text": "complete"})
    office.post(f"{page}/move", {"transition": "ask_mend", "seen": "2", "to_mend": "请补交附件二的预算表"})
    case.refresh_from_db()
    assert [line.state for line in queries.clocks(case)] == ["停计", "停计"]
    again = FILED | {"buyer": world.uscc("buyer"), "signed_on": "2025-07-02"}
    firm.post(f"{page}/move", again | {"transition": "mend", "seen": "3", "mended": "已补交，签订日期改正"})
    case.refresh_from_db()
    assert [line.state for line in queries.clocks(case)] == ["计时中", "计时中"]
    office.post(f"{page}/move", {"transition": "register", "seen": "4", **VERIFIED})
    case.refresh_from_db()
    assert (case.stage, case.outcome) == ("registered", "registered")
    assert counted("330106") == counted("330000") == {"tech_contracts": 1, "tech_trade": 98_500_000}
    # Firm and buyer find number and code on the page of the case; a stranger finds no such case.
    one = certificate(case)
    assert one.number == f"JSHT-{case.key}"
    for name in ("seller", "buyer", "registrar", "county"):
        assert one.secret in text(world.browser(name), page), name
    for name in ("stranger", "elsewhere"):
        assert world.browser(name).get(page).status_code == 404, name
    # Anybody who holds the paper sees what it says, in either language, but no offline file before a checkpoint covers it.
    address = f"/verify/{one.number}/{one.secret}"
    shown = text(anybody, address)
    for words in (
        "● 有效",
        "技术开发",
        "2025330106000123",
        "2025-07-02",
        "120.345678",
        "98.5",
        "甲单位",
        "还没有检查点",
    ):
        assert words in shown, words
    assert "● Valid" in text(anybody, f"/en{address}")
    assert "随下一个检查点" in text(anybody, f"{address}/proof.json", 404)
    publishing.publish(settings.HOME)
    assert "已在签名的检查点之中" in text(anybody, address)
    given = tmp_path / "证明.json"
    given.write_bytes(anybody.get(f"{address}/proof.json").content)
    code, said = verified(given, key)
    assert code == 0, said
    for words in (
        "核验无误",
        one.number,
        "合同成交额（万元）：120.345678",
        "技术交易额（万元）：98.5",
        "技术合同登记证明",
    ):
        assert words in said, words
    # Another amount in the file, and it proves nothing.
    document = json.loads(given.read_text(encoding="utf-8"))
    document["payload"]["text"] = document["payload"]["text"].replace('"98.5"', '"99.5"')
    given.write_text(json.dumps(document), encoding="utf-8")
    code, said = verified(given, key)
    assert (code, said[:17]) == (1, "[payload_swapped]")


def test_a_change_replaces_the_certificate_and_the_amount_and_a_cancellation_revokes_both(
    site: tuple[World, str],
) -> None:
    world, _ = site
    anybody = browser()
    case = world.registered()
    first = certificate(case)
    case = world.changed(case)
    second = certificate(case)
    assert second.number == f"{first.number}-2"
    assert counted("330106") == {"tech_contracts": 1, "tech_trade": 60_000_000}
    old = text(anybody, f"/verify/{first.number}/{first.secret}")
    assert re.search(r"▲ 已被替换</span> 日期 2025-07-15。[^<]*" + second.number, old)
    assert "98.5" in old
    assert second.secret not in old
    assert "● 有效" in text(anybody, f"/verify/{second.number}/{second.secret}")
    world.cancelled(case)
    assert counted("330106") == {"tech_contracts": 0, "tech_trade": 0}
    gone = text(anybody, f"/verify/{second.number}/{second.secret}")
    assert "■ 已撤销" in gone
    assert "注销登记" in gone
    answer = anybody.get(f"/api/certificates/{second.number}/{second.secret}").json()
    assert (answer["state"], answer["ended"]) == ("revoked", "2025-07-15")
    assert {"title": "技术交易额（万元）", "text": "60"} in answer["states"]
    assert "撤销，不再有效" in text(anybody, f"/verify/{second.number}/{second.secret}/paper")


def test_whoever_guesses_is_told_nothing_and_soon_not_even_that(site: tuple[World, str]) -> None:
    world, _ = site
    one = certificate(world.registered())
    thief = browser()
    wrong_code = text(thief, f"/verify/{one.number}/AAAAAAAA", 404)
    wrong_number = text(thief, f"/verify/JSHT-2025-999999/{one.secret}", 404)
    typed = re.compile(rf'value="[^"]*"|{one.number}/AAAAAAAA|JSHT-2025-999999/{one.secret}')
    assert typed.sub("", wrong_code) == typed.sub("", wrong_number)
    for n in range(18):
        assert thief.get(f"/api/certificates/{one.number}/BBBBBB{n:02d}").status_code == 404
    for address in (f"/verify/{one.number}/{one.secret}", f"/api/certificates/{one.number}/{one.secret}"):
        assert thief.get(address).status_code == 429, address
    answer = thief.post("/verify/", {"number": one.number, "code": one.secret})
    assert (answer.status_code, f'value="{one.number}"' in answer.content.decode()) == (429, True)
    assert "98.5" not in answer.content.decode()
    honest = Client(HTTP_HOST="localhost", REMOTE_ADDR="10.0.0.9")
    answer = honest.post(
        "/verify/", {"number": f" {one.number.lower()} ", "code": f"{one.secret[:4]} {one.secret[4:]}".lower()}
    )
    assert (answer.status_code, answer["Location"]) == (302, f"/verify/{one.number}/{one.secret}")
