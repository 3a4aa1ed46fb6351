"""A person who acted all over a real instance is erased: no live file holds their bytes, and every proof still verifies.

The files are looked through here by other means than the program's own: raw bytes, members of zips, and the blobs of the
store, which hold zips. RONGTONG_TEST_POSTGRES runs the second test on a given cluster, whose data directory is read.
"""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from rongtong.apps.records import log_commands

USERNAME, NAME = "xk.ouyang-7391", "欧阳栩鹮"
VERIFIER = Path(log_commands.__file__).parent / "static" / "records" / "rongtong_verify.py"
NEEDLES = {
    *(
        text.encode(encoding)
        for text in (USERNAME, NAME)
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")
    ),
    json.dumps(NAME)[1:-1].encode(),
    "".join(f"&#{ord(c)};" for c in NAME).encode(),
}
Script = Callable[[Path, str], str]
Command = Callable[..., subprocess.CompletedProcess[str]]

ACTS = (
    f"""
    USERNAME, NAME = {USERNAME!r}, {NAME!r}
"""
    + """
    import io, json, os
    from pathlib import Path
    import pyotp
    from django.conf import settings
    from django.test import Client
    from docx import Document
    from openpyxl import Workbook
    from rongtong import clock
    from rongtong.apps.cases import actions as cases
    from rongtong.apps.cases.evidence import Upload
    from rongtong.apps.observations import collecting, filing
    from rongtong.apps.papers import actions as papers, writing
    from rongtong.apps.records import leaves
    from rongtong.apps.registry import factor, handover, masking, personal, privacy
    from rongtong.apps.registry.actions import create_account, grant, set_password, system_account
    from rongtong.apps.registry.models import Account, Kept, Person
    from rongtong.engine.period import Period

    system, home = system_account(), Path(settings.HOME)
    made = create_account(USERNAME, NAME, actor=system, position="综合处副处长")
    me = made.account
    tree = __import__("rongtong.apps.registry.places", fromlist=["x"]).loaded_tree()
    county = tree.at_level("county")[-1]
    grant(me, "approver", "", actor=system)
    grant(me, "county_officer", county, actor=system)
    word = {name: Account.objects.get(username=name) for name in ("sheng", "bianji", "qianfa", "shenji", "anquan")}

    # Logging in: refused once, then with the first password, which must be changed; a second factor.
    browser = Client(HTTP_HOST="localhost", HTTP_USER_AGENT=f"Probe/{USERNAME}")
    assert browser.post("/login", {"username": USERNAME, "password": "wrong"}).status_code == 403
    assert browser.post("/login", {"username": USERNAME, "password": made.password}).status_code == 302
    set_password(me, "a long password of 2025", actor=me)
    assert browser.post("/login", {"username": USERNAME, "password": "a long password of 2025"}).status_code == 302
    me.refresh_from_db()
    nonce = factor.new_nonce()
    factor.confirm(me, nonce, pyotp.TOTP(factor.key_text(factor.prepared(me, nonce))).now())
    Kept.objects.create(account=me, browser="0" * 64, path="/x", fields=json.dumps([["办理人", NAME]]),
                        at=clock.now(), expires_at=clock.now())

    # A slice of one's own, with reasons and evidence that name the person.
    task = next(t for t in collecting.tasks() if t.collection.level == "county" and t.collection.frequency == "month")
    filing.remind(task, [county], actor=word["sheng"], note=f"请{NAME}今天报出")
    slice_ = filing.open_slice(task, county, actor=me)
    document, sheet, out = Document(), Workbook(), io.BytesIO()
    paragraph = document.add_paragraph("填报人：" + NAME[:2])
    paragraph.add_run(NAME[2:] + f"（{USERNAME}）")
    document.save(out)
    sheet.active["A1"] = f"联系人 {NAME}"
    table = io.BytesIO()
    sheet.save(table)
    picture = b"\\x89PNG\\r\\n\\x1a\\n\\0\\0" + NAME.encode() + bytes(2000)
    filing.attach(slice_, [Upload(f"{NAME}说明.docx", out.getvalue()), Upload("名单.xlsx", table.getvalue()),
                           Upload(f"{USERNAME}_签字.png", picture)], actor=me)

    # A paper with the person's name in it, sent by another, signed by the person.
    half = Period(2025, 1, 6)
    papers.save_notes("dispatch", "2025H1", {"problems": f"湖州说明了原因。联系人{NAME}（{USERNAME}）。"}, me)
    issue = papers.make(writing.make_file("dispatch", half), word["bianji"])
    sent = papers.send(issue, word["bianji"])
    cases.move(sent.pk, "release", actor=me, seen=sent.events)

    # Cases: one's own, and one of somebody else that speaks of the person; work handed over to the person.
    own = personal.ask(me, {"matter": "correct", "position": "处长", "reason": f"{NAME}职务已变"})
    cases.move(own.pk, "refuse", actor=word["qianfa"], seen=own.events, data={"why": f"任免文件里没有{NAME}"})
    other = personal.ask(word["sheng"], {"matter": "correct", "position": "处长", "reason": f"接{NAME}（{USERNAME}）的工作"})
    giver = create_account("probe-giver", "交出人", actor=system).account
    grant(giver, "reader", "", actor=system)
    handover.hand_over(giver, me, clock.today(), actor=word["anquan"], why=f"{NAME}接任")
    masking.reveal(me, why="核对交接人的身份", actor=word["anquan"])
    Person.objects.create(name=NAME, orcid="0000-0002-1825-0097")

    # Exports and files of the instance's folder.
    exported = home / "out"
    (exported / "audit.csv").write_text(leaves.export(leaves.Wanted(actor=USERNAME), actor=word["shenji"]), encoding="utf-8")
    (exported / "own.json").write_text(json.dumps(privacy.export(me, actor=me)), encoding="utf-8")
    (exported / "表.csv").write_text(f"姓名\\n{NAME}\\n", encoding="utf-16")
    (exported / f"{USERNAME}.xlsx").write_bytes(table.getvalue())
    (exported / "draft.docx").write_bytes(writing.make_file("dispatch", half).data)
    with (home / "demo-accounts.txt").open("a", encoding="utf-8") as file:
        file.write(f"{USERNAME}\\tsecret\\t{NAME}\\t审签\\t全域\\n")
    print(json.dumps({"account": me.pk, "slice": slice_.pk, "other": other.pk}))
"""
)

