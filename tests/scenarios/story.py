"""Telling what happens to a case in the words that stand on the pages: who, on which day, makes which step with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pytest_django.fixtures import Settings

from rongtong.apps.cases import actions, holding, queries
from rongtong.apps.cases.models import Case
from rongtong.apps.cases.ticking import tick
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.process import form
from worlds import browser, member, unit

# Name → role, place, the organisation's name ("": an office without one) and sort.
PEOPLE = {
    "甲企业": ("enterprise", "330106", "甲精密机械有限公司", "enterprise"),
    "乙企业": ("enterprise", "330106", "乙新材料有限公司", "enterprise"),
    "丙企业": ("enterprise", "330106", "丙生物医药有限公司", "enterprise"),
    "热线": ("service_desk", "330100", "", ""),
    "分办员": ("service_desk", "330106", "", ""),
    "市里": ("city_officer", "330100", "", ""),
    "省里": ("provincial_officer", "330000", "", ""),
    "区科技局": ("handler", "330106", "西湖区科学技术局", "government"),
    "区经信局": ("handler", "330106", "西湖区经济和信息化局", "government"),
    "市经信局": ("handler", "330100", "杭州市经济和信息化局", "government"),
}


@dataclass
class Story:
    """The people of a story by name, and the clock, set by hand."""

    settings: Settings
    people: dict[str, Account] = field(default_factory=dict)

    @staticmethod
    def begin(settings: Settings) -> Story:
        """Everybody with an account, on Monday 16 June 2025."""
        told, actor = Story(settings), system_account()
        told.day("2025-06-16")
        for number, (name, (role, place, organisation, kind)) in enumerate(PEOPLE.items()):
            stem = f"91330106MA27XYQ{number:02}"
            own = unit(stem, organisation, kind, place, actor=actor) if organisation else None
            told.people[name] = member(f"story-{number}", name, role, place, actor=actor, organisation=own)
        return told

    def day(self, text: str) -> None:
        """It is this day now."""
        self.settings.PINNED_TODAY = date.fromisoformat(text)

    def morning(self, text: str) -> None:
        """It is this day, and the daily job has run."""
        self.day(text)
        assert tick().failed == []

    def firm(self, name: str) -> Organisation:
        """The organisation of somebody."""
        found = self.people[name].organisation
        assert found is not None
        return found

    def opens(self, who: str, process: str, answers: Mapping[str, Any], place: str = "330106") -> Case:
        """Somebody fills in the form that a process is started with."""
        account, definition = self.people[who], packs.current().get("processes", process)
        own = any(holding.reach(account).owns(definition.role(r)) for r in definition.opened_by)
        return actions.open_case(
            process,
            actor=account,
            place=place,
            data=read(definition.form, answers),
            organisation=account.organisation if own else None,
        )

    def does(self, who: str, case: Case, step: str, answers: Mapping[str, Any] | None = None) -> Case:
        """Somebody makes a step, called as the page calls it."""
        process = holding.process_of(case)
        (made,) = [t for t in process.transitions if t.name == step]
        seen = Case.objects.get(pk=case.pk).events
        data = read(made.form, answers or {})
        return actions.move(case.pk, made.code, actor=self.people[who], seen=seen, data=data)

    def stage(self, case: Case) -> str:
        """Where a case stands, in words."""
        now = Case.objects.select_related("definition").get(pk=case.pk)
        return holding.process_of(now).stage(now.stage).name

    def clock(self, case: Case, name: str) -> tuple[str, date | None]:
        """The state of a clock and its last day."""
        now = Case.objects.select_related("definition").get(pk=case.pk)
        (line,) = [c for c in queries.clocks(now) if c.reading.clock.name == name]
        return line.state, line.reading.due

    def waits_for(self, who: str) -> list[str]:
        """The titles of what stands in somebody's work list."""
        return [i.case.title for i in queries.work(self.people[who])]

    def reads(self, who: str, case: Case) -> bool:
        """Whether somebody may read a case at all."""
        return queries.visible(self.people[who]).filter(pk=case.pk).exists()

    def page(self, who: str, address: str, status: int = 200) -> str:
        """A page as somebody sees it."""
        answer = browser(self.people[who]).get(address)
        assert answer.status_code == status, (who, address, answer.status_code)
        return answer.content.decode()


def read(schema: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers by the labels of a form, choices by their words, as the form's own names and values."""
    known = {f.label: f for f in form.fields(schema)}
    return {known[label].name: _value(known[label], given) for label, given in answers.items()}


def _value(field_: form.Field, given: Any) -> Any:
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [_value(field_, g) for g in given]
    return {words: code for code, words in field_.options}.get(given, given)
