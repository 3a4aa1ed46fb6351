"""What a 督办 is opened with: its fields, told from a page or a workbook alike, and checked."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rongtong.apps.planning import queries as planning
from rongtong.engine.figure import FigureError
from rongtong.engine.pack.model import Commitment
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import PeriodError
from rongtong.engine.place import PlaceError
from rongtong.engine.process.form import typed
from rongtong.typed import number

LEVELS = {"blue": "蓝色", "yellow": "黄色", "red": "红色"}
# The lamp a figure had when its 督办 was opened; none is kept where no figure was named.
LAMPS = {"red": "红灯", "yellow": "黄灯", "green": "绿灯"}
SOURCES = {"document": "文件", "meeting": "会议", "instruction": "批示", "lamp": "亮灯", "manual": "手工"}
MILESTONE = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})[\s，,：:]+(\S.*)")
SEPARATORS = re.compile(r"[、，,；;\n]+")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form and a column of the workbook: `kind` is line, text, date, place or choice."""

    name: str
    label: str
    kind: str = "line"
    required: bool = False
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    most: int = 200
    least: int = 0


FIELDS = (
    Field("title", "督办事项", required=True, hint="一句话说清要办什么。", least=4),
    Field("source", "来源", "choice", True, choices=tuple(SOURCES.items())),
    Field("reference", "依据", hint="文件写“文件代码#条款”，如 rt-doc#2.4.3；会议、批示写名称和日期。", most=300),
    Field("commitment", "承诺编号", hint="承诺一本账里的编号；一览里的某一项写“编号/序号”。没有可不填。", most=64),
    Field("figure", "指标值编号", hint="挂接的数，如 指标代码@地方代码@期；挂接后单页逐月显示它的灯。没有可不填。"),
    Field("place", "责任地方", "place", True, "责任单位所在的地方；省级单位选全省。"),
    Field("responsible", "责任单位", required=True),
    Field("lead", "牵头单位", required=True),
    Field("support", "配合单位", hint="多个单位用顿号分开。", most=300),
    Field("support_places", "配合地方", hint="写地方名称，用顿号分开；这些地方看得到这一件，也能报进展。", most=300),
    Field("goal", "可衡量的目标", "text", True, "写明到什么时候达到什么程度，能判断办没办成。", most=500),
    Field("requirement", "交办要求", "text", hint="情况、原因线索、要怎么办。", most=1000),
    Field("milestones", "时间节点", "text", hint="一行一个：日期、空格、内容。如 2025-07-31 报送整改方案。", most=2000),
    Field("deadline", "完成时限", "date", True, "默认为 10 个工作日后，按节假日安排计算。"),
    Field("level", "督办级别", "choice", True, "逐级升级：蓝色、黄色、红色。", tuple(LEVELS.items())),
    Field("funds", "资金安排", hint="需要或已安排的资金及来源；没有可不填。", most=300),
)
BY_NAME = {f.name: f for f in FIELDS}


PLAIN = ("source", "reference", "commitment", "figure", "lead", "responsible", "support", "goal", "requirement", "level",
         "funds")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """A 督办 to open, checked. `milestones` are (name, due); `helpers` the places that take part."""

    title: str
    place: str
    deadline: date
    milestones: tuple[tuple[str, date], ...]
    helpers: tuple[str, ...]
    texts: Mapping[str, str]

    def data(self) -> dict[str, Any]:
        """What the case is opened with, under the names of the process's form."""
        found: dict[str, Any] = {"title": self.title, "deadline": self.deadline.isoformat()}
        found |= {name: self.texts[name] for name in PLAIN if self.texts[name]}
        if self.milestones:
            found["milestones"] = [{"name": name, "due": due.isoformat()} for name, due in self.milestones]
        return found


Errors = list[tuple[str, str]]


def check(raw: Mapping[str, str], pack: Pack, places: Container[str], today: date) -> tuple[Draft | None, Errors]:
    """The draft that these texts mean, or each thing wrong as (field, message); never both.

    `places` are those the account may open a 督办 for.
    """
    texts = {f.name: typed(raw.get(f.name, "")) for f in FIELDS}
    errors = [e for f in FIELDS for e in _form_errors(f, texts[f.name])]
    wrong = {name for name, _ in errors}
    errors += _reference_errors(texts, pack)
    place = _place(texts["place"], pack, places, errors) if "place" not in wrong else ""
    deadline = _deadline(texts["deadline"], today, errors) if "deadline" not in wrong else None
    milestones = _milestones(texts["milestones"], deadline, errors)
    helpers = _helpers(texts["support_places"], pack, errors)
    if errors or deadline is None:
        return None, errors
    return Draft(texts["title"], place, deadline, milestones, helpers, texts), []


