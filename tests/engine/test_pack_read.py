"""Reading a pack: every error at its file and line, later layers over earlier ones, the same from a snapshot."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from rongtong.engine.pack.model import Indicator, Manifest, Target
from rongtong.engine.pack.plan import Bound
from rongtong.engine.pack.read import (
    KINDS,
    Layer,
    Problem,
    canonical,
    combine,
    explain,
    fingerprint,
    from_canonical,
    read_layer,
    schemas,
)

ROOT = Path(__file__).parent.parent.parent
MANIFEST = 'code: t\nname: 试包\nversion: "1"\nroot_place: "900000"\n'
LAMP = """\
# 注释
- code: pace
  name: 进度
  basis: pace
  valid_from: 2025-01-01
  cases:
    - {lamp: green, when: ratio >= 1}

- code: late
  name: 期限
  basis: pace
  valid_from: 2025-01-01
  cases: [{lamp: red, when: overdue}]
"""
PLACES = "code,name,short,level,valid_from,valid_to\n900000,青省,青,province,,\n900100,东市,东,city,2020-01-01,\n"


def read(files: dict[str, str | bytes]) -> tuple[Layer | None, list[Problem]]:
    return read_layer({k: v if isinstance(v, bytes) else v.encode() for k, v in files.items()})


def good(files: dict[str, str | bytes]) -> Layer:
    layer, problems = read(files)
    assert layer is not None
    assert problems == []
    return layer


def the_one(file: str, text: str | bytes) -> Problem:
    _, problems = read({"pack.yaml": MANIFEST, file: text})
    assert len(problems) == 1, problems
    assert problems[0].file == file
    return problems[0]


def test_every_statement_knows_where_it_stands() -> None:
    pack = combine([good({"pack.yaml": MANIFEST, "lamps.yaml": LAMP, "places.csv": PLACES})])
    origins = [pack.origin("lamps", rule) for rule in pack.all("lamps")]
    assert [(o.pack, o.file, o.line) for o in origins] == [("t", "lamps.yaml", 2), ("t", "lamps.yaml", 9)]
    assert [pack.origin("places", p).line for p in pack.all("places")] == [2, 3]
    assert pack.get("places", "900100").valid_from == date(2020, 1, 1)
    assert pack.places.root == "900000"


def test_a_pack_without_a_manifest_is_not_read() -> None:
    layer, problems = read({"lamps.yaml": LAMP})
    assert layer is None
    assert "没有 pack.yaml" in problems[0].message


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("  basis: pace\n  valid_from: 2025-01-01\n  cases:\n", "  basis: speed\n  valid_from: 2025-01-01\n  cases:\n", 4, ("basis", "speed", "growth_of_parent")),
        ("  name: 期限\n", "", 9, ("name", "缺少必填项")),
        ("name: 期限", "名称: 期限\n  name: 期限", 10, ("名称", "不认识的项")),
        ("code: late", "code: 迟到", 9, ("code", "迟到", "写法不对")),
        ("valid_from: 2025-01-01\n  cases: [", "valid_from: 明天\n  cases: [", 12, ("valid_from", "明天")),
        ("{lamp: red, when: overdue}", "{lamp: purple, when: overdue}", 13, ("lamp", "purple")),
        ("name: 进度", "name: 进度\n  name: 进程", 4, ("name", "写了两次")),
        ("- code: late", "- code: pace", 9, ("pace", "lamps.yaml:2", "写过")),
        ("  name: 进度", "   name: 进度", 3, ("YAML",)),
    ],
)  # fmt: skip
def test_an_error_in_yaml_is_named_at_its_line(old: str, new: str, line: int, words: tuple[str, ...]) -> None:
    assert old in LAMP
    problem = the_one("lamps.yaml", LAMP.replace(old, new, 1))
    assert problem.line == line, str(problem)
    assert all(word in str(problem) for word in words), str(problem)
    assert problem.do


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (PLACES.replace("short", "abbr"), 1, ("abbr", "不认识的列")),
        (PLACES.replace("city", "town"), 3, ("level", "town")),
        (PLACES.replace("东市,东", "东市,"), 3, ("short", "缺少")),
        (PLACES + "900100,东市,东,city,2020-01-01,\n", 4, ("900100", "places.csv:3")),
        (PLACES + "900200,西市,西,city,,,多\n", 4, ("列比表头多",)),
        (PLACES.encode("gbk"), 1, ("UTF-8",)),
    ],
)
def test_an_error_in_csv_is_named_at_its_line(text: str | bytes, line: int, words: tuple[str, ...]) -> None:
    problem = the_one("places.csv", text)
    assert problem.line == line, str(problem)
    assert all(word in str(problem) for word in words), str(problem)


def test_a_day_cannot_be_both_off_and_worked() -> None:
    text = "date,kind,name,source\n2025-10-01,holiday,国庆,通知\n2025-10-01,workday,调休,通知\n"
    problem = the_one("calendar.csv", text)
    assert (problem.line, "2025-10-01 已在 calendar.csv:2" in problem.message) == (3, True)


def test_a_file_that_no_kind_reads_is_named_with_those_that_are() -> None:
    problem = the_one("lamp.yaml", LAMP)
    assert "不认识的文件" in problem.message
    assert "lamps.yaml" in problem.message
    assert read({"pack.yaml": MANIFEST, "README.md": "x", "data/a.csv": "x", "shapes/a.geojson": "{}"})[1] == []


def test_a_decimal_out_of_quotes_is_refused_as_it_would_lose_digits() -> None:
    target = """\
