"""Public pages of certificates: verify one, see it, print it, take its offline file. Nobody logs in here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe

from rongtong import qr
from rongtong.apps.cases import certificates
from rongtong.apps.cases.certificate_words import WORDS
from rongtong.apps.cases.certificates import Shown
from rongtong.apps.records import keys, proofs, publishing
from rongtong.languages import Language, in_two, named

View = Callable[[HttpRequest, Shown, Language], HttpResponse]


def _private(answer: HttpResponse) -> HttpResponse:
    """The address holds the code: no cache keeps the answer and no search engine lists it."""
    answer["Cache-Control"] = "no-store, private"
    answer["X-Robots-Tag"] = "noindex"
    return answer


def _of_one(view: View) -> Callable[..., HttpResponse]:
    """A view of a certificate by its number and code; absent, wrong and guessed too often are answered here."""

    @wraps(view)
    def answered(request: HttpRequest, number: str, code: str, language: Language = "zh") -> HttpResponse:
        try:
            found = certificates.find(number, code, address=_address(request))
        except certificates.TooManyGuesses:
            return _asked(request, language, 429, "locked", number, code)
        if found is None:
            return _asked(request, language, 404, "unknown", number, code)
        return _private(view(request, found, language))

    return answered


def verify(request: HttpRequest, language: Language = "zh") -> HttpResponse:
    """Ask for number and code. Refused, the form keeps what was typed."""
    if request.method != "POST":
        return _asked(request, language)
    number, code = (request.POST.get(name, "").strip()[:80] for name in ("number", "code"))
    try:
        found = certificates.find(number, code, address=_address(request))
    except certificates.TooManyGuesses:
        return _asked(request, language, 429, "locked", number, code)
    if found is None:
        return _asked(request, language, 422, "unknown", number, code)
    return redirect(named("certificate", language), found.number, found.code)


@_of_one
def certificate(request: HttpRequest, one: Shown, language: Language) -> HttpResponse:
    """What a certificate states, whether it stands, and where the log has it."""
    return render(request, "cases/certificate.html", _context(one, language))


@_of_one
def paper(request: HttpRequest, one: Shown, language: Language) -> HttpResponse:
    """The certificate for print, with the QR code of its page."""
    address = request.build_absolute_uri(reverse("certificate", args=[one.number, one.code]))
    # Made by segno from our own address: no part of it comes from a reader.
    more = {
        "address": address,
        "qr": mark_safe(qr.svg(address)),
        "asking": request.build_absolute_uri(reverse("verify")),
    }
    return render(request, "cases/certificate_paper.html", _context(one, language) | more)


@_of_one
def proof_file(request: HttpRequest, one: Shown, language: Language) -> HttpResponse:
    """The offline file; where it cannot be made yet the page of the certificate says from when."""
    try:
        text = proofs.as_text(certificates.proof(one))
    except (keys.LogKeyError, publishing.PublishError):
        return render(request, "cases/certificate.html", _context(one, language) | {"asked": True}, status=404)
    answer = HttpResponse(text, content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{one.leaf.pk}-{one.number.rpartition("/")[2]}.json"'
    return answer


def _context(one: Shown, language: Language) -> dict[str, Any]:
    two = in_two(WORDS, language, "certificate", one.number, one.code)
    return two | {"one": one, "ask": reverse(named("verify", language))}


def _asked(
    request: HttpRequest, language: Language, status: int = 200, wrong: str = "", number: str = "", code: str = ""
) -> HttpResponse:
    context = in_two(WORDS, language, "verify") | {
        "errors": [("number", WORDS[language][wrong])] if wrong else [],
        "number": number,
        "code": code,
        "ask": reverse(named("verify", language)),
    }
    return _private(render(request, "cases/verify.html", context, status=status))


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
