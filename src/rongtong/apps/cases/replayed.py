"""One history of a case, step by step in memory: everything its steps would have left, and why one cannot have happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rongtong import clock
from rongtong.apps.cases import actions, bearing, following, holding, near
from rongtong.apps.cases.errors import CaseError
from rongtong.apps.cases.histories import History, Move, ReplayError, Stands, World
from rongtong.apps.cases.models import Band, Case, Event, Label, Link, Measured, Obligation, Participant
from rongtong.apps.cases.starting import organisation_of, retitled, titled
from rongtong.apps.cases.steps import CHAIN, check_form, read_clocks
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account
from rongtong.clock import LOCAL
from rongtong.engine import alike
from rongtong.engine.pack.outcome import Measure
from rongtong.engine.pack.process import ProcessRole, Transition
from rongtong.engine.process import due, guard
from rongtong.engine.process.known import known
from rongtong.engine.process.state import OPEN, Happened, ProcessError, State, after, barred, filled


@dataclass(slots=True)
class Left:
    """What one step leaves: its event, and the kind and payload of its leaf."""

    past: Past
    event: Event
    actor: str
    kind: str
    payload: dict[str, object]


class Past:
    """A case while its history is replayed: every check and every row that `actions` makes, without the database."""

    def __init__(self, world: World, history: History) -> None:
        self.world, self.history = world, history
        self.process, definition = world.definition(history.process)
        self.case = Case(
            pk=world.new_case(), definition=definition, process=self.process.code, version=self.process.version,
            place=history.place, organisation=history.organisation, period=history.period, chain=history.chain,
            deadline=history.deadline,
        )  # fmt: skip
        self.state: State | None = None
        self.happened: list[Happened] = []
        self.participants: list[Participant] = []
        self.labels: dict[str, list[str]] = {}
        self.obligations: list[Obligation] = []
        self.links: list[Link] = []
        self.measured: list[Measured] = []
        self.left: list[Left] = []
        self.at: datetime | None = None
        self.over = False

    @property
    def data(self) -> Mapping[str, Any]:
        """What its forms were filled with, later answers in place of earlier ones."""
        return self.state.data if self.state else {}

    def bands(self) -> list[Band]:
        """The rows by which cases of like wording are found."""
        if not any(self.data.get(name) for name in self.process.alike):
            return []
        found = alike.bands(alike.sketch(near.text(self.process, self.data)))
        return [Band(case_id=self.case.pk, band=band) for band in sorted(set(found))]

    def label_rows(self) -> list[Label]:
        """The rows of its labels."""
        longest = following.LONGEST_LABEL
        return [
            Label(case_id=self.case.pk, name=n, value=text[:longest])
            for n, found in self.labels.items()
            for text in found
        ]

    @property
    def on(self) -> date:
        """The day of the step under way."""
        assert self.at is not None  # set by `step`
        return self.at.astimezone(LOCAL).date()

    def step(self, move: Move) -> list[Left]:
        """Make one step, and the automatic ones that follow it. Raises ReplayError; the history is then of no more use."""
        self.left = []
        try:
            if self.at is not None and move.at < self.at:
                raise ReplayError(f"{move.at} 早于前一步 {self.at}")
            if move.at > clock.now():
                raise ReplayError(f"{move.at} 还没有到")
            self.at = move.at
            self._open(move) if self.state is None else self._move(move)
            self._automatic()
        except (
            ReplayError, ProcessError, CaseError, Denied, following.NoSuchParticipant, ValueError
        ) as error:  # fmt: skip
            which = f"{self.process.name} {self.case.key or self.history.key or self.history.title}"
            raise ReplayError(f"{which} 第 {len(self.happened) + 1} 步“{move.transition}”：{error}") from error
        return self.left

    def close(self) -> Case:
        """The case with the columns its last event leaves."""
        assert self.state is not None
        read_clocks(self.case, self.process, self.state, self.happened, self.on)
        return self.case

    def _open(self, move: Move) -> None:
        if move.transition != OPEN:
            raise ReplayError(f"应从“{OPEN}”开始")
        history, case, process, given = self.history, self.case, self.process, dict(move.data)
        check_form(process, process.form, given, on=self.on)
        if process.of and given.get(process.of):
            case.organisation = organisation_of(process, given) or case.organisation
        keys = self.world.taken(process.code)
        case.key = history.key or self.world.next_key(process.code, self.on.year)
        if case.key in keys:
            raise ReplayError(f"编号“{case.key}”已有")
        self._may(move.actor, process.opened_by, f"开始{process.name}")
        keys[case.key] = case.pk
        self.world.stands[case.pk] = Stands(case.organisation_id, "")
        case.title = titled(process, history.title, given, case.organisation)
        case.chain = history.chain or str(given.get(CHAIN, ""))
        case.stage, case.by, case.opened_at, case.entered_at = process.start, move.actor, move.at, move.at
        self.state = State(
            process.start, 1, self.on, history.deadline, given, {OPEN: frozenset({move.actor.username})}
        )  # fmt: skip
        payload = {"key": case.key, "title": case.title, "stage": case.stage, "number": 1, "data": given}
        self._leave(OPEN, "", move.actor, given, payload)
        self._follow(process.parts, process.form, process.links, given)

    def _move(self, move: Move) -> None:
        process, given, state = self.process, dict(move.data), self.state
        assert state is not None
        step = process.transition(move.transition)
        if step is None:
            raise ReplayError(f"没有步骤“{move.transition}”")
        if step.automatic and move.actor != self.world.system:
            raise ReplayError("这一步由系统办")
        if self.case.stage not in step.at:
            raise ReplayError(f"不能在“{process.stage(self.case.stage).name}”时办理")
        check_form(process, step.form, given, filled(step, state.data, {}), self.on)
        if step.files == "required":
            raise ReplayError("要有佐证材料，成批补写没有")
        if other := barred(step, state, move.actor.username):
            raise ReplayError(f"“{other}”由同一人办理（职责分离）")
        self._make(step, move.actor, given)

    def _make(self, step: Transition, actor: Account, given: dict[str, Any]) -> None:
        case, state, before = self.case, self.state, self.case.stage
        assert state is not None
        if step.when:
            values = self._values(filled(step, state.data, guard.answers(step, given)))
            if not guard.holds(self.process, [step], values)[step.code]:
                raise ReplayError(guard.refusal(self.process, step, values))
        if not step.automatic:
            self._may(actor, step.by, step.name)
        happened = Happened(state.number + 1, step.code, actor.username, self.on, given)
        self.state = new = after(self.process, state, happened)
        case.stage, case.deadline = new.stage, new.deadline
        case.chain = str(given.get(CHAIN, "")) or case.chain
        case.title = retitled(case.title, given)
        if new.stage != before:
            assert self.at is not None
            case.entered_at = self.at
        if outcome := self.process.stage(new.stage).outcome:
            self.world.stands[case.pk] = Stands(case.organisation_id, outcome)
        payload = {"from": before, "to": new.stage, "number": new.number, "data": given}
        self._leave(step.code, before, actor, given, payload)
        if step.takes:
            self._take(step, actor)
        self._follow(step.parts, step.form, step.links, given)

    def _leave(self, code: str, before: str, actor: Account, given: dict[str, Any], payload: dict[str, object]) -> None:
        assert self.state is not None
        assert self.at is not None
        number = self.case.events = self.state.number
        self.happened.append(Happened(number, code, actor.username, self.on, given))
        event = Event(
            pk=self.world.new_event(), case_id=self.case.pk, number=number, transition=code, from_stage=before,
            to_stage=self.case.stage, actor=actor, at=self.at,
        )  # fmt: skip
        self.left.append(Left(self, event, actor.username, f"cases.{self.process.code}.{code}", payload))

    def _automatic(self) -> None:
        for _ in range(actions.MOST_AUTOMATIC):
            assert self.state is not None
            steps = [t for t in self.process.transitions if t.automatic and self.case.stage in t.at]
            open_ = guard.holds(self.process, steps, self._values(self.state.data)) if steps else {}
            step = next((t for t in steps if open_[t.code]), None)
            if step is None:
                return
            self._make(step, self.world.system, {})
        raise ReplayError(f"自动走了 {actions.MOST_AUTOMATIC} 步还没有停下")

    def _values(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        entered = self.case.entered_at.astimezone(LOCAL).date()
        return known(
            self.process, State(self.case.stage, self.case.events, entered, self.case.deadline), self.world.calendars,
            self.on, data=lambda: data, events=lambda: self.happened,
            dues=lambda: self.obligations,
        )  # fmt: skip

    def _may(self, actor: Account, roles: Sequence[str], what: str) -> None:
        held = frozenset(code for code in roles if self._holds(actor, self.process.role(code)))
        holding.require_role(actor, self.process, roles, held, what)

    def _holds(self, actor: Account, role: ProcessRole) -> bool:
        who, case = self.world.reach(actor), self.case
        places = self.world.places(who, role)
        if places is holding.EVERYWHERE or case.place in places:
            return True
        if role.at == "own":
            return case.organisation_id is not None and case.organisation_id == who.organisation and who.owns(role)
        has = {held for held, _ in who.grants}
        if role.at == "notice":
            notice = case.stage and self.process.stage(case.stage).notice is not None
            return bool(notice and has & set(role.held_by))
        return role.at == "participant" and any(who.is_named(role, p) for p in self.participants)

    def _take(self, step: Transition, actor: Account) -> None:
        self.participants = [p for p in self.participants if p.account_id != actor.pk or p.role not in step.by]
        if not any(p.account_id == actor.pk and p.role == step.takes for p in self.participants):
            self.participants.append(Participant(case_id=self.case.pk, account=actor, role=step.takes))

    def _follow(
        self, parts: Mapping[str, str], schema: Mapping[str, Any], links: Mapping[str, str], given: Mapping[str, Any]
    ) -> None:
        """As `actions` does after a step: parts, links, labels, dues, measures."""
        left, process = self.left[-1], self.process
        code = left.event.transition
        for role, name in parts.items():
            # As following.parts: a list left empty names nobody, a single field leaves whoever was named.
            if name in given or (self.case.events > 1 and schema["properties"][name].get("type") == "array"):
                who = [self._participant(role, name, schema, text) for text in following.texts(given.get(name))]
                self.participants = [p for p in self.participants if p.role != role] + who
        if linked := list(self._linked(links, schema, given, left.event)):
            left.payload["links"] = linked
        self.labels |= {n: following.texts(given[n]) for n in process.labels if n in given}
        needs = [d for d in process.dues if code in (*d.born, *d.met_by, *d.waived_by)]
        counts = any(code in (*m.at, *m.undone_by) for m in process.measures)
        assert self.state is not None
        values = self._values(self.state.data) if needs or counts else {}
        if needs and (born := self._dues(left.event, given, values)):
            left.payload["dues"] = born
        if counts:
            self._measure(left.event, values)

    def _participant(self, role: str, name: str, schema: Mapping[str, Any], text: str) -> Participant:
        spec = schema["properties"][name]
        key = (role, str(spec.get("items", spec).get("format", "")), text)
        if key not in self.world.named:
            self.world.named[key] = following.participant(self.case, role, name, schema, text)
        found = self.world.named[key]
        return Participant(
            case_id=self.case.pk, role=role, place=found.place, account_id=found.account_id,
            organisation_id=found.organisation_id,
        )  # fmt: skip

    def _linked(
        self, links: Mapping[str, str], schema: Mapping[str, Any], given: Mapping[str, Any], event: Event
    ) -> Iterator[dict[str, object]]:
        """Links by the number of a case, which has to be there; whether the actor could see it is not asked."""
        case, ends = self.case, bool(self.process.stage(event.to_stage).outcome)
        for kind, name in links.items():
            value = given.get(name)
            for text in value if isinstance(value, list) else [value]:
                if text in (None, ""):
                    continue
                named, _, key = str(text).strip().rpartition(":")
                asked = bearing.linked_process(schema, name)
                wanted = named or asked or self.process.code
                if wanted != (asked or (self.process.code if ends else wanted)):
                    raise ReplayError(f"“{text}”不是“{asked or self.process.code}”的办件")
                target = self.world.taken(wanted).get(key)
                if target is None or target == case.pk:
                    raise ReplayError(f"没有办件“{text}”")
                other = self.world.stands[target]
                if ends and (other.outcome or case.organisation_id not in (None, other.organisation)):
                    raise ReplayError(f"“{text}”已经办结或不是同一家单位的，不能并入")
                if not any((x.kind, x.target_id) == (kind, target) for x in self.links):
                    self.links.append(Link(kind=kind, source_id=case.pk, target_id=target, event_id=event.pk))
                yield {"kind": kind, "case": target}

    def _dues(self, event: Event, given: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, object]]:
        code, still = event.transition, [o for o in self.obligations if o.open]
        waived = {d.code for d in self.process.dues if code in d.waived_by}
        for one in still:
            if one.code in waived:
                one.waived_id = event.pk
        if met := [d.code for d in self.process.dues if code in d.met_by]:
            open_ = sorted((o for o in still if o.open and o.code in met), key=lambda o: (o.due, o.number))
            if wanted := given.get("due_item"):
                open_ = [o for o in open_ if o.number == wanted]
            if not open_:
                raise ReplayError("没有未了的到期义务")
            open_[0].met_id = event.pk
        born = due.born(self.process, code, self.on, given, values, self.data)
        self.obligations += [
            Obligation(
                case_id=self.case.pk, number=len(self.obligations) + 1 + i, code=o.code, name=o.name[:200], role=o.by,
                due=o.on, amount=o.amount, born_id=event.pk,
            )
            for i, o in enumerate(born)
        ]  # fmt: skip
        return [{"name": o.name, "due": o.on.isoformat(), "fen": o.amount} for o in born]

    def _measure(self, event: Event, values: Mapping[str, Any]) -> None:
        """As following.measure: what a step might have counted for is put down once as 0."""
        case, code, month = self.case, event.transition, self.on.year * 100 + self.on.month
        own: dict[str, dict[int, int]] = {}
        for row in self.measured:
            months = own.setdefault(row.indicator, {})
            months[row.month] = months.get(row.month, 0) + row.value
        rows: dict[tuple[str, int], int] = {}
        for one in self.process.measures:
            counted = own.get(one.indicator, {})
            for when, value in self._counts(one, code, counted, month, values):
                rows[one.indicator, when] = rows.get((one.indicator, when), 0) + value
        for (indicator, when), value in rows.items():
            if value or (when, case.place, case.chain) not in self.world.known(indicator):
                self.measured.append(
                    Measured(
                        event_id=event.pk, case_id=case.pk, indicator=indicator, place=case.place, chain=case.chain,
                        month=when, on=self.on, value=value,
                    )
                )  # fmt: skip
        for row in self.measured:
            if row.event_id == event.pk:
                self.world.known(row.indicator).add((row.month, row.place, row.chain))

    def _counts(
        self, one: Measure, code: str, counted: Mapping[int, int], month: int, values: Mapping[str, Any]
    ) -> Iterator[tuple[int, int]]:
        """(month, value) of what a step adds for a measure, takes back of what `counted`, or puts in its place."""
        adds, undoes, standing = code in one.at, code in one.undone_by, sum(counted.values())
        if adds and (undoes or standing == 0):
            value = following.amount(one, values) if guard.true(self.process, one.when, values) else 0
            yield month, value - standing if undoes else value
        elif undoes:
            yield from ((when, -value) for when, value in counted.items())
