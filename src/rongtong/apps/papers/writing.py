"""Papers (材料) from the pack's wording and the figures: composed, made into files, all of them for the latest periods."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from rongtong import clock
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers import blocks, evidence, ledger, queries
from rongtong.apps.papers.blocks_base import Context, say, wide
from rongtong.apps.papers.blocks_method import sources
from rongtong.apps.papers.document import Attachment, Block, Heading, Manual, PageBreak, Paper, figures
from rongtong.apps.papers.layout import docx_bytes
from rongtong.apps.planning.queries import Unknown
from rongtong.engine.pack.plan import PaperWording, Section
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

KINDS = {
    "dispatch": "调度会材料",
    "half_year": "半年度分析报告",
    "annual": "年度综合研判",
    "bulletin": "通报",
    "evidence": "证据表",
    "ledger": "重点任务台账",
}
ANNEX = "annex"
NOTICE = "含演示数据，演示数据不是公布数"
# A pack numbers its headings for whoever reads it; the layout writes the ordinals itself.
_ORDINAL = re.compile(r"^(?:[一二三四五六七八九十]+、|附[件表]\s*)")


@dataclass(frozen=True, slots=True)
class Made:
    """A paper as a file, with every figure and text shown in it, its sections as (key, heading), and those an officer
    writes (`manual`)."""

    kind: str
    period: str
    place: str
    use: str
    as_of: date
    pack: str
    data: bytes
    figures: tuple[tuple[str, str], ...]
    sections: tuple[tuple[str, str], ...]
    manual: tuple[str, ...]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def file_name(self) -> str:
        """The Chinese file name: 调度会材料_2025H1.docx."""
        middle = "".join(f"_{part}" for part in (self.place, self.use) if part)
        return f"{KINDS[self.kind]}_{self.period}{middle}.{'xlsx' if self.kind == 'ledger' else 'docx'}"


def wording_of(pack: Pack, kind: str) -> tuple[PaperWording, str]:
    """The wording of a paper and the file it stands in. Raises Unknown for a kind that is none or has no wording."""
    if kind not in KINDS:
        raise Unknown(f"没有“{kind}”这种材料。应为 {'、'.join(KINDS)} 之一。")
    found = pack.find("papers", kind)
    if found is None:
        raise Unknown(f"规则包里没有{KINDS[kind]}的写法。请在 papers/{kind}.yaml 里给出。")
    origin = pack.origin("papers", found)
    return found, f"{origin.pack}/{origin.file}"


def check_period(kind: str, period: Period) -> None:
    """Raises Unknown when a paper of this kind is not made for such a period."""
    fits = {"half_year": period.kind == "half", "annual": period.kind == "year"}
    if fits.get(kind, period.cumulative):
        return
    form = {"half_year": "半年，如 2025H1", "annual": "年，如 2024"}
    expected = form.get(kind, "年初累计的期，如 2025Q1、2025H1、2025-01..09 或 2025")
    raise Unknown(f"{KINDS[kind]}的期是 {period}，应为{expected}。")


def context(kind: str, period: Period, as_of: date | None, place: str, use: str) -> Context:
    """What a paper of this kind starts from. Raises Unknown as `wording_of` and `check_period` do, or PlaceError."""
    pack = packs.current(as_of)
    wording, file = wording_of(pack, kind)
    if kind == "ledger":
        # The ledger is a year's; asked for a part of it, it is the year's as known on the day.
        period = period.whole_year
    check_period(kind, period)
    if kind != "evidence" and (place or use):
        raise Unknown(f"--place 和 --use 只用于证据表；{KINDS[kind]}按全域生成。")
    code = pack.places.resolve(place) if place else ""
    notes = queries.notes(kind, str(period))
    return Context(pack, wording, file, period, as_of or clock.today(), as_of, code, use, notes)


def compose(
    kind: str, period: Period, as_of: date | None = None, place: str | None = None, use: str | None = None
) -> Paper:
    """A paper from the pack's wording and the figures known on `as_of` (today when left out).

    Raises Unknown for a kind, period, use or block name that does not exist and when nothing is known for the period;
    PlaceError for an unknown place.
    """
    if kind == "ledger":
        raise Unknown("重点任务台账是电子表格，不排成文书。")
    return _paper(context(kind, period, as_of, place or "", use or ""))


def _paper(ctx: Context) -> Paper:
    wording, period = ctx.wording, ctx.period
    if not ctx.boards:
        known = "、".join(c.name for c in ctx.unreported)
        raise Unknown(f"截至 {ctx.as_of}，{period} 没有可写进{KINDS[wording.code]}的数（{known}等都未报）。")
    body: list[Block] = []
    annexes: list[Attachment] = []
    if wording.code == "evidence":
        body = _sheets(ctx)
    else:
        for section in wording.sections:
            ctx.in_annex = section.key == ANNEX
            made = [block for name in section.blocks for block in blocks.block(name, ctx)]
            if ctx.in_annex:
                annexes.append(Attachment(say(heading(section)), tuple(made)))
            else:
                body += [Heading(1, say(heading(section))), *made, *_manual(ctx, section, section.key)]
        ctx.in_annex = False
    name = ctx.pack.places.name(ctx.place) if ctx.place else ""
    paper = Paper(
        kind=KINDS[wording.code],
        title=wording.title,
        subtitle=f"（{name + '，' if name else ''}{period.chinese}）",
        number=wording.number,
        organisation=wording.organisation,
        date=ctx.as_of,
        blocks=tuple(body),
        notice=NOTICE if any(f.status == "synthetic" for f in ctx.shown.values()) else "",
        attachments=tuple(annexes),
    )
    return replace(paper, sources=sources(ctx, figures(paper)))


def heading(section: Section) -> str:
    """A section's heading without the ordinal the pack may have written."""
    return _ORDINAL.sub("", section.heading)


