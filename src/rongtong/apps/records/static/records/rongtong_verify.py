#!/usr/bin/env python3
"""核验融通的留痕日志：只用 Python 标准库的一个文件，不联网，不用融通的任何程序。
Verifies a Rongtong log: one file, the Python standard library (3.8 or newer), no network, nothing of Rongtong.

    python rongtong_verify.py log FOLDER --key KEY [--since CHECKPOINT] [--hashes-only] [--without-sm3]
    python rongtong_verify.py proof FILE --key KEY [--without-sm3]

FOLDER is a copy of the published log (`checkpoint`, `tile/`, `sm3/tile/`); FILE comes from `rongtong log prove` or `rongtong
log consistency`. KEY is the log's public key, or a file with it: it must come from elsewhere than what it is to check.
CHECKPOINT is one kept from before: without it nobody can see that a log was cut or rewritten as a whole.
Exit code 0 only if everything holds; 1 and one sentence for the first fault; 2 if asked wrongly.

Formats: RFC 6962 and 9162 (tree, proofs), C2SP signed-note, tlog-checkpoint, tlog-tiles, RFC 8032 (Ed25519), GB/T 32905 (SM3).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

WIDTH = 256
FAULTS = {
    "key_malformed": "公钥不对：应为“名称+编号+Base64”，一字不差。 / The key is not well-formed: name+id+base64, every letter.",
    "note_malformed": "{where} 不是签名文本。 / {where} is no signed note.",
    "wrong_key": "{where} 没有这个公钥（{name}）的签名：公钥不对，或不是这个日志。 / {where} is not signed by this key: wrong key or wrong log.",
    "bad_signature": "{where} 的签名是假的：检查点被改过。 / The signature of {where} is false: the checkpoint was changed.",
    "not_checkpoint": "{where} 不是检查点。 / {where} is no checkpoint.",
    "other_log": "{where} 是另一个日志（{origin}）的。 / {where} is of another log ({origin}).",
    "no_sm3": "本机的 Python 没有 SM3：请换一台机器，或用 --without-sm3 只核对 SHA-256。 / This Python has no SM3: use another, or --without-sm3.",
    "missing": "缺文件 {path}。 / File {path} is missing.",
    "bundle_length": "{path} 应有 {width} 条，却有 {found} 条：有遗漏、多余或截断。 / {path} should have {width} entries, not {found}: some dropped, added or cut.",
    "not_json": "第 {number} 条不是 JSON：被改过。 / Entry {number} is not JSON: it was changed.",
    "out_of_place": "第 {number} 条自称第 {said} 条：次序被换，或前面有遗漏。 / Entry {number} says it is entry {said}: reordered, or one before it was dropped.",
    "tile_length": "瓦片 {path} 应有 {width} 个哈希（{bytes} 字节），却有 {found} 字节。 / Tile {path} should have {width} hashes ({bytes} bytes), not {found} bytes.",
    "entry_changed": "第 {n} 条与瓦片 {tile} 不符：其中一个被改过。 / Entry {n} does not match tile {tile}: one of them was changed.",
    "tile_changed": "瓦片 {path} 与下一层不符：被改过。 / Tile {path} does not match the level below: it was changed.",
    "stale": "检查点过时：只有 {size} 条，以前的有 {old} 条；日志被截短或换成了旧的。 / Stale checkpoint: {size} entries, an earlier one has {old}; the log was cut or replaced by an older one.",
    "forked": "日志分叉：同为 {old} 条而根不同。 / Forked log: {old} entries each, but different roots.",
    "root_differs": "{by} 的根与检查点不符：瓦片不是这个检查点的。 / The {by} root differs from the checkpoint: these are not its tiles.",
    "rewritten": "前 {old} 条的根（{by}）与保存的检查点不符：历史被改写。 / The {by} root of the first {old} entries differs from the saved checkpoint: history was rewritten.",
    "not_proof": "{path} 不是证明文件，或已损坏。 / {path} is no proof file, or it is damaged.",
    "no_entry": "检查点有 {size} 条，没有第 {number} 条。 / The checkpoint has {size} entries, no entry {number}.",
    "not_included": "第 {number} 条不在检查点的日志里（{by}）：正文或证明被改过。 / Entry {number} is not in the log of the checkpoint ({by}): the leaf or the proof was changed.",
    "payload_swapped": "第 {number} 条的内容或盐与其承诺不符：被换过。 / The payload or salt of entry {number} does not match its commitment: it was swapped.",
    "name_swapped": "第 {number} 条的用户名（{part}）或盐与其承诺不符：被换过。 / The username ({part}) or salt of entry {number} does not match its commitment: it was swapped.",
    "not_continued": "后一个检查点不是前一个的延续（{by}）：历史被改写、分叉，或证明被改过。 / The newer checkpoint does not continue the older ({by}): rewritten, forked, or the proof was changed.",
}


class Fault(Exception):
    """What does not hold: a sentence in each language."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(f"[{code}] {FAULTS[code].format(**facts)}")


