"""The schema of a process (流程): one YAML file holds a version of it, and nothing of it is code."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from rongtong.engine.pack.clock import OPEN, Clock, Over, Warn, check_warnings
from rongtong.engine.pack.model import Cite, Code, Mark, Statement, Text
from rongtong.engine.pack.outcome import Certificate, Counts, Due, Limit, LinkName, Measure, Notice, Opens, Tally, Under

# Before the code of a stage: the code of the clock that its deadline is. No clock of a process has a point in its code.
STAGE_CLOCK = "stage."


class ProcessRole(Statement):
    """Who takes part: whoever holds one of the account roles `held_by`, seen from the place of the case.

    `self`: with a grant for that very place (or, for the whole, for the instance); `parent`: for the place right above;
    `root`: for the whole; `covering`: for it or any place above; `below`: for it or any place within; `own`: whoever
    belongs to the organisation the case is of; `parent_own`: whoever belongs to the organisation of the case it was opened
    under (whose result a firm uses first); `participant`: for a place, organisation or account that the case names
    for this role; `notice`: whoever has the account role, while the case is on public notice, and then from the notice
    board only (异议). A role with `head_only` reads of a case what it is and who takes part, not what was filled in
    (an expert before declaring). `apart` (回避) are roles, and fields or columns (`field.column`) that hold a 统一社会信用代码:
    whoever has one of those roles, or belongs to one of those organisations, cannot be named for this role. `known_to`
    (匿名评审) are the roles that learn who has this one; empty: everybody who reads the case.
    """

    code: Code
    name: Text
    held_by: tuple[Code, ...]
    at: Literal["self", "parent", "root", "covering", "below", "own", "parent_own", "participant", "notice"] = "self"
    head_only: bool = False
    apart: tuple[Text, ...] = ()
    known_to: tuple[Code, ...] = ()


class Deadline(Statement):
    """How long a stage may take, counted from the day after it is entered; who is told as of a clock, nobody otherwise."""

    days: int = Field(ge=0)
    calendar: Literal["working", "calendar"] = "working"
    warn: tuple[Warn, ...] = ()
    tell: tuple[Code, ...] = Field(default=(), description="process roles that are told once it has passed")
    mark: Mark = "proposed"
    note: str = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        check_warnings(self.warn, self.days)
        return self


class Stage(Statement):
    """A state a case can be in. A stage with an `outcome` ends the case."""

    code: Code
    name: Text
    name_en: str = ""
    see: tuple[Code, ...] = Field(
        default=(), description="process roles that read a case here; empty: every role, and whoever reads the place"
    )
    outcome: str = ""
    notice: Notice | None = None
    deadline: Deadline | None = None
    no_clock: str = Field(default="", description="why a wait here has no clock")
    mark: Mark = "proposed"


class Transition(Statement):
    """A step from one of the stages `at` to the stage `to` (empty: the case stays where it is)."""

    code: Code
    name: Text
    name_en: str = ""
    at: tuple[Code, ...]
    to: str = ""
    by: tuple[Code, ...] = ()
    automatic: bool = Field(default=False, description="made by the system as soon as its guard holds")
    optional: bool = Field(default=False, description="nobody waits for it: it stands in no work list")
    when: str = Field(default="", description="guard: an expression over the process's variables")
    refusal: str = Field(default="", description="what is said when the guard does not hold")
    not_by: tuple[Code, ...] = Field(
        default=(), description="transitions: whoever made one of them in this round may not make this one"
    )
    form: dict[str, Any] = Field(default_factory=dict, description="JSON Schema of what is asked for")
    refill: bool = Field(
        default=False,
        description="its form begins with what its fields hold, and a field left empty is empty from then on (修改后再报)",
    )
    each: bool = Field(default=False, description="made once by each who has a role of `by`, as by each expert")
    takes: str = Field(default="", description="the process role the actor has from then on, in place of that of `by`")
    read_by: tuple[Code, ...] = Field(
        default=(), description="process roles that read what was filled in, besides whoever did it; empty: all"
    )
    files: Literal["", "optional", "required"] = Field(default="", description="whether evidence (佐证材料) is taken")
    due: str = Field(default="", description="the field of the form that sets the case's own deadline")
    parts: dict[Code, Text] = Field(
        default_factory=dict,
        description="process role → the field of the form that names who takes that part from now on, in place of others; "
        "a field left empty names nobody",
    )
    links: dict[Code, Text] = Field(
        default_factory=dict,
        description="kind of link → the field that names the case, or cases, linked to (合并、举一反三)",
    )
    link_names: dict[Code, LinkName] = Field(
        default_factory=dict, description="kind of link → what it is called; said once, it holds for the whole process"
    )
    opens: tuple[Opens, ...] = ()
    effects: tuple[str, ...] = Field(default=(), description="app.name of what else happens")
    cite: Cite | None = None
    mark: Mark = "proposed"


class Fragment(Statement):
    """A block used in a process: which, with what in place of its parameters, its stages standing after `after`.

    `prefix` goes before the codes of its stages and steps, so that one block can be used twice.
    """

    block: Code
    with_: dict[Code, Any] = Field(default_factory=dict, alias="with")
    after: str = ""
    prefix: str = Field(default="", pattern=r"^[a-z0-9_]*$")


class Block(Statement):
    """`blocks.yaml`: stages and steps that many processes share (公示, 异议, 复核 …), with parameters written `$name`.

    `parameters` gives each its default; one of null has to be given by whoever uses the block.
    """

    code: Code
    name: Text
    about: Text
    parameters: dict[Code, Any] = Field(default_factory=dict)
    stages: tuple[dict[str, Any], ...] = ()
    transitions: tuple[dict[str, Any], ...] = ()
    mark: Mark = "proposed"
    cite: Cite | None = None
    note: str = ""


class Process(Statement):
    """`processes/*.yaml`: a process and version: roles, stages, transitions, forms, clocks."""

    code: Code
    version: Text
    name: Text
    name_en: str = ""
    about: Text = Field(description="what it is for, in a sentence")
    owner: str = Field(default="", description="the department that owns it")
    cite: Cite | None = None
    mark: Mark = "proposed"
    valid_from: date | None = None
    start: Code = Field(description="the stage a case is opened in")
    opened_by: tuple[Code, ...]
    clock: Literal["", "case"] = Field(default="", description="`case`: a case carries a deadline of its own")
    uses: tuple[Fragment, ...] = Field(default=(), description="blocks; in force they stand in full among the stages")
    labels: tuple[Code, ...] = Field(default=(), description="fields that lists are filtered and counted by")
    form: dict[str, Any] = Field(default_factory=dict, description="JSON Schema of what a case is opened with")
    parts: dict[Code, Text] = Field(
        default_factory=dict, description="process role → the field of that form that names who takes that part"
    )
    of: str = Field(
        default="",
        description="the field of that form that names the organisation whose case it is, where another opens it for it",
    )
    under: Under | None = None
    alike: tuple[Code, ...] = Field(
        default=(), description="fields by whose wording cases that may be one and the same are found (合并、举一反三)"
    )
    links: dict[Code, Text] = Field(
        default_factory=dict, description="as of a step, with the fields of the opening form"
    )
    link_names: dict[Code, LinkName] = Field(default_factory=dict, description="as of a step")
    prefill: dict[Code, Literal["organisation.name", "organisation.uscc", "organisation.place", "account.name"]] = (
        Field(default_factory=dict, description="field of the opening form → what is known of whoever opens the case")
    )
    facts: str = Field(default="", description="app.name of what gives variables their values that no form asks for")
    variables: dict[str, Literal["number", "flag", "text"]] = Field(
        default_factory=dict,
        description="what guards speak of: fields of the forms by their names, and what `facts` gives",
    )
    tallies: tuple[Tally, ...] = ()
    clocks: tuple[Clock, ...] = Field(default=(), description="terms that run over several stages")
    limits: tuple[Limit, ...] = Field(default=(), description="限项")
    counts: Counts = Counts()
    measures: tuple[Measure, ...] = ()
    dues: tuple[Due, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    roles: tuple[ProcessRole, ...]
    stages: tuple[Stage, ...]
    transitions: tuple[Transition, ...]
    note: str = ""

    def stage(self, code: str) -> Stage:
        """The stage of this code. Raises KeyError."""
        return next((s for s in self.stages if s.code == code), None) or _missing(f"{self.code} 没有环节“{code}”。")

    def role(self, code: str) -> ProcessRole:
        """The role of this code. Raises KeyError."""
        return next((r for r in self.roles if r.code == code), None) or _missing(f"{self.code} 没有角色“{code}”。")

    def transition(self, code: str) -> Transition | None:
        """The transition of this code, or None."""
        return next((t for t in self.transitions if t.code == code), None)

    def step_name(self, code: str) -> str:
        """The name of a step, or of the opening."""
        step = self.transition(code)
        return step.name if step else f"开始{self.name}"

    def link_name(self, kind: str) -> LinkName | None:
        """What a kind of link is called; None where no step nor the opening names it."""
        named = (self.link_names, *(t.link_names for t in self.transitions))
        return next((names[kind] for names in named if kind in names), None)

    @property
    def reminding(self) -> tuple[Clock, ...]:
        """The clocks that somebody is told about: its own, and the deadlines of its stages with whom they tell."""
        return (*self.clocks, *(c for s in self.stages if s.deadline and (c := self._stage_clock(s, s.deadline))))

    def _stage_clock(self, stage: Stage, deadline: Deadline) -> Clock | None:
        enters = [t.code for t in self.transitions if t.to == stage.code and t.at != (stage.code,)]
        starts = [OPEN, *enters] if stage.code == self.start else enters
        stops = [t.code for t in self.transitions if stage.code in t.at and t.to not in ("", stage.code)]
        if not (deadline.warn or deadline.tell) or not (starts and stops):
            return None
        return Clock(
            code=f"{STAGE_CLOCK}{stage.code}", name=stage.name, name_en=stage.name_en, days=deadline.days,
            calendar=deadline.calendar, starts=tuple(starts), restarts=True, stops=tuple(stops), warn=deadline.warn,
            over=Over(tell=deadline.tell) if deadline.tell else None,
        )  # fmt: skip

    @property
    def fields(self) -> frozenset[str]:
        """The names of all that its forms ask for."""
        forms = (self.form, *(t.form for t in self.transitions))
        return frozenset(name for form in forms for name in form.get("properties", {}))

    @property
    def titles(self) -> dict[str, str]:
        """What the fields of its forms are called; the first form that asks for a field says it."""
        forms = (self.form, *(t.form for t in self.transitions))
        asked = [(n, spec.get("title", n)) for form in forms for n, spec in form.get("properties", {}).items()]
        return dict(reversed(asked))

    @property
    def text(self) -> str:
        """The process as JSON, fields of forms in the order they are asked in, without what is at its default."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True, by_alias=True), ensure_ascii=False)

    @property
    def body(self) -> str:
        """The process as one JSON text, keys sorted, without what is at its default: what its fingerprint is of."""
        plain = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of `body`: a published version keeps it for ever."""
        return hashlib.sha256(self.body.encode()).hexdigest()


class Published(Statement):
    """`processes/published.csv`: versions that are published, and therefore never change again."""

    process: Code
    version: Text
    sha256: Text


def _missing(message: str) -> Any:
    raise KeyError(message)
