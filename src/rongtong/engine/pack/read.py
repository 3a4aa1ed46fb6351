"""Reading a pack: bytes in, records out, every error with file and line.

`read_layer` parses one folder's files, `combine` lays a pack over those it extends. Nothing here touches a disk:
files come as a mapping from relative path to bytes, so that a stored snapshot reads exactly as a folder does.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from rongtong.engine.lazy import LazyModule
from rongtong.engine.place import PlaceTree

if TYPE_CHECKING:
    import yaml
    from pydantic import ValidationError

    from rongtong.engine.pack import example, plan, process
    from rongtong.engine.pack import model as m
else:
    # The models (pydantic) and the parser are loaded by the first pack that is read.
    m = LazyModule("rongtong.engine.pack.model")
    example = LazyModule("rongtong.engine.pack.example")
    plan = LazyModule("rongtong.engine.pack.plan")
    process = LazyModule("rongtong.engine.pack.process")
    yaml = LazyModule("yaml")

Files = Mapping[str, bytes]

# kind → (file pattern, name of the model in `model`, or in the module named before the dot, the fields that identify a
# statement)
KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "documents": ("documents.yaml", "Document", ("code",)),
    "places": ("places.csv", "Place", ("code",)),
    "hierarchies": ("hierarchies.csv", "Parent", ("hierarchy", "place", "valid_from")),
    "bridges": ("bridges.csv", "Bridge", ("date", "old", "new")),
    "groups": ("groups.yaml", "PlaceGroup", ("code",)),
    "chains": ("chains.csv", "Chain", ("code", "valid_from")),
    "departments": ("departments.csv", "Department", ("code",)),
    "scopes": ("scopes.yaml", "Scope", ("code",)),
    "indicators": ("indicators/*.yaml", "Indicator", ("code", "valid_from")),
    "commitments": ("commitments.csv", "Commitment", ("id",)),
    "targets": ("targets.yaml", "Target", ("code",)),
    "balances": ("balances.yaml", "Balance", ("code",)),
    "lamps": ("lamps.yaml", "LampRule", ("code", "valid_from")),
    "uses": ("uses.yaml", "Use", ("code",)),
    "sources": ("sources/*.yaml", "Source", ("code",)),
    "synthetic": ("demo.yaml", "Synthetic", ("indicator", "level")),
    "calendar": ("calendar.csv", "Holiday", ("date", "known_from")),
    "allocations": ("allocations/*.yaml", "plan.Split", ("code",)),
    "papers": ("papers/*.yaml", "plan.PaperWording", ("code",)),
    "collections": ("collections.yaml", "plan.Collection", ("code",)),
    "processes": ("processes/*.yaml", "process.Process", ("code", "version")),
    "blocks": ("blocks.yaml", "process.Block", ("code",)),
    "examples": ("demo_cases/*.yaml", "example.Example", ("code",)),
    "published": ("processes/published.csv", "process.Published", ("process", "version")),
}
LOOSE = ("data/*.csv", "data/*.xlsx", "shapes/*.geojson", "README*.md", "LICENSE*", "NOTICE*")


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding about a pack: where, what was found and expected, what to do."""

    file: str
    line: int
    message: str
    do: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" + (f" 请{self.do}。" if self.do else "")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a statement stands."""

    pack: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One pack as read: its manifest, its statements by kind and key, where each stands, and its raw files."""

    manifest: m.Manifest
    statements: Mapping[str, Mapping[tuple[Any, ...], m.Statement]]
    origins: Mapping[tuple[str, tuple[Any, ...]], Origin]
    files: Files
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack laid over those it extends. Later layers win, statement by statement."""

    layers: tuple[Layer, ...]
    statements: Mapping[str, Mapping[tuple[Any, ...], m.Statement]]
    origins: Mapping[tuple[str, tuple[Any, ...]], Origin]
    places: PlaceTree
    _by_code: dict[tuple[str, str], tuple[m.Statement, ...]] = field(default_factory=dict, repr=False)

    @property
    def manifest(self) -> m.Manifest:
        return self.layers[-1].manifest

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the layers' fingerprints, in order."""
        return hashlib.sha256("\n".join(layer.fingerprint for layer in self.layers).encode()).hexdigest()

    def all(self, kind: str) -> tuple[Any, ...]:
        """Every statement of a kind, in the order of the files."""
        return tuple(self.statements[kind].values())

    def get(self, kind: str, code: str) -> Any:
        """The newest statement of a kind with this code. Raises KeyError naming the kind and code."""
        found = self.find(kind, code)
        if found is None:
            raise KeyError(f"规则包里没有{kind}“{code}”。")
        return found

    def find(self, kind: str, code: str) -> Any | None:
        """The newest statement of a kind with this code, or None."""
        if not self._by_code:
            grouped: dict[tuple[str, str], list[m.Statement]] = {}
            for name, items in self.statements.items():
                for key, statement in items.items():
                    grouped.setdefault((name, str(key[0])), []).append(statement)
            self._by_code.update({k: tuple(sorted(v, key=_start)) for k, v in grouped.items()})
        found = self._by_code.get((kind, code))
        return found[-1] if found else None

    def origin(self, kind: str, statement: m.Statement) -> Origin:
        """Where a statement stands."""
        return self.origins[(kind, _key(kind, statement))]

    def loose(self, pattern: str) -> dict[str, bytes]:
        """Raw files of every layer that match a pattern, by path; a later layer's file replaces an earlier one's."""
        return {path: data for layer in self.layers for path, data in layer.files.items() if fnmatch(path, pattern)}