- {code: x, indicator: i, place: "9", period: 2025, kind: level, comparator: ">=", value: 0.1, cite: {document: d}}
"""
    problem = the_one("targets.yaml", target)
    assert 'value: "0.1"' in problem.message or '"0.1"' in problem.message
    layer = good({"pack.yaml": MANIFEST, "targets.yaml": target.replace("0.1", "7200")})
    (found,) = layer.statements["targets"].values()
    assert isinstance(found, Target)
    assert (found.value, found.period) == ("7200", "2025")


def test_every_error_is_found_at_once() -> None:
    _, problems = read(
        {"pack.yaml": MANIFEST, "lamps.yaml": LAMP.replace("basis: pace", "basis: x"), "places.csv": "a,b\n"}
    )
    assert [(p.file, p.line) for p in problems] == [("lamps.yaml", 4), ("lamps.yaml", 11), ("places.csv", 1)]


def test_the_later_layer_wins_statement_by_statement() -> None:
    base = good({"pack.yaml": MANIFEST, "lamps.yaml": LAMP, "data/a.csv": "x\n", "data/b.csv": "x\n"})
    upper = good(
        {
            "pack.yaml": MANIFEST.replace("code: t", "code: u"),
            "lamps.yaml": LAMP[: LAMP.index("\n- code: late")].replace("进度", "新进度"),
            "data/a.csv": "y\n",
        }
    )
    pack = combine([base, upper])
    assert {r.code: r.name for r in pack.all("lamps")} == {"pace": "新进度", "late": "期限"}
    assert [pack.origin("lamps", r).pack for r in pack.all("lamps")] == ["u", "t"]
    assert pack.loose("data/*.csv") == {"data/a.csv": b"y\n", "data/b.csv": b"x\n"}
    assert pack.manifest.code == "u"


def test_of_one_code_the_newest_statement_is_found() -> None:
    dated = LAMP.replace("- code: late", "- code: pace").replace(
        "期限\n  basis: pace\n  valid_from: 2025", "新\n  basis: pace\n  valid_from: 2026"
    )
    pack = combine([good({"pack.yaml": MANIFEST, "lamps.yaml": dated})])
    assert (len(pack.all("lamps")), pack.get("lamps", "pace").name) == (2, "新")
    assert pack.find("lamps", "none") is None
    with pytest.raises(KeyError, match="none"):
        pack.get("lamps", "none")


def test_a_snapshot_reads_as_the_folder_does() -> None:
    files = {"pack.yaml": MANIFEST.encode(), "lamps.yaml": LAMP.encode(), "data/x.xlsx": b"PK\xff\xfe\x00"}
    again = from_canonical(canonical(files))
    assert again == files
    assert fingerprint(again) == fingerprint(files)


def test_the_fingerprint_changes_with_every_byte_and_name() -> None:
    files = {"pack.yaml": MANIFEST.encode(), "lamps.yaml": LAMP.encode()}
    prints = {
        fingerprint(files),
        fingerprint(files | {"lamps.yaml": LAMP.encode() + b" "}),
        fingerprint(files | {"README.md": b""}),
        fingerprint({"pack.yaml": MANIFEST.encode(), "lamp.yaml": LAMP.encode()}),
    }
    assert len(prints) == 4
    assert fingerprint(dict(reversed(files.items()))) == fingerprint(files)


def test_a_bound_is_a_value_or_a_growth_over_something() -> None:
    assert Bound(value="3").value == "3"
    for wrong in ({}, {"value": "1", "growth": "0.1", "over": "a@2024"}, {"growth": "0.1"}):
        with pytest.raises(ValidationError) as caught:
            Bound(**wrong)  # type: ignore[arg-type]
        assert any("value" in message or "over" in message for _, message in explain(caught.value))


def test_statements_cannot_be_changed_and_refuse_unknown_keys() -> None:
    manifest = Manifest(code="t", name="试", version="1")
    with pytest.raises(ValidationError):
        manifest.code = "u"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="extra"):
        Indicator.model_validate(
            {"code": "a", "name": "甲", "definition": "乙", "scope": "s", "unit": "家", "basis": [], "unti": "家"}
        )


def test_the_published_schemas_are_up_to_date() -> None:
    """Written by `rongtong pack schema -o docs/pack-schema`."""
    folder = ROOT / "docs" / "pack-schema"
    wanted = {
        p.replace("/*", "").replace("/", "-").rsplit(".", 1)[0] + ".schema.json": schema
        for p, schema in schemas().items()
    }
    assert {p.name for p in folder.iterdir()} == set(wanted)
    assert len(wanted) == len(KINDS) + 1
    for name, schema in wanted.items():
        assert json.loads((folder / name).read_text(encoding="utf-8")) == json.loads(json.dumps(schema)), name
