"""A process definition: what is found wrong with it, how events fold to a state, what its forms accept."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from packs import PACKS
from rongtong.apps.packs.resolve import combined
from rongtong.engine.pack.process import Process
from rongtong.engine.process import form, guard
from rongtong.engine.process.check import check
from rongtong.engine.process.drawing import draw
from rongtong.engine.process.known import known
from rongtong.engine.process.state import OPEN, Happened, ProcessError, barred, due, fold, waits_for
from rongtong.engine.workday import Calendar, Calendars

SOUND: dict[str, Any] = {
    "code": "leave",
    "version": "1",
    "name": "请假",
    "about": "试验",
    "start": "draft",
    "opened_by": ["asker"],
    "clock": "case",
    "facts": "x.y",
    "variables": {"days": "number", "urgent": "flag"},
    "roles": [
        {"code": "asker", "name": "申请人", "held_by": ["county_officer"]},
        {"code": "boss", "name": "审批人", "held_by": ["city_officer"], "at": "parent"},
    ],
    "stages": [
        {"code": "draft", "name": "起草", "no_clock": "随意"},
        {"code": "asked", "name": "待批", "deadline": {"days": 2}},
        {"code": "done", "name": "已批", "outcome": "done"},
    ],
    "transitions": [
        {"code": "ask", "name": "提交", "at": ["draft"], "to": "asked", "by": ["asker"], "when": "days <= 5 or urgent"},
        {"code": "grant", "name": "批准", "at": ["asked"], "to": "done", "by": ["boss"], "not_by": ["ask"]},
        {"code": "back", "name": "退回", "at": ["asked"], "to": "draft", "by": ["boss"]},
        {"code": "note", "name": "备注", "at": ["asked"], "by": ["asker"], "optional": True},
    ],
}  # fmt: skip


POINTS = {"properties": {"other": {"type": "string", "title": "另一件", "format": "case"}}}


def made(**changes: Any) -> Process:
    return Process.model_validate({**SOUND, **changes})


def test_a_sound_definition_has_no_findings() -> None:
    assert check(made()) == []


def steps(*more: dict[str, Any], without: str = "") -> list[dict[str, Any]]:
    return [t for t in SOUND["transitions"] if t["code"] != without] + list(more)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages": [*SOUND["stages"], {"code": "lost", "name": "孤岛", "outcome": "x"}]}, "“孤岛”到不了"),
        ({"transitions": steps(without="grant")}, "走不到任何终结环节"),
        (
            {
                "stages": [*SOUND["stages"], {"code": "pit", "name": "坑", "no_clock": "-"}],
                "transitions": steps({"code": "fall", "name": "掉", "at": ["asked"], "to": "pit", "by": ["boss"]}),
            },
            "“坑”走不到任何终结环节",
        ),
        ({"transitions": steps({"code": "free", "name": "无人", "at": ["draft"], "to": "done"})}, "“无人”没有角色"),
        (
            {"clock": "", "stages": [{"code": "draft", "name": "起草"}, *SOUND["stages"][1:]]},
            "“起草”的等待没有期限",
        ),
        (
            {
                "transitions": steps(
                    {"code": "x", "name": "坏", "at": ["draft"], "to": "done", "by": ["boss"], "when": "dys < 3"}
                )
            },
            "dys",
        ),
        (
            {
                "transitions": steps(
                    {"code": "x", "name": "坏", "at": ["draft"], "to": "done", "by": ["boss"], "when": "days + 1"}
                )
            },
            "不是真假",
        ),
        (
            {
                "transitions": steps(
                    {"code": "x", "name": "坏", "at": ["draft"], "to": "nowhere", "by": ["boss"]},
                )
            },
            "没有这个环节",
        ),
        ({"stages": [{**s, "outcome": ""} | {"no_clock": "-"} for s in SOUND["stages"]]}, "没有终结环节"),
        (
            {
                "stages": [*SOUND["stages"], {"code": "auto", "name": "自动", "no_clock": "-"}],
                "transitions": steps(
                    {"code": "in", "name": "进", "at": ["draft"], "to": "auto", "by": ["boss"]},
                    {"code": "go", "name": "走", "at": ["auto"], "to": "done", "automatic": True, "when": "urgent"},
                ),
            },
            "条件都不成立时停在那里",
        ),
        ({"form": {"properties": {"a": {"type": "text"}}}}, "不是合法的 JSON Schema"),
        ({"form": {"properties": {"a": {"type": "string"}}}}, "没有 title"),
        (
            {"form": {"properties": {"a": {"type": "string", "title": "甲", "format": "date", "not_before": "b"}}}},
            "“a”的 not_before 写了“b”",
        ),
        ({"facts": ""}, "没有来处"),
        ({"form": POINTS, "links": {"about": "other"}}, "“about”没有名称"),
        ({"link_names": {"about": {"name": "所据", "back": "据此"}}}, "没有这个连接"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_definition_is_said(changes: dict[str, Any], said: str) -> None:
    found = [message for message, _ in check(made(**changes))]
    assert any(said in message for message in found), found


def test_a_kind_of_link_that_one_step_names_has_that_name_in_the_whole_process() -> None:
    named = {
        "code": "tie",
        "name": "归入",
        "at": ["asked"],
        "by": ["boss"],
        "form": POINTS,
        "links": {"about": "other"},
    }
    named["link_names"] = {"about": {"name": "所据", "back": "据此"}}
    process = made(form=POINTS, links={"about": "other"}, transitions=[*SOUND["transitions"], named])
    assert [message for message, _ in check(process) if "about" in message] == []
    found = process.link_name("about")
    assert found is not None
    assert (found.name, found.back, process.link_name("merged")) == ("所据", "据此", None)


def test_a_role_no_account_can_hold_is_found_where_the_roles_are_known() -> None:
    assert check(made(), {"county_officer", "city_officer"}) == []
    assert "没有这种账号角色" in check(made(), {"city_officer"})[0][0]


@pytest.mark.parametrize("several", [True, False])
def test_a_field_may_list_the_accounts_of_a_role_that_there_is(several: bool) -> None:
    one = {"type": "string", "format": "account", "among": "expert"}
    spec = {"title": "请谁", **({"type": "array", "items": one} if several else one)}
    process = made(form={"type": "object", "properties": {"who": spec}})
    assert [f.among for f in form.fields(process.form)] == ["expert"]
    assert check(process, {"county_officer", "city_officer", "expert"}) == []
    assert [said for said, _ in check(process, {"county_officer", "city_officer"})] == [
        "“请谁”的 among 是“expert”，没有这种账号角色"
    ]


EVENTS = [
    Happened(1, OPEN, "a", date(2025, 7, 1), {"who": "a"}),
    Happened(2, "ask", "a", date(2025, 7, 4), {"days": "3"}),
]


def test_events_fold_to_a_stage_its_data_and_the_day_it_was_entered() -> None:
    state = fold(made(), EVENTS)
    assert (state.stage, state.number, state.entered) == ("asked", 2, date(2025, 7, 4))
    assert state.data == {"who": "a", "days": "3"}


def test_a_step_that_stays_does_not_start_the_clock_anew() -> None:
    state = fold(made(), [*EVENTS, Happened(3, "note", "a", date(2025, 7, 7))])
    assert (state.stage, state.entered) == ("asked", date(2025, 7, 4))


@pytest.mark.parametrize(
    "event", [Happened(3, "ask", "a", date(2025, 7, 5)), Happened(4, "grant", "b", date(2025, 7, 5))]
)
def test_an_event_that_cannot_follow_is_refused(event: Happened) -> None:
    with pytest.raises(ProcessError):
        fold(made(), [*EVENTS, event])


def test_whoever_asked_may_not_grant_until_a_new_round_begins() -> None:
    process = made()
    grant = process.transition("grant")
    assert grant is not None
    state = fold(process, EVENTS)
    assert barred(grant, state, "a") == "ask"
    assert barred(grant, state, "b") == ""
    again = fold(
        process, [*EVENTS, Happened(3, "back", "b", date(2025, 7, 5)), Happened(4, "ask", "c", date(2025, 7, 6))]
    )
    assert barred(grant, again, "a") == ""
    assert barred(grant, again, "c") == "ask"


def test_whoever_opened_a_case_stays_who_opened_it_in_every_round() -> None:
    process = made(transitions=[{**t, "not_by": [OPEN]} if t["code"] == "grant" else t for t in SOUND["transitions"]])
    grant = process.transition("grant")
    assert grant is not None
    again = [*EVENTS, Happened(3, "back", "b", date(2025, 7, 5)), Happened(4, "ask", "c", date(2025, 7, 6))]
    assert barred(grant, fold(process, again), "a") == OPEN
    assert barred(grant, fold(process, again), "c") == ""


def test_a_stage_is_due_after_its_working_days_and_an_end_never() -> None:
    process, calendar = made(), Calendar(known_until=date(2025, 12, 31))
    asked = fold(process, EVENTS)
    # 2025-07-04 is a Friday.
    assert due(process, asked, calendar) == date(2025, 7, 8)
    done = fold(process, [*EVENTS, Happened(3, "grant", "b", date(2025, 7, 5))])
    assert due(process, done, calendar) is None


def test_nobody_is_waited_for_by_an_optional_step() -> None:
    assert waits_for(made(), "asked") == {"boss"}


def test_a_guard_of_unknown_value_does_not_hold_and_says_what_it_met() -> None:
    process = made()
    ask = process.transition("ask")
    assert ask is not None
    assert guard.holds(process, [ask], {"days": Fraction(7), "urgent": True}) == {"ask": True}
    assert guard.holds(process, [ask], {"days": None, "urgent": None}) == {"ask": False}
    assert "days = 7，urgent = 否" in guard.refusal(process, ask, {"days": Fraction(7), "urgent": False})


def test_a_field_that_leaves_no_choice_says_what_will_be_and_the_guard_asks_what_was() -> None:
    asked = {"state": {"type": "string", "title": "信用", "oneOf": [{"const": "restored", "title": "修复"}]},
             "days": {"type": "integer", "title": "天数"}}  # fmt: skip
    restore = {"code": "restore", "name": "修复", "at": ["asked"], "by": ["boss"], "form": {"properties": asked}}
    process = made(variables={"state": "text"}, transitions=[{**restore, "when": "state == 'pushed'"}])
    step = process.transition("restore")
    assert step is not None
    assert guard.answers(step, {"state": "restored", "days": 3}) == {"days": 3}
    assert not guard.asks_itself(process, step)


def test_a_guard_may_ask_at_which_stage_the_case_is_and_its_refusal_does_not_say_the_code() -> None:
    once = {"code": "hurry", "name": "催办", "at": ["draft", "asked"], "by": ["asker"], "optional": True}
    process = made(transitions=steps({**once, "when": "stage == 'asked' or urgent", "refusal": "还没有提交"}))
    hurry = process.transition("hurry")
    assert hurry is not None
    for events, holds in ((EVENTS[:1], False), (EVENTS, True)):
        state = fold(process, events)
        values = known(process, state, Calendars.of([]), state.entered, data=dict, events=list, dues=list)
        values["urgent"] = False
        assert guard.holds(process, [hurry], values) == {"hurry": holds}
        assert guard.refusal(process, hurry, values) == "还没有提交"


FORM: dict[str, Any] = {
    "required": ["amount", "day"],
    "properties": {
        "amount": {"type": "string", "title": "金额", "format": "decimal"},
        "day": {"type": "string", "title": "日期", "format": "date"},
        "count": {"type": "integer", "title": "件数", "minimum": 1},
        "kind": {"type": "string", "title": "类别", "oneOf": [{"const": "a", "title": "甲"}, {"const": "b", "title": "乙"}]},
        "open": {"type": "boolean", "title": "公开"},
    },
}  # fmt: skip


def test_a_form_is_read_by_its_schema_and_stays_exact() -> None:
    data = form.read(FORM, {"amount": ["12.30"], "day": ["2025-07-15"], "count": ["3"], "open": ["1"], "kind": [""]})
    assert data == {"amount": "12.30", "day": "2025-07-15", "count": 3, "open": True}
    assert form.errors(FORM, data) == {}


MANY: dict[str, Any] = {
    "properties": {
        **FORM["properties"],
        "tags": {"type": "array", "title": "标签", "items": {"type": "string", "enum": ["a", "b", "c"]}},
        "people": {"type": "array", "title": "账号", "items": {"type": "string"}},
        "parts": {
            "type": "array",
            "title": "各期",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "title": "名称"},
                    "months": {"type": "integer", "title": "几个月"},
                    "paid": {"type": "boolean", "title": "已付"},
                },
            },
        },
    }
}


@pytest.mark.parametrize(
    "data",
    [
        {"amount": "12.30", "day": "2025-07-15", "count": 0, "open": True, "kind": "a"},
        {"tags": ["c", "a"], "people": ["zhang", "li si"], "open": False},
        {"parts": [{"name": "首期", "months": 0, "paid": True}, {"name": "尾款"}], "open": False},
        {"open": False},
    ],
)
def test_what_a_form_holds_is_posted_back_as_it_was(data: dict[str, Any]) -> None:
    assert form.read(MANY, form.posted(MANY, data | {"elsewhere": "不在表里"})) == data


def test_a_step_that_refills_its_form_empties_what_is_left_empty_and_another_does_not() -> None:
    asks = {"code": "ask", "name": "提交", "at": ["draft"], "to": "asked", "by": ["asker"], "form": FORM}
    first = {"amount": "1", "day": "2025-07-15", "count": 3}
    events = [
        Happened(1, OPEN, "a", date(2025, 7, 1), {"note": "留着"}),
        Happened(2, "ask", "a", date(2025, 7, 1), first),
        Happened(3, "back", "b", date(2025, 7, 1), {}),
        Happened(4, "ask", "a", date(2025, 7, 2), {"amount": "2", "day": "2025-07-15"}),
    ]
    back = SOUND["transitions"][2]
    for refill, held in ((False, first), (True, {"day": "2025-07-15"})):
        process = made(transitions=[{**asks, "refill": refill}, back])
        assert fold(process, events).data == {"note": "留着"} | held | {"amount": "2"}


def test_a_list_is_filtered_by_no_field_that_a_form_filled_in_again_may_leave_empty() -> None:
    asks = {
        "code": "ask",
        "name": "提交",
        "at": ["draft"],
        "to": "asked",
        "by": ["asker"],
        "form": FORM,
        "refill": True,
    }
    transitions = [asks, *SOUND["transitions"][1:]]
    found = [what for what, _ in check(made(labels=["amount", "kind"], variables={}, transitions=transitions))]
    assert [f for f in found if "重填" in f] == ["步骤 ask 重填时“kind”可以留空，而清单按它筛选"]


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"day": "2025-07-15"}, "amount", "请填写“金额”"),
        ({"amount": "1e5", "day": "2025-07-15"}, "amount", "应为数字"),
        ({"amount": "1", "day": "2025-02-30"}, "day", "应为日期"),
        ({"amount": "1", "day": "2025-07-15", "count": "三"}, "count", "应为整数"),
        ({"amount": "1", "day": "2025-07-15", "count": 0}, "count", "不小于 1"),
        ({"amount": "1", "day": "2025-07-15", "kind": "c"}, "kind", "所列的选项"),
        ({"amount": "1", "day": "2025-07-15", "extra": "x"}, "extra", "不收"),
    ],
)
def test_what_is_wrong_with_a_filled_form_is_said_field_by_field(data: dict[str, Any], field: str, said: str) -> None:
    assert said in form.errors(FORM, data)[field]


def test_the_fields_of_a_form_carry_their_labels_and_options() -> None:
    kinds = {f.name: f.kind for f in form.fields(FORM)}
    assert kinds == {"amount": "decimal", "day": "date", "count": "integer", "kind": "choice", "open": "yes"}
    assert next(f for f in form.fields(FORM) if f.name == "kind").options == (("a", "甲"), ("b", "乙"))


def test_a_drawing_is_well_formed_names_every_stage_and_styles_nothing_inline() -> None:
    pack = combined([PACKS / "china"])
    for process in pack.all("processes"):
        drawn = draw(process)
        root = ElementTree.fromstring(drawn)
        texts = "".join(root.itertext())
        assert all(stage.name in texts for stage in process.stages)
        assert "style=" not in drawn


def many(count: int) -> Process:
    """A process of so many stages, each with steps to the next, to the one after the next, back to the first and away."""
    stages = [{"code": f"s{i}", "name": f"第{i}个名字很长很长的环节", "name_en": f"Stage {i}"} for i in range(count)]
    steps = [
        {"code": f"t{i}_{to}", "name": f"从{i}到{to}的一步", "at": [f"s{i}"], "to": f"s{to}", "by": ["asker"]}
        for i in range(count - 1)
        for to in sorted({i + 1, min(i + 2, count - 1), 0 if i else 1, count - 1})
    ]
    return Process.model_validate(SOUND | {"stages": stages, "transitions": steps, "start": "s0"})


def test_a_drawing_of_many_stages_is_no_wider_than_a_page_and_no_two_lines_lie_on_one_another() -> None:
    for count in (5, 24):
        root = ElementTree.fromstring(draw(many(count)))
        assert int(root.attrib["width"]) <= 1000
        runs: dict[str, list[tuple[int, int, str]]] = {}
        for path in root.iter("{http://www.w3.org/2000/svg}path"):
            if round_ := re.fullmatch(r"M\d+ (\d+)H(\d+)V(\d+)H\d+", path.attrib["d"]):
                start, lane, end = round_.groups()
                low, high = sorted((int(start), int(end)))
                runs.setdefault(lane, []).append((low, high, end))
        assert runs
        for lane in runs.values():
            crossing = [(a, b) for a in lane for b in lane if a[2] != b[2] and a[0] < b[1] and b[0] < a[1]]
            assert not crossing, crossing
        boxes = [
            (int(r.attrib["y"]), int(r.attrib["y"]) + int(r.attrib["height"]))
            for r in root.iter("{http://www.w3.org/2000/svg}rect")
        ]
        assert len(boxes) == count
        assert all(above[1] < below[0] for above, below in pairwise(boxes))


def test_a_drawing_in_english_takes_the_english_names_and_keeps_chinese_where_there_are_none() -> None:
    texts = "".join(ElementTree.fromstring(draw(many(4), english=True)).itertext())
    assert "Stage 3" in texts
    assert "第3个" not in texts
    assert "从0到1的一步" in texts


def test_the_shipped_processes_are_sound_and_those_published_unchanged() -> None:
    pack = combined([PACKS / "china", PACKS / "zhejiang"])
    assert {p.code for p in pack.all("processes")} >= {"collection", "allocation_signoff", "supervision", "release"}
    for process in pack.all("processes"):
        assert check(process) == []
    published = {(p.process, p.version): p.sha256 for p in pack.all("published")}
    assert published
    for process in pack.all("processes"):
        if (process.code, process.version) in published:
            assert process.fingerprint == published[process.code, process.version]
