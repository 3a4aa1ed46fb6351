"""A notice names the case, and shows of it, what some form asks for."""

from __future__ import annotations

from typing import Any

from rongtong.engine.pack.process import Process
from rongtong.engine.process.check import check


def process(notice: dict[str, Any]) -> Process:
    return Process.model_validate({
        "code": "post", "version": "1", "name": "公告", "about": "试验", "start": "on", "opened_by": ["a"],
        "roles": [{"code": "a", "name": "甲", "held_by": ["enterprise"], "at": "own"}],
        "form": {"properties": {"title": {"type": "string", "title": "名称"}, "public": {"type": "string", "title": "公开名"}}},
        "stages": [
            {"code": "on", "name": "公示中", "no_clock": "试", "notice": {"name": "公示", **notice}},
            {"code": "end", "name": "完", "outcome": "end"},
        ],
        "transitions": [{"code": "done", "name": "完成", "at": ["on"], "to": "end", "by": ["a"]}],
    })  # fmt: skip


def said(notice: dict[str, Any]) -> list[str]:
    return [words for words, _ in check(process(notice), {"enterprise"})]


def test_the_field_that_names_a_case_in_public_is_one_that_there_is() -> None:
    assert said({}) == said({"title": "public", "fields": ["title"]}) == []
    assert said({"title": "list_title"}) == ["环节“公示中”的 notice 的 title 写了项“list_title”，没有这个项"]