ERASE = (
    f"""
    USERNAME = {USERNAME!r}
"""
    + """
    from django.test import Client
    from rongtong.apps.cases.models import Case
    from rongtong.apps.registry import personal
    from rongtong.apps.registry.actions import revoke, system_account
    from rongtong.apps.registry.models import Account

    me, signer = Account.objects.get(username=USERNAME), Account.objects.get(username="qianfa")
    case = personal.ask(me, {"matter": "erase", "reason": "已经离职，请删除"})
    browser = Client(HTTP_HOST="localhost")
    browser.force_login(signer)
    form = {"transition": "carry_out", "seen": str(case.events)}
    assert browser.post(f"/cases/{case.pk}/move", form).status_code == 422
    for given in me.grants.all():
        revoke(given, actor=system_account())
    assert browser.post(f"/cases/{case.pk}/move", form).status_code == 302
    page = browser.get(f"/cases/{case.pk}")
    assert page.status_code == 200 and f"erased-{me.pk}" in page.content.decode()
"""
)

AFTER = """
    import json
    from rongtong.apps.cases import queries as cases
    from rongtong.apps.cases.models import Attachment, Case
    from rongtong.apps.papers.models import Release
    from rongtong.apps.records import leaves
    from rongtong.apps.registry.models import Account
    me = Account.objects.get(pk=ACCOUNT)
    other = Case.objects.get(pk=OTHER)
    rows = Release.objects.filter(issue__period="2025H1").order_by("number")
    print(json.dumps({
        "account": [me.username, me.name, me.position, me.is_active, me.has_usable_password()],
        "acts": leaves.narrowed(leaves.Wanted(actor=me.username)).count(),
        "reason": cases.data(other)["reason"],
        "releases": [[r.number, len(bytes(r.content)), bool(r.removed_why), r.sha256] for r in rows],
        "evidence": [[a.name, bool(a.removed_why)] for a in Attachment.objects.filter(case=SLICE).order_by("pk")],
    }))
"""


