"""A page read and its forms sent as a browser without JavaScript does: what the HTML does not hold is not sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from django.test import Client
from lxml import html

from rongtong.apps.registry.models import Account


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


class Visitor:
    """An account at a page, finding links, fields and buttons by the words on them. What is not there is an error."""

    def __init__(self, who: Account) -> None:
        self.client = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
        self.client.force_login(who)
        self.path = "/"
        self.status = 0
        self.page: Any = None

    def open(self, address: str) -> None:
        self._shown(self.client.get(urljoin(self.path, address), follow=True))

    def follow(self, name: str) -> None:
        """Follow the link of this name in the main part of the page."""
        self.open(self._one([a for a in self._main().iter("a") if words(a) == name], f"link {name}").get("href"))

    def fill(self, label: str, value: str, within: str = "") -> None:
        """Write into the field of this label; `within` is the legend of its row or the name of its form."""
        field = self.field(label, within)
        assert field.tag in ("input", "textarea"), f"{label} is a {field.tag}"
        field.value = value

    def choose(self, label: str, option: str, within: str = "") -> None:
        """Choose the option that has these words."""
        field = self.field(label, within)
        found = self._one([o for o in field.iter("option") if words(o) == option], f"option {option} of {label}")
        field.value = found.get("value", option)

    def tick(self, label: str, wanted: bool, within: str = "") -> None:
        self.field(label, within).checked = wanted

    def press(self, name: str, within: str = "") -> None:
        """Press the button of this name: its form is sent with what its fields hold, and what comes is shown."""
        buttons = [b for b in self._scope(within).iter("button") if b.get("aria-hidden") != "true"]
        button = self._one([b for b in buttons if (b.get("aria-label") or words(b)) == name], f"button {name}")
        assert button.get("disabled") is None, f"{name} cannot be pressed: {words(button.getparent().getparent())}"
        form = self._one(list(button.iterancestors("form")), f"form of {name}")
        sent: dict[str, list[str]] = {}
        for key, value in form.form_values():
            sent.setdefault(key, []).append(value)
        if button.get("name"):
            sent[button.get("name")] = [button.get("value", "")]
        address = urljoin(self.path, form.get("action") or self.path)
        ask = self.client.post if form.get("method", "get").lower() == "post" else self.client.get
        self._shown(ask(address, sent, follow=True))

    def field(self, label: str, within: str = "") -> Any:
        """The field of this label."""
        scope = self._scope(within)
        found = self._one([x for x in scope.iter("label") if _own_words(x) == label], f"field {label} of {within}")
        return self.page.get_element_by_id(found.get("for")) if found.get("for") else _held(found)

    def row(self, name: str) -> list[str]:
        """The cells of the table row with this head."""
        heads = [h for h in self._main().iter("th") if h.get("scope") == "row" and words(h) == name]
        return [words(cell) for cell in self._one(heads[:1], f"row {name}").getparent()]

    def text(self) -> str:
        return words(self._main())

    def _scope(self, within: str) -> Any:
        if not within:
            return self._main()
        legends = [x.getparent() for x in self._main().iter("legend") if words(x) == within]
        named = [x for x in self._main().iter("form") if x.get("aria-label") == within]
        return self._one(legends + named, f"part {within}")

    def _main(self) -> Any:
        return self._one(list(self.page.iter("main")), "main part")

    def _one(self, found: list[Any], what: str) -> Any:
        assert len(found) == 1, f"{len(found)} of: {what}, on {self.path} ({self.status})"
        return found[0]

    def _shown(self, answer: Any) -> None:
        chain = getattr(answer, "redirect_chain", None)
        self.path = urljoin(self.path, chain[-1][0]) if chain else answer.request["PATH_INFO"]
        self.status = answer.status_code
        self.page = html.fromstring(answer.content.decode())


def _own_words(label: Any) -> str:
    return " ".join(" ".join(label.xpath("text()")).split())


def _held(label: Any) -> Any:
    return next(x for x in label.iter("input", "select", "textarea"))
