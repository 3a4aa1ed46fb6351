"""The schemas of what a process brings forth besides its steps: notices, dues, certificates, tallies, cases under a case."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from rongtong.engine.pack.model import Cite, Code, Mark, Statement, Text


class Measure(Statement):
    """What a case adds to an indicator: one, or the value of `field`, for the place, chain and month of the step.

    A case counts once for each of the steps `at`, whatever happens again later, until one of `undone_by` takes it back.
    With `distinct: organisation` an organisation counts once, from its first case that counts until none does any more. It is
    taken back from the month it was counted in, known from the day of the step that undoes it. A step in both (变更) puts
    its amount in place of what counted; the difference counts in its month.
    """

    indicator: Code
    at: tuple[Code, ...] = Field(min_length=1, description="steps with which it counts (`open` for the opening)")
    field: str = Field(default="", description="variable with the amount; empty: one of the indicator's unit")
    unit: str = Field(default="", description="unit of that amount; empty: the indicator's")
    when: str = Field(default="", description="condition over the process's variables")
    distinct: Literal["case", "organisation"] = "case"
    undone_by: tuple[Code, ...] = ()
    note: str = ""


class Notice(Statement):
    """A public notice (公示、公告): while a case is in a stage that has one, everybody reads its title and these fields.

    `title` is the field whose value names the case there, where its own title is not for everybody (企业的需求名称).
    Afterwards it stays on the board as past. Never a field with personal data: the board needs no login.
    """

    name: Text = Field(description="what the board calls it, as 拟立项公示")
    name_en: str = ""
    title: str = Field(default="", description="field that names the case in public; empty: the case's title")
    fields: tuple[Code, ...] = ()


class Tally(Statement):
    """A variable that adds up what happened, exactly: of steps, or of the cases under this one.

    Steps (`open` is the opening): of each of `at`, the latest of each actor counts, in the round of the present stage's
    process; `field` is a number of their form, or `fields` several that are added first (the criteria an expert scores).
    With `rows` it adds up the rows of that field, `field` being a column; with `only` just the steps, or rows, that hold
    these values. Cases: those of the process `under` opened under this case, in one of `stages` (empty: any). `count` needs
    no field. The mean of nothing, like the least and the greatest, is unknown.
    """

    code: Code
    name: Text
    at: tuple[Code, ...] = ()
    under: str = ""
    stages: tuple[Code, ...] = ()
    rows: str = ""
    only: dict[Code, Any] = Field(default_factory=dict, description="field, or column, → the value it has to have")
    field: str = ""
    fields: tuple[Code, ...] = ()
    take: Literal["count", "sum", "mean", "min", "max"] = "count"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if bool(self.at) == bool(self.under):
            raise ValueError("应恰好写 at（步骤）与 under（下级办件的流程）之一")
        if self.under and (self.rows or self.only):
            raise ValueError("对下级办件不写 rows、only")
        if self.field and self.fields:
            raise ValueError("field 与 fields 只写一种")
        if (self.take == "count") == bool(self.added):
            raise ValueError("count 不写 field，其余要写 field 或 fields")
        return self

    @property
    def added(self) -> tuple[str, ...]:
        """The fields, or columns, that are added."""
        return self.fields or ((self.field,) if self.field else ())


class Under(Statement):
    """Where a case of this process is opened: under a case of `process`, while that is in one of `at` and `when` holds.

    `takes`: the field of the opening form → what it is given from the case above, whoever opens it and whatever is typed:
    a field of that case, or `organisation`, the 统一社会信用代码 of the one whose case it is.
    """

    process: Code
    at: tuple[Code, ...] = Field(min_length=1, description="stages of that process")
    when: str = Field(default="", description="condition over the variables of that process")
    refusal: str = Field(default="", description="what is said when it does not hold")
    takes: dict[Code, Text] = Field(default_factory=dict)
    place: Literal["parent", "own"] = Field(
        default="parent", description="where it is: at that case's place, or at that of the organisation that opens it"
    )


class Limit(Statement):
    """A limit (限项): in how many cases of the process one may have the role `role` at once; asked on entering `stages`.

    Counted are cases in one of `stages` (empty: any stage): of the same calendar year of opening (`year`), under the same
    case (`parent`), or all (`ever`). Of a role with `at: own` it is the organisation whose case it is that is limited.
    """

    role: Code
    most: int = Field(default=1, ge=1)
    per: Literal["year", "parent", "ever"] = "ever"
    stages: tuple[Code, ...] = ()
    refusal: Text
    mark: Mark = "proposed"
    cite: Cite | None = None
    note: str = ""


class LinkName(Statement):
    """What a kind of link is called: `name` where the case that points to another is read, `back` where that other is."""

    name: Text
    back: Text


class Opens(Statement):
    """A case that a step opens under its own, at the same place, for the same chain and organisation.

    `fields`: the field of its opening form → the field of this case it takes; `organisation` names a field with another
    organisation in whose name it is opened.
    """

    process: Code
    fields: dict[Code, Text] = Field(default_factory=dict)
    organisation: str = ""


class Due(Statement):
    """A due (到期义务): what somebody owes by a day, born of a step: a payment, a report, a delivery.

    One due for each of `months` (after the day of the step, on the day of the same number or the month's last), or as
    many months after it as the field `months_in` says, or `days` after it, or on the date in field `on`, or one for each
    row of field `each` (rows with `name`, `due` or `months` and, where money is owed, `amount` in yuan). A field that the
    form of the step lacks is the one filled in before (terms agreed first, a due born later). `amount` is an expression over the process's variables, in yuan; it is rounded half-up to
    the 分 (price formulas: fixed, 延期, 分期, 附条件, 收益提成). A step of `met_by` meets the earliest open one, or the one
    its form's field `due_item` names; one of `waived_by` ends all that are open. Conditions may ask for `open_CODE` and `met_CODE`, how many of them
    are open and were met, and `paid_CODE`, what was met of them in yuan.
    """

    code: Code
    name: Text
    by: Code = Field(description="the process role that owes it")
    born: tuple[Code, ...] = Field(min_length=1, description="steps, or `open`")
    when: str = Field(default="", description="condition over the process's variables")
    months: tuple[int, ...] = ()
    months_in: str = Field(default="", description="an integer field: so many months after the step")
    days: int | None = Field(default=None, ge=0)
    on: str = Field(default="", description="a date field")
    each: str = Field(default="", description="a field of rows")
    amount: str = Field(default="", description="expression, in yuan; empty: no money")
    met_by: tuple[Code, ...] = Field(min_length=1)
    waived_by: tuple[Code, ...] = ()
    mark: Mark = "proposed"
    cite: Cite | None = None
    note: str = ""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        said = (bool(self.months), bool(self.months_in), self.days is not None, bool(self.on), bool(self.each))
        if sum(said) != 1:
            raise ValueError("应恰好写 months、months_in、days、on、each 之一")
        if self.each and self.amount:
            raise ValueError("each 的金额写在每一行的 amount 里")
        return self


class Certificate(Statement):
    """A certificate (证明、鉴证): issued with a step, with a number, a page that verifies it, and a file that proves it.

    `fields` are what it states, shown to whoever holds its number and code. A step of `revoked_by` revokes it; a later
    step of `at` replaces it.
    """

    code: Code
    name: Text
    name_en: str = ""
    prefix: str = Field(pattern=r"^[A-Z]{2,8}$", description="what its numbers begin with, as JDHT-2025-000012")
    at: tuple[Code, ...] = Field(min_length=1)
    fields: tuple[Code, ...] = Field(min_length=1)
    revoked_by: tuple[Code, ...] = ()
    note: str = ""


class Counts(Statement):
    """What a process counts towards."""

    commitments: tuple[Code, ...] = ()
    indicators: tuple[Code, ...] = ()
