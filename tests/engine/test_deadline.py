"""A clock counts as the Civil Code counts, keeps what was promised, and shows each day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from clock_cases import calendars
from pydantic import ValidationError

from rongtong.engine.deadline import DeadlineError, Moment, Reading, moments, run
from rongtong.engine.pack.clock import Clock
from rongtong.engine.pack.process import Process
from rongtong.engine.process.state import Happened
from rongtong.engine.reminder import reminders

REPLY: dict[str, Any] = {"code": "reply", "name": "答复", "days": 5, "starts": ["assign"], "stops": ["answer"]}
LATER = date(2026, 6, 1)


def clock(**changes: Any) -> Clock:
    return Clock.model_validate({**REPLY, **changes})


def at(transition: str, day: str, stage: str = "doing", **data: object) -> Moment:
    return Moment(transition, date.fromisoformat(day), stage, data)


def read(of: Clock, *events: Moment, on: str) -> Reading:
    return run(of, events, calendars(), date.fromisoformat(on))


def day(text: str) -> date:
    return date.fromisoformat(text)


def test_the_day_it_starts_does_not_count_and_the_last_day_is_in_time() -> None:
    # Monday 7 July 2025: Tuesday to the next Monday are five working days.
    started = at("assign", "2025-07-07")
    assert read(clock(), started, on="2025-07-07").due == day("2025-07-14")
    assert read(clock(), started, on="2025-07-14").state == "running"
    assert read(clock(), started, at("answer", "2025-07-14"), on="2025-07-20").state == "met"
    late = read(clock(), started, at("answer", "2025-07-15"), on="2025-07-20")
    assert (late.state, late.days_left, late.stopped_on) == ("met_late", -1, day("2025-07-15"))
    assert read(clock(), started, on="2025-07-15").state == "over"


def test_before_it_starts_it_waits() -> None:
    assert read(clock(), at("open", "2025-07-07"), on="2025-07-09") == Reading(clock(), day("2025-07-09"), "waiting")


def test_days_left_are_the_clocks_own_and_late_days_are_negative() -> None:
    started = at("assign", "2025-07-07")
    assert [read(clock(), started, on=f"2025-07-{d:02}").days_left for d in (7, 11, 13, 14, 19, 21)] == [
        5,
        1,
        1,
        0,
        -4,
        -5,
    ]
    calendar = clock(calendar="calendar", days=7)
    assert [read(calendar, started, on=f"2025-07-{d:02}").days_left for d in (7, 13, 14, 16)] == [7, 1, 0, -2]
    # On a Saturday after the last Friday no working day has passed, yet it is late.
    assert read(clock(days=4), started, on="2025-07-12").days_left == -1


def test_national_day_is_skipped_by_name_of_the_notice_and_the_worked_saturday_counts() -> None:
    reading = read(clock(), at("assign", "2025-09-29"), on="2025-09-29")
    assert reading.due == day("2025-10-13")
    rows = {row.day: row for row in reading.days}
    assert (rows[day("2025-09-29")].number, rows[day("2025-09-29")].reason) == (0, "开始之日不计入")
    assert (rows[day("2025-10-01")].number, rows[day("2025-10-01")].source) == (0, "国办发明电〔2024〕12号")
    assert (rows[day("2025-10-11")].number, rows[day("2025-10-11")].reason) == (4, "周六调休上班")
    assert [r.number for r in reading.days if r.number] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        ("2025-01-31", 1, "2025-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2025-05-15", 12, "2026-05-15"),
        ("2025-12-31", 2, "2026-02-28"),
        ("2025-08-31", 6, "2026-02-28"),
    ],
)
def test_months_end_on_the_day_of_the_same_number_or_the_months_last(start: str, count: int, due: str) -> None:
    trial = clock(days=None, months=count, calendar="calendar")
    assert read(trial, at("assign", start), on=start).due == day(due)


def test_a_last_day_off_moves_to_the_next_working_day_only_where_the_clock_says_so() -> None:
    trial = {"days": None, "months": 12, "calendar": "calendar"}
    started = at("assign", "2024-10-01")
    assert read(clock(**trial), started, on="2025-09-01").due == day("2025-10-01")
    moved = read(clock(**trial, holds=True), started, on="2025-09-01")
    assert moved.due == day("2025-10-09")
    assert [r.reason for r in moved.days[-8:]] == ["末日不是工作日，顺延"] * 8


def test_the_day_of_entering_a_pause_counts_and_the_day_of_leaving_does_not() -> None:
    asks = clock(pauses=["mending"])
    # Tuesday and Wednesday count; Thursday to the next Tuesday it stands still; Wednesday to Friday are the rest.
    events = [at("assign", "2025-07-07"), at("ask", "2025-07-09", "mending"), at("mended", "2025-07-15")]
    reading = read(asks, *events, on="2025-07-20")
    assert reading.due == day("2025-07-18")
    assert [r.day.day for r in reading.days if r.stage] == [10, 11, 12, 13, 14, 15]
    assert (reading.promised, reading.promised_on) == (day("2025-07-18"), day("2025-07-15"))
    same_day = [at("assign", "2025-07-07"), at("ask", "2025-07-09", "mending"), at("mended", "2025-07-09")]
    assert read(asks, *same_day, on="2025-07-20").due == day("2025-07-14")


def test_while_paused_the_last_day_moves_on_with_every_day_and_the_promise_stays() -> None:
    asks = clock(pauses=["mending"])
    events = [at("assign", "2025-07-07"), at("ask", "2025-07-09", "mending")]
    seen = [read(asks, *events, on=f"2025-07-{d:02}") for d in (9, 10, 14, 25)]
    assert {r.state for r in seen} == {"paused"}
    assert {r.days_left for r in seen} == {3}
    assert [r.due for r in seen] == [day(d) for d in ("2025-07-14", "2025-07-15", "2025-07-17", "2025-07-30")]
    assert {r.promised for r in seen} == {day("2025-07-14")}
    assert (seen[-1].paused_in, seen[-1].why) == ("mending", "停计期间顺延")


def test_extensions_are_held_to_their_number_and_length_and_say_so() -> None:
    longer = clock(extends=[{"transition": "grant", "field": "n", "at_most": 1, "at_most_days": 5}])
    started = at("assign", "2025-07-07")
    once = read(longer, started, at("grant", "2025-07-10", n=8), on="2025-07-10")
    assert once.due == day("2025-07-21")
    assert [(e.days, e.remark) for e in once.extended] == [(5, "要求延期 8 日，最多 5 日")]
    twice = read(longer, started, at("grant", "2025-07-10", n=2), at("grant", "2025-07-11", n=2), on="2025-07-11")
    assert twice.due == day("2025-07-16")
    assert [(e.days, e.remark) for e in twice.extended] == [(2, ""), (0, "已延期 1 次，最多 1 次")]
    after = read(longer, started, at("grant", "2025-07-15", n=3), on="2025-07-15")
    assert (after.state, after.due, after.extended[0].late) == ("running", day("2025-07-17"), True)


def test_an_extension_to_a_date_puts_it_in_place_whatever_day_it_is() -> None:
    until = clock(extends=[{"transition": "grant", "field": "new_due"}])
    started = at("assign", "2025-07-07")
    assert read(until, started, at("grant", "2025-07-10", new_due="2025-08-31"), on="2025-07-11").due == day(
        "2025-08-31"
    )
    nothing = read(until, started, at("grant", "2025-07-10", new_due="2025-07-14"), on="2025-07-11")
    assert (nothing.due, nothing.extended[0].remark) == (day("2025-07-14"), "延至 2025-07-14 没有多出一天")


def test_a_redo_starts_anew_only_where_the_clock_says_so() -> None:
    events = [at("assign", "2025-07-07"), at("answer", "2025-07-10"), at("redo", "2025-07-16")]
    again = clock(starts=["assign", "redo"], restarts=True)
    assert (read(again, *events, on="2025-07-17").state, read(again, *events, on="2025-07-17").due) == (
        "running",
        day("2025-07-23"),
    )
    assert read(again, *events, on="2025-07-12").state == "met"
    assert read(clock(starts=["assign", "redo"]), *events, on="2025-07-17").state == "met"


def test_a_later_notice_moves_the_last_day_keeps_the_promise_and_names_itself() -> None:
    # Spring 2020: 30 January is the last day off and Saturday 1 February worked, until the notice of 27 January.
    started = at("assign", "2020-01-20")
    assert read(clock(), started, on="2020-01-26").due == day("2020-02-01")
    reading = read(clock(), started, on="2020-01-27")
    assert (reading.promised, reading.promised_on) == (day("2020-02-01"), day("2020-01-20"))
    assert reading.due == day("2020-02-04")
    assert reading.why == "国办发明电〔2020〕1号：2020-01-31 改为放假、2020-02-01 改为放假"


def test_a_clock_that_has_stopped_is_not_read_anew_by_later_notices() -> None:
    stopped = read(clock(), at("assign", "2020-01-20"), at("answer", "2020-01-23"), on="2020-06-01")
    assert (stopped.due, stopped.promised, stopped.why) == (day("2020-02-01"), day("2020-02-01"), "")


def test_beyond_the_years_known_the_last_day_is_provisional() -> None:
    assert read(clock(), at("assign", "2026-12-28"), on="2026-12-28").provisional
    assert not read(clock(), at("assign", "2026-12-21"), on="2026-12-21").provisional
    plain = clock(calendar="calendar")
    assert not read(plain, at("assign", "2026-12-28"), on="2026-12-28").provisional


def test_what_cannot_be_read_is_refused_and_named() -> None:
    until = clock(extends=[{"transition": "grant", "field": "new_due"}])
    with pytest.raises(DeadlineError, match="“new_due”是“下周”，应为整数或日期"):
        read(until, at("assign", "2025-07-07"), at("grant", "2025-07-10", new_due="下周"), on="2025-07-11")
    with pytest.raises(DeadlineError, match="早于前一个事件"):
        read(clock(), at("assign", "2025-07-07"), at("other", "2025-07-06"), on="2025-07-11")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"days": None}, "恰好写 days、months、until 之一"),
        ({"months": 3}, "恰好写 days、months、until 之一"),
        ({"days": None, "months": 3}, "按月计的期限应写 calendar"),
        ({"holds": True}, "不写 holds"),
        ({"warn": [{"left": 5, "tell": ["a"]}]}, "left 应小于 days"),
        ({"warn": [{"left": 1, "tell": ["a"]}, {"left": 1, "tell": ["b"]}]}, "同样的 left"),
        ({"extends": [{"transition": "grant"}]}, "field"),
        ({"extends": [{"transition": "g", "field": "n"}, {"transition": "g", "field": "m"}]}, "只能写一条延期"),
        ({"stops": []}, "stops"),
    ],
)
def test_a_clock_that_makes_no_sense_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        clock(**changes)


PROCESS = Process.model_validate(
    {
        "code": "ask",
        "version": "1",
        "name": "诉求",
        "about": "一件诉求",
        "start": "new",
        "opened_by": ["firm"],
        "roles": [{"code": "firm", "name": "企业", "held_by": ["reader"]}],
        "stages": [
            {"code": "new", "name": "待分办"},
            {"code": "doing", "name": "办理中"},
            {"code": "done", "name": "办结", "outcome": "done"},
        ],
        "transitions": [
            {"code": "assign", "name": "分办", "at": ["new"], "to": "doing", "by": ["firm"]},
            {"code": "note", "name": "记录", "at": ["doing"], "by": ["firm"]},
            {"code": "answer", "name": "答复", "at": ["doing"], "to": "done", "by": ["firm"]},
        ],
    }
)


def test_the_events_of_a_case_become_moments_with_the_stage_they_lead_to() -> None:
    steps = [("open", 1), ("assign", 2), ("note", 3), ("answer", 4)]
    events = [Happened(i, code, "firm", date(2025, 7, d), {"n": i}) for i, (code, d) in enumerate(steps, 1)]
    seen = moments(PROCESS, events)
    assert [(m.transition, m.stage, m.on.day) for m in seen] == [
        ("open", "new", 1), ("assign", "doing", 2), ("note", "doing", 3), ("answer", "done", 4),
    ]  # fmt: skip
    assert seen[1].data == {"n": 2}


def test_names_that_the_process_does_not_have_are_said() -> None:
    assert [*clock().misfits(PROCESS)] == []
    wrong = clock(
        starts=["open", "go"], stops=["end"], pauses=["wait", "done"], over={"tell": ["head"], "make": "raise"},
        warn=[{"left": 1, "tell": ["firm", "clerk"]}], extends=[{"transition": "note", "field": "n"}],
    )  # fmt: skip
    found = " ".join(message for message, _ in wrong.misfits(PROCESS))
    for name in ("go", "end", "wait", "raise", "clerk", "head", "办结", "“n”"):
        assert name in found


def test_a_threshold_on_a_day_off_is_told_the_working_day_before() -> None:
    tells = {"warn": [{"left": 3, "tell": ["officer"]}], "over": {"tell": ["head"], "make": "raise"}}
    # Calendar days: ends on Wednesday 16 July 2025; three days before is Sunday, so it is told on Friday the 11th.
    of = clock(calendar="calendar", days=9, **tells)
    found = reminders(of, [at("assign", "2025-07-07")], calendars(), day("2025-07-31"))
    assert [(r.kind, r.on.day, r.tell, r.make) for r in found] == [
        ("warn", 11, ("officer",), ""),
        ("over", 17, ("head",), "raise"),
    ]
    # The last day is a Friday: that it has passed is told on Monday.
    friday = reminders(clock(days=4, **tells), [at("assign", "2025-07-07")], calendars(), day("2025-07-31"))
    assert [(r.kind, r.on.day) for r in friday] == [("warn", 8), ("over", 14)]


def test_a_reminder_is_made_of_the_days_before_and_told_once_more_after_an_extension() -> None:
    of = clock(warn=[{"left": 1, "tell": ["officer"]}], extends=[{"transition": "grant", "field": "n"}])
    started = at("assign", "2025-07-07")
    assert [r.on.day for r in reminders(of, [started], calendars(), LATER)] == [11]
    # Answered on the day of the reminder: it had been made as the day began.
    assert [r.on.day for r in reminders(of, [started, at("answer", "2025-07-11")], calendars(), LATER)] == [11]
    assert reminders(of, [started, at("answer", "2025-07-10")], calendars(), LATER) == ()
    longer = reminders(of, [started, at("grant", "2025-07-14", n=3)], calendars(), LATER)
    assert [(r.on.day, r.due.day, r.key) for r in longer] == [
        (11, 14, "reply/2025-07-07/0/warn1"),
        (16, 17, "reply/2025-07-07/1/warn1"),
    ]


def test_the_days_are_those_of_the_sort_a_case_is_said_to_be_now() -> None:
    by = clock(days_by={"field": "sort", "days": {"simple": 1, "hard": 25}})
    simple = at("assign", "2025-07-07", sort="simple")
    assert read(by, simple, on="2025-07-07").due == day("2025-07-08")
    assert read(by, at("open", "2025-07-04", sort="simple"), at("assign", "2025-07-07"), on="2025-07-07").due == day(
        "2025-07-08"
    )
    assert read(by, at("assign", "2025-07-07", sort="other"), on="2025-07-07").due == day("2025-07-14"), "its own days"
    found = read(by, simple, at("raise", "2025-07-10", sort="hard"), on="2025-07-10")
    assert (found.state, found.due, found.promised_on) == ("running", day("2025-08-11"), day("2025-07-10"))


def test_nobody_makes_a_late_answer_timely_by_the_sort_said_with_it() -> None:
    by = clock(days_by={"field": "sort", "days": {"simple": 1, "hard": 25}})
    answered = at("answer", "2025-07-10", sort="hard")
    assert read(by, at("assign", "2025-07-07", sort="simple"), answered, on="2025-07-10").state == "met_late"


def test_days_by_a_field_or_a_value_that_no_form_offers_are_found() -> None:
    form = {"properties": {"sort": {"title": "类", "enum": ["simple", "hard"]}}}
    process = PROCESS.model_copy(update={"form": form})

    def found(field: str, value: str) -> list[str]:
        return [message for message, _ in clock(days_by={"field": field, "days": {value: 1}}).misfits(process)]

    assert found("sort", "simple") == []
    assert found("sort", "harder") == ["期限 reply 的 days_by 写了“harder”，“sort”没有这个选项"]
    assert found("kind", "simple") == ["期限 reply 的 days_by 写了“kind”，没有表单有这个选项"]
    with pytest.raises(ValidationError, match="按月计"):
        clock(days=None, months=1, calendar="calendar", days_by={"field": "sort", "days": {"simple": 1}})


def test_of_a_term_made_longer_by_its_sort_everybody_is_told_anew() -> None:
    by = clock(days_by={"field": "sort", "days": {"simple": 1, "hard": 10}}, warn=[{"left": 0, "tell": ["officer"]}])
    events = [at("assign", "2025-07-07", sort="simple"), at("raise", "2025-07-09", sort="hard")]
    assert [r.due for r in reminders(by, events, calendars(), day("2025-08-01"))] == [
        day("2025-07-08"),
        day("2025-07-21"),
    ]


TRIAL: dict[str, Any] = {
    "days": None, "until": "trial_end", "calendar": "calendar", "starts": ["sign"], "stops": ["end"],
    "pauses": ["dispute"], "extends": [{"transition": "longer", "field": "days"}],
}  # fmt: skip


def test_a_term_up_to_an_agreed_date_ends_on_it_and_pauses_move_it_on() -> None:
    trial = clock(**TRIAL)
    signed = (at("propose", "2025-07-01", "signing", trial_end="2025-09-30"), at("sign", "2025-07-10", "trial"))
    found = read(trial, *signed, on="2025-09-30")
    assert (found.state, found.due, found.days_left) == ("running", day("2025-09-30"), 0)
    assert read(trial, *signed, on="2025-10-01").state == "over"
    paused = (*signed, at("raise", "2025-08-01", "dispute"))
    assert read(trial, *paused, on="2025-08-11").state == "paused"
    back = (*paused, at("settle", "2025-08-11", "trial"))
    assert read(trial, *back, on="2025-08-12").due == day("2025-10-10")
    longer = (*back, at("longer", "2025-08-20", "trial", days=30))
    assert read(trial, *longer, on="2025-08-21").due == day("2025-11-09")


def test_a_term_agreed_anew_before_the_start_is_the_one_that_counts() -> None:
    trial = clock(**TRIAL)
    first = at("propose", "2025-07-01", "signing", trial_end="2025-09-30")
    again = at("propose", "2025-07-05", "signing", trial_end="2025-12-31")
    assert read(trial, first, again, at("sign", "2025-07-10"), on="2025-07-10").due == day("2025-12-31")
    # One that has passed already ends on the day it starts.
    assert read(trial, first, at("sign", "2026-02-01"), on="2026-02-01").due == day("2026-02-01")


def test_a_term_nobody_agreed_is_refused() -> None:
    with pytest.raises(DeadlineError, match="应为日期"):
        read(clock(**TRIAL), at("sign", "2025-07-10"), on="2025-07-11")
