"""Writes about accounts, grants and organisations. No password is ever in a leaf, and there is no default password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account, Grant, Organisation
from rongtong.apps.registry.roles import OPERATOR, ROLES, TRIO, role_name
from rongtong.engine import gb32100
from rongtong.typed import too_long

SYSTEM = "system"
# Without the characters that are read for one another on paper.
PASSWORD_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PASSWORD_LENGTH = 16
# The usernames of erased persons begin so; nobody else's may (registry.erasing).
PSEUDONYM = "erased-"


class RegistryError(Exception):
    """A write cannot be carried out as asked; the message says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account with the password that was made for it: to be printed once and kept nowhere."""

    account: Account
    password: str = field(repr=False)


def random_password() -> str:
    """Sixteen random characters (more than 92 bits)."""
    return "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(PASSWORD_LENGTH))


def system_account() -> Account:
    """The account `system`, for commands run by whoever holds the shell. Made at first use; it cannot log in."""
    found = Account.objects.filter(username=SYSTEM).first()
    if found is not None:
        return found
    with transaction.atomic():
        account, made = Account.objects.get_or_create(
            username=SYSTEM, defaults={"name": "系统（命令行）", "password": _unusable_password()}
        )
        if made:
            Grant.objects.create(account=account, role=OPERATOR)
            with act("registry.create_account", actor=account, subject=account_subject(account)) as this:
                this.payload |= {"username": SYSTEM, "name": account.name, "role": OPERATOR}
    return account


def create_account(
    username: str,
    name: str,
    *,
    actor: Account,
    organisation: Organisation | None = None,
    position: str = "",
    demo: bool = False,
) -> NewAccount:
    """Create an account with a random password, which the person must change at the first login (but for a demo account).

    Raises RegistryError for a username that is taken or not usable, and Denied.
    """
    username, name = username.strip().lower(), name.strip()
    password = random_password()
    with act("registry.create_account", actor=actor, subject=f"account:{username}") as this:
        # The permission comes first: a refusal must not tell which usernames exist.
        problem = (
            username_problem(username) or (None if name else "姓名为空。请填写。") or person_problem(name, position)
        )
        if problem is None and Account.objects.filter(username=username).exists():
            problem = f"用户名“{username}”已存在。请换一个。"
        if problem:
            raise RegistryError(problem)
        account = Account(
            username=username,
            name=name,
            organisation=organisation,
            position=position.strip(),
            demo=demo,
            password_is_initial=not demo,
        )
        account.set_password(password)
        account.save()
        this.payload |= {
            "username": username,
            "name": name,
            "organisation": organisation.uscc if organisation else None,
            "position": account.position,
            "demo": demo,
        }
    return NewAccount(account, password)


def grant(
    account: Account,
    role: str,
    place: str = "",
    *,
    actor: Account,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> Grant:
    """Give an account a role on a place and all below it; "" is the whole instance.

    Raises RegistryError for an unknown role, one held there already, a second one of the three administrators (三员),
    one of them limited to a place, oneself, or `operator` for anyone but `system`; and Denied.
    """
    with act("registry.grant", actor=actor, subject=account_subject(account)) as this:
        problem = grant_problem(account, role, place, actor) or validity_problem(valid_from, valid_to)
        if problem:
            raise RegistryError(problem)
        made = Grant.objects.create(
            account=account,
            role=role,
            place=place,
            valid_from=valid_from,
            valid_to=valid_to,
            trio_account=account if role in TRIO else None,
        )
        this.payload |= {
            "role": role,
            "place": place,
            "valid_from": valid_from.isoformat() if valid_from else None,
            "valid_to": valid_to.isoformat() if valid_to else None,
        }
    return made


def revoke(given: Grant, *, actor: Account) -> None:
    """Take a grant back; the log keeps that it was there. Raises RegistryError for system's own grant, and Denied."""
    if given.account.username == SYSTEM:
        raise RegistryError("不能收回 system 的授权：命令行靠它留痕。")
    with act("registry.revoke", actor=actor, subject=account_subject(given.account)) as this:
        if not Grant.objects.filter(pk=given.pk).delete()[0]:
            raise RegistryError("该授权已被收回。")
        # Who no longer holds a role has no deputies in it.
        deputies = Grant.objects.filter(delegated_by=given.account, role=given.role, place=given.place)
        this.payload |= {"role": given.role, "place": given.place, "deputies": _usernames(deputies)}
        deputies.delete()


def deactivate(account: Account, *, why: str, actor: Account) -> None:
    """Stop an account from doing or reading anything; it stays for the log's sake.

    Raises RegistryError without a reason, for oneself and for `system`; and Denied.
    """
    if not why.strip():
        raise RegistryError("停用账号须写明理由。")
    if account.pk == actor.pk or account.username == SYSTEM:
        raise RegistryError(f"不能停用“{account.username}”：不可停用本人账号或 system。")
    with act("registry.deactivate", actor=actor, subject=account_subject(account)) as this:
        account.is_active = False
        account.save(update_fields=["is_active"])
        deputies = Grant.objects.filter(delegated_by=account)
        this.payload |= {"why": why.strip(), "deputies": _usernames(deputies)}
        deputies.delete()


