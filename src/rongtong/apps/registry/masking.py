"""Names of people on the pages of administration: masked (王*), and shown in full for a stated reason that is logged."""

from __future__ import annotations

from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import SYSTEM, RegistryError, account_subject
from rongtong.apps.registry.models import Account
from rongtong.engine.reading import real_reason

REVEAL = "registry.reveal"


def mask(name: str) -> str:
    """The first character, and a star for each further one; a name of one character is a star."""
    name = name.strip()
    return name[0] + "*" * (len(name) - 1) if len(name) > 1 else "*" * len(name)


def shown(username: str, name: str, demo: bool) -> str:
    """The name as lists show it. The accounts of a demonstration and `system` are no persons."""
    return name if demo or username == SYSTEM else mask(name)


def reveal(account: Account, *, why: str, actor: Account) -> str:
    """The name in full; the leaf says who looked and why. Raises RegistryError without a real reason, and Denied."""
    with act(REVEAL, actor=actor, subject=account_subject(account)) as this:
        if not real_reason(why):
            raise RegistryError("查看姓名要写明具体理由，至少六个字，如“核对交接人身份”。")
        this.payload["why"] = why.strip()
    return account.name
