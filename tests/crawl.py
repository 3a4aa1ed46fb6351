"""Which pages there are: the links of the navigation followed, of each name the pages that differ in their elements."""

from __future__ import annotations

import urllib.request
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import unquote, urljoin, urlsplit

from django.urls import Resolver404, resolve

# A page of one name looks different for different things (the cases of each process): so many are opened.
OF_A_NAME = 2
SKIPPED = ("logout",)
# (status, the address in the end, the type, the text of a page)
Answer = tuple[int, str, str, str]
Fetch = Callable[[str], Answer]


@dataclass(frozen=True, slots=True)
class Found:
    """A page that a reader can reach: the name and address, the account ("" for nobody), the kinds of elements on it.

    Where a link leads nowhere, `dead` says so and there are no elements.
    """

    name: str
    path: str
    account: str
    elements: frozenset[str]
    dead: str = ""


class _Reader(HTMLParser):
    """Takes the links of a page, and its elements with their classes, roles and types."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.elements: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        self.elements.add(" ".join([tag, *(f"{k}={given[k]}" for k in ("class", "role", "type") if k in given)]))


def name_of(path: str) -> str:
    """The name of the address's pattern, "" where there is none."""
    try:
        match = resolve(unquote(urlsplit(path).path))
    except Resolver404:
        return ""
    return match.view_name or ""


def reach(fetch: Fetch, account: str, start: Iterable[str] = ("/",), most: int = OF_A_NAME) -> Iterator[Found]:
    """Follow the links from the start pages, at most so many addresses of a name."""
    waiting, seen, opened = deque((path, "") for path in start), set(start), dict[str, int]()
    while waiting:
        path, origin = waiting.popleft()
        name = name_of(path)
        if name in SKIPPED or opened.get(name, 0) >= most:
            continue
        opened[name] = opened.get(name, 0) + 1
        status, landed, kind, body = fetch(path)
        if status != 200:
            yield Found(name, path, account, frozenset(), f"{origin} → {path}: {status} ({account or 'nobody'})")
            continue
        if "text/html" not in kind:
            continue
        reader = _Reader()
        reader.feed(body)
        yield Found(name_of(landed), landed, account, frozenset(reader.elements))
        for link in reader.links:
            target = urlsplit(urljoin(landed, link))
            if target.netloc or target.scheme:
                continue
            known = target.path + (f"?{target.query}" if target.query else "")
            if known not in seen:
                seen.add(known)
                waiting.append((known, path))


def over_http(address: str, cookie: str) -> Fetch:
    """Ask a served site, with the cookies of a login."""

    def fetch(path: str) -> Answer:
        request = urllib.request.Request(address + path, headers={"Cookie": cookie} if cookie else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                landed = urlsplit(answer.geturl())
                kind = answer.headers.get("Content-Type", "")
                body = answer.read().decode("utf-8", "replace") if "text/html" in kind else ""
                return answer.status, landed.path + (f"?{landed.query}" if landed.query else ""), kind, body
        except HTTPError as error:
            return error.code, path, "", ""

    return fetch


def distinct(found: Iterable[Found]) -> list[Found]:
    """Of each name the pages with a kind of element that none before has; every dead link."""
    seen: dict[str, set[str]] = {}
    kept = []
    for page in found:
        known = seen.setdefault(page.name, set())
        if page.dead or not known or not page.elements <= known:
            kept.append(page)
        known |= page.elements
    return kept
