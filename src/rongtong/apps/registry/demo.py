"""Accounts of the demonstration: one for each role, with random passwords of this instance only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from rongtong.apps.registry.actions import (
    RegistryError,
    create_account,
    grant,
    register_organisation,
    reset_password,
    system_account,
)
from rongtong.apps.registry.models import Account, Grant, Organisation
from rongtong.apps.registry.places import loaded_tree
from rongtong.apps.registry.roles import AUDIT_ADMIN, SECURITY_ADMIN, SYSTEM_ADMIN, role_name
from rongtong.engine.gb32100 import check_character
from rongtong.engine.place import PlaceTree

FILE = "demo-accounts.txt"
# Beside the county office: those from outside the offices, and who receives problems for all of them.
COUNTY_NAMES = (
    ("qiye", "enterprise"),
    ("gaoxiao", "institution"),
    ("gaoxiao2", "institution"),
    ("chengban", "handler"),
    ("zhuanjia", "expert"),
    ("zhuanjia2", "expert"),
    ("zhuanjia3", "expert"),
    ("jingliren", "technology_manager"),
    ("qifu", "service_desk"),
    ("hetong", "registrar"),
    ("baoxian", "insurer"),
)
# Role → the sort of invented organisation its account belongs to, with the beginning of that organisation's code.
UNITS = {
    "enterprise": ("enterprise", "91000000MA0000001", "演示企业（虚构）"),
    "institution": ("university", "12000000000000012", "演示高校（虚构）"),
    "handler": ("government", "11000000000000013", "演示承办部门（虚构）"),
    "registrar": ("nonprofit", "52000000000000014", "演示技术合同登记机构（虚构）"),
    "insurer": ("other", "91000000MA0000015", "演示保险机构（虚构）"),
}


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A demo account: what to log in with, and the role and place it has (an empty place is the whole instance)."""

    username: str
    name: str
    role: str
    place: str
    password: str


def demo_accounts() -> tuple[DemoAccount, ...]:
    """Make the demo accounts where they are missing, and return them all with their passwords, for printing.

    The passwords are kept in `demo-accounts.txt` in the instance's folder, readable by its owner alone; an account whose
    password is not there gets a new one. Raises RegistryError outside demo mode and before a pack is loaded.
    """
    if not settings.DEMO:
        raise RegistryError("演示账号只能在演示实例中创建。正式环境请用 rongtong accounts import 导入。")
    tree = loaded_tree()
    if tree is None:
        raise RegistryError("还没有载入规则包，不知道有哪些地区。请先运行 rongtong pack load。")
    path = Path(settings.HOME) / FILE
    kept = _read(path)
    made = tuple(_account(wanted, kept) for wanted in _wanted(tree))
    _write(path, made)
    return made


def _wanted(tree: PlaceTree) -> list[tuple[str, str, str, str]]:
    """(username, name, role, place) of each account; the city and the county are the first of the tree."""
    wanted = [
        ("sheng", "演示·省厅综合处", "provincial_officer", ""),
        ("guihua", "演示·规划处", "planner", ""),
        ("bianji", "演示·材料编辑", "editor", ""),
        ("qianfa", "演示·省厅审签", "approver", ""),
        ("chakan", "演示·查看", "reader", ""),
        ("xitong", "演示·系统管理员", SYSTEM_ADMIN, ""),
        ("anquan", "演示·安全管理员", SECURITY_ADMIN, ""),
        ("shenji", "演示·审计管理员", AUDIT_ADMIN, ""),
    ]
    for level, prefix, role in (("city", "shi", "city_officer"), ("county", "xian", "county_officer")):
        codes = tree.at_level(level)
        if codes:
            office = f"演示·{tree.name(codes[0])}科技局"
            wanted.append((f"{prefix}-{codes[0].lower()}", office, role, codes[0]))
            if level == "city":
                wanted.append((f"{prefix}-qianfa-{codes[0].lower()}", f"{office}审签", "approver", codes[0]))
    here = (tree.at_level("county") or ("",))[0]
    wanted += [(username, f"演示·{role_name(role)}", role, here) for username, role in COUNTY_NAMES]
    return wanted


def _account(wanted: tuple[str, str, str, str], kept: dict[str, str]) -> DemoAccount:
    username, name, role, place = wanted
    system = system_account()
    found = Account.objects.filter(username=username).first()
    if found is not None and not found.demo:
        raise RegistryError(f"用户名“{username}”已属于一个非演示账号。请改名后再建演示账号。")
    if found is None:
        new = create_account(username, name, actor=system, demo=True, organisation=_unit(role, place))
        found, password = new.account, new.password
    elif username in kept and found.check_password(kept[username]):
        password = kept[username]
    else:
        password = reset_password(found, actor=system).password
    if not Grant.objects.filter(account=found, role=role, place=place).exists():
        grant(found, role, place, actor=system)
    return DemoAccount(username, name, role, place, password)


def _unit(role: str, place: str) -> Organisation | None:
    """The organisation of a demo account from outside the offices, registered where it is missing."""
    if role not in UNITS:
        return None
    kind, beginning, name = UNITS[role]
    code = beginning + check_character(beginning)
    found = Organisation.objects.filter(uscc=code).first()
    return found or register_organisation(code, name, kind, place, actor=system_account())


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {fields[0]: fields[1] for fields in lines if len(fields) >= 2}


def _write(path: Path, made: tuple[DemoAccount, ...]) -> None:
    lines = ["# 演示账号，只属于本实例：用户名、密码、姓名、角色、地区"]
    lines += ["\t".join((a.username, a.password, a.name, role_name(a.role), a.place or "全域")) for a in made]
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    # Created with its mode, so that nobody else can read it even for a moment.
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    temporary.replace(path)