def _start(statement: m.Statement) -> str:
    return str(getattr(statement, "valid_from", None) or "")


def _key(kind: str, statement: m.Statement) -> tuple[Any, ...]:
    return tuple(getattr(statement, name) for name in KINDS[kind][2])


def model_of(kind: str) -> type[m.Statement]:
    """The model of a kind of statement."""
    module, _, name = KINDS[kind][1].rpartition(".")
    found: type[m.Statement] = getattr({"": m, "plan": plan, "process": process, "example": example}[module], name)
    return found


def fingerprint(files: Files) -> str:
    """SHA-256 over path and content of every file, in order of path."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path}\0{len(files[path])}\0".encode())
        digest.update(files[path])
    return digest.hexdigest()


def _yaml_items(path: str, data: bytes, problems: list[Problem]) -> Iterator[tuple[int, dict[str, int], Any]]:
    """(line, line of each key, plain value) for each item of a YAML list, or for the one mapping of a file."""
    try:
        loader = yaml.CSafeLoader(data)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problems.append(
            Problem(
                path,
                mark.line + 1 if mark else 1,
                f"不是合法的 YAML:{getattr(error, 'problem', error)}",
                "改正缩进或引号",
            )
        )
        return
    if node is None:
        return
    for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        keys = {k.value: k.start_mark.line + 1 for k, _ in item.value} if isinstance(item, yaml.MappingNode) else {}
        seen: set[str] = set()
        for key, _ in item.value if isinstance(item, yaml.MappingNode) else []:
            if key.value in seen:
                problems.append(Problem(path, key.start_mark.line + 1, f"“{key.value}”写了两次", "删去一处"))
            seen.add(key.value)
        line = item.start_mark.line + 1
        try:
            value = loader.construct_document(item)
        except (yaml.YAMLError, ValueError) as error:
            problems.append(Problem(path, line, f"有读不出来的值:{error}", "改正，或加上引号"))
            continue
        yield line, keys, value


def _csv_items(
    path: str, data: bytes, model: type[m.Statement], problems: list[Problem]
) -> Iterator[tuple[int, dict[str, int], Any]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(path, 1, "不是 UTF-8 编码", "另存为 UTF-8 的 CSV"))
        return
    reader = csv.DictReader(io.StringIO(text))
    unknown = sorted(set(reader.fieldnames or ()) - set(model.model_fields))
    if unknown:
        known = "、".join(model.model_fields)
        problems.append(Problem(path, 1, f"不认识的列 {'、'.join(unknown)}；应为 {known}", "改列名或删去该列"))
        return
    for row in reader:
        if None in row:
            problems.append(Problem(path, reader.line_num, "这一行的列比表头多", "检查逗号，含逗号的文字要加引号"))
            continue
        yield reader.line_num, {}, {k: v for k, v in row.items() if v not in (None, "")}


_WORDS = {
    "missing": "缺少必填项",
    "string_type": "应是文字，请加引号",
    "extra_forbidden": "不认识的项",
    "string_pattern_mismatch": "写法不对",
    "literal_error": "不在允许的取值之内",
    "string_too_short": "不能为空",
    "date_from_datetime_parsing": "不是日期，应为 YYYY-MM-DD",
    "date_parsing": "不是日期，应为 YYYY-MM-DD",
}


def explain(error: ValidationError) -> Iterator[tuple[str, str]]:
    """(path of the field, what is wrong in Chinese) for each error of a model."""
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        context = item.get("ctx", {})
        expected = context.get("expected") or context.get("pattern")
        message = _WORDS.get(item["type"], str(item["msg"]).removeprefix("Value error, "))
        found = "" if item["type"] == "missing" else f"，现为 {item['input']!r}"
        yield where, f"“{where}”{message}{found}" + (f"，应为 {expected}" if expected else "")


def read_layer(files: Files) -> tuple[Layer | None, list[Problem]]:
    """Parse one pack's files. The layer is None only when `pack.yaml` itself cannot be read."""
    problems: list[Problem] = []
    manifest = _manifest(files, problems)
    if manifest is None:
        return None, problems
    statements: dict[str, dict[tuple[Any, ...], m.Statement]] = {kind: {} for kind in KINDS}
    origins: dict[tuple[str, tuple[Any, ...]], Origin] = {}
    for path in sorted(files):
        kind = next((k for k, (pattern, _, _) in KINDS.items() if fnmatch(path, pattern)), None)
        if kind is None:
            if path != "pack.yaml" and not any(fnmatch(path, pattern) for pattern in LOOSE):
                expected = "、".join(pattern for pattern, _, _ in KINDS.values())
                problems.append(
                    Problem(path, 1, f"不认识的文件；应为 {expected} 或 {'、'.join(LOOSE)}", "改名或移出规则包")
                )
            continue
        for line, statement in _statements(path, files[path], model_of(kind), problems):
            key = _key(kind, statement)
            if key in statements[kind]:
                first = origins[(kind, key)]
                name = " ".join(str(part) for part in key if part is not None)
                problems.append(
                    Problem(
                        path, line, f"{name} 已在 {first.file}:{first.line} 写过", "删去一处，或给出不同的 valid_from"
                    )
                )
                continue
            statements[kind][key] = statement
            origins[(kind, key)] = Origin(manifest.code, path, line)
    return Layer(manifest, statements, origins, dict(files), fingerprint(files)), problems


