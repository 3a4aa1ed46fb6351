"""The schema of cases that a demonstration shows (演示办件): who opens what, and the steps made on it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rongtong.engine.pack.model import Code, Statement, Text


class ExampleStep(Statement):
    """A step of an example: made by a demo account, filled in with `data`; `files` has an example file come with it.

    An automatic step (公示期满), `by: system`, is made as if its term had passed.
    """

    step: Code
    by: Text
    data: dict[str, Any] = Field(default_factory=dict)
    files: bool = False


class Example(Statement):
    """`demo_cases/*.yaml`: a case of the demonstration. Everything in it is made up.

    A text `@name` stands for the 统一社会信用代码 of that demo account's organisation, `#code` for the number of the case of
    that example. `place` is needed where `by` opens it for a place of several. Under a case one of whose steps has opened a
    case of the process, the example is that one.
    """

    code: Code
    process: Code
    by: Text
    place: str = ""
    under: str = Field(default="", description="the example it is opened under")
    data: dict[str, Any] = Field(default_factory=dict)
    steps: tuple[ExampleStep, ...] = ()
