"""The process library (流程库): what a definition says, laid out for whoever wants to know what happens and by when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rongtong.apps.cases.library_words import AT, KINDS, MARKS, WORDS
from rongtong.apps.planning.pages_cards import Basis, basis
from rongtong.apps.registry.roles import role_name
from rongtong.engine.pack.clock import Clock, Warn
from rongtong.engine.pack.model import Cite, Commitment, Indicator
from rongtong.engine.pack.outcome import Certificate, Due, Measure, Notice
from rongtong.engine.pack.process import Process, ProcessRole, Stage, Transition
from rongtong.engine.pack.read import Pack
from rongtong.engine.process import form
from rongtong.engine.process.state import OPEN
from rongtong.languages import Language

Named = Stage | Transition


@dataclass(frozen=True, slots=True)
class Ground:
    """What a setting rests on: its mark (建议值, 类比, 已核实), the clause, and a remark."""

    mark: str
    code: str
    basis: Basis | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A process in the list, with how many commitments and indicators it counts towards."""

    process: Process
    commitments: int
    indicators: int
    ground: Ground

    @property
    def inner(self) -> bool:
        """Whether the platform runs itself by it: an app does part of it, and it counts towards nothing."""
        coded = self.process.facts or any(t.effects for t in self.process.transitions)
        return bool(coded) and not self.commitments and not self.indicators


