"""Certificates (证明) as others read them: who holds a number and its code sees what it states and whether it still stands."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.conf import settings

from rongtong.apps.cases import holding, queries
from rongtong.apps.cases.models import Certificate
from rongtong.apps.records import keys, proofs, publishing
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry import throttle
from rongtong.clock import LOCAL
from rongtong.engine.note import Checkpoint

State = Literal["valid", "replaced", "revoked"]


class TooManyGuesses(Exception):
    """Wrong numbers or codes came from this address so often that nothing is answered for a while."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate as whoever holds it is shown it.

    `states` is (title, text) in order; empty where it was `erased`. `ended` is the day it was replaced or revoked, `step` the name
    of the step that did so, `successor` the number of the one in its place. `checkpoint` is the signed one that covers its
    leaf, None while there is none.
    """

    number: str
    code: str
    name: str
    name_en: str
    issued: date
    states: tuple[tuple[str, str], ...]
    organisation: str
    process: str
    place: str
    state: State
    ended: date | None
    step: str
    successor: str
    leaf: Leaf
    checkpoint: Checkpoint | None
    erased: bool

    @property
    def spaced(self) -> str:
        """The code in two groups, as it stands on paper."""
        return f"{self.code[:4]} {self.code[4:]}"


def find(number: str, code: str, *, address: str) -> Shown | None:
    """The certificate of a number and code as they were typed; None, after counting a guess, where either is wrong.

    Raises TooManyGuesses.
    """
    key = throttle.guess_key(address)
    if throttle.locked_until(key, throttle.GUESSES) is not None:
        raise TooManyGuesses
    found = _find(number, code)
    if found is None:
        throttle.fail(key)
        return None
    return _shown(found)


def proof(shown: Shown) -> dict[str, Any]:
    """The offline file: what is stated, its salt, the leaf, the inclusion proofs and the signed checkpoint.

    Raises publishing.PublishError and keys.LogKeyError where it cannot be made now; the message says why.
    """
    key = keys.read(settings.HOME).public
    return proofs.prove_opened(settings.HOME, shown.leaf.payload, key=key)


def _find(number: str, code: str) -> Certificate | None:
    number, code = number.strip(), "".join(code.split()).upper()
    rows = Certificate.objects.select_related("case__definition", "ended", "event", "leaf__payload")
    found = rows.filter(number__in={number, number.upper()}).first()
    # Compared in any case and in constant time: how long an answer takes tells nothing.
    same = secrets.compare_digest((found.secret if found else "").encode(), code.encode())
    return found if found is not None and same else None


def _shown(one: Certificate) -> Shown:
    process = holding.process_of(one.case)
    issued = next((c for c in process.certificates if c.code == one.code), None)
    text = one.leaf.payload.text
    says: dict[str, Any] = json.loads(text) if text else {}
    made = process.transition(one.ended.transition) if one.ended else None
    later = Certificate.objects.filter(case=one.case, code=one.code, pk__gt=one.pk).order_by("pk")
    return Shown(
        number=one.number,
        code=one.secret,
        name=issued.name if issued else str(says.get("certificate", "")),
        name_en=issued.name_en if issued else "",
        issued=one.event.at.astimezone(LOCAL).date(),
        states=tuple((title, words) for title, words in says.get("states", ())),
        organisation=str(says.get("organisation", "")),
        process=process.name,
        place=queries.place_name(one.leaf.place),
        state="valid" if one.ended is None else "replaced" if one.replaced else "revoked",
        ended=one.ended.at.astimezone(LOCAL).date() if one.ended else None,
        step=made.name if made else "",
        successor=(later.values_list("number", flat=True).first() or "") if one.replaced else "",
        leaf=one.leaf,
        checkpoint=_covering(one.leaf_id),
        erased=one.leaf.payload.erased_at is not None,
    )


def _covering(sequence: int) -> Checkpoint | None:
    """The signed checkpoint that is published now, where it covers a leaf."""
    try:
        found = publishing.published(settings.HOME, keys.read(settings.HOME).public)
    except (keys.LogKeyError, publishing.PublishError):
        return None
    return found if found is not None and found.size >= sequence else None
