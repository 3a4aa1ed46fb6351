"""Personal data of accounts: what is kept, what for, for how long, and a copy for the person (隐私告知、我的数据)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db.models import Q

from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.actions import account_subject
from rongtong.apps.registry.models import Account, Grant
from rongtong.apps.registry.queries import held_grants


@dataclass(frozen=True, slots=True)
class Purpose:
    """A kind of personal data: what it is used for, and how long it stays."""

    data: str
    use: str
    kept: str


PURPOSES = (
    Purpose("用户名", "登录；在留痕里代表本人", "本人申请注销时换成代号；用户名不得用证件号、手机号"),
    Purpose(
        "姓名、单位、职务",
        "在待办、会签、督办里显示由谁办理",
        "账号停用后保留；可依申请删除，留痕、佐证和已发布材料里的一并去掉",
    ),
    Purpose("口令", "登录；只存不可还原的散列", "修改后即被覆盖"),
    Purpose("动态口令的随机数、恢复码散列", "登录的第二因素", "重置后即删除"),
    Purpose("登录时刻、网络地址、浏览器", "识别盗用；等级保护要求的审计", "会话结束即删会话；留痕中的地址可依申请删除"),
    Purpose("授权与代理", "决定能看什么、能办什么", "收回即删；留痕保留谁在何时授予、收回"),
    Purpose("登录过期时未提交的内容", "重新登录后继续提交", "24 小时，提交或放弃后即删"),
)


def export(account: Account, *, actor: Account) -> dict[str, object]:
    """All that is stored about an account, ready for JSON. That it was exported is a leaf."""
    with act("registry.export_own_data", actor=actor, subject=account_subject(account)):
        return {
            "account": {
                "username": account.username,
                "name": account.name,
                "organisation": account.organisation.name if account.organisation else "",
                "position": account.position,
                "is_active": account.is_active,
                "demo": account.demo,
                "last_login": account.last_login.isoformat() if account.last_login else None,
            },
            "grants": [_grant(g) for g in held_grants(account)],
            "deputies": [_grant(g) | {"account": g.account.username} for g in _deputies(account)],
            "second_factor": hasattr(account, "second_factor"),
            "logins": [
                {
                    "started_at": visit.started_at.isoformat(),
                    "seen_at": visit.seen_at.isoformat(),
                    "address": visit.address,
                    "agent": visit.agent,
                }
                for visit in account.visits.all()
            ],
            "kept_drafts": [
                {"path": row.path, "at": row.at.isoformat(), "fields": json.loads(row.fields)}
                for row in account.kept.all()
            ],
            "records": [
                {
                    "sequence": leaf.sequence,
                    "recorded_at": leaf.recorded_at.isoformat(),
                    "kind": leaf.kind,
                    "place": leaf.place,
                    "subject": leaf.subject,
                }
                for leaf in _leaves(account)
            ],
        }


def _leaves(account: Account) -> list[Leaf]:
    mine = Q(actor=account.username) | Q(subject=account_subject(account))
    return list(Leaf.objects.filter(mine).order_by("sequence"))


def _deputies(account: Account) -> list[Grant]:
    return list(Grant.objects.filter(delegated_by=account).select_related("account").order_by("pk"))


def _grant(given: Grant) -> dict[str, object]:
    return {
        "role": given.role,
        "place": given.place,
        "valid_from": given.valid_from.isoformat() if given.valid_from else None,
        "valid_to": given.valid_to.isoformat() if given.valid_to else None,
        "delegated_by": given.delegated_by.username if given.delegated_by else None,
    }
