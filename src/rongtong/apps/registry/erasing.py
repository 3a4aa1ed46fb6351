"""Erasing a person (注销并删除): the account, every text that names them, the log's columns and payloads (decisions/0016).

All of it in one transaction with one leaf, which says what was done and names nobody. The case and what others wrote in it
stay; who did a step is read from the account, whose username is a pseudonym from then on. That the old bytes also leave
the store's own files is `records.scrubbing`, after the commit.
"""

from __future__ import annotations

import importlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.models import Model, Q

from rongtong import clock
from rongtong.apps.records import log
from rongtong.apps.records.actions import act
from rongtong.apps.records.erased import ERASE_PERSON, left, ranges
from rongtong.apps.records.kinds import KINDS
from rongtong.apps.records.models import Erasure, Leaf, Payload
from rongtong.apps.registry import throttle
from rongtong.apps.registry.actions import PSEUDONYM, system_account
from rongtong.apps.registry.models import Account, GrantRequest, Kept, Organisation, RecoveryCode, SecondFactor
from rongtong.apps.registry.models import Person as Known
from rongtong.apps.registry.roles import ROLES
from rongtong.engine.merkle import SALT_BYTES, canonical_json
from rongtong.engine.redaction import Person

ERASED_NAME = "已注销"
# Texts that are bound by a hash, are no account's, or are erased by their own rules.
APART = {
    "records.Leaf", "records.Payload", "records.Log", "records.Erasure", "registry.Account", "registry.Person",
    "registry.Organisation", "papers.Release", "cases.Definition", "packs.Snapshot", "packs.DocumentText",
    "packs.Publication", "sessions.Session",
}  # fmt: skip
# Apps that keep files or papers with people in them: `erase(person, why, actor, remove)` of each.
KEEPERS = ("rongtong.apps.papers.erasing", "rongtong.apps.cases.erasing")
# What lies in the instance's folder and is not looked through: the log and the store, backups, what is made again.
NOT_SEARCHED = ("log", "backups", "static", "attachments", "instance.toml", "log.key")
MADE_AGAIN = ("out", "snapshots")


@dataclass(slots=True)
class Done:
    """What an erasure did, as its leaf says it; `remove` are files that go once it is committed, `stay` those that
    somebody must look at."""

    payloads: dict[str, str] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    stay: list[str] = field(default_factory=list)

    def removed(self, path: Path) -> None:
        """A file that is to go."""
        self.remove.append(path.relative_to(settings.HOME).as_posix())


def person_of(account: Account) -> Person:
    """Who is to be taken out of texts, and how far their words are theirs alone."""
    others = Account.objects.exclude(pk=account.pk)
    shared = (
        others.filter(name=account.name).exists()
        or Known.objects.filter(name=account.name).exclude(employer=account.organisation).exists()
        or Organisation.objects.filter(name=account.name).exists()
        or any(role.name == account.name for role in ROLES.values())
    )
    return Person(
        username=account.username,
        name=account.name.strip(),
        pseudonym=f"{PSEUDONYM}{account.pk}",
        placeholder=ERASED_NAME,
        others=frozenset(others.filter(username__contains=account.username).values_list("username", flat=True)),
        username_is_word=account.username in _words(),
        name_is_shared=shared or len(account.name.strip()) < 2,
    )


def erase(account: Account, *, why: str, emptied: Iterable[int], kept: dict[int, object]) -> Leaf:
    """Erase the person whose account this is and return the leaf that says so.

    `emptied` are the leaves whose payload goes altogether; of those in `kept` the value given stays. Must be called
    within the act that allows it. The files that go are removed after the commit.
    """
    person, system, done = person_of(account), system_account(), Done()
    log.hold()
    with act(ERASE_PERSON, actor=system, subject=f"account:{person.pseudonym}") as this:
        _payloads(person, account, why, dict.fromkeys(emptied) | kept, done)
        names = {part: ranges(_unname(part, person)) for part in ("actor", "subject")}
        _close(account, person)
        _texts(person, done)
        for name in KEEPERS:
            done.files |= importlib.import_module(name).erase(person, why, system, done.removed)
        _files(person, done)
        this.payload |= names | {
            "pseudonym": person.pseudonym,
            "why": why,
            "payloads": done.payloads,
            "texts": done.texts,
            "files": done.files,
            "first_format": Leaf.objects.filter(_named(person)).count(),
        }
    assert this.leaf is not None  # set when the block ended without an exception
    Erasure.objects.create(leaf=this.leaf, files=json.dumps({"remove": done.remove, "stay": done.stay}))
    transaction.on_commit(_scrub)
    return this.leaf


def _words() -> set[str]:
    """Words that mean something in codes: a username like these is taken out only where it stands alone."""
    kinds = {word for kind in KINDS for word in re.split("[._]", kind)}
    columns = {word for model in apps.get_models() for word in model._meta.db_table.split("_")}
    return kinds | columns | set(ROLES) | {word for role in ROLES for word in role.split("_")}


def _named(person: Person) -> Q:
    return Q(actor=person.username) | Q(subject=f"account:{person.username}")