@dataclass(frozen=True, slots=True)
class Counted:
    """An indicator a process counts towards, and the measures by which it does, with the label of the field they add."""

    card: Indicator
    measures: tuple[tuple[Measure, str, tuple[Named | None, ...], tuple[Named | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A clock in words: how long, for which sorts of case otherwise, from and until which steps, where it stands still.

    None among the steps stands for the opening.
    """

    clock: Clock
    length: str
    by_case: tuple[str, ...]
    starts: tuple[Named | None, ...]
    stops: tuple[Named | None, ...]
    pauses: tuple[Named | None, ...]
    extends: tuple[tuple[Named | None, str], ...]
    over: tuple[str, ...]
    makes: Named | None
    ground: Ground


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of a form in words."""

    label: str
    kind: str
    required: bool
    hint: str
    options: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step with where it leads, who makes it and what it asks for."""

    step: Transition
    at: tuple[Named | None, ...]
    to: Stage | None
    by: tuple[ProcessRole, ...]
    not_by: tuple[Named | None, ...]
    fields: tuple[Asked, ...]
    ground: Ground


@dataclass(frozen=True, slots=True)
class RoleLine:
    """A role: which accounts hold it, how they stand to the case, and which steps are theirs."""

    role: ProcessRole
    held_by: str
    at: str
    does: tuple[Named | None, ...]


@dataclass(frozen=True, slots=True)
class DueLine:
    """A due in words."""

    due: Due
    owes: str
    born: tuple[Named | None, ...]
    falls: str
    ends: tuple[Named | None, ...]
    ground: Ground


@dataclass(frozen=True, slots=True)
class Outcome:
    """A notice or certificate with the labels of the fields it shows, and the stage or steps it belongs to."""

    what: Notice | Certificate
    fields: str
    at: tuple[Named | None, ...]
    ended: tuple[Named | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A version in the packs; `published` ones never change again."""

    process: Process
    current: bool
    published: bool


def entries(pack: Pack, found: Iterable[Process], language: Language, *, protected: bool) -> list[Entry]:
    """The processes as the list shows them."""
    return [
        Entry(p, len(commitments(pack, p)), len(counted(pack, p, protected=protected)), _ground(pack, p, language))
        for p in found
    ]


def commitments(pack: Pack, process: Process) -> tuple[Commitment, ...]:
    """The commitments it says it counts towards, and those that its indicators measure."""
    codes = {*process.counts.commitments}
    measured = {m.indicator for m in process.measures} | set(process.counts.indicators)
    return tuple(c for c in pack.all("commitments") if c.id in codes or (c.indicator and c.indicator in measured))


def counted(pack: Pack, process: Process, *, protected: bool) -> tuple[Counted, ...]:
    """The indicators it counts towards; cards above L1 only where `protected` is allowed."""
    codes = dict.fromkeys((*process.counts.indicators, *(m.indicator for m in process.measures)))
    cards = [card for code in codes if (card := pack.find("indicators", code)) is not None]
    return tuple(
        Counted(
            card,
            tuple(
                (m, _labels(process, [m.field] if m.field else ()), _steps(process, m.at), _steps(process, m.undone_by))
                for m in process.measures
                if m.indicator == card.code
            ),
        )
        for card in cards
        if protected or card.level == "L1"
    )


def page(pack: Pack, process: Process, language: Language, *, protected: bool) -> dict[str, object]:
    """Everything the page of a process shows."""
    return {
        "process": process,
        "owner": department.name if (department := pack.find("departments", process.owner)) else process.owner,
        "ground": _ground(pack, process, language),
        "commitments": commitments(pack, process),
        "counted": counted(pack, process, protected=protected),
        "roles": tuple(_role(process, r, language) for r in process.roles),
        "terms": tuple(_term(pack, process, c, language) for c in process.clocks),
        "stages": tuple((s, _stage_term(process, s, language), _mark(s, language)) for s in process.stages),
        "steps": tuple(_step(pack, process, t, language) for t in process.transitions),
        "open_form": _fields(process.form, language),
        "dues": tuple(_due(pack, process, d, language) for d in process.dues),
        "notices": tuple(_notice(process, s) for s in process.stages if s.notice),
        "certificates": tuple(_certificate(process, c) for c in process.certificates),
        "limits": tuple(
            (one.refusal, _mark_ground(pack, one.mark, one.cite, one.note, language)) for one in process.limits
        ),
        "versions": tuple(_versions(pack, process)),
    }


def _ground(pack: Pack, thing: Process | Clock | Due | Transition, language: Language) -> Ground:
    note = "" if isinstance(thing, Transition) else thing.note
    return _mark_ground(pack, thing.mark, thing.cite, note, language)


def _mark_ground(pack: Pack, mark: str, cite: Cite | None, note: str, language: Language) -> Ground:
    return Ground(MARKS[language][mark], mark, basis(pack, cite) if cite else None, note)


def _steps(process: Process, codes: Iterable[str]) -> tuple[Transition | None, ...]:
    return tuple(None if code == OPEN else process.transition(code) for code in codes)


def _role(process: Process, role: ProcessRole, language: Language) -> RoleLine:
    does = tuple(t for t in process.transitions if role.code in t.by)
    opens: tuple[Named | None, ...] = (None,) if role.code in process.opened_by else ()
    return RoleLine(role, "、".join(role_name(h) for h in role.held_by), AT[language][role.at], opens + does)


def _term(pack: Pack, process: Process, clock: Clock, language: Language) -> Term:
    w = WORDS[language]
    days = w["working" if clock.calendar == "working" else "calendar"]
    length = f"{clock.months} {w['months']}" if clock.months is not None else ""
    if clock.until:
        length = f"{w['agreed']}{w['c']}{_labels(process, [clock.until])}"
    if clock.days is not None:
        length = f"{clock.days} {days}"
    extends = []
    for one in clock.extends:
        said = [w["at_most"].format(one.at_most)] if one.at_most else []
        said += [w["at_most_days"].format(one.at_most_days)] if one.at_most_days else []
        extends.append((process.transition(one.transition), w["d"].join(said)))
    over = _told(process, clock.warn, clock.over.tell if clock.over else (), language)
    makes = process.transition(clock.over.make) if clock.over and clock.over.make else None
    return Term(
        clock, length, _by_case(process, clock, days), _steps(process, clock.starts), _steps(process, clock.stops),
        tuple(process.stage(code) for code in clock.pauses), tuple(extends), over, makes,
        _ground(pack, clock, language),
    )  # fmt: skip


def _told(process: Process, warn: Iterable[Warn], tell: Iterable[str], language: Language) -> tuple[str, ...]:
    """Who is told when, a line for each threshold."""
    w = WORDS[language]
    lines = [f"{w['warn'].format(one.left)}{w['c']}{_roles(process, one.tell)}" for one in warn]
    return (*lines, *([f"{w['tell']}{w['c']}{_roles(process, tell)}"] if tell else []))


def _by_case(process: Process, clock: Clock, days: str) -> tuple[str, ...]:
    """The terms that go by what sort of case it is, in the words of the choice."""
    if clock.days_by is None:
        return ()
    options = {f.name: dict(f.options) for schema in _forms(process) for f in form.fields(schema)}
    said = options.get(clock.days_by.field, {})
    return tuple(f"{said.get(value, value)} {number} {days}" for value, number in clock.days_by.days.items())


def _roles(process: Process, codes: Iterable[str]) -> str:
    return "、".join(process.role(code).name for code in codes)


def _stage_term(process: Process, stage: Stage, language: Language) -> tuple[str, ...]:
    """How long a stage may take, and who is told of it."""
    w, one = WORDS[language], stage.deadline
    if stage.outcome:
        return (w["ends"],)
    if one:
        days = f"{one.days} {w['working' if one.calendar == 'working' else 'calendar']}"
        return (days, *_told(process, one.warn, one.tell, language))
    return (w["no_deadline"] if stage.no_clock else w["by_case"],)


def _mark(stage: Stage, language: Language) -> str:
    """The mark of the stage's own term; "" without one."""
    return MARKS[language][stage.deadline.mark] if stage.deadline else ""


def _step(pack: Pack, process: Process, step: Transition, language: Language) -> StepLine:
    return StepLine(
        step,
        tuple(process.stage(code) for code in step.at),
        process.stage(step.to) if step.to else None,
        tuple(process.role(code) for code in step.by),
        _steps(process, step.not_by),
        _fields(step.form, language),
        _ground(pack, step, language),
    )


def _fields(schema: dict[str, object], language: Language) -> tuple[Asked, ...]:
    return tuple(
        Asked(
            f.label,
            KINDS[language].get(f.kind, f.kind),
            f.required,
            f.hint,
            "、".join(c.label for c in f.columns) if f.columns else "、".join(words for _, words in f.options),
        )
        for f in form.fields(schema)
    )


def _due(pack: Pack, process: Process, due: Due, language: Language) -> DueLine:
    w = WORDS[language]
    if due.months:
        falls = f"{'、'.join(map(str, due.months))} {w['after_months']}"
    elif due.months_in:
        falls = f"{_labels(process, [due.months_in])} {w['after_months']}"
    elif due.days is not None:
        falls = f"{due.days} {w['after_days']}"
    else:
        falls = f"{w['on_date' if due.on else 'each_row']}{w['c']}{_labels(process, [due.on or due.each])}"
    return DueLine(
        due, process.role(due.by).name, _steps(process, due.born), falls,
        (*_steps(process, due.met_by), *_steps(process, due.waived_by)), _ground(pack, due, language),
    )  # fmt: skip


def _labels(process: Process, names: Iterable[str]) -> str:
    """The labels of fields, in the order they are named."""
    known = {f.name: f.label for schema in _forms(process) for f in form.fields(schema)}
    return "、".join(known.get(name, name) for name in names)


def _forms(process: Process) -> Iterator[dict[str, object]]:
    yield process.form
    yield from (t.form for t in process.transitions)


def _notice(process: Process, stage: Stage) -> Outcome:
    assert stage.notice is not None  # asked for by the caller
    return Outcome(stage.notice, _labels(process, stage.notice.fields), (stage,))


def _certificate(process: Process, one: Certificate) -> Outcome:
    return Outcome(
        one, _labels(process, one.fields), _steps(process, one.at), _steps(process, one.revoked_by)
    )  # fmt: skip


def _versions(pack: Pack, process: Process) -> Iterator[Version]:
    published = {(p.process, p.version, p.sha256) for p in pack.all("published")}
    for one in pack.all("processes"):
        if one.code == process.code:
            there = (one.code, one.version, one.fingerprint) in published
            yield Version(one, one.version == process.version, there)
