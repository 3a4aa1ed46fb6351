"""Requests about one's own personal data (个人信息申请): to correct them, or to close the account and erase them.

A request is a case of the process `personal_request`; here is what opens one and what carrying it out does. What erasing
a person reaches is `erasing`; here is which payloads go altogether.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from rongtong import clock
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry import erasing
from rongtong.apps.registry.actions import RegistryError, account_subject
from rongtong.apps.registry.models import Account, Organisation

if TYPE_CHECKING:
    from rongtong.apps.cases.models import Case

PROCESS, CORRECT, ERASE = "personal_request", "correct", "erase"
FIELDS = ("name", "position", "organisation")
# 建议值: network logs stay at least six months (网络安全法); only older addresses are erased.
LOG_KEPT = timedelta(days=400)
# Kinds whose payload names the person, and those whose payload holds the address a login came from.
NAMING = ("registry.create_account",)
ADDRESSES = ("registry.login", "registry.login_failed", "registry.locked")


def ask(account: Account, data: Mapping[str, str]) -> Case:
    """Open a request of this account about itself.

    Raises RegistryError where one is open already, a correction changes nothing or names no unit there is; and
    cases.errors.FormRefused.
    """
    from rongtong.apps.cases import actions as cases
    from rongtong.apps.cases.handing_over import SUBJECT
    from rongtong.apps.cases.starting import Part

    earlier = requests(account)
    open_ = earlier.filter(outcome="").first()
    if open_ is not None:
        raise RegistryError(
            f"您 {open_.opened_at.astimezone(clock.LOCAL):%Y-%m-%d} 的申请还在办理。请等办结，或先撤回它。"
        )
    given = {name: text.strip() for name, text in data.items() if text.strip()}
    if given.get("matter") == CORRECT:
        _check_correction(account, given)
    else:
        given = {name: text for name, text in given.items() if name not in FIELDS}
    return cases.open_case(
        PROCESS,
        actor=account,
        place=packs.current().manifest.root_place,
        key=f"{account.username}/{earlier.count() + 1}",
        title=f"{'更正' if given.get('matter') == CORRECT else '删除'}个人信息：{account.username}",
        data=given,
        parts=[Part(SUBJECT, account=account)],
    )


def requests(account: Account) -> QuerySet[Case]:
    """The requests an account has made about itself, newest first."""
    from rongtong.apps.cases.models import Case

    return Case.objects.filter(process=PROCESS, by=account).select_related("definition").order_by("-pk")


def obstacle(case: Case) -> str:
    """Why a request cannot be carried out as things stand, in words; empty where nothing speaks against it."""
    from rongtong.apps.cases import queries as cases
    from rongtong.apps.cases.models import Participant

    given, account = cases.data(case), case.by
    if given.get("matter") == CORRECT:
        return "" if not given.get("organisation") or unit(given["organisation"]) else "没有登记这个单位"
    if account.grants.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=clock.today())).exists():
        return "账号还有授权"
    named = Participant.objects.filter(account=account, case__outcome="").exclude(case=case)
    return "账号还有在办件" if named.exists() else ""


def carry_out(case: Case) -> None:
    """Do what a request asks for. Runs inside the step's transaction; the step's leaf says who allowed it."""
    from rongtong.apps.cases import queries as cases

    given, account = cases.data(case), case.by
    if given["matter"] == CORRECT:
        _correct(account, given)
    else:
        _erase(account, case)


def unit(uscc: str) -> Organisation | None:
    """The registered unit of a 统一社会信用代码, or None."""
    return Organisation.objects.filter(uscc=uscc.strip().upper()).first()


def _check_correction(account: Account, given: Mapping[str, str]) -> None:
    held = account.organisation.uscc if account.organisation else ""
    now = {"name": account.name, "position": account.position, "organisation": held}
    if all(given.get(name, now[name]) == now[name] for name in FIELDS):
        raise RegistryError("没有写要改的内容，或与现在登记的一样。请填姓名、职务、单位中要改的一项。")
    if "organisation" in given and unit(given["organisation"]) is None:
        raise RegistryError(
            f"没有登记统一社会信用代码为“{given['organisation'][:18]}”的单位。请核对，或先请系统管理员登记。"
        )


def _correct(account: Account, given: Mapping[str, str]) -> None:
    account.name = given.get("name", account.name)
    account.position = given.get("position", account.position)
    if given.get("organisation"):
        account.organisation = unit(given["organisation"])
    account.save(update_fields=["name", "position", "organisation"])


def _erase(account: Account, case: Case) -> None:
    """Erase the person; of their own requests only what was asked for stays."""
    asked = Leaf.objects.filter(
        kind=f"cases.{PROCESS}.open",
        subject__in=[f"case:{pk}" for pk in requests(account).values_list("pk", flat=True)],
    )
    kept: dict[int, object] = {}
    for leaf in asked.select_related("payload").exclude(payload__text=""):
        told = json.loads(leaf.payload.text)
        left = {"matter": told["data"]["matter"]}
        kept[leaf.sequence] = {"stage": told["stage"], "number": told["number"], "data": left}
    emptied = list(_emptied(account).values_list("sequence", flat=True))
    erasing.erase(account, why=f"个人信息删除申请（办件 {case.pk}）", emptied=emptied, kept=kept)
    case.refresh_from_db()


def _emptied(account: Account) -> QuerySet[Leaf]:
    """The leaves whose payload is all about the person, and the addresses of logins past the time logs have to stay."""
    old = Q(kind__in=ADDRESSES, recorded_at__lt=clock.now() - LOG_KEPT)
    named = Q(subject=account_subject(account)) & (Q(kind__in=NAMING) | old)
    return Leaf.objects.filter(named, payload__erased_at__isnull=True).order_by("sequence")
