"""Handing over (交接): one account in place of another where open cases name it."""

from __future__ import annotations

from rongtong.apps.cases.models import Participant
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account

# The role of whom a case is about (本人): such a part goes to nobody else when an officer moves.
SUBJECT = "subject"


def hand_over(giver: Account, taker: Account, *, actor: Account) -> int:
    """Put one account in place of another where open cases name it (交接). Returns in how many."""
    rows = list(Participant.objects.filter(account=giver, case__outcome="").exclude(role=SUBJECT))
    if not rows:
        return 0
    with act("registry.hand_over", actor=actor, subject=f"account:{giver.username}") as this:
        held = set(Participant.objects.filter(account=taker).values_list("case_id", "role"))
        for row in rows:
            if (row.case_id, row.role) in held:
                continue
            row.account = taker
            row.save(update_fields=["account"])
        this.payload = {"to": taker.username, "cases": [row.case_id for row in rows]}
    return len(rows)
