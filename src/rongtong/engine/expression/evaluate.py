"""Running compiled expressions: one SQL statement over rows, every sub-expression a column.

The statement runs unchanged in meaning on DuckDB, PostgreSQL and Spark (transpiled); never on SQLite, whose numbers
past 15 digits are floats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from rongtong.engine.expression.language import Compiled, ExpressionError, Node, Variable, integer
from rongtong.engine.lazy import LazyModule

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp
else:
    exp = LazyModule("sqlglot.expressions")

Value = Fraction | bool | str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The value of one expression for one row, with the value of each sub-expression in the order of evaluation."""

    value: Value
    steps: tuple[tuple[str, Value], ...]


def statement(expressions: Mapping[str, Compiled], table: exp.Expr | str, keep: Sequence[str] = ()) -> exp.Select:
    """SELECT of every sub-expression of every expression over a table that has the variables as columns."""
    columns: list[exp.Expr] = [exp.column(name, quoted=True) for name in keep]
    for label, compiled in expressions.items():
        for index, node in enumerate(compiled.nodes):
            columns.append(_named(node.top.copy(), f"{label}_{index}"))
            if node.bottom is not None:
                columns.append(_named(node.bottom.copy(), f"{label}_{index}_d"))
    return exp.select(*columns, copy=False).from_(table, copy=False)


def _named(column: exp.Expr, name: str) -> exp.Expr:
    # Made in place: sqlglot would copy the column, and a table of a hundred rows is most of the work.
    return exp.Alias(this=column, alias=exp.to_identifier(name, quoted=True))


def values_table(variables: Sequence[Variable], rows: Sequence[Mapping[str, Value]]) -> exp.Expr:
    """Rows as an inline table, numbers as integers at their variable's scale."""
    selects = []
    for number, row in enumerate(rows):
        cells: list[exp.Expr] = [_named(integer(number), "row_number_")]
        for variable in variables:
            top, bottom = _literal(variable, row.get(variable.name))
            cells.append(_named(top, variable.name))
            if bottom is not None:
                cells.append(_named(bottom, f"{variable.name}_d"))
        selects.append(exp.select(*cells, copy=False))
    union: exp.Expr = selects[0]
    for select in selects[1:]:
        union = exp.union(union, select, distinct=False, copy=False)
    return exp.Subquery(this=union, alias=exp.to_identifier("t"))


def _literal(variable: Variable, value: Value) -> tuple[exp.Expr, exp.Expr | None]:
    """The value's column, and its denominator's for a quotient variable."""
    kind = {"number": "DECIMAL(38, 0)", "flag": "BOOLEAN", "text": "VARCHAR"}[variable.kind]
    if value is None:
        return _nothing(kind), _nothing(kind) if variable.quotient else None
    if variable.kind == "flag":
        return exp.Boolean(this=bool(value)), None
    if variable.kind == "text":
        return exp.Literal.string(str(value)), None
    scaled = Fraction(value) * 10**variable.scale
    if scaled.denominator != 1 and not variable.quotient:
        raise ExpressionError(f"{variable.name} = {value} 的小数超过声明的 {variable.scale} 位。")
    if len(str(max(abs(scaled.numerator), scaled.denominator))) > variable.digits:
        raise ExpressionError(f"{variable.name} = {value} 超过声明的 {variable.digits} 位数字。")
    return integer(scaled.numerator), integer(scaled.denominator) if variable.quotient else None


def _nothing(kind: str) -> exp.Expr:
    return exp.Cast(this=exp.Null(), to=exp.DataType.build(kind))


def evaluate(
    expressions: Mapping[str, Compiled], variables: Sequence[Variable], rows: Sequence[Mapping[str, Value]]
) -> list[dict[str, Outcome]]:
    """Each expression for each row, in the order of the rows, by DuckDB in process."""
    if not rows:
        return []
    query = statement(expressions, values_table(variables, rows), ["row_number_"])
    with _engine().cursor() as connection:
        cursor = connection.execute(query.sql(dialect="duckdb"))
        names = [d[0] for d in cursor.description]
        found = {int(r[0]): dict(zip(names, r, strict=True)) for r in cursor.fetchall()}
    return [
        {label: outcome(label, compiled, found[i]) for label, compiled in expressions.items()} for i in range(len(rows))
    ]


@lru_cache(maxsize=1)
def _engine() -> duckdb.DuckDBPyConnection:
    # Opening one takes longer than a statement on it. Each use has a cursor of its own, as threads need.
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 1})


def outcome(label: str, compiled: Compiled, row: Mapping[str, object]) -> Outcome:
    """Read one row of `statement`'s result."""
    steps = tuple((n.source, _value(n, row, f"{label}_{i}")) for i, n in enumerate(compiled.nodes))
    return Outcome(dict(steps)[compiled.root.source], steps)


def _value(node: Node, row: Mapping[str, object], name: str) -> Value:
    top = row[name]
    if top is None:
        return None
    if node.kind == "flag":
        return bool(top)
    if node.kind == "text":
        return str(top)
    bottom = row[name + "_d"] if node.bottom is not None else 1
    if bottom is None:
        return None
    return Fraction(int(top), int(bottom) * 10**node.scale)  # type: ignore[call-overload]
