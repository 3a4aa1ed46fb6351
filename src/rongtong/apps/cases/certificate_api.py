"""The API of certificates: whoever holds a number and its code asks what it states, without a login."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from ninja import Router, Schema

from rongtong import refusal
from rongtong.apps.cases import certificates
from rongtong.apps.planning.api import REFUSALS, Refusal

router = Router(tags=["certificates"])
UNKNOWN = "没有编号和校验码都相符的证明。"
UNKNOWN_EN = "No certificate has this number and this code."
LOCKED = "这个网络地址填错的次数太多，15 分钟之后再试。"
LOCKED_EN = "Too many wrong entries came from this network address: try again after 15 minutes."


class StatedOut(Schema):
    """One thing a certificate states: its title and its text, as they are printed."""

    title: str
    text: str


class CertificateOut(Schema):
    """A certificate: `state` is valid, replaced (by `successor`) or revoked, since `ended`; `states` is what it says, in order.

    `entry` and `leaf_hash` are where the log has it, `covered_by` how many entries the signed checkpoint over it has, null
    while there is none; `proof` is the address of the offline file.
    """

    number: str
    name: str
    name_en: str
    issued: date
    organisation: str
    states: list[StatedOut]
    state: str
    ended: date | None
    successor: str
    entry: int
    leaf_hash: str
    covered_by: int | None
    proof: str


@router.get(
    "/certificates/{path:number}/{code}", response={200: CertificateOut, 400: Refusal, 429: Refusal, **REFUSALS}
)
def certificate(request: HttpRequest, number: str, code: str) -> Any:
    """What a certificate states and whether it stands. A wrong number and a wrong code get one answer; many get none."""
    try:
        one = certificates.find(number, code, address=str(request.META.get("REMOTE_ADDR", "")))
    except certificates.TooManyGuesses:
        return 429, refusal.body(LOCKED, LOCKED_EN)
    if one is None:
        return 404, refusal.body(UNKNOWN, UNKNOWN_EN)
    plain = {name: getattr(one, name) for name in CertificateOut.model_fields if hasattr(one, name)}
    return 200, {
        **plain,
        "states": [{"title": title, "text": text} for title, text in one.states],
        "entry": one.leaf.pk,
        "leaf_hash": one.leaf.leaf_hash,
        "covered_by": one.checkpoint.size if one.checkpoint else None,
        "proof": request.build_absolute_uri(reverse("certificate-file", args=[one.number, one.code])),
    }