def _form_errors(field: Field, text: str) -> Errors:
    if field.required and not text:
        return [(field.name, f"请填写“{field.label}”。")]
    if len(text) > field.most:
        return [(field.name, f"“{field.label}”至多 {field.most} 个字，现有 {len(text)} 个。")]
    if text and len(text) < field.least:
        return [(field.name, f"“{field.label}”至少 {field.least} 个字，现有 {len(text)} 个。")]
    if field.kind == "choice" and text and text not in dict(field.choices):
        words = "、".join(word for _, word in field.choices)
        return [(field.name, f"“{field.label}”应为{words}之一，现为“{text}”。")]
    return []


def _place(text: str, pack: Pack, places: Container[str], errors: Errors) -> str:
    try:
        code = pack.places.resolve(text)
    except PlaceError as error:
        errors.append(("place", f"“责任地方”：{error}"))
        return ""
    if code not in places:
        errors.append(("place", f"“责任地方”{pack.places.name(code)}不在您可以交办的范围内。"))
    return str(code)


def _helpers(text: str, pack: Pack, errors: Errors) -> tuple[str, ...]:
    found = []
    for name in (part.strip() for part in SEPARATORS.split(text) if part.strip()):
        try:
            found.append(str(pack.places.resolve(name)))
        except PlaceError as error:
            errors.append(("support_places", f"“配合地方”：{error}"))
    return tuple(dict.fromkeys(found))


def _deadline(text: str, today: date, errors: Errors) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        errors.append(("deadline", f"“完成时限”应为日期，如 2025-08-15，现为“{text}”。"))
        return None
    if day < today:
        errors.append(("deadline", f"“完成时限”{text} 早于今天 {today}，应为今天或以后。"))
    return day


def _milestones(text: str, deadline: date | None, errors: Errors) -> tuple[tuple[str, date], ...]:
    found: list[tuple[str, date]] = []
    for line in (part.strip() for part in re.split(r"[\n；;]+", text)):
        if not line:
            continue
        match = MILESTONE.fullmatch(line)
        try:
            due = date(*(int(n) for n in match[1].split("-"))) if match else None
        except ValueError:
            due = None
        if match is None or due is None:
            errors.append(("milestones", f"“时间节点”应为日期、空格、内容，如 2025-07-31 报送整改方案，现为“{line}”。"))
        elif deadline and due > deadline:
            errors.append(("milestones", f"时间节点“{match[2]}”{due} 晚于完成时限 {deadline}，应不晚于时限。"))
        elif match[2] in dict(found):
            errors.append(("milestones", f"时间节点“{match[2]}”写了两次，请改一个名称。"))
        else:
            found.append((match[2], due))
    return tuple(found)


def _reference_errors(texts: Mapping[str, str], pack: Pack) -> Errors:
    errors: Errors = []
    code, _, clause = texts["reference"].partition("#")
    document = pack.find("documents", code) if code else None
    if document and document.clauses and clause and clause not in {c.id for c in document.clauses}:
        errors.append(("reference", f"《{document.title}》没有登记条款“{clause}”。条款见文件页。"))
    if texts["source"] == "document" and not texts["reference"]:
        errors.append(("reference", "来源是文件时，请在“依据”里写文件代码#条款，或文件名称。"))
    commitment, _, line = texts["commitment"].partition("/")
    known = pack.find("commitments", commitment) if commitment else None
    if commitment and known is None:
        errors.append(("commitment", f"没有编号为“{commitment}”的承诺。编号见承诺一本账。"))
    if known and line and not 1 <= (number(line) or 0) <= lines_of(known):
        errors.append(("commitment", f"“{commitment}”共 {lines_of(known)} 项，没有第“{line}”项。"))
    if texts["figure"]:
        try:
            planning.find(texts["figure"])
        except (FigureError, PeriodError, PlaceError, planning.Unknown) as error:
            errors.append(("figure", f"“指标值编号”：{error}"))
    return errors


def lines_of(commitment: Commitment) -> int:
    """How many items a commitment counts, when it is a whole number of at most 999; else 0."""
    value = number(commitment.value or "") or 0
    return value if value <= 999 else 0
