"""What the made-up worlds of the tests are put together from: organisations, members of offices, browsers, a store that goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.test import Client

from rongtong.apps.registry.actions import create_account, grant, register_organisation
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.gb32100 import check_character


@contextmanager
def rolled_back(django_db_blocker: Any) -> Iterator[None]:
    """For a fixture of a whole module: what is written stays until its last test, each of which runs in a savepoint."""
    with django_db_blocker.unblock(), transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def analyse() -> None:
    """Let PostgreSQL plan by what was just written: nobody else sees it, so it is not counted by itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Ours by name: of the server's own tables it would keep others waiting until this transaction ends.
            cursor.execute(f"ANALYZE {', '.join(connection.introspection.table_names(cursor))}")


def unit(stem: str, name: str, kind: str, place: str, *, actor: Account) -> Organisation:
    """The organisation whose 统一社会信用代码 begins with these 17 characters, registered if it is not yet."""
    code = stem + check_character(stem)
    found = Organisation.objects.filter(uscc=code).first()
    return found or register_organisation(code, name, kind, place, actor=actor)


def member(
    username: str, name: str, role: str, place: str, *, actor: Account, organisation: Organisation | None = None
) -> Account:
    """A new account of the demonstration with one role."""
    made = create_account(username, name, actor=actor, organisation=organisation, demo=True).account
    grant(made, role, place, actor=actor)
    return made


def browser(account: Account | None = None) -> Client:
    """A browser, in which the account has logged in."""
    made = Client(HTTP_HOST="localhost")
    if account is not None:
        made.force_login(account)
    return made
