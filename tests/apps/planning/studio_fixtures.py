"""What the tests of the studio share: accounts, browsers, and the form as a browser sends it."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from rongtong.apps.packs.queries import current
from rongtong.apps.planning.studio_forms import FIELDS, Draft
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account

PLAN = "/studio/enterprise_2025/"


def account(system: Account, username: str, role: str, place: str = "") -> Account:
    made = create_account(username, username, actor=system, demo=True).account
    grant(made, role, place, actor=system)
    return made


def browser(who: Account) -> Client:
    client = Client(HTTP_HOST="localhost")
    client.force_login(who)
    return client


def form(draft: Draft | None = None, based_on: int = 1, **changes: str) -> dict[str, str]:
    """The fields of the form as a browser sends them, of the shipped plan where no other is given."""
    draft = draft or Draft.of(current().get("allocations", "enterprise_2025"), current().places)
    sent = {"based_on": str(based_on), "code": draft.code, "name": draft.name, "rounding": draft.rounding}
    for section in FIELDS:
        for i, row in enumerate(draft.section(section)):
            sent |= {f"{section}-{i}-{name}": value for name, value in row.items() if value}
    return {**sent, "note": draft.note, **{name.replace("__", "-"): value for name, value in changes.items()}}


def post(client: Client, do: str, address: str = PLAN, **fields: Any) -> Any:
    return client.post(address, {**form(**fields), "do": do})


def text(answer: Any) -> str:
    words = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", words)
