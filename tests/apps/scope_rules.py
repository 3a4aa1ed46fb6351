"""The rules of the scope matrix: for each address who may read and who may post, and about which things."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from scope_world import Asker, Thing, cases, sees

from packs import shipped
from rongtong.apps.cases.models import Attachment, Case
from rongtong.apps.packs.models import Amendment
from rongtong.apps.papers.models import Release
from rongtong.apps.planning.models import Allocation

Who = Callable[[Asker, Thing], bool]
ABSENT = 987654321


def anybody(asker: Asker, thing: Thing) -> bool:
    return True


def nobody(asker: Asker, thing: Thing) -> bool:
    return False


def known(asker: Asker, thing: Thing) -> bool:
    """Whoever of the offices has logged in."""
    return asker.account is not None and not asker.outside


def anyone(asker: Asker, thing: Thing) -> bool:
    """Whoever has logged in, from the offices or from outside."""
    return asker.account is not None


def at_place(asker: Asker, thing: Thing) -> bool:
    """Whoever reads the place of the thing."""
    return asker.reads(thing.place)


def split(asker: Asker, thing: Thing) -> bool:
    """Who reads a plan: whoever reads its place; of one in force or out for comment, whoever reads a place it splits over."""
    if asker.reads(thing.place):
        return True
    _, _, code, rest = thing.address.split("/", 3)
    versions = Allocation.objects.filter(code=code).order_by("-version")
    case = Case.objects.filter(process="allocation_signoff", key=versions[0].code).first()
    shown = [v for v in versions if v.adopted_from]
    shown += [versions[0]] if case is not None and case.stage in ("comment", "signing") else []
    if rest[:1].isdigit():
        shown = [v for v in shown if v.version == int(rest.partition(".")[0])]
    return any(asker.reads(cell.place) for v in shown for cell in v.cells.all())


def whole(asker: Asker, thing: Thing) -> bool:
    """Whoever reads the whole."""
    return asker.reads("330000")


def may(kind: str, place: str | None = None) -> Who:
    """Whoever may do this kind of action at the place of the thing, or at the one given."""
    return lambda asker, thing: asker.may(kind, thing.place if place is None else place)


def anywhere(kind: str) -> Who:
    """Whoever may do this kind of action somewhere."""
    return lambda asker, thing: any(asker.may(kind, p) for p in asker.places.places)


def one_of(*roles: str) -> Who:
    """Whoever holds one of these roles."""
    return lambda asker, thing: asker.account is not None and asker.account.grants.filter(role__in=roles).exists()


TRIO = one_of("system_admin", "security_admin", "audit_admin")


@dataclass(frozen=True, slots=True)
class Rule:
    """Who reads and who posts at an address, about which things; `absent` is the address of nothing there is.

    `perhaps` are those for whom the stage of the thing decides, or whether it is there: they are not told apart.
    `sent` is what somebody who may would post: sent by others it must change nothing either.
    """

    read: Who
    write: Who = nobody
    things: Callable[[], Iterable[Thing]] | None = None
    absent: Callable[[], str] | None = None
    perhaps: Who = nobody
    sent: dict[str, Any] = field(default_factory=dict)


def one(name: str, *arguments: object, place: str = "", query: str = "") -> Callable[[], list[Thing]]:
    """The one address of a name with these arguments."""
    return lambda: [Thing(reverse(name, args=arguments) + query, place)]


def about_cases(process: str, name: str, *more: str) -> dict[str, Any]:
    """The things and the absent address of a page about the cases of a process."""
    return {"things": lambda: cases(process, name, *more), "absent": lambda: reverse(name, args=[ABSENT, *more])}


def papers(name: str, *more: str) -> dict[str, Any]:
    """The pages of a paper: the whole's, a city's, a county's, a neighbour's; no such kind of paper is the absent one."""
    return {
        "things": lambda: [
            Thing(reverse(name, args=["dispatch", "2025H1", *more]) + (f"?place={p}" if p else ""), p or "330000")
            for p in ("", "330100", "330102", "330200")
        ],
        "absent": lambda: reverse(name, args=["nothing", "2025H1", *more]),
    }


def plans(name: str, *more: str | int) -> dict[str, Any]:
    """The pages of a plan of the studio, which lies at the place that is split."""
    return {
        "things": lambda: [
            Thing(reverse(name, args=[a.code, *more]), a.place)
            for a in {a.code: a for a in Allocation.objects.order_by("pk")}.values()
        ],
        "absent": lambda: reverse(name, args=["nothing", *more]),
    }


def amendments(name: str, *more: str) -> dict[str, Any]:
    """The pages of an amendment, which lies at the whole."""
    return {
        "things": lambda: [Thing(reverse(name, args=[a.pk, *more]), "330000") for a in Amendment.objects.all()[:2]],
        "absent": lambda: reverse(name, args=[ABSENT, *more]),
    }


def accounts(name: str) -> dict[str, Any]:
    return {"things": one(name, "sheng"), "absent": lambda: reverse(name, args=["nobody-of-this-name"])}


def attachments(process: str, name: str) -> Callable[[], list[Thing]]:
    """The files kept with cases of a process."""
    return lambda: [
        Thing(reverse(name, args=[a.pk]), a.case.place, a.case_id)
        for a in Attachment.objects.filter(case__process=process).select_related("case")[:3]
    ]


def starts() -> list[Thing]:
    return [Thing(reverse("collection-start", args=[*TASK, p]), p) for p in PLACES]


def releases() -> list[Thing]:
    """The files of papers that were released."""
    return [Thing(reverse("paper-release", args=[r.sha256]), r.issue.place or "330000") for r in Release.objects.all()]


def no_such(name: str, *arguments: object) -> Callable[[], str]:
    return lambda: reverse(name, args=arguments)


FIGURE, CARD = "input_enterprise@330100@2025H1", "input_enterprise"
TASK = ("county_input", "2025H1")
SPLIT = json.loads(shipped("china", "zhejiang").all("allocations")[0].model_dump_json(exclude_none=True))
OPENED = {"process": "supervision", "place": "330100", "data": {"title": "越权"}}
MOVE = {"transition": "submit", "seen": "1", "reason": "越权"}
STEP = {"transition": "receive", "seen": "1", "opinion": "越权", "reason": "越权"}

PUBLIC: dict[str, Rule] = {
    "home": Rule(anybody),
    "document": Rule(anybody, things=one("document", "zj-2025-315"), absent=no_such("document", "nothing")),
    "document-text": Rule(nobody, may("packs.attach_text", ""), things=one("document-text", "zj-2025-315")),
    "clause": Rule(anybody, things=one("clause", "zj-2025-315", "2.4.3"), absent=no_such("clause", "zj-2025-315", "9")),
    "why": Rule(anybody, things=one("why", FIGURE), absent=no_such("why", "nothing@330100@2025H1")),
    "cockpit": Rule(anybody),
    "cockpit-table": Rule(anybody),
    "cockpit-chart": Rule(
        anybody, things=one("cockpit-chart", "map", "svg"), absent=no_such("cockpit-chart", "x", "svg")
    ),
    "indicators": Rule(anybody),
    "indicator": Rule(anybody, things=one("indicator", CARD), absent=no_such("indicator", "nothing")),
    "commitments": Rule(anybody),
    "commitment": Rule(anybody, things=one("commitment", "A001"), absent=no_such("commitment", "nothing")),
    "targets": Rule(anybody),
    "target": Rule(anybody, things=one("target", "input_enterprise_2025"), absent=no_such("target", "nothing")),
    "processes": Rule(anybody),
    "process": Rule(anybody, things=one("process", "collection"), absent=no_such("process", "nothing")),
    "processes-en": Rule(anybody),
    "process-en": Rule(anybody, things=one("process-en", "collection"), absent=no_such("process-en", "nothing")),
    "chains": Rule(anybody),
    "chain": Rule(anybody, things=one("chain", "415x-s06"), absent=no_such("chain", "nothing")),
    "dictionary": Rule(anybody),
    "dictionary-csv": Rule(anybody),
    "dictionary-xlsx": Rule(anybody),
    "open": Rule(anybody),
    "open-api": Rule(anybody),
    "open-catalogue": Rule(anybody),
    "open-csv": Rule(anybody, things=one("open-csv", CARD), absent=no_such("open-csv", "nothing")),
    "open-sdmx": Rule(anybody, things=one("open-sdmx", CARD), absent=no_such("open-sdmx", "nothing")),
    "open-json": Rule(anybody, things=one("open-json", CARD), absent=no_such("open-json", "nothing")),
    "open-indicator": Rule(anybody, things=one("open-indicator", CARD), absent=no_such("open-indicator", "nothing")),
    "open-en": Rule(anybody),
    "open-api-en": Rule(anybody),
    "open-indicator-en": Rule(anybody, things=one("open-indicator-en", CARD)),
    "verify": Rule(anybody, anybody),
    "verify-en": Rule(anybody, anybody),
    "certificate": Rule(nobody, things=one("certificate", "JSHT-2025-000001", "ABCDEFGH")),
    "certificate-en": Rule(nobody, things=one("certificate-en", "JSHT-2025-000001", "ABCDEFGH")),
    "certificate-paper": Rule(nobody, things=one("certificate-paper", "JSHT-2025-000001", "ABCDEFGH")),
    "certificate-file": Rule(nobody, things=one("certificate-file", "JSHT-2025-000001", "ABCDEFGH")),
    "privacy": Rule(anybody),
    "display": Rule(anybody),
    "wall-public": Rule(anybody),
    "wall-public-en": Rule(anybody),
    "wall-public-csv": Rule(anybody),
}
API: dict[str, Rule] = {
    "api:openapi-json": Rule(anybody),
    "api:api-root": Rule(nobody),
    "api:docs": Rule(anybody),
    "api:unknown": Rule(nobody, things=one("api:unknown", "nothing")),
    "api:figures": Rule(anybody, things=one("api:figures", query=f"?indicator={CARD}&period=2025H1")),
    "api:targets": Rule(anybody, things=one("api:targets", query="?year=2025")),
    "api:why": Rule(anybody, things=one("api:why", FIGURE), absent=no_such("api:why", "nothing@330100@2025H1")),
    "api:add": Rule(anybody, things=one("api:add", query=f"?figure={FIGURE}&figure=input_enterprise@330200@2025H1")),
    "api:nowcast": Rule(anybody, things=one("api:nowcast", "input_enterprise_2025")),
    "api:cards": Rule(anybody),
    "api:commitments": Rule(anybody),
    "api:processes": Rule(anybody),
    "api:certificate": Rule(nobody, things=one("api:certificate", "JSHT-2025-000001", "ABCDEFGH")),
    "api:allocate": Rule(nobody, may("planning.allocate", ""), sent=SPLIT),
    "api:export": Rule(may("observations.export", "")),
    "api:cases": Rule(anyone, sent=OPENED),
    # The same address: who may open what is asked in test_cases_over_the_api.
    "api:open_case": Rule(anyone, sent=OPENED),
    "api:case": Rule(sees, **about_cases("", "api:case")),
    "api:move": Rule(nobody, sees, **about_cases("", "api:move"), sent={"transition": "submit", "seen": 1}),
}
OWN: dict[str, Rule] = {
    "login": Rule(anybody, anybody),
    "login-code": Rule(nobody, anybody),
    "logout": Rule(nobody, anybody),
    "account": Rule(anyone),
    "account-password": Rule(anyone, anyone),
    "account-factor": Rule(anyone, anyone),
    "account-sessions": Rule(nobody, anyone),
    "account-delegate": Rule(nobody, known),
    "account-delegate-end": Rule(nobody, nobody, things=one("account-delegate-end", ABSENT)),
    "account-data": Rule(anyone),
    "personal": Rule(anyone, anyone),
    "kept": Rule(nobody, nobody, things=one("kept", ABSENT)),
    "work": Rule(anyone),
    "uses": Rule(known),
    "use": Rule(at_place, things=lambda: [Thing(reverse("use", args=["innovative_city", p]), p) for p in PLACES]),
}
ADMINISTRATION: dict[str, Rule] = {
    "accounts": Rule(TRIO),
    "account-new": Rule(
        may("registry.create_account", ""),
        may("registry.create_account", ""),
        sent={"username": "intruder", "name": "越权"},
    ),
    "account-handover": Rule(may("registry.hand_over", ""), may("registry.hand_over", "")),
    "account-import": Rule(may("registry.import_accounts", ""), may("registry.import_accounts", "")),
    "account-import-confirm": Rule(nobody, may("registry.import_accounts", "")),
    "account-import-marked": Rule(nobody, may("registry.import_accounts", "")),
    "account-template": Rule(may("registry.import_accounts", "")),
    "account-asked": Rule(nobody, may("registry.grant", ""), things=one("account-asked", ABSENT)),
    "account-one": Rule(TRIO, **accounts("account-one")),
    "account-change": Rule(
        nobody, TRIO, **accounts("account-change"), sent={"do": "grant", "role": "approver", "place": ""}
    ),
    "account-reveal": Rule(
        nobody, may("registry.reveal", ""), **accounts("account-reveal"), sent={"why": "核对交接人的身份"}
    ),
    "privacy-register": Rule(TRIO),
    "privacy-register-csv": Rule(TRIO),
    "audit": Rule(may("records.read", "")),
    "audit-verify": Rule(nobody, may("records.verify", "")),
    "audit-export": Rule(may("records.export", "")),
    "audit-leaf": Rule(may("records.read", ""), things=one("audit-leaf", 1), absent=no_such("audit-leaf", ABSENT)),
}
PLACES = ("330100", "330102", "330200", "330203")


def by_place(asker: Asker, thing: Thing) -> bool:
    """Whoever of the offices reads cases by their place: everybody but the administrators."""
    return known(asker, thing) and not TRIO(asker, thing)


WORK: dict[str, Rule] = {
    "desk": Rule(anyone),
    "desk-export": Rule(anyone),
    # Without cases that were ticked it says so.
    "desk-together": Rule(nobody, anyone, perhaps=anyone),
    "case-template": Rule(
        nobody, things=one("case-template", "supervision"), absent=no_such("case-template", "nothing")
    ),
    "case-import": Rule(nobody, things=one("case-import", "supervision"), absent=no_such("case-import", "nothing")),
    "case-import-marked": Rule(
        nobody, things=one("case-import-marked", "supervision"), absent=no_such("case-import-marked", "nothing")
    ),
    "wall": Rule(by_place),
    "wall-csv": Rule(by_place),
    "wall-chart": Rule(nobody, perhaps=by_place, things=one("wall-chart", "nothing", "svg")),
    "space": Rule(anyone),
    "space-report": Rule(nobody, things=one("space-report")),
    "space-report-xlsx": Rule(nobody, things=one("space-report-xlsx")),
    "cases": Rule(anyone),
    "cases-alike": Rule(
        known, things=one("cases-alike", "enterprise_problem"), absent=no_such("cases-alike", "supervision")
    ),
    "case-new": Rule(nobody, things=one("case-new", "supervision"), absent=no_such("case-new", "nothing")),
    "case": Rule(sees, **about_cases("", "case")),
    "case-move": Rule(sees, sees, **about_cases("", "case-move"), sent=MOVE),
    "case-evidence": Rule(
        sees, things=attachments("supervision", "case-evidence"), absent=no_such("case-evidence", ABSENT)
    ),
    "notices": Rule(anybody),
    "notices-en": Rule(anybody),
    "notice": Rule(nobody, things=one("notice", ABSENT)),
    "notice-en": Rule(nobody, things=one("notice-en", ABSENT)),
    "supervision": Rule(known),
    "supervision-export": Rule(known),
    "supervision-new": Rule(one_of("provincial_officer", "city_officer"), one_of("provincial_officer", "city_officer")),
    "supervision-red": Rule(one_of("provincial_officer", "city_officer"), one_of("provincial_officer", "city_officer")),
    "supervision-import": Rule(
        one_of("provincial_officer", "city_officer"), one_of("provincial_officer", "city_officer")
    ),
    "supervision-template": Rule(known),
    "supervision-lines": Rule(nobody, things=one("supervision-lines", "nothing")),
    "supervision-evidence": Rule(
        sees,
        things=attachments("supervision", "supervision-evidence"),
        absent=no_such("supervision-evidence", ABSENT),
    ),
    "supervision-item": Rule(sees, **about_cases("supervision", "supervision-item")),
    "supervision-step": Rule(sees, sees, **about_cases("supervision", "supervision-step"), sent=STEP),
    "supervision-slip": Rule(nobody, perhaps=sees, **about_cases("supervision", "supervision-slip", "blue")),
    "supervision-slip-docx": Rule(nobody, perhaps=sees, **about_cases("supervision", "supervision-slip-docx", "blue")),
    "papers": Rule(known),
    "paper-new": Rule(known, anywhere("papers.make")),
    "paper-file": Rule(nobody, things=one("paper-file", "nothing.docx")),
    "paper-release": Rule(at_place, things=releases, absent=no_such("paper-release", "0" * 64)),
    "paper": Rule(nobody, perhaps=at_place, **papers("paper")),
    "paper-notes": Rule(nobody, may("papers.note"), perhaps=at_place, **papers("paper-notes"), sent={"text": "越权"}),
    "paper-make": Rule(nobody, may("papers.make"), perhaps=at_place, **papers("paper-make")),
    "paper-send": Rule(nobody, may("papers.make"), perhaps=at_place, **papers("paper-send")),
    "paper-draft": Rule(nobody, perhaps=at_place, **papers("paper-draft")),
    "paper-compare": Rule(nobody, perhaps=at_place, **papers("paper-compare")),
    "paper-picture": Rule(nobody, perhaps=at_place, **papers("paper-picture", "nothing")),
    "studio": Rule(known),
    "studio-new": Rule(nobody, nobody, things=one("studio-new", query="?target=nothing")),
    "studio-plan": Rule(split, may("planning.allocate"), **plans("studio-plan")),
    "studio-map": Rule(nobody, things=one("studio-map")),
    "studio-compare": Rule(at_place, perhaps=split, **plans("studio-compare")),
    "studio-counter": Rule(nobody, known, **plans("studio-counter")),
    "studio-xlsx": Rule(split, **plans("studio-xlsx", 1)),
    "studio-csv": Rule(split, **plans("studio-csv", 1)),
}
COLLECTING: dict[str, Rule] = {
    "collection": Rule(known),
    "collection-task": Rule(
        nobody, perhaps=known, things=one("collection-task", *TASK), absent=no_such("collection-task", "x", "2025")
    ),
    "collection-remind": Rule(
        nobody,
        anywhere("observations.remind"),
        perhaps=known,
        things=one("collection-remind", *TASK),
        sent={"place": "330109"},
    ),
    "collection-start": Rule(
        nobody, may("observations.fill"), things=starts, absent=no_such("collection-start", *TASK, "x")
    ),
    "collection-slice": Rule(sees, sees, **about_cases("collection", "collection-slice"), sent=MOVE),
    "collection-cell": Rule(nobody, sees, **about_cases("collection", "collection-cell", CARD), sent={"value": "1"}),
    "collection-review": Rule(
        sees, sees, **about_cases("collection", "collection-review"), sent={"transition": "accept"}
    ),
    "collection-attach": Rule(sees, sees, **about_cases("collection", "collection-attach")),
    "collection-evidence": Rule(
        sees, things=attachments("collection", "collection-evidence"), absent=no_such("collection-evidence", ABSENT)
    ),
    "collection-history": Rule(sees, **about_cases("collection", "collection-history")),
    "collection-slice-template": Rule(sees, **about_cases("collection", "collection-slice-template")),
    "collection-slice-upload": Rule(nobody, sees, perhaps=sees, **about_cases("collection", "collection-slice-upload")),
    "collection-slice-preview": Rule(
        nobody, nobody, perhaps=sees, **about_cases("collection", "collection-slice-preview", str(ABSENT))
    ),
    "collection-slice-marked": Rule(
        nobody, nobody, perhaps=sees, **about_cases("collection", "collection-slice-marked", str(ABSENT))
    ),
    "collection-upload": Rule(known, anywhere("observations.import")),
    "collection-upload-template": Rule(known),
    "collection-upload-preview": Rule(nobody, nobody, things=one("collection-upload-preview", ABSENT)),
    "collection-upload-marked": Rule(nobody, nobody, things=one("collection-upload-marked", ABSENT)),
    "collection-sources": Rule(known),
    "collection-source-new": Rule(known, anywhere("observations.import")),
    "collection-source-map": Rule(nobody, nobody, things=one("collection-source-map", ABSENT)),
    "collection-source-yaml": Rule(nobody, things=one("collection-source-yaml", "nothing")),
}
AMENDING: dict[str, Rule] = {
    "amendments": Rule(whole),
    "amendment-new": Rule(whole, may("packs.amend", "330000"), sent={"title": "越权", "in_force_from": "2025-08-01"}),
    "office-pack": Rule(nobody, things=one("office-pack")),
    "amendment": Rule(whole, **amendments("amendment")),
    "amendment-describe": Rule(nobody, whole, **amendments("amendment-describe"), sent={"title": "越权", "seen": "1"}),
    "amendment-rebase": Rule(nobody, whole, **amendments("amendment-rebase"), sent={"seen": "1"}),
    "amendment-pack": Rule(whole, **amendments("amendment-pack")),
    "amendment-kind": Rule(whole, **amendments("amendment-kind", "indicators")),
    "amendment-statement": Rule(whole, whole, **amendments("amendment-statement", "indicators")),
    "amendment-remove": Rule(
        nobody, whole, **amendments("amendment-remove", "indicators"), sent={"code": CARD, "seen": "1"}
    ),
    "amendment-sheet": Rule(whole, whole, **amendments("amendment-sheet", "indicators")),
}
RULES = PUBLIC | API | OWN | ADMINISTRATION | WORK | COLLECTING | AMENDING
