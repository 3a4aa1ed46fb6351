"""What accounts from outside the offices (企业、高校院所、专家、承办部门) open: public pages, their account, their cases.

A page is closed to them unless it is named here, so that one made for the offices is never open by oversight.
"""

from __future__ import annotations

from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.roles import OUTSIDE

# Names of addresses. The public ones are those that anybody opens without a login.
PUBLIC = frozenset(
    {
        "home",
        "document",
        "clause",
        "cockpit",
        "cockpit-table",
        "cockpit-chart",
        "indicators",
        "indicator",
        "commitments",
        "commitment",
        "targets",
        "target",
        "why",
        "open",
        "open-en",
        "open-api",
        "open-api-en",
        "open-catalogue",
        "open-csv",
        "open-json",
        "open-sdmx",
        "open-indicator",
        "open-indicator-en",
        "dictionary",
        "dictionary-csv",
        "dictionary-xlsx",
        "processes",
        "process",
        "processes-en",
        "process-en",
        "chains",
        "chain",
        "notices",
        "notices-en",
        "notice",
        "notice-en",
        "verify",
        "verify-en",
        "certificate",
        "certificate-en",
        "certificate-paper",
        "certificate-file",
        "wall-public",
        "wall-public-en",
        "wall-public-csv",
        "privacy",
        "display",
        "login",
        "login-code",
        "logout",
    }
)
OWN = frozenset(
    {
        "work",
        "case",
        "case-evidence",
        "case-move",
        "case-new",
        "case-import",
        "case-import-marked",
        "case-template",
        "cases",
        "desk",
        "desk-export",
        "desk-together",
        "space",
        "space-report",
        "space-report-xlsx",
        "account",
        "account-password",
        "account-factor",
        "account-sessions",
        "account-data",
        "kept",
        "personal",
    }
)
# Paths of the API below /api/.
API = (
    "cases",
    "certificates",
    "processes",
    "docs",
    "openapi.json",
    "figures",
    "targets",
    "why",
    "sum",
    "nowcast",
    "cards",
    "commitments",
)


def is_outside(account: Account) -> bool:
    """Whether all roles the account holds today are of those outside the offices."""
    held = {g.role for g in access.held_grants(account)}
    return bool(held) and held <= set(OUTSIDE)


def open_to_outside(name: str, path: str) -> bool:
    """Whether an address is open to accounts from outside."""
    if path.startswith("/api/"):
        return path.removeprefix("/api/").split("/")[0] in API
    return name in PUBLIC or name in OWN
