"""What the pages of collection read from a request: the account, the cells that were typed, the comments of a reviewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from rongtong import clock
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import slices
from rongtong.apps.observations.collecting import NoTask, Task, task, task_of_key
from rongtong.apps.observations.filing import Clash, Saved, Typed
from rongtong.apps.observations.slices import Cell, Slice
from rongtong.apps.registry.access import Denied, account_of
from rongtong.engine.reading import HARD
from rongtong.typed import number

LONGEST_COMMENT = 200


def case_of(request: HttpRequest, pk: int) -> Case:
    """The slice of this number. Raises Http404, the same where it is absent or not this account's to see."""
    try:
        case = slices.find(account_of(request), pk)
        task_of_key(case.key)  # a table that the packs no longer have shows nothing
    except (Case.DoesNotExist, NoTask) as error:
        raise Http404("没有这份填报。") from error
    return case


def task_of(collection: str, period: str) -> Task:
    """The open task. Raises Http404."""
    try:
        return task(collection, period)
    except NoTask as error:
        raise Http404(str(error)) from error


def refused(error: Denied) -> PermissionDenied:
    """What a page answers to a refusal: 403 with its words."""
    return PermissionDenied(str(error))


@dataclass(frozen=True, slots=True)
class Line:
    """A cell as the grid shows it: what stands in the boxes, the version they were based on, what is wrong with them."""

    cell: Cell
    value: str
    reason: str
    version: int
    error: str = ""
    clash: Clash | None = None
    changed: bool = False
    ticked: bool = False
    remark: str = ""

    @property
    def code(self) -> str:
        return self.cell.item.indicator

    @property
    def unsaved(self) -> bool:
        """Whether the boxes hold something that is not kept."""
        return bool(self.error) or self.clash is not None


def typed(request: HttpRequest, only: Iterable[str] = ()) -> list[Typed]:
    """The cells of a posted grid, all or only some. A cell whose other version was chosen (`take`) is left out."""
    wanted, taken = set(only), request.POST.get("take", "")
    found = []
    for name in request.POST:
        if not name.startswith("v."):
            continue
        code = name[2:]
        if code == taken or (wanted and code not in wanted):
            continue
        seen = number(request.POST.get(f"s.{code}", ""))
        value, reason = request.POST.get(name, ""), request.POST.get(f"r.{code}")
        found.append(Typed(code, value, reason or "", seen or 0))
    return found


def review_lines(shown: Slice, given: Mapping[str, str], since: datetime | None) -> list[Line]:
    """The lines of a grid under review, with the comments that were typed."""
    return [
        Line(
            cell,
            cell.value,
            cell.reason,
            cell.version,
            changed=_changed(cell, since),
            ticked=f"b.{cell.item.indicator}" in given,
            remark=given.get(f"c.{cell.item.indicator}", ""),
        )
        for cell in shown.cells
    ]


def _changed(cell: Cell, since: datetime | None) -> bool:
    return since is not None and cell.entry is not None and cell.entry.at > since


def lines(shown: Slice, done: Saved, given: Iterable[Typed], since: datetime | None) -> list[Line]:
    """The lines of a grid after a save; what could not be saved stays as it was typed."""
    kept = {t.indicator: t for t in given}
    found = []
    for cell in shown.cells:
        code = cell.item.indicator
        error, clash = done.errors.get(code, ""), done.clashes.get(code)
        changed = _changed(cell, since)
        if (error or clash) and code in kept:
            # Saving again after a clash is a choice made with the other's value in view.
            seen = clash.entry.version if clash else kept[code].seen
            found.append(Line(cell, kept[code].value, kept[code].reason, seen, error, clash, changed))
        else:
            found.append(Line(cell, cell.value, cell.reason, cell.version, changed=changed))
    return found


def errors_of(found: Iterable[Line]) -> list[tuple[str, str]]:
    """The error summary of a grid: (field, message)."""
    made = []
    for line in found:
        if line.error:
            made.append((f"v-{line.code}", f"{line.cell.card.name}：{line.error}"))
        if line.clash:
            made.append((f"v-{line.code}", f"{line.cell.card.name}：{clash_words(line.clash)}"))
    return made


def unready(shown: Slice) -> list[tuple[str, str]]:
    """What still keeps a slice from being submitted: (field, message) cell by cell."""
    made = []
    for cell in shown.cells:
        code, name = cell.item.indicator, cell.card.name
        if cell.missing:
            made.append((f"v-{code}", f"{name}：必填，还没有填。"))
        for f in cell.findings:
            if f.severity == HARD:
                made.append((f"v-{code}", f"{name}：{f.problem}。应为 {f.expected}；请{f.do}。"))
            elif f.blocks:
                said = f"“{f.reason}”没有说明原因" if f.reason else "还没有写核实说明"
                made.append((f"r-{code}", f"{name}：{f.problem}；{said}，请写明具体原因，至少六个字。"))
    return made


def clash_words(clash: Clash) -> str:
    """Who changed a cell to what, and when."""
    entry = clash.entry
    return f"{entry.by.name}在 {entry.at.astimezone(clock.LOCAL):%H:%M} 已改为“{entry.value or '空'}”，您填的“{clash.typed.value or '空'}”没有保存"


def returned_cells(post: Mapping[str, str], shown: Slice) -> list[dict[str, str]]:
    """The cells a reviewer ticked or commented, each with its comment."""
    found = []
    for cell in shown.cells:
        code = cell.item.indicator
        comment = post.get(f"c.{code}", "").strip()[:LONGEST_COMMENT]
        if comment or post.get(f"b.{code}"):
            found.append({"indicator": code, "comment": comment or "请核对"})
    return found