def _manual(ctx: Context, section: Section, key: str) -> Sequence[Block]:
    if not section.manual:
        return ()
    return (Manual(key, ctx.notes.get(key) or f"〔待填：{wide(section.manual).rstrip('。')}〕"),)


def _sheets(ctx: Context) -> list[Block]:
    """One sheet for each place and use, each on a page of its own."""
    out: list[Block] = []
    asked = ctx.place, ctx.use
    for place, use in evidence.sheets(ctx):
        ctx.place, ctx.use = place, use
        words = f"{ctx.pack.places.get(place).name}：{ctx.pack.get('uses', use).name}"
        out += [PageBreak()] if out else []
        out.append(Heading(1, say(words)))
        for section in ctx.wording.sections:
            out.append(Heading(2, say(heading(section))))
            out += [block for name in section.blocks for block in blocks.block(name, ctx)]
            out += _manual(ctx, section, f"{section.key}.{place}.{use}")
    ctx.place, ctx.use = asked
    return out


def make_file(kind: str, period: Period, as_of: date | None = None, place: str = "", use: str = "") -> Made:
    """A paper as a file. Raises what `compose` raises, and layout.PaperError for a paper that may not be issued."""
    ctx = context(kind, period, as_of, place, use)
    sections = tuple((s.key, heading(s)) for s in ctx.wording.sections)
    if kind == "ledger":
        data, shown = ledger.workbook(ctx)
        manual = tuple(s.key for s in ctx.wording.sections if s.manual)
    else:
        paper = _paper(ctx)
        data, shown = docx_bytes(paper), figures(paper)
        manual = tuple(block.section for block in paper.blocks if isinstance(block, Manual))
    return Made(kind, str(ctx.period), ctx.place, use, ctx.as_of, ctx.pack.fingerprint, data, shown, sections, manual)


def latest(kind: str, today: date) -> Period:
    """The period a paper of this kind is about when made today: the last half-year or year that has ended."""
    if kind == "ledger":
        return Period(today.year, 1, 12)
    if kind == "annual" or today.month <= 6:
        return Period(today.year - 1, 1, 12) if kind != "half_year" else Period(today.year - 1, 7, 6)
    return Period(today.year, 1, 6)


def write_all(folder: Path) -> tuple[Path, ...]:
    """Every paper of the pack for its latest period, into `folder`; a paper there is nothing to write of is left out."""
    from rongtong.apps.papers import actions
    from rongtong.apps.registry.actions import system_account

    actor, written = system_account(), []
    pack = packs.current()
    for kind in KINDS:
        if pack.find("papers", kind) is None:
            continue
        try:
            made = make_file(kind, latest(kind, clock.today()))
        except Unknown as error:
            print(f"{KINDS[kind]}没有生成：{error}")
            continue
        actions.make(made, actor)
        path = folder / made.file_name
        path.write_bytes(made.data)
        written.append(path)
    return tuple(written)