# Ed25519 (RFC 8032, sections 5.1 and 6): verification only, so nothing here is secret and time does not matter.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_sum(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    t = D * a[0] * b[0] * a[1] * b[1]
    x, y = a[0] * b[1] + a[1] * b[0], a[1] * b[1] + a[0] * b[0]
    return x * pow(1 + t, P - 2, P) % P, y * pow(1 - t, P - 2, P) % P


def times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    total = (0, 1)
    while factor:
        if factor & 1:
            total = point_sum(total, point)
        point, factor = point_sum(point, point), factor >> 1
    return total


def point_of(data: bytes) -> tuple[int, int]:
    """Section 5.1.3. Raises ValueError for what is no point."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if len(data) != 32 or y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError
    return P - x if x & 1 != sign else x, y


def genuine(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature is genuine (section 5.1.7)."""
    try:
        base = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
        key, first = point_of(public), point_of(signature[:32])
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return len(signature) == 64 and s < ORDER and times(s, base) == point_sum(first, times(k, key))


# The tree (RFC 6962, section 2.1), by either hash.

HASHES = {"sha256": lambda data: hashlib.sha256(data).digest(), "sm3": lambda data: hashlib.new("sm3", data).digest()}
PREFIX = {"sha256": "", "sm3": "sm3/"}


def node(by: str, left: bytes, right: bytes) -> bytes:
    return HASHES[by](b"\x01" + left + right)


