"""The navigation: words grouped by what people do, and how much waits at the workbench."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from rongtong.apps.portal import work_queries
from rongtong.apps.registry import access
from rongtong.apps.registry.outside import open_to_outside
from rongtong.apps.registry.places import loaded_tree
from rongtong.apps.registry.roles import AUDIT_ADMIN, OPERATOR, OUTSIDE, ROLES, TRIO
from rongtong.languages import language_of, named

# Whoever does business: administrators do none.
BUSINESS = tuple(code for code in ROLES if code not in TRIO)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation: its words, the name of its address, whether it asks for a login, and for whom it is.

    `roles` empty: everybody who may see it at all. `whole`: only for those who read the whole. `english`: its words where
    there is an English page of it.
    """

    words: str
    name: str
    login: bool = False
    roles: tuple[str, ...] = ()
    whole: bool = False
    english: str = ""


MENU: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("", (Entry("工作台", "work", login=True), Entry("文件", "home"), Entry("一张图", "cockpit"))),
    (
        "目标",
        (
            Entry("指标与口径", "indicators"),
            Entry("承诺一本账", "commitments"),
            Entry("目标", "targets"),
            Entry("目标分解", "studio", login=True),
            Entry("结果运用", "uses", login=True),
        ),
    ),
    (
        "办理",
        (
            Entry("我的办件", "space", login=True, roles=OUTSIDE),
            Entry("工作台账", "desk", login=True, roles=BUSINESS),
            Entry("督查墙", "wall", login=True, roles=BUSINESS),
            Entry("填报审核", "collection", login=True),
            Entry("督办", "supervision", login=True),
            Entry("材料", "papers", login=True),
            Entry("规则修订", "amendments", login=True, whole=True),
            Entry("流程", "processes", english="Processes"),
        ),
    ),
    (
        "公开",
        (
            Entry("公示公告", "notices", english="Public notices"),
            Entry("产业链", "chains"),
            Entry("办理情况", "wall-public", english="How cases are handled"),
            Entry("公开数据", "open", english="Open data"),
            Entry("核验证明", "verify", english="Verify a certificate"),
        ),
    ),
    (
        "管理",
        (
            Entry("账号与授权", "accounts", login=True, roles=(*TRIO, OPERATOR)),
            Entry("审计", "audit", login=True, roles=(AUDIT_ADMIN, OPERATOR)),
            Entry("处理活动登记", "privacy-register", login=True, roles=(*TRIO, OPERATOR)),
            Entry("数据字典", "dictionary"),
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as shown on a page."""

    words: str
    address: str
    current: bool
    waiting: int = 0


def menu(request: HttpRequest) -> list[tuple[str, list[Link]]]:
    """The groups a reader sees, each with its links; the longest address the path begins with is the current one.

    Beside an English page they are one group: the pages there are in English.
    """
    if language_of(request) == "en":
        pages = [(e.english, reverse(named(e.name, "en"))) for _, entries in MENU for e in entries if e.english]
        return [("", [Link(words, address, _within(request.path, address)) for words, address in pages])]
    user = getattr(request, "user", None)
    known = user if user is not None and user.is_authenticated else None
    grants = [(g.role, g.place) for g in access.held_grants(known)] if known else []
    held = {role for role, _ in grants}
    tree = loaded_tree()
    whole = any(place in ("", tree.root if tree else "") for _, place in grants)
    whole = whole and not held <= set(OUTSIDE)
    shown = [
        (
            group,
            [(e.words, _address(e.name)) for e in entries if _open(e, held, bool(known)) and (whole or not e.whole)],
        )
        for group, entries in MENU
    ]
    addresses = [a for _, entries in shown for _, a in entries if a]
    here = max((a for a in addresses if _within(request.path, a)), key=len, default="")
    bench = _address("work")
    waits = work_queries.waiting(known) if known and bench else 0
    return [
        (group, [Link(w, a, a == here, waits if a == bench else 0) for w, a in entries if a])
        for group, entries in shown
    ]


def _open(entry: Entry, held: set[str], known: bool) -> bool:
    """Whether the entry is shown to a reader with these roles."""
    if held and held <= set(OUTSIDE) and not open_to_outside(entry.name, ""):
        return False
    return (known or not entry.login) and (not entry.roles or bool(held.intersection(entry.roles)))


def _within(path: str, address: str) -> bool:
    return path == address or (address != "/" and path.startswith(address))


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