def _unname(part: str, person: Person) -> list[int]:
    """Put the pseudonym in place of the username in a column of the log, and its salt away. Leaves of format 1 stay."""
    start = "account:" if part == "subject" else ""
    rows = Leaf.objects.filter(**{part: f"{start}{person.username}"}).exclude(**{f"{part}_salt": ""})
    found = list(rows.values_list("sequence", flat=True))
    rows.update(**{part: f"{start}{person.pseudonym}", f"{part}_salt": ""})
    return found


def _payloads(person: Person, account: Account, why: str, given: dict[int, object], done: Done) -> None:
    """Empty the payloads that are about the person, and take the person out of all others."""
    about = set(Leaf.objects.filter(_named(person)).values_list("sequence", flat=True))
    holding = Payload.objects.filter(_holding(person, ["text"]) | Q(leaf_id__in=list(given))).exclude(text="")
    for payload in holding.order_by("leaf_id").iterator(chunk_size=500):
        sequence = payload.leaf_id
        if sequence in given:
            value = given[sequence]
            text = "" if value is None else canonical_json(value)
        else:
            text = (person.certain() if sequence in about else person).text(payload.text)
        if text == payload.text:
            continue
        payload.text, payload.salt = text, secrets.token_hex(SALT_BYTES) if text else ""
        payload.erased_at, payload.erased_why = clock.now(), why
        payload.save()
        done.payloads[str(sequence)] = left(payload.salt, text)


def _close(account: Account, person: Person) -> None:
    """What is left of the account: a key that events point to, under a pseudonym."""
    throttle.forget(throttle.account_key(account.username))
    Known.objects.filter(name=account.name, employer=account.organisation).update(
        name=ERASED_NAME, employer=None, sso_subject="", orcid=""
    )
    account.grants.all().delete()
    account.delegated_grants.all().delete()
    Session.objects.filter(session_key__in=account.visits.values_list("session_key", flat=True)).delete()
    for session in Session.objects.all():
        if session.get_decoded().get("_auth_user_id") == str(account.pk):
            session.delete()
    account.visits.all().delete()
    for model in (GrantRequest, SecondFactor, RecoveryCode, Kept):
        model.objects.filter(account=account).delete()
    account.username, account.name, account.position, account.organisation = person.pseudonym, ERASED_NAME, "", None
    account.is_active, account.password_is_initial, account.last_login = False, False, None
    account.set_unusable_password()
    account.save()


def _texts(person: Person, done: Done) -> None:
    """Take the person out of every column of text of every table; files between preview and confirmation go."""
    for model in apps.get_models():
        if model._meta.label in APART:
            continue
        if any(isinstance(each, models.BinaryField) for each in model._meta.fields):
            _previews(model, person, done)
        names = [f.name for f in model._meta.fields if isinstance(f, models.CharField | models.TextField)]
        count = sum(_row(model, row, names, person) for row in _rows(model, names, person)) if names else 0
        if count:
            done.texts[model._meta.db_table] = count


def _holding(person: Person, names: Iterable[str]) -> Q:
    found = Q()
    for name in names:
        for needle in person.needles():
            found |= Q(**{f"{name}__icontains": needle})
    return found


def _rows(model: type[Model], names: list[str], person: Person) -> list[dict[str, str]]:
    return list(model._default_manager.filter(_holding(person, names)).values("pk", *names))


def _row(model: type[Model], row: dict[str, str], names: list[str], person: Person) -> bool:
    new = {}
    for name in names:
        taken = person.text(row[name] or "")
        if taken != (row[name] or ""):
            new[name] = taken[: model._meta.get_field(name).max_length]  # type: ignore[union-attr]
    if new:
        model._default_manager.filter(pk=row["pk"]).update(**new)
    return bool(new)


def _previews(model: type[Model], person: Person, done: Done) -> None:
    for row in model._default_manager.all().iterator(chunk_size=20):
        files = [bytes(getattr(row, f.name)) for f in row._meta.fields if isinstance(f, models.BinaryField)]
        if any(person.file(each) != each for each in files):
            row.delete()


def _files(person: Person, done: Done) -> None:
    """Take the person out of the other files of the instance's folder: lists of accounts, papers made, exports."""
    # Done before the commit, for afterwards nobody knows the words any more: should the commit fail, the person is out
    # of these files and still in the store, and the request can be carried out again.
    home = Path(settings.HOME)
    store = Path(str(connection.settings_dict["NAME"])).name if connection.vendor == "sqlite" else ""
    for path in sorted(home.rglob("*"), key=lambda p: -len(p.parts)):
        parts = path.relative_to(home).parts
        if parts[0] in NOT_SEARCHED or (store and parts[0].startswith(store)) or path.is_symlink():
            continue
        if path.is_file():
            content = path.read_bytes()
            taken = person.file(content)
            if parts[0] == "snapshots" or (taken is None and parts[0] in MADE_AGAIN):
                path.unlink()
                continue
            if taken is None:
                done.stay.append(person.text(path.relative_to(home).as_posix()))
            elif taken != content:
                _replace(path, taken)
        if (name := person.text(path.name)) != path.name:
            path.rename(path.with_name(name))


def _replace(path: Path, content: bytes) -> None:
    """Other bytes under the same name and mode, whole or not at all."""
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")
    partial.touch(mode=path.stat().st_mode & 0o777)
    partial.write_bytes(content)
    partial.replace(path)


def _scrub() -> None:
    from rongtong.apps.records import scrubbing

    scrubbing.at_once()