def tree_root(by: str, row: list[bytes]) -> bytes:
    """Row by row; what has no partner goes up as it is, which is the tree of RFC 6962."""
    if not row:
        return HASHES[by](b"")
    while len(row) > 1:
        above = [node(by, row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = above + row[len(above) * 2 :]
    return row[0]


def climbed(by: str, at: int, last: int, old: bytes, new: bytes, proof: list[bytes]) -> tuple[bytes, bytes] | None:
    """The walk up of RFC 9162, sections 2.1.3.2 (`new` alone) and 2.1.4.2 (both); None for a proof of the wrong length."""
    for each in proof:
        if last == 0 or len(each) != 32:
            return None
        if at & 1 or at == last:
            old, new = node(by, each, old), node(by, each, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node(by, new, each)
        at, last = at >> 1, last >> 1
    return (old, new) if last == 0 else None


def consistent(by: str, old: int, size: int, before: bytes, after: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2; the root of no leaves must be the hash of nothing."""
    if old in (0, size):
        return not proof and before == (after if old == size else HASHES[by](b""))
    path = [before, *proof] if old & old - 1 == 0 else proof
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    return len(b"".join(path[:1])) == 32 and climbed(by, at, last, path[0], path[0], path[1:]) == (before, after)


# Keys, notes, checkpoints (C2SP signed-note and tlog-checkpoint).


class Key(NamedTuple):
    name: str
    id: bytes
    public: bytes


class Checkpoint(NamedTuple):
    size: int
    roots: dict[str, bytes]


def unbase64(text: str) -> bytes:
    """Strictly: one text for one value. What is none gives nothing."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if base64.b64encode(data).decode() == text else b""


def read_key(text: str) -> Key:
    if os.path.isfile(text):
        text = read(text).decode("utf-8", "replace")
    name, _, rest = text.strip().partition("+")
    found, _, encoded = rest.partition("+")
    data = unbase64(encoded)
    made = HASHES["sha256"](name.encode("utf-8") + b"\n" + data)[:4]
    if len(data) != 33 or data[0] != 1 or made.hex() != found:
        raise Fault("key_malformed")
    return Key(name, made, data[1:])


def open_checkpoint(where: str, content: bytes, key: Key) -> Checkpoint:
    """The checkpoint in a note, once this key's signature has proved genuine."""
    body, blank, tail = content.decode("utf-8", "replace").rpartition("\n\n")
    lines, own = body.split("\n"), []
    for line in tail.split("\n")[:-1]:
        dash, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")
        data = unbase64(value)
        if dash != "\u2014" or len(data) < 5:
            raise Fault("note_malformed", where=where)
        own += [data[4:]] if (name, data[:4]) == (key.name, key.id) else []
    if not blank or not tail.endswith("\n"):
        raise Fault("note_malformed", where=where)
    if not own:
        raise Fault("wrong_key", where=where, name=key.name)
    if not all(genuine(key.public, each, (body + "\n").encode("utf-8")) for each in own):
        raise Fault("bad_signature", where=where)
    roots = {"sha256": unbase64(lines[2]) if len(lines) > 2 else b""}
    for line in lines[3:]:
        if line.startswith("sm3 ") and "sm3" in HASHES:
            if "sm3" not in hashlib.algorithms_available:
                raise Fault("no_sm3")
            roots["sm3"] = unbase64(line[4:])
    size = lines[1] if len(lines) > 1 else ""
    if not size.isdecimal() or len(size) > 18 or any(len(each) != 32 for each in roots.values()):
        raise Fault("not_checkpoint", where=where)
    if lines[0] != key.name:
        raise Fault("other_log", where=where, origin=lines[0])
    return Checkpoint(int(size), roots)


def read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Fault("missing", path=path) from error


# A published log (C2SP tlog-tiles).


def tile_path(level: str, index: int, width: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(["tile", level, *groups]) + ("" if width == WIDTH else f".p/{width}")


def tile_shape(count: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, WIDTH):
        yield begin // WIDTH, min(WIDTH, count - begin)


def entries_in(path: str, content: bytes, width: int) -> list[bytes]:
    entries, at = [], 0
    while at < len(content):
        end = at + 2 + int.from_bytes(content[at : at + 2], "big")
        entries.append(content[at + 2 : end])
        at = end
    if at != len(content) or len(entries) != width:
        raise Fault("bundle_length", path=path, width=width, found=len(entries))
    return entries


def check_entry(number: int, entry: bytes) -> None:
    """That a leaf says of itself that it is where it lies."""
    try:
        said = json.loads(entry).get("sequence")
    except (ValueError, AttributeError, RecursionError) as error:
        raise Fault("not_json", number=number) from error
    if said != number:
        raise Fault("out_of_place", number=number, said=said)


def read_tile(folder: str, path: str, width: int) -> list[bytes]:
    content = read(os.path.join(folder, path))
    if len(content) != width * 32:
        raise Fault("tile_length", path=path, width=width, bytes=width * 32, found=len(content))
    return [content[i : i + 32] for i in range(0, len(content), 32)]


def read_level_0(folder: str, checkpoint: Checkpoint, hashes_only: bool) -> dict[str, list[bytes]]:
    """The leaf hashes of each tree; every entry is compared with them unless only hashes are to be checked."""
    rows: dict[str, list[bytes]] = {by: [] for by in checkpoint.roots}
    for index, width in tile_shape(checkpoint.size):
        path = tile_path("entries", index, width)
        entries = [] if hashes_only else entries_in(path, read(os.path.join(folder, path)), width)
        for n, entry in enumerate(entries, index * WIDTH + 1):
            check_entry(n, entry)
        for by, row in rows.items():
            tile = PREFIX[by] + tile_path("0", index, width)
            hashes = read_tile(folder, tile, width)
            for n, entry in enumerate(entries):
                if HASHES[by](b"\x00" + entry) != hashes[n]:
                    raise Fault("entry_changed", n=index * WIDTH + n + 1, tile=tile)
            row.extend(hashes)
    return rows


def check_upper_tiles(folder: str, by: str, row: list[bytes]) -> None:
    """That each hash above level 0 is the root of the full tile below it."""
    level = 0
    while len(row) >= WIDTH:
        level += 1
        row = [tree_root(by, row[i : i + WIDTH]) for i in range(0, len(row) - len(row) % WIDTH, WIDTH)]
        for index, width in tile_shape(len(row)):
            path = PREFIX[by] + tile_path(str(level), index, width)
            if read_tile(folder, path, width) != row[index * WIDTH : index * WIDTH + width]:
                raise Fault("tile_changed", path=path)


def check_log(folder: str, key: Key, since: str, hashes_only: bool) -> str:
    checkpoint = open_checkpoint("checkpoint", read(os.path.join(folder, "checkpoint")), key)
    old = open_checkpoint(since, read(since), key) if since else Checkpoint(0, {"sha256": HASHES["sha256"](b"")})
    if checkpoint.size < old.size:
        raise Fault("stale", size=checkpoint.size, old=old.size)
    if checkpoint.size == old.size and checkpoint.roots["sha256"] != old.roots["sha256"]:
        raise Fault("forked", old=old.size)
    rows = read_level_0(folder, checkpoint, hashes_only)
    for by, row in rows.items():
        check_upper_tiles(folder, by, row)
        if tree_root(by, row) != checkpoint.roots[by]:
            raise Fault("root_differs", by=by)
        if by in old.roots and tree_root(by, row[: old.size]) != old.roots[by]:
            raise Fault("rewritten", old=old.size, by=by)
    said = f"，以保存的 {old.size} 条为开头" if since else "；没有给出以前的检查点，看不出整体重写"
    what = "只核对了哈希，没有核对条目" if hashes_only else f"{checkpoint.size} 条逐条核对"
    return f"核验无误：{what}，{'、'.join(rows)} 的根与签名均相符{said}。 / All holds: {checkpoint.size} entries."


# Proof files.


def check_proof(path: str, key: Key) -> str:
    content = read(path)
    try:
        document = json.loads(content)
        checkpoint = open_checkpoint("检查点（checkpoint）", document["checkpoint"].encode("utf-8"), key)
        if document["format"] == "rongtong-proof-1":
            return check_inclusion(document, checkpoint) + stated(document)
        if document["format"] == "rongtong-consistency-1":
            return check_consistency(document, checkpoint, key)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        pass
    raise Fault("not_proof", path=path)


def check_inclusion(document: Any, checkpoint: Checkpoint) -> str:
    number, leaf = document["sequence"], document["leaf"].encode("utf-8")
    if not isinstance(number, int) or not 1 <= number <= checkpoint.size:
        raise Fault("no_entry", size=checkpoint.size, number=number)
    check_entry(number, leaf)
    for by, root in checkpoint.roots.items():
        proof = [bytes.fromhex(each) for each in document["inclusion"][by]]
        leaf_hash = HASHES[by](b"\x00" + leaf)
        found = climbed(by, number - 1, checkpoint.size - 1, leaf_hash, leaf_hash, proof)
        if found is None or found[1] != root:
            raise Fault("not_included", number=number, by=by)
    said = ""  # leaves of format 2 commit to usernames as well as to the payload
    for part, opening in [*document.get("names", {}).items(), *(i for i in document.items() if i[0] == "payload")]:
        salt, text = bytes.fromhex(opening["salt"]), opening["text"].encode("utf-8")
        if len(salt) != 32 or HASHES["sha256"](salt + text).hex() != json.loads(leaf)[part].split(":")[-1]:
            raise Fault("payload_swapped" if part == "payload" else "name_swapped", number=number, part=part)
        said += "，内容与承诺相符" if part == "payload" else f"，{part} 为 {opening['text']}"
    return f"核验无误：第 {number} 条在已签名的 {checkpoint.size} 条日志之中（{'、'.join(checkpoint.roots)}）{said}。 / All holds: entry {number} is in the signed log."


def stated(document: Any) -> str:
    """What a certificate states, once its payload has proved to be that of the leaf; "" for a leaf that is none."""
    says = json.loads(document["payload"]["text"]) if "payload" in document else {}
    if "states" not in says or not json.loads(document["leaf"])["kind"].endswith(".certify"):
        return ""
    head = [("编号 / number", says["number"]), ("出具 / issued", says["issued"]), ("单位 / for", says["organisation"])]
    lines = [f"  {plain(title)}：{plain(text)}" for title, text in [*head, *says["states"]] if text]
    now = "出具时如此；以后是否被替换或撤销，请到出具单位的核验页查。 / As issued: ask the issuer whether it still stands."
    return "\n".join(["", f"证明“{plain(says['certificate'])}”所载 / The certificate states:", *lines, now])


def plain(text: str) -> str:
    """On one line and without what could move a terminal's cursor: a certificate must not write a verdict of its own."""
    return "".join(c if c.isprintable() else " " for c in text)


def check_consistency(document: Any, checkpoint: Checkpoint, key: Key) -> str:
    old = open_checkpoint("以前的检查点（old）", document["old"].encode("utf-8"), key)
    if old.size > checkpoint.size:
        raise Fault("stale", size=checkpoint.size, old=old.size)
    for by in old.roots:
        proof = [bytes.fromhex(each) for each in document["consistency"][by]]
        if not consistent(by, old.size, checkpoint.size, old.roots[by], checkpoint.roots[by], proof):
            raise Fault("not_continued", by=by)
    return f"核验无误：{checkpoint.size} 条的日志以 {old.size} 条为开头。 / All holds: the log only grew."


def main(arguments: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    log = verbs.add_parser("log", help="核验一个已发布的日志 / a published log")
    log.add_argument("what", metavar="FOLDER")
    log.add_argument("--since", default="", metavar="CHECKPOINT", help="以前保存的检查点 / a checkpoint kept before")
    log.add_argument("--hashes-only", action="store_true", help="没有条目，只核对哈希 / without the entries")
    proof = verbs.add_parser("proof", help="核验一个证明文件 / a proof file")
    proof.add_argument("what", metavar="FILE")
    for verb in (log, proof):
        verb.add_argument("--key", required=True, help="日志的公钥，或写有它的文件 / the public key or a file with it")
        verb.add_argument("--without-sm3", action="store_true", help="只核对 SHA-256 / check SHA-256 alone")
    asked = parser.parse_args(arguments)
    if asked.without_sm3:
        HASHES.pop("sm3", None)
    try:
        key, full = read_key(asked.key), asked.verb == "log"
        said = check_log(asked.what, key, asked.since, asked.hashes_only) if full else check_proof(asked.what, key)
    except Fault as found:
        print(found)
        return 1
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
