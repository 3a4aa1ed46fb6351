"""The schema of a clock (期限): a term that runs in a case, what starts, stops, pauses and extends it, who is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from rongtong.engine.pack.model import Cite, Code, Mark, Statement, Text

if TYPE_CHECKING:
    from rongtong.engine.pack.process import Process

OPEN = "open"


class Extension(Statement):
    """An extension (延期): a transition that grants it and how much it may grant."""

    transition: Code
    field: str = Field(
        default="",
        description="the item of its form that holds the days granted (integer) or the new last day (date); "
        "empty: always `at_most_days`",
    )
    at_most: int | None = Field(default=None, ge=1, description="how many times; empty: no limit")
    at_most_days: int | None = Field(
        default=None, ge=1, description="the longest one extension may be; empty: no limit"
    )

    @model_validator(mode="after")
    def _says_how_long(self) -> Self:
        if not self.field and self.at_most_days is None:
            raise ValueError("延期应写 field（表单里的日数或日期）或 at_most_days（固定日数）")
        return self


class Warn(Statement):
    """A threshold (预警): who is told when no more than `left` days are left."""

    left: int = Field(ge=0)
    tell: tuple[Code, ...] = Field(min_length=1, description="process roles")


def check_warnings(warn: tuple[Warn, ...], days: int | None) -> None:
    """Raises ValueError where two thresholds are the same, or one is not below the days of the term."""
    lefts = [w.left for w in warn]
    if len(lefts) > len(set(lefts)):
        raise ValueError("两个预警写了同样的 left")
    if days is not None and any(left >= days for left in lefts):
        raise ValueError(f"预警的 left 应小于 days（{days}）")


class Over(Statement):
    """What follows when the last day has passed (超期): who is told, and the step the system makes (提级), if any."""

    tell: tuple[Code, ...] = Field(default=(), description="process roles")
    make: str = Field(default="", description="a transition")


class DaysBy(Statement):
    """The days of a term by the value of a choice field (简单、一般、疑难各有时限); another value has the clock's own `days`."""

    field: Code
    days: dict[str, Annotated[int, Field(ge=0)]] = Field(min_length=1)