def _manifest(files: Files, problems: list[Problem]) -> m.Manifest | None:
    if "pack.yaml" not in files:
        problems.append(Problem("pack.yaml", 1, "没有 pack.yaml", "写一个，给出 code、name、version"))
        return None
    for _, statement in _statements("pack.yaml", files["pack.yaml"], m.Manifest, problems):
        assert isinstance(statement, m.Manifest)
        return statement
    return None


def read_one(path: str, data: bytes, model: type[m.Statement]) -> tuple[m.Statement | None, list[Problem]]:
    """The one statement of a YAML file given on its own (an allocation to try), or None with every error."""
    problems: list[Problem] = []
    found = [statement for _, statement in _statements(path, data, model, problems)]
    if not problems and len(found) != 1:
        problems.append(Problem(path, 1, f"应恰好有一项，现有 {len(found)} 项", "拆成几个文件"))
    return (found[0] if found and not problems else None), problems


def _statements(
    path: str, data: bytes, model: type[m.Statement], problems: list[Problem]
) -> Iterator[tuple[int, m.Statement]]:
    from pydantic import ValidationError

    items = _csv_items(path, data, model, problems) if path.endswith(".csv") else _yaml_items(path, data, problems)
    for line, keys, value in items:
        try:
            yield line, model.model_validate(value)
        except ValidationError as error:
            for where, message in explain(error):
                at = keys.get(where.split(".")[0], line)
                problems.append(Problem(path, at, message, "按规则包的格式改正（rongtong pack schema 给出格式）"))


def combine(layers: Sequence[Layer]) -> Pack:
    """Lay packs over one another, base first."""
    statements: dict[str, dict[tuple[Any, ...], m.Statement]] = {kind: {} for kind in KINDS}
    origins: dict[tuple[str, tuple[Any, ...]], Origin] = {}
    for layer in layers:
        for kind, items in layer.statements.items():
            statements[kind].update(items)
        origins.update(layer.origins)
    _write_out_blocks(statements)
    tree = PlaceTree.build(
        places=statements["places"].values(),  # type: ignore[arg-type]
        parents=statements["hierarchies"].values(),  # type: ignore[arg-type]
        bridges=statements["bridges"].values(),  # type: ignore[arg-type]
        groups=statements["groups"].values(),  # type: ignore[arg-type]
        root=layers[-1].manifest.root_place,
    )
    return Pack(tuple(layers), statements, origins, tree)


def _write_out_blocks(statements: dict[str, dict[tuple[Any, ...], m.Statement]]) -> None:
    """Put the blocks that processes use into them. One that cannot be stays as it is, for the checks to name."""
    if not any(getattr(p, "uses", ()) for p in statements["processes"].values()):
        return
    from pydantic import ValidationError

    from rongtong.engine.process.block import expanded
    from rongtong.engine.process.state import ProcessError

    blocks: dict[str, Any] = {str(key[0]): block for key, block in statements["blocks"].items()}
    for key, process in statements["processes"].items():
        with suppress(ProcessError, ValidationError):
            statements["processes"][key] = expanded(process, blocks)  # type: ignore[arg-type]


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of every file of a pack, by file pattern."""
    result = {"pack.yaml": m.Manifest.model_json_schema()}
    for kind, (pattern, _, _) in KINDS.items():
        item = model_of(kind).model_json_schema()
        result[pattern] = item if pattern.endswith(".csv") else {"type": "array", "items": item}
    return result


def canonical(files: Files) -> str:
    """The files as one JSON text (path → UTF-8 text, binary ones base64 under `base64:`): what a snapshot stores."""
    import base64

    out: dict[str, str] = {}
    for path, data in files.items():
        try:
            out[path] = data.decode("utf-8")
        except UnicodeDecodeError:
            out["base64:" + path] = base64.b64encode(data).decode("ascii")
    return json.dumps(out, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def from_canonical(text: str) -> dict[str, bytes]:
    """The inverse of `canonical`."""
    import base64

    return {
        path.removeprefix("base64:"): base64.b64decode(body) if path.startswith("base64:") else body.encode("utf-8")
        for path, body in json.loads(text).items()
    }
