"""Facts (观测事实): the table every figure starts from, and the two queries over it.

One row per observation and vintage; values are integers at the scale of the card's dimension. `known` picks for each
subject the vintage known on a day; `rollup` adds facts up a hierarchy. Both are built once as a syntax tree and
transpiled to DuckDB, PostgreSQL and Spark; they run over a Parquet snapshot or a database table alike.

Before (facts)                                      after (known on 2025-07-31)
indicator  place  start  months value known_from    value
rd         330100 202501 3      100   2025-06-05
rd         330100 202501 3      101   2025-07-20    101
rd         330100 202501 3       99   2025-09-01
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rongtong.engine.lazy import LazyModule
from rongtong.engine.period import Period

if TYPE_CHECKING:
    from sqlglot import exp
else:
    exp = LazyModule("sqlglot.expressions")

# Column → SQL type, in the order of the snapshot file.
COLUMNS: dict[str, str] = {
    "id": "BIGINT",
    "indicator": "VARCHAR",
    "place": "VARCHAR",
    "chain": "VARCHAR",
    "subject": "VARCHAR",
    "funds": "VARCHAR",
    "use_": "VARCHAR",
    "start": "INTEGER",
    "months": "INTEGER",
    "value": "BIGINT",
    "status": "VARCHAR",
    "known_from": "DATE",
    "recorded_on": "DATE",
    "late": "BOOLEAN",
    "evidence": "VARCHAR",
    "source": "VARCHAR",
}
SUBJECT = ("indicator", "place", "chain", "subject", "funds", "use_", "start", "months")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact as known on a day: an integer at the dimension's scale, with where it came from.

    `subject` joins subject kind, source of funds and use; empty for the place's own value.
    """

    indicator: str
    place: str
    period: Period
    value: int
    status: str
    known_from: date
    late: bool = False
    evidence: str = ""
    source: str = ""
    chain: str = ""
    subject: str = ""


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _day(value: date) -> exp.Expr:
    return exp.cast(_text(value.isoformat()), "DATE")


def _months(period: Period) -> tuple[int, int]:
    return period.year * 100 + period.month, period.months


def known(
    table: str | exp.Expr,
    *,
    as_of: date,
    indicators: Iterable[str] = (),
    periods: Iterable[Period] = (),
) -> exp.Select:
    """The facts known on `as_of`: for each subject the vintage published last, ties by the later record."""
    conditions: list[exp.Expr] = [exp.LTE(this=_column("known_from"), expression=_day(as_of))]
    codes = sorted(set(indicators))
    if codes:
        conditions.append(exp.In(this=_column("indicator"), expressions=[_text(c) for c in codes]))
    spans = sorted({_months(p) for p in periods})
    if spans:
        conditions.append(
            exp.or_(
                *(
                    exp.and_(
                        exp.EQ(this=_column("start"), expression=exp.Literal.number(start)),
                        exp.EQ(this=_column("months"), expression=exp.Literal.number(months)),
                    )
                    for start, months in spans
                )
            )
        )
    newest = exp.Window(
        this=exp.RowNumber(),
        partition_by=[_column(c) for c in SUBJECT],
        order=exp.Order(
            expressions=[exp.Ordered(this=_column(c), desc=True, nulls_first=False) for c in ("known_from", "id")]
        ),
    )
    inner = (
        exp.select(*(_column(c) for c in COLUMNS), exp.alias_(newest, "n_", quoted=True))
        .from_(table)
        .where(exp.and_(*conditions))
    )
    return (
        exp.select(*(_column(c) for c in COLUMNS))
        .from_(exp.Subquery(this=inner, alias=exp.to_identifier("vintages")))
        .where(exp.EQ(this=_column("n_"), expression=exp.Literal.number(1)))
    )


def rollup(
    facts: exp.Expr, tree: str | exp.Expr, *, by: Sequence[str] = ("indicator", "start", "months")
) -> exp.Select:
    """Σ facts up a hierarchy: `tree` maps each `place` to an `ancestor`. One row per ancestor and group: the exact sum
    as DECIMAL(38, 0) in `value`, and in `places` how many facts it adds. Only for cards declared additive over place."""
    amount = exp.cast(exp.Sum(this=exp.column("value", "f", quoted=True)), "DECIMAL(38, 0)")
    groups = [exp.column("ancestor", "t", quoted=True), *(exp.column(c, "f", quoted=True) for c in by)]
    return (
        exp.select(
            *(g.copy() for g in groups),
            exp.alias_(amount, "value", quoted=True),
            exp.alias_(exp.Count(this=exp.Star()), "places", quoted=True),
        )
        .from_(exp.Subquery(this=facts, alias=exp.to_identifier("f")))
        .join(
            exp.to_table(tree) if isinstance(tree, str) else tree,
            on=exp.EQ(this=exp.column("place", "f", quoted=True), expression=exp.column("place", "t", quoted=True)),
            join_type="inner",
            join_alias="t",
        )
        .group_by(*groups)
    )


def as_fact(row: Mapping[str, Any]) -> Fact:
    """A row of `known` as a Fact."""
    start = int(row["start"])
    day = row["known_from"]
    return Fact(
        indicator=row["indicator"],
        place=row["place"],
        period=Period(start // 100, start % 100, int(row["months"])),
        value=int(row["value"]),
        status=row["status"],
        known_from=day if isinstance(day, date) else date.fromisoformat(str(day)),
        late=bool(row["late"]),
        evidence=row["evidence"] or "",
        source=row["source"] or "",
        chain=row["chain"] or "",
        subject="/".join(row[c] for c in ("subject", "funds", "use_") if row[c]),
    )


def run_duckdb(query: exp.Expr, parquet: Path) -> Iterator[dict[str, Any]]:
    """Run a query whose table is `facts` over a Parquet file, in process."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        name = str(parquet).replace("'", "''")
        connection.execute(f"CREATE VIEW facts AS SELECT * FROM read_parquet('{name}')")
        cursor = connection.execute(query.sql(dialect="duckdb"))
        names = [d[0] for d in cursor.description]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))


def run_spark(query: exp.Expr, parquet: Path) -> Iterator[dict[str, Any]]:
    """The same over the same Parquet file on Apache Spark. Raises ImportError when pyspark is not installed."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("rongtong")
    for option, value in {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "Asia/Shanghai",
        "spark.sql.ansi.enabled": "true",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }.items():
        builder = builder.config(option, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    session.read.parquet(str(parquet)).createOrReplaceTempView("facts")
    for row in session.sql(query.sql(dialect="spark")).collect():
        yield row.asDict()


def write_parquet(rows: Iterable[Sequence[object]], parquet: Path) -> None:
    """Write rows in the order of COLUMNS to a Parquet file, atomically. Missing is NULL; floats never occur."""
    import tempfile

    import duckdb

    parquet.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parquet.parent) as folder:
        lines, made = Path(folder) / "facts.ndjson", Path(folder) / "facts.parquet"
        with lines.open("w", encoding="utf-8") as stream:
            for row in rows:
                stream.write(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")
        kinds = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items()) + "}"
        with duckdb.connect(":memory:") as connection:
            connection.execute(
                f"COPY (SELECT * FROM read_json('{_quoted(lines)}', format='newline_delimited', columns={kinds}) ORDER BY id) "
                f"TO '{_quoted(made)}' (FORMAT parquet)"
            )
        made.replace(parquet)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
