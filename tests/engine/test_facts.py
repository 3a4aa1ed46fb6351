"""Facts: the vintage known on a day and the sum up a hierarchy, the same digits on DuckDB, PostgreSQL and Spark."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rongtong.engine import facts
from rongtong.engine.facts import COLUMNS, Fact, as_fact, known, rollup, run_duckdb, run_spark, write_parquet
from rongtong.engine.period import Period

Q1 = Period.parse("2025Q1")


def row(number: int, place: str, value: int, known_from: str, **more: Any) -> tuple[object, ...]:
    data: dict[str, Any] = {
        "id": number, "indicator": "rd", "place": place, "chain": "", "subject": "", "funds": "", "use_": "",
        "start": 202501, "months": 3, "value": value, "status": "actual", "known_from": known_from,
        "recorded_on": known_from, "late": False, "evidence": 'a "quoted", name.csv!D2', "source": "",
    } | more  # fmt: skip
    return tuple(data[c] for c in COLUMNS)


def ask(rows: Sequence[tuple[object, ...]], folder: Path, day: date) -> list[Fact]:
    path = folder / "facts.parquet"
    write_parquet(rows, path)
    found = [as_fact(r) for r in run_duckdb(known("facts", as_of=day, indicators=["rd"], periods=[Q1]), path)]
    return sorted(found, key=lambda f: f.place)


def test_the_vintage_published_last_before_the_day_is_the_one_known(tmp_path: Path) -> None:
    rows = [
        row(1, "a", 100, "2025-06-05"),
        row(2, "a", 101, "2025-07-20"),
        row(3, "a", 99, "2025-09-01"),
        row(4, "b", 7, "2025-08-01"),
    ]
    assert [(f.place, f.value) for f in ask(rows, tmp_path, date(2025, 7, 31))] == [("a", 101)]
    assert [(f.place, f.value) for f in ask(rows, tmp_path, date(2025, 8, 1))] == [("a", 101), ("b", 7)]
    assert [(f.place, f.value) for f in ask(rows, tmp_path, date(2025, 6, 4))] == []


def test_of_two_vintages_of_one_day_the_later_record_counts(tmp_path: Path) -> None:
    rows = [row(1, "a", 1, "2025-06-05"), row(2, "a", 2, "2025-06-05", status="revised")]
    assert [f.value for f in ask(rows, tmp_path, date(2025, 7, 1))] == [2]


def test_texts_with_quotes_commas_and_chinese_survive_the_snapshot(tmp_path: Path) -> None:
    text = '“表”, "x"\n第二行'
    found = ask([row(1, "330100", 1, "2025-06-05", source=text)], tmp_path, date(2025, 7, 1))
    assert found[0].source == text
    assert found[0].evidence == 'a "quoted", name.csv!D2'


def test_values_to_the_edge_of_the_store_are_kept_exactly(tmp_path: Path) -> None:
    rows = [row(1, "a", 2**63 - 1, "2025-06-05"), row(2, "b", -(2**63) + 1, "2025-06-05")]
    assert [f.value for f in ask(rows, tmp_path, date(2025, 7, 1))] == [2**63 - 1, -(2**63) + 1]


def test_other_periods_and_parts_by_subject_are_told_apart(tmp_path: Path) -> None:
    rows = [
        row(1, "a", 1, "2025-06-05"),
        row(2, "a", 2, "2025-06-05", months=6),
        row(3, "a", 3, "2025-06-05", subject="university"),
    ]
    found = ask(rows, tmp_path, date(2025, 7, 1))
    assert sorted((f.value, f.subject) for f in found) == [(1, ""), (3, "university")]


TREE = [("c1", "a"), ("c2", "a"), ("c3", "b"), ("c1", "p"), ("c2", "p"), ("c3", "p")]


def tree() -> facts.exp.Subquery:
    selects = [
        facts.exp.select(
            facts.exp.alias_(facts.exp.Literal.string(x), "place", quoted=True),
            facts.exp.alias_(facts.exp.Literal.string(y), "ancestor", quoted=True),
        )
        for x, y in TREE
    ]
    union: facts.exp.Expr = selects[0]
    for select in selects[1:]:
        union = facts.exp.union(union, select, distinct=False, copy=False)
    return facts.exp.Subquery(this=union)


def sums(rows: Iterator[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return sorted((r["ancestor"], int(r["value"]), int(r["places"])) for r in rows)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["c1", "c2", "c3"]), st.integers(-(10**15), 10**15), st.integers(0, 200)), max_size=30
    )
)
def test_the_sum_up_the_tree_equals_the_sum_by_hand(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, int]]
) -> None:
    start = date(2025, 1, 1)
    rows = [
        row(i, place, value, (start + timedelta(days=days)).isoformat()) for i, (place, value, days) in enumerate(drawn)
    ]
    path = tmp_path_factory.mktemp("facts") / "f.parquet"
    write_parquet(rows, path)
    day = start + timedelta(days=100)
    newest: dict[str, tuple[int, int, int]] = {}
    for i, (place, value, days) in enumerate(drawn):
        if days <= 100:
            newest[place] = max(newest.get(place, (-1, -1, 0)), (days, i, value))
    expected = sorted(
        (top, sum(newest[c][2] for c in below), len(below))
        for top in ("a", "b", "p")
        if (below := [c for c, t in TREE if t == top and c in newest])
    )
    assert sums(run_duckdb(rollup(known("facts", as_of=day), tree()), path)) == expected


def many(count: int = 3000) -> list[tuple[object, ...]]:
    rng = random.Random(7)
    start = date(2025, 1, 1)
    return [
        row(
            i,
            rng.choice(["c1", "c2", "c3"]),
            rng.randrange(-(10**17), 10**17),
            (start + timedelta(days=rng.randrange(200))).isoformat(),
            indicator=rng.choice(["rd", "x"]),
            subject=str(rng.randrange(50)),
        )
        for i in range(count)
    ]


@pytest.mark.large
def test_postgresql_gives_the_same_digits(tmp_path: Path, postgres_url: str) -> None:
    import psycopg

    rows = many()
    path = tmp_path / "f.parquet"
    write_parquet(rows, path)
    query = rollup(known("facts_test", as_of=date(2025, 5, 1)), tree())
    with psycopg.connect(postgres_url) as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TEMPORARY TABLE facts_test ({columns})")
        with connection.cursor().copy("COPY facts_test FROM STDIN") as copy:
            for one in rows:
                copy.write_row(one)
        cursor = connection.execute(query.sql(dialect="postgres"))
        names = [d.name for d in cursor.description or ()]
        found = [dict(zip(names, r, strict=True)) for r in cursor.fetchall()]
    duck = sums(run_duckdb(rollup(known("facts", as_of=date(2025, 5, 1)), tree()), path))
    assert sums(iter(found)) == duck
    assert len(duck) == 6, "three places above, two indicators"


@pytest.mark.large
def test_spark_gives_the_same_digits(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed: make test-all installs it")
    path = tmp_path / "f.parquet"
    write_parquet(many(), path)
    query = rollup(known("facts", as_of=date(2025, 5, 1)), tree())
    assert sums(run_spark(query, path)) == sums(run_duckdb(query, path))
    plain = known("facts", as_of=date(2025, 5, 1), indicators=["rd"], periods=[Q1])
    one = sorted((as_fact(r) for r in run_spark(plain, path)), key=repr)
    assert one == sorted((as_fact(r) for r in run_duckdb(plain, path)), key=repr)
