"""Roll-up of 20 million facts to county, city and province, against SQL written by hand for the same answer.

    python bench/rollup.py [--facts 20000000] [--repeats 5]

The engine's two queries (the vintage known on a day, the sum up the tree) are built as a syntax tree and rendered; the
peer is the statement a person would write for DuckDB. Both run in the same process over the same Parquet file, turn by
turn; equal answers are checked first. Exits 1 when the engine takes more than 1.25 times the peer's CPU seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from rongtong.engine.facts import known, rollup

LIMIT = 1.25
INDICATORS, HALVES, COUNTIES, CITIES = 60, 20, 90, 11

BY_HAND = """
SELECT t.ancestor, f.indicator, f.start, f.months, SUM(f.value) AS value, COUNT(*) AS places
FROM (
  SELECT indicator, place, start, months, value
  FROM facts WHERE known_from <= DATE '2025-07-31'
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY indicator, place, chain, subject, funds, use_, start, months ORDER BY known_from DESC, id DESC) = 1
) f JOIN tree t ON t.place = f.place
GROUP BY ALL
"""


def make(path: Path, count: int) -> None:
    """Facts of leaves (firms) × 60 indicators × 20 halves, a tenth of them corrected by a later vintage."""
    leaves = max(count // (INDICATORS * HALVES), 1)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute(
            f"""COPY (
            SELECT row_number() OVER () AS id, 'i' || (n % {INDICATORS}) AS indicator, 'f' || (n // {INDICATORS * HALVES}) AS place,
              '' AS chain, '' AS subject, '' AS funds, '' AS use_,
              (2015 + (n // {INDICATORS} % {HALVES}) // 2) * 100 + 1 + 6 * ((n // {INDICATORS} % {HALVES}) % 2) AS start, 6 AS months,
              (hash(n * 31 + v) % 100000000)::BIGINT AS value, 'actual' AS status,
              DATE '2025-01-01' + (v * 60)::INTEGER AS known_from, DATE '2025-01-01' AS recorded_on, false AS late,
              '' AS evidence, '' AS source
            FROM (SELECT range AS n, 0 AS v FROM range({leaves * INDICATORS * HALVES})
                  UNION ALL SELECT range * 10, 1 FROM range({leaves * INDICATORS * HALVES // 10}))
            ) TO '{path}' (FORMAT parquet)"""
        )


def connect(path: Path, leaves: int) -> duckdb.DuckDBPyConnection:
    """A connection with the facts and the tree: each leaf lies in a county, a city and the province."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(f"CREATE VIEW facts AS SELECT * FROM read_parquet('{path}')")
    connection.execute(
        f"""CREATE TABLE tree AS
        SELECT 'f' || range AS place, unnest(['c' || (range % {COUNTIES}), 'u' || (range % {COUNTIES} % {CITIES}), 'p']) AS ancestor
        FROM range({leaves})"""
    )
    return connection


def cpu(connection: duckdb.DuckDBPyConnection, statement: str) -> float:
    start = time.process_time()
    connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {statement}")
    return time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=20_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    engine = rollup(known("facts", as_of=date(2025, 7, 31)), "tree").sql(dialect="duckdb")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts.parquet"
        make(path, args.facts)
        connection = connect(path, max(args.facts // (INDICATORS * HALVES), 1))
        facts = connection.execute("SELECT COUNT(*) FROM facts").fetchone()
        columns = "ancestor, indicator, start, months, value::HUGEINT AS value, places"
        apart = connection.execute(
            f"SELECT COUNT(*) FROM ((SELECT {columns} FROM ({engine}) EXCEPT ALL SELECT {columns} FROM ({BY_HAND})) "
            f"UNION ALL (SELECT {columns} FROM ({BY_HAND}) EXCEPT ALL SELECT {columns} FROM ({engine})))"
        ).fetchone()
        if apart != (0,):
            print(f"answers differ in {apart} rows")
            return 1
        times: dict[str, list[float]] = {"engine": [], "by hand": []}
        for turn in range(args.repeats):
            for name in ("engine", "by hand") if turn % 2 else ("by hand", "engine"):
                times[name].append(cpu(connection, engine if name == "engine" else BY_HAND))
        rows = connection.execute("SELECT COUNT(*) FROM answer").fetchone()
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(
        f"{facts[0] if facts else 0:,} facts → {rows[0] if rows else 0:,} sums, answers equal; load {os.getloadavg()[0]:.1f}"
    )
    for name, found in times.items():
        print(f"  {name:8} median {medians[name]:.2f} CPU-s  (" + " ".join(f"{t:.2f}" for t in found) + ")")
    ratio = medians["engine"] / medians["by hand"]
    print(f"  ratio {ratio:.2f}, limit {LIMIT}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
