"""The name of an account as pages of administration show it."""

from __future__ import annotations

from django import template

from rongtong.apps.registry import masking
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.queries import Listed

register = template.Library()


@register.filter
def masked(account: Account | Listed) -> str:
    """`{{ account|masked }}`: 王* for 王明."""
    return masking.shown(account.username, account.name, account.demo)
