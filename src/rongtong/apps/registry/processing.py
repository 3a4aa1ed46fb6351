"""The register of processing activities (处理活动登记): what the system does with personal data, column by column.

It speaks of the columns that the data dictionary marks as personal, of no other; a test holds the two together.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps

from rongtong import clock
from rongtong.apps.packs.dictionary import tables
from rongtong.apps.packs.dictionary_words import PERSONAL
from rongtong.apps.registry import personal
from rongtong.cells import guarded_row

DUTY = "履行法定职责所必需（个人信息保护法第十三条第一款第三项）"
SECURITY = "履行网络安全义务：身份鉴别、防止冒用（同上）"
AUDIT = "履行网络安全义务：审计、日志留存（同上）"


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity: whose data, which columns (`table.column`), on what ground, who sees them, how long, how guarded."""

    name: str
    people: str
    columns: tuple[str, ...]
    ground: str
    seen_by: str
    kept: str
    guard: str


ACTIVITIES = (
    Activity(
        "账号与授权",
        "工作人员、承办与申报单位的经办人",
        (
            "registry_account.username",
            "registry_account.name",
            "registry_account.position",
            "registry_account.organisation_id",
            "registry_account.last_login",
        ),
        DUTY,
        "本人；三员（姓名默认遮蔽，写明理由才显示并留痕）；同一办件里的人看到姓名",
        "在职期间；停用后保留，本人可申请删除，只留代号",
        "按角色授权；三员分立；默认遮蔽",
    ),
    Activity(
        "登录与会话",
        "有账号的人",
        (
            "registry_account.password",
            "registry_secondfactor.nonce",
            "registry_recoverycode.digest",
            "registry_visit.address",
            "registry_visit.agent",
        ),
        SECURITY,
        "本人看自己的登录；口令与密钥没有人看得到",
        "会话结束即删；口令、动态口令重置即覆盖",
        "口令只存散列；密钥由实例的密钥派生；Cookie 加密传输",
    ),
    Activity(
        "登录过期时保留的内容",
        "有账号的人",
        ("registry_kept.fields", "registry_kept.files"),
        DUTY,
        "本人在同一浏览器",
        "24 小时，提交或放弃即删",
        "绑定浏览器",
    ),
    Activity(
        "办件经办",
        "工作人员、经办人",
        ("cases_event.actor_id", "cases_participant.account_id"),
        DUTY,
        "看得到该办件的人",
        "随办件长期保存；注销后显示为“已注销”",
        "按地区、角色与参与人限定",
    ),
    Activity(
        "留痕与审计",
        "有账号的人",
        ("records_leaf.actor", "records_payload.text"),
        AUDIT,
        "审计管理员；查看内容也留痕",
        "长期；用户名、内容可依申请删除，登录地址满 400 天（建议值）才删",
        "只增不改，可核验；正文不含用户名，删除不影响核验",
    ),
    Activity(
        "人员名录",
        "专家、技术经理人等",
        (
            "registry_person.name",
            "registry_person.employer_id",
            "registry_person.sso_subject",
            "registry_person.orcid",
        ),
        DUTY,
        "看得到相应办件的人",
        "用到的业务结束后删除",
        "不收身份证号",
    ),
)  # fmt: skip
HEADINGS = (
    "处理活动",
    "涉及的人",
    "个人信息",
    "目的",
    "合法性基础",
    "谁能看到",
    "保存",
    "保护措施",
    "对外提供",
    "现有条数",
)
# Nothing in the system hands personal data to anybody outside, or decides about a person by itself.
GIVEN_OUT = "不对外提供，不出境，不作自动化决策"


@dataclass(frozen=True, slots=True)
class Entry:
    """An activity as the register shows it: the words of its columns, what they are for, how many rows there are now."""

    activity: Activity
    data: tuple[str, ...]
    purposes: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Requests:
    """How the requests of persons stand: open, of these late, carried out, refused."""

    open: int
    late: int
    done: int
    refused: int


def entries() -> list[Entry]:
    """The register as it stands."""
    words = {f"{t.name}.{c.name}": c.words for t in tables() for c in t.columns}
    return [
        Entry(
            one,
            tuple(words[c] for c in one.columns),
            tuple(dict.fromkeys(PERSONAL[c].removeprefix("同上；") for c in one.columns)),
            _rows(one),
        )
        for one in ACTIVITIES
    ]


def requests() -> Requests:
    """How many requests about personal data wait, are late, were carried out and refused."""
    from rongtong.apps.cases.models import Case

    found = list(Case.objects.filter(process=personal.PROCESS).values_list("outcome", "due"))
    late = sum(1 for outcome, due in found if not outcome and due is not None and due < clock.today())
    return Requests(_count(found, ""), late, _count(found, "done"), _count(found, "refused"))


def csv_text() -> str:
    """The register as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for e in entries():
        a = e.activity
        cells = (a.name, a.people, "、".join(e.data), "；".join(e.purposes), a.ground, a.seen_by, a.kept, a.guard)
        writer.writerow(guarded_row((*cells, GIVEN_OUT, e.rows)))
    return out.getvalue()


def _rows(one: Activity) -> int:
    """How many rows the first table of an activity holds."""
    table = one.columns[0].partition(".")[0]
    model = next(m for m in apps.get_models() if m._meta.db_table == table)
    return model._default_manager.count()


def _count(found: Iterable[tuple[str, object]], outcome: str) -> int:
    return sum(1 for o, _ in found if o == outcome)
