"""Blocks (公示, 异议, 复核 …): parts of a process written once and put, in full, into each process that uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rongtong.engine.process.state import ProcessError

if TYPE_CHECKING:
    from rongtong.engine.pack.process import Block, Fragment, Process

PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")


def expanded(process: Process, blocks: Mapping[str, Block]) -> Process:
    """The process with every block it uses written out; itself where it uses none. Raises ProcessError.

    Before: stages draft, done; uses: [{block: notice, after: draft, with: {next: done}}]
    After: stages draft, notice, done; the block's steps behind the process's own.
    """
    if not process.uses:
        return process
    whole = process.model_dump(mode="json", by_alias=True, exclude_unset=True)
    stages, steps = list(whole["stages"]), list(whole["transitions"])
    for used in process.uses:
        block = blocks.get(used.block)
        if block is None:
            there = "、".join(sorted(blocks)) or "没有"
            raise ProcessError(f"{process.code} 用了构件“{used.block}”，规则包里没有；有的是：{there}。")
        own = {f"{c}": f"{used.prefix}{c}" for c in _codes(block)}
        filled = _arguments(process, used, block)
        at = _position(process, used, [s["code"] for s in stages])
        stages[at:at] = [_named(_filled(s, filled), own) for s in block.stages]
        steps += [_named(_filled(t, filled), own) for t in block.transitions]
    return type(process).model_validate({**whole, "stages": stages, "transitions": steps, "uses": []})


def _codes(block: Block) -> Iterator[str]:
    return (str(part.get("code", "")) for part in (*block.stages, *block.transitions))


def _position(process: Process, used: Fragment, codes: list[str]) -> int:
    if not used.after:
        return len(codes)
    if used.after not in codes:
        raise ProcessError(
            f"{process.code} 的构件 {used.block} 写 after: {used.after}，没有这个环节；有的是：{'、'.join(codes)}。"
        )
    return codes.index(used.after) + 1


def _arguments(process: Process, used: Fragment, block: Block) -> dict[str, Any]:
    unknown = sorted(set(used.with_) - set(block.parameters))
    if unknown:
        known = "、".join(block.parameters) or "没有"
        raise ProcessError(
            f"{process.code} 给构件 {block.code} 的 {'、'.join(unknown)} 不是它的参数；它的参数：{known}。"
        )
    filled = {**block.parameters, **used.with_}
    missing = sorted(n for n, v in filled.items() if v is None)
    if missing:
        raise ProcessError(f"{process.code} 用构件 {block.code} 缺少参数 {'、'.join(missing)}。请在 with 里给出。")
    return filled


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    """A part with its parameters replaced: a text that is one parameter takes its value as it is, others its words."""
    if isinstance(part, dict):
        return {k: _filled(v, values) for k, v in part.items()}
    if isinstance(part, list | tuple):
        return [_filled(v, values) for v in part]
    if not isinstance(part, str):
        return part
    whole = PARAMETER.fullmatch(part)
    if whole and whole[1] in values:
        return values[whole[1]]
    return PARAMETER.sub(lambda m: str(values.get(m[1], m[0])), part)


def _named(part: dict[str, Any], own: Mapping[str, str]) -> dict[str, Any]:
    """A stage or step under its code in the process, naming the block's others by theirs."""
    named = {**part, "code": own[str(part["code"])]}
    for key in ("at", "not_by"):
        if key in part:
            named[key] = [own.get(str(c), c) for c in part[key]]
    if part.get("to"):
        named["to"] = own.get(str(part["to"]), part["to"])
    return named