def set_password(account: Account, password: str, *, actor: Account) -> None:
    """Set a password; one set by another than the holder must be changed at the first login (but for a demo account).

    Raises RegistryError for a password that the validators refuse, for `system`; and Denied.
    """
    if account.username == SYSTEM:
        raise RegistryError("system 不能登录，不设密码。")
    if account.username.startswith(PSEUDONYM):
        raise RegistryError(f"“{account.username}”是已注销的账号，不设密码。")
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise RegistryError("密码不合要求：" + "".join(error.messages)) from error
    own = account.pk == actor.pk
    kind = "registry.change_own_password" if own else "registry.set_password"
    with act(kind, actor=actor, subject=account_subject(account)):
        account.set_password(password)
        account.password_is_initial = not own and not account.demo
        account.save(update_fields=["password", "password_is_initial"])


def reset_password(account: Account, *, actor: Account) -> NewAccount:
    """Give an account a new random password, to be handed over once."""
    password = random_password()
    set_password(account, password, actor=actor)
    return NewAccount(account, password)


def register_organisation(
    uscc: str,
    name: str,
    kind: str,
    place: str,
    *,
    actor: Account,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> Organisation:
    """Register an organisation by its 统一社会信用代码.

    Raises RegistryError for a wrong or registered code, an unknown kind, an empty name; and Denied.
    """
    code, name, place = gb32100.normalise(uscc), name.strip(), place.strip()
    with act("registry.register_organisation", actor=actor, place=place, subject=f"organisation:{code}") as this:
        problem = _organisation_problem(code, name, kind, place) or validity_problem(valid_from, valid_to)
        if problem:
            raise RegistryError(problem)
        made = Organisation.objects.create(
            uscc=code, name=name, kind=kind, place=place, valid_from=valid_from, valid_to=valid_to
        )
        this.payload |= {"uscc": code, "name": name, "kind": kind, "place": place}
    return made


def account_subject(account: Account) -> str:
    """How leaves name an account."""
    return f"account:{account.username}"


def username_problem(username: str) -> str | None:
    """Why a username cannot be used, or None: 2-64 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first."""
    fine = 2 <= len(username) <= 64 and all(c in "abcdefghijklmnopqrstuvwxyz0123456789._-" for c in username)
    if username.startswith(PSEUDONYM):
        return f"用户名“{username}”不可用：以“{PSEUDONYM}”开头的留给已注销的账号。请换一个。"
    if fine and username[0].isalnum():
        return None
    return f"用户名“{username}”不可用。应为 2–64 个小写字母、数字、点、下划线或连字符，以字母或数字开头。"


def person_problem(name: str, position: str) -> str | None:
    """Why a name and position cannot be kept, or None: what is too long."""
    return too_long(Account, "name", name, "姓名") or too_long(Account, "position", position.strip(), "职务") or None


def grant_problem(account: Account, role: str, place: str, actor: Account) -> str | None:
    """Why this role cannot be given here by this actor, in words, or None."""
    if role not in ROLES:
        return f"角色“{role}”不认识。应为：{'、'.join(ROLES)}。" if role else "请选择角色。"
    if role == OPERATOR:
        return "“运维（命令行）”只属于 system，不能授予他人。"
    if account.pk == actor.pk:
        return "不能给本人授权。请由另一位安全管理员办理。"
    if role in TRIO:
        if place:
            return f"“{role_name(role)}”管理整个实例，不能限定地区。请把地区留空。"
        held = Grant.objects.filter(trio_account=account).first()
        if held:
            return f"“{account.username}”已是{role_name(held.role)}；三员（系统、安全、审计）一人只能任其一。请先收回。"
    if problem := too_long(Grant, "place", place, "地区代码"):
        return problem
    if Grant.objects.filter(account=account, role=role, place=place).exists():
        return f"“{account.username}”在{place or '全域'}已有“{role_name(role)}”。"
    return None


def _organisation_problem(code: str, name: str, kind: str, place: str) -> str | None:
    problem = gb32100.check(code)
    if problem:
        return problem
    if not name:
        return f"{code}: 单位名称为空。请填写。"
    if not place:
        return f"{code}: 地区代码为空。请填写单位所在地的代码。"
    if kind not in Organisation.Kind.values:
        return f"{code}: 单位类别“{kind}”不认识。应为：{'、'.join(Organisation.Kind.values)}。"
    if problem := too_long(Organisation, "name", name, "单位名称") or too_long(
        Organisation, "place", place, "地区代码"
    ):
        return problem
    existing = Organisation.objects.filter(uscc=code).first()
    return f"统一社会信用代码“{code}”已登记为“{existing.name}”。" if existing else None


def validity_problem(valid_from: date | None, valid_to: date | None) -> str | None:
    """Why these dates cannot be those of a validity, in words, or None."""
    if valid_from and valid_to and valid_from > valid_to:
        return f"起始日期 {valid_from} 晚于截止日期 {valid_to}。请改正。"
    return None


def _usernames(grants: QuerySet[Grant]) -> list[str]:
    return list(grants.order_by("account__username").values_list("account__username", flat=True))


def _unusable_password() -> str:
    holder = Account()
    holder.set_unusable_password()
    return holder.password