def in_file(where: str, data: bytes, needles: set[bytes]) -> Iterator[str]:
    """Where needles are: in the bytes, and in members of a zip."""
    if any(needle in data for needle in needles):
        yield where
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from in_file(f"{where}!{member}", archive.read(member), needles)


def packed(document: bytes) -> set[bytes]:
    """What tells the packed text of this document from that of any other: its checksum and sizes, as a zip has them.

    Packed bytes tell nothing of a name, so a released file is looked for by this as well.
    """
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        text = archive.getinfo("word/document.xml")
    found = struct.pack("<LLL", text.CRC, text.compress_size, text.file_size)
    assert found in document
    return {found}


def in_folder(folder: Path, needles: set[bytes]) -> set[str]:
    found: set[str] = set()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            found |= set(in_file(name, path.read_bytes(), needles))
        found |= set(in_file(f"{name} (name)", name.encode(), needles))
    return found


def in_blobs(rows: Iterator[tuple[object, ...]], needles: set[bytes]) -> set[str]:
    return {where for pk, content in rows for where in in_file(f"release {pk}", bytes(content), needles)}  # type: ignore[call-overload]


def run_verifier(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(VERIFIER), *arguments], capture_output=True, text=True, check=False)


@contextmanager
def opened_by_another(store: Path) -> Iterator[None]:
    """Another process has the store open, as a server has, so that nobody removes the WAL by being the last to close.

    Not this one: to read the file here would drop the locks by which SQLite knows that.
    """
    hold = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM records_log').fetchall(); "
    command = [sys.executable, "-c", hold + "print('open', flush=True); sys.stdin.read()", str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "open\n"
        yield
        server.stdin.close()


class Lived:
    """An instance in which the person acted all over; what was proved about it before the erasure lies outside."""

    def __init__(self, home: Path, outside: Path, command: Command, script: Script) -> None:
        self.home, self.outside, self.command, self.script = home, outside, command, script
        outside.mkdir()
        self.made = json.loads(script(home, ACTS).splitlines()[-1])
        self.key = outside / "key"
        self.key.write_text(command(home, "log", "key").stdout, encoding="utf-8")
        command(home, "log", "checkpoint")
        shutil.copy(home / "log" / "checkpoint", outside / "checkpoint")
        number = script(home, f"""
            from rongtong.apps.records.models import Leaf
            print(Leaf.objects.filter(actor={USERNAME!r}, kind="papers.release").get().sequence)
        """).strip()  # fmt: skip
        self.proof = outside / "proof.json"
        command(home, "log", "prove", number, "--names", "--payload", "--out", str(self.proof))

    def erase(self) -> None:
        self.script(self.home, ERASE)

    def check(self) -> None:
        """What stayed, and that every proof holds: the one made before, the log's, and the whole log by both verifiers."""
        values = {"ACCOUNT": self.made["account"], "OTHER": self.made["other"], "SLICE": self.made["slice"]}
        head = "".join(f"    {name} = {value}\n" for name, value in values.items())
        left = json.loads(self.script(self.home, head + AFTER))
        pseudonym = f"erased-{self.made['account']}"
        assert left["account"] == [pseudonym, "已注销", "", False, False]
        assert left["acts"] > 10
        assert left["reason"] == f"接已注销（{pseudonym}）的工作"
        first, second = left["releases"]
        assert first[:3] == [1, 0, True]
        assert second[0] == 2
        assert second[1] > 10_000
        assert not second[2]
        names = [["已注销说明.docx", False], ["名单.xlsx", False], [f"{pseudonym}_签字.png", True]]
        assert left["evidence"] == names

        self.command(self.home, "verify", "--checkpoint", str(self.outside / "checkpoint"))
        self.command(self.home, "log", "checkpoint")
        self.command(self.home, "verify")
        folder, key = str(self.home / "log"), str(self.key)
        log = run_verifier("log", folder, "--key", key, "--since", str(self.outside / "checkpoint"))
        assert log.returncode == 0, log.stdout
        before = run_verifier("proof", str(self.proof), "--key", key)
        assert before.returncode == 0, before.stdout
        assert f"actor 为 {USERNAME}" in before.stdout
        number = str(json.loads(self.proof.read_text(encoding="utf-8"))["sequence"])
        again = self.outside / "again.json"
        self.command(self.home, "log", "prove", number, "--names", "--out", str(again))
        assert run_verifier("proof", str(again), "--key", key).returncode == 0
        assert json.loads(again.read_text(encoding="utf-8"))["names"] == {}


def test_no_file_of_the_instance_holds_an_erased_person(
    demo_home: Path, tmp_path: Path, command: Command, script: Script
) -> None:
    home = Path(shutil.copytree(demo_home, tmp_path / "var"))
    store = home / "rongtong.sqlite3"
    lived = Lived(home, tmp_path / "outside", command, script)

    def blobs() -> Iterator[tuple[object, ...]]:
        with closing(sqlite3.connect(store)) as reader:
            yield from reader.execute("SELECT id, content FROM papers_release").fetchall()

    with opened_by_another(store):
        with closing(sqlite3.connect(store)) as reader:
            ((paper,),) = reader.execute("SELECT content FROM papers_release ORDER BY id DESC LIMIT 1").fetchall()
        needles = NEEDLES | packed(bytes(paper))
        before = in_folder(home, needles) | in_blobs(blobs(), needles)
        assert {"rongtong.sqlite3", "out/audit.csv", "out/own.json", "out/表.csv", "demo-accounts.txt"} <= before
        assert {"out/draft.docx!word/document.xml", f"out/{USERNAME}.xlsx (name)"} <= before
        assert any(where.startswith("release ") for where in before)
        assert sum(where.startswith("attachments/") for where in before) >= 3
        assert not any(where.startswith("log/") for where in before)
        found = command(home, "scrub", "--look-for", USERNAME, NAME, code=1).stdout
        assert "out/audit.csv" in found

        lived.erase()
        assert store.with_name("rongtong.sqlite3-wal").exists()
        assert store.with_name("rongtong.sqlite3-shm").exists()
        assert in_folder(home, needles) | in_blobs(blobs(), needles) == set()
        lived.check()
        assert in_folder(home, needles) | in_blobs(blobs(), needles) == set()
    command(home, "scrub", "--look-for", USERNAME, NAME)
    assert "没有待清除的残留" in command(home, "doctor", code=1).stdout


@pytest.mark.large
def test_no_file_of_the_cluster_holds_an_erased_person(
    demo_home: Path, postgres_url: str, tmp_path: Path, command: Command, script: Script
) -> None:
    url = postgres_url.rsplit("/", 1)[0] + "/erased_bytes"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS erased_bytes")
        server.execute("CREATE DATABASE erased_bytes")
        ((data,),) = server.execute("SHOW data_directory").fetchall()
    archive, home = tmp_path / "backup.tar.gz", tmp_path / "var"
    command(demo_home, "backup", "-o", str(archive))
    command(demo_home, "restore", str(archive), "--home", str(home), "--database", url)
    lived = Lived(home, tmp_path / "outside", command, script)
    with psycopg.connect(url) as reader:
        ((paper,),) = reader.execute("SELECT content FROM papers_release ORDER BY id DESC LIMIT 1").fetchall()
    needles = NEEDLES | packed(bytes(paper))
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("CHECKPOINT")
    before = in_folder(Path(data), needles)
    assert any(where.startswith("base/") for where in before)
    assert any(where.startswith("pg_wal/") for where in before)

    lived.erase()
    assert "rongtong scrub" in command(home, "doctor", code=1).stdout
    assert in_folder(home, needles) == set()
    command(home, "scrub")
    # No file of the cluster: not the tables, their indexes, the statistics, the WAL.
    assert in_folder(Path(data), needles) == set()
    lived.check()