class Clock(Statement):
    """A clock of a process (期限).

    How it counts, after the Civil Code (民法典 第二百〇一条至第二百〇三条):

    * **A day belongs to the state the case was in as the day began.** So the day of the event that starts the clock
      does not count (开始之日不计入); the day on which the case enters a stage of `pauses` still counts; the day on which
      it leaves it does not; the day of the event that stops the clock counts. Entering and leaving on one day changes
      nothing.
    * `days` counts working days or calendar days, each that is not paused. The day on which the count is full is the
      last day, and whoever stops the clock on it is in time. `days: 0` ends on the day it starts.
    * `days_by` takes the days by the value that a field was last filled in with, before the clock started or after; a
      value that changes makes the term as long as it would have been with it from the start, pauses and extensions in
      days kept. After an extension to a date it changes nothing, nor does what is filled in with the step that stops it.
    * `months` ends on the day of the same number that many calendar months later, or on that month's last day where it
      has none. Every paused day moves it on by one.
    * `until` ends on the date in that field of the step that starts it or, where that has none, filled in before (a term
      that the parties agree); working or calendar days paused after the start follow after it.
    * An extension in days makes the count so much longer, working or calendar days as the clock counts. An extension to
      a date puts that date in place of the last day, whatever day it is; working or calendar days paused between the
      day it was granted and that date follow after it. An extension that gives no day more, or beyond `at_most`,
      changes nothing; one longer than `at_most_days` is cut to it.
    * `holds` (顺延): a last day that is no working day moves to the next one. An extension counts from the unmoved day.
    * `starts` starts it once; with `restarts`, every later start begins anew, without its extensions and pauses. A clock
      that has stopped stays stopped until then.
    """

    code: Code
    name: Text
    name_en: str = ""
    days: int | None = Field(default=None, ge=0)
    days_by: DaysBy | None = None
    months: int | None = Field(default=None, ge=1, description="calendar months, instead of `days`")
    until: str = Field(default="", description="a date field with the last day, instead of `days`")
    calendar: Literal["working", "calendar"] = "working"
    starts: tuple[Code, ...] = Field(min_length=1, description="transitions, or `open`")
    restarts: bool = Field(default=False, description="a later start begins the count anew (不满意重办)")
    stops: tuple[Code, ...] = Field(min_length=1, description="transitions that meet it")
    pauses: tuple[Code, ...] = Field(default=(), description="stages in which it stands still (补正、等待企业)")
    extends: tuple[Extension, ...] = ()
    warn: tuple[Warn, ...] = ()
    over: Over | None = None
    holds: bool = Field(default=False, description="a last day off moves to the next working day (顺延)")
    lapses: bool = Field(
        default=False,
        description="its last day is the end of a term (期间：试用期、上架期), no deadline: nobody is late once it has passed",
    )
    mark: Mark = "proposed"
    cite: Cite | None = None
    note: str = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if sum((self.days is not None, self.months is not None, bool(self.until))) != 1:
            raise ValueError("应恰好写 days、months、until 之一")
        if self.months is not None and self.calendar == "working":
            raise ValueError("按月计的期限应写 calendar: calendar")
        if self.holds and self.calendar == "working":
            raise ValueError("按工作日计的期限，末日总是工作日，不写 holds")
        if self.days is None and self.days_by:
            raise ValueError("按月计、到约定日期的期限不写 days_by")
        check_warnings(self.warn, self.days)
        extending = [e.transition for e in self.extends]
        if len(extending) > len(set(extending)):
            raise ValueError("一个步骤只能写一条延期")
        return self

    def misfits(self, process: Process) -> Iterator[tuple[str, str]]:
        """(what is wrong, what to do) for every name the process does not have and every field that does not fit."""
        steps = {t.code: t for t in process.transitions}
        stages, roles = {s.code: s for s in process.stages}, {r.code for r in process.roles}
        over = self.over or Over()
        wanted = [("步骤", s, "starts", {OPEN, *steps}) for s in self.starts]
        wanted += [("步骤", s, "stops", set(steps)) for s in self.stops]
        wanted += [("步骤", e.transition, "extends", set(steps)) for e in self.extends]
        wanted += [("步骤", over.make, "over 的 make", set(steps))] if over.make else []
        wanted += [("环节", s, "pauses", set(stages)) for s in self.pauses]
        told = [role for warn in self.warn for role in warn.tell]
        wanted += [("角色", role, "tell", roles) for role in (*told, *over.tell)]
        for what, code, where, known in wanted:
            if code not in known:
                yield (
                    f"期限 {self.code} 的 {where} 写了{what}“{code}”，没有这个{what}",
                    f"改为 {'、'.join(sorted(known))} 之一",
                )
        if self.days_by:
            yield from self._misfitting_days(process)
        if self.until and not any(
            form.get("properties", {}).get(self.until, {}).get("format") == "date"
            for form in (process.form, *(t.form for t in process.transitions))
        ):
            yield f"期限 {self.code} 的 until“{self.until}”不是哪个表单里的日期", "在 form 里加一个 format: date 的项"
        for stage in self.pauses:
            if stage in stages and stages[stage].outcome:
                yield (
                    f"期限 {self.code} 在终结环节“{stages[stage].name}”停计，永远不会再走",
                    "改 pauses，或把到它的步骤写进 stops",
                )
        for one in self.extends:
            item = (
                steps[one.transition].form.get("properties", {}).get(one.field, {}) if one.transition in steps else {}
            )
            fits = item.get("type") == "integer" or item.get("format") == "date"
            if one.field and one.transition in steps and not fits:
                where = f"步骤“{steps[one.transition].name}”的表单"
                yield (
                    f"期限 {self.code} 的延期取“{one.field}”，{where}里没有这个整数或日期",
                    "在 form 里加 type: integer 或 format: date 的项",
                )

    def _misfitting_days(self, process: Process) -> Iterator[tuple[str, str]]:
        assert self.days_by is not None  # just asked
        name = self.days_by.field
        forms = (process.form, *(t.form for t in process.transitions))
        specs = [f["properties"][name] for f in forms if name in f.get("properties", {})]
        options = {str(o["const"]) for s in specs for o in s.get("oneOf", ())} | {
            o for s in specs for o in s.get("enum", ())
        }
        if not options:
            yield f"期限 {self.code} 的 days_by 写了“{name}”，没有表单有这个选项", "改为表单里的选择项"
        for value in sorted(self.days_by.days.keys() - options) if options else ():
            yield (
                f"期限 {self.code} 的 days_by 写了“{value}”，“{name}”没有这个选项",
                f"改为 {'、'.join(sorted(options))} 之一",
            )
