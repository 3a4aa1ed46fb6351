"""The language is exact, typed, refuses what may not be said, and means the same on every engine."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rongtong.engine.expression.evaluate import Value, evaluate, outcome, statement, values_table
from rongtong.engine.expression.language import ExpressionError, Variable, compile_expression

REASONS = {"rd": {"input": "两套口径互有交叉"}}
NAMES = {"rd": "研发经费", "input": "科技创新投入"}
NUMBERS = tuple(Variable(n, "number", "*", scale=2, digits=8) for n in "abc")
RATIO = Variable("r", "number", "*", digits=12, quotient=True)
FLAG = Variable("f", "flag")
TEXT = Variable("t", "text")
ALL = (*NUMBERS, RATIO, FLAG, TEXT)


def run(source: str, variables: tuple[Variable, ...] = ALL, **row: Value) -> Value:
    return evaluate({"x": compile_expression(source, variables)}, variables, [row])[0]["x"].value


def refused(source: str, variables: tuple[Variable, ...] = ALL) -> str:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, variables, reasons=REASONS, scope_names=NAMES)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("0.15 / 3 >= 0.05", True),
        ("0.1 + 0.2 == 0.3", True),
        ("1 / 3 + 1 / 3 + 1 / 3 == 1", True),
        ("1 / 3 < 0.3333333333", False),
        ("2 / 3 == 4 / 6", True),
        ("1 - 0.9 == 0.1", True),
        ("7 / 2", Fraction(7, 2)),
        ("1 / 0.04", Fraction(25)),
        ("0.0001 * 0.0001", Fraction(1, 10**8)),
    ],
)
def test_decimals_and_quotients_are_exact(source: str, value: Value) -> None:
    assert run(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 / -2 < 0", True),
        ("-1 / -2 == 1 / 2", True),
        ("1 / -2 < 1 / 3", True),
        ("-7 / 2", Fraction(-7, 2)),
        ("7 / -2 - 1", Fraction(-9, 2)),
        ("abs(1 / -4)", Fraction(1, 4)),
        ("min(1 / -2, 1 / -3)", Fraction(-1, 2)),
        ("max(-0.5, -1 / 3, -0.4)", Fraction(-1, 3)),
        ("(1 / -2) / (1 / -3)", Fraction(3, 2)),
        ("-(1 / -2)", Fraction(1, 2)),
    ],
)
def test_signs_are_kept_through_quotients(source: str, value: Value) -> None:
    assert run(source) == value


def test_a_comparison_of_quotients_is_one_of_products() -> None:
    compiled = compile_expression("a / b >= c / a", NUMBERS)
    sql = compiled.root.top.sql(dialect="duckdb")
    assert "/" not in sql
    assert run("a / b >= c / a", a=Fraction(1), b=Fraction(3), c=Fraction("0.33")) is True
    assert run("a / b >= c / a", a=Fraction(1), b=Fraction(3), c=Fraction("0.34")) is False


def test_a_ratio_can_be_passed_exactly() -> None:
    assert run("r >= 0.85", r=Fraction(17, 20)) is True
    assert run("r >= 0.85", r=Fraction(16999999, 20000000)) is False
    assert run("r * 3 == 1", r=Fraction(1, 3)) is True


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a + b", None),
        ("a > 1", None),
        ("a > 1 and b > 100", False),
        ("a > 1 or b > 1", True),
        ("a > 1 and b > 1", None),
        ("not a > 1", None),
        ("missing(a)", True),
        ("missing(b)", False),
        ("b / 0", None),
        ("b / 0 > 1", None),
        ("r > 1", None),
        ("1 if a > 1 else 2", Fraction(2)),
        ("f", None),
    ],
)
def test_what_is_missing_stays_missing_unless_it_cannot_matter(source: str, value: Value) -> None:
    assert run(source, a=None, b=Fraction(2), r=None, f=None) == value


def test_texts_are_compared_for_equality_only() -> None:
    assert run("t == '省属企业'", t="省属企业") is True
    assert run("t != '省属企业'", t="省属企业") is False
    assert "只能比较" in refused("t < '甲'")


def test_a_chained_comparison_holds_when_every_link_does() -> None:
    assert run("0 < a < 2", a=Fraction(1)) is True
    assert run("0 < a < 2", a=Fraction(2)) is False


@pytest.mark.parametrize(
    "source",
    [
        "a.real", "a[0]", "lambda: 1", "f'{a}'", "[a, b]", "(a, b)", "{a: b}", "a if f", "open('x')", "min(a, key=b)",
        "a ** b", "a // b", "a % b", "a is b", "a in b", "__import__('os')", "a := 1", "[x for x in a]", "a; b",
        "import os", "", "None", "1j", "a & b", "*a", "missing(a, b)", "1e400j", "0x10",
    ],
)  # fmt: skip
def test_anything_else_of_python_is_refused(source: str) -> None:
    assert refused(source).endswith("。")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a + d", ("“d”没有声明", "a、b、c")),
        ("a + f", ("应是数", "真假")),
        ("a and f", ("应是真假", "数")),
        ("a > t", ("不是同一种值",)),
        ("1 if f else 'x'", ("两个结果",)),
        ("a.real", ("不允许", "min max abs missing")),
        ("sum(a, b)", ("没有这个函数",)),
    ],
)
def test_a_refusal_says_what_and_what_is_allowed(source: str, words: tuple[str, ...]) -> None:
    message = refused(source)
    assert all(word in message for word in words), message


def test_more_than_38_digits_is_refused_before_it_can_happen() -> None:
    wide = (Variable("x", digits=20), Variable("y", digits=20))
    assert "超过 38 位" in refused("x * y", wide)
    assert "超过 38 位" in refused("x / y > y / x", wide)
    narrow = (Variable("x", digits=19), Variable("y", digits=19))
    assert run("x * y", narrow, x=Fraction(10**19 - 1), y=Fraction(10**19 - 1)) == (10**19 - 1) ** 2


def test_a_value_beyond_its_declared_range_is_refused() -> None:
    with pytest.raises(ExpressionError, match="超过声明的 8 位"):
        run("a", a=Fraction(10**7))
    with pytest.raises(ExpressionError, match="小数超过声明的 2 位"):
        run("a", a=Fraction("0.001"))


MONEY = Variable("x", dimension="money", scope="rd")
OTHER = Variable("y", dimension="money", scope="input")
COUNT = Variable("n", dimension="count:家", scope="count")


@pytest.mark.parametrize("source", ["x + y", "x - y", "min(x, y)", "x > y", "x * 2 + y", "x if x > 0 else y"])
def test_two_scopes_are_not_added_or_compared_and_the_reason_is_given(source: str) -> None:
    message = refused(source, (MONEY, OTHER))
    assert "研发经费与科技创新投入" in message
    assert "两套口径互有交叉" in message


def test_two_kinds_are_not_added_or_compared() -> None:
    for source in ("x + n", "x < n", "max(x, n)"):
        assert "单位不同" in refused(source, (MONEY, COUNT))


def test_a_quotient_of_one_kind_is_a_plain_ratio() -> None:
    variables = (MONEY, OTHER, COUNT)
    assert compile_expression("x / y", variables).root.dimension == "ratio"
    assert compile_expression("x / n", variables).root.dimension == "money/count:家"
    assert compile_expression("x * 2", variables).root.scope == "rd"


def test_every_sub_expression_is_a_step_innermost_first() -> None:
    source = "a / b >= 0.85 and not (c < 0)"
    compiled = compile_expression(source, NUMBERS)
    found = evaluate({"x": compiled}, NUMBERS, [{"a": Fraction(9), "b": Fraction(10), "c": Fraction(1)}])[0]["x"]
    assert dict(found.steps) == {
        "a": 9, "b": 10, "a / b": Fraction(9, 10), "0.85": Fraction("0.85"), "a / b >= 0.85": True,
        "c": 1, "0": 0, "c < 0": False, "not (c < 0)": True, source: True,
    }  # fmt: skip
    names = [name for name, _ in found.steps]
    assert names.index("a") < names.index("a / b") < names.index("a / b >= 0.85") < names.index(source)
    assert compiled.names == ("a", "b", "c")


def test_several_expressions_and_rows_come_back_in_order() -> None:
    compiled = {"one": compile_expression("a + b", NUMBERS), "two": compile_expression("a > b", NUMBERS)}
    rows: list[dict[str, Value]] = [{"a": Fraction(n), "b": Fraction(3)} for n in range(6)]
    found = evaluate(compiled, NUMBERS, rows)
    assert [r["one"].value for r in found] == [3, 4, 5, 6, 7, 8]
    assert [r["two"].value for r in found] == [False] * 4 + [True] * 2
    assert evaluate(compiled, NUMBERS, []) == []


# --- the law: SQL over integers equals arithmetic over fractions ---


def meaning(node: ast.expr, row: Mapping[str, Value]) -> Value:
    """What an expression means, by fractions and three-valued logic; independent of the compiler."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, bool) else Fraction(str(node.value))
    if isinstance(node, ast.Name):
        return row[node.id]
    if isinstance(node, ast.UnaryOp):
        inner = meaning(node.operand, row)
        if inner is None:
            return None
        return (not inner) if isinstance(node.op, ast.Not) else -inner  # type: ignore[operator]
    if isinstance(node, ast.BinOp):
        return _arithmetic(node.op, meaning(node.left, row), meaning(node.right, row))
    if isinstance(node, ast.Compare):
        return _compared(node.ops[0], meaning(node.left, row), meaning(node.comparators[0], row))
    if isinstance(node, ast.BoolOp):
        values = [meaning(v, row) for v in node.values]
        decided = isinstance(node.op, ast.Or)
        return decided if decided in values else None if None in values else not decided
    if isinstance(node, ast.IfExp):
        return meaning(node.body if meaning(node.test, row) is True else node.orelse, row)
    assert isinstance(node, ast.Call)
    inner = meaning(node.args[0], row)
    return None if inner is None else abs(inner)  # type: ignore[arg-type]


def _arithmetic(op: ast.operator, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    assert isinstance(left, Fraction)
    assert isinstance(right, Fraction)
    if isinstance(op, ast.Div):
        return left / right if right else None
    return left + right if isinstance(op, ast.Add) else left - right if isinstance(op, ast.Sub) else left * right


def _compared(op: ast.cmpop, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    assert isinstance(left, Fraction)
    assert isinstance(right, Fraction)
    return {
        ast.Lt: left < right, ast.LtE: left <= right, ast.Gt: left > right, ast.GtE: left >= right,
        ast.Eq: left == right, ast.NotEq: left != right,
    }[type(op)]  # fmt: skip


SMALL = (
    *(Variable(n, "number", "*", scale=1, digits=3) for n in "abc"),
    Variable("q", "number", "*", digits=2, quotient=True),
)
_leaf = st.sampled_from(["a", "b", "c", "q", "2", "0.5", "7", "0"])
_number = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda x: f"(-{x})"),
        inner.map(lambda x: f"abs({x})"),
    ),
    max_leaves=4,
)
_flag = st.tuples(_number, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _number).map(
    lambda t: f"({' '.join(t)})"
)
_condition = st.recursive(
    _flag,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda x: f"(not {x})"),
    ),
    max_leaves=2,
)
_expression = st.one_of(
    _number, _condition, st.tuples(_number, _condition, _number).map(lambda t: f"{t[0]} if {t[1]} else {t[2]}")
)
_cell = st.one_of(st.none(), st.integers(-99, 99).map(lambda n: Fraction(n, 10)))
_row = st.fixed_dictionaries(
    {"a": _cell, "b": _cell, "c": _cell,
     "q": st.one_of(st.none(), st.builds(Fraction, st.integers(-99, 99), st.integers(1, 99)))}
)  # fmt: skip


def _fits(source: str) -> bool:
    """Whether the expression stays within 38 digits; the compiler says so before anything runs."""
    try:
        compile_expression(source, SMALL)
    except ExpressionError:
        return False
    return True


def _holds(sources: list[str], rows: list[dict[str, Value]]) -> None:
    kept = {f"e{n}": source for n, source in enumerate(sources) if _fits(source)}
    found = evaluate({label: compile_expression(s, SMALL) for label, s in kept.items()}, SMALL, rows) if kept else []
    for row, outcomes in zip(rows, found, strict=False):
        for label, source in kept.items():
            wanted = meaning(ast.parse(source, mode="eval").body, row)
            assert outcomes[label].value == wanted, (source, row)


_law = given(st.lists(_expression, min_size=1, max_size=4), st.lists(_row, min_size=1, max_size=3))


@settings(max_examples=12, deadline=None)
@_law
def test_sql_over_integers_equals_arithmetic_over_fractions(sources: list[str], rows: list[dict[str, Value]]) -> None:
    _holds(sources, rows)


@pytest.mark.large
@settings(max_examples=150, deadline=None)
@_law
def test_the_same_for_many_more_expressions(sources: list[str], rows: list[dict[str, Value]]) -> None:
    _holds(sources, rows)


SAMPLES = [
    "a / b >= c / 3", "(a - b) * c + 0.5", "abs(a / -4) if q > 0.5 else b", "not (a < b) and q != 1 / 3",
    "min(a, b / 2, -1)", "max(q, 1 / 3) / c", "missing(a) or a > 0", "0.15 / 3 >= 0.05",
]  # fmt: skip
ROWS: list[dict[str, Value]] = [
    {"a": Fraction(-3), "b": Fraction("0.5"), "c": Fraction(7), "q": Fraction(1, 3)},
    {"a": Fraction(99), "b": Fraction("-9.9"), "c": Fraction("0.1"), "q": Fraction(-5, 7)},
    {"a": None, "b": Fraction(1), "c": Fraction(0), "q": None},
]


def _here() -> list[dict[str, Value]]:
    compiled = {f"e{n}": compile_expression(s, SMALL) for n, s in enumerate(SAMPLES)}
    return [{k: o.value for k, o in row.items()} for row in evaluate(compiled, SMALL, ROWS)]


@pytest.mark.large
def test_postgresql_gives_what_duckdb_gives(postgres_url: str) -> None:
    import psycopg
    from psycopg.rows import dict_row

    compiled = {f"e{n}": compile_expression(s, SMALL) for n, s in enumerate(SAMPLES)}
    query = statement(compiled, values_table(SMALL, ROWS), ["row_number_"]).sql(dialect="postgres")
    with psycopg.connect(postgres_url, row_factory=dict_row) as connection:
        found = sorted(connection.execute(query).fetchall(), key=lambda r: int(r["row_number_"]))  # type: ignore[call-overload]
    assert [{k: outcome(k, c, row).value for k, c in compiled.items()} for row in found] == _here()


@pytest.mark.large
def test_spark_gives_what_duckdb_gives() -> None:
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    compiled = {f"e{n}": compile_expression(s, SMALL) for n, s in enumerate(SAMPLES)}
    query = statement(compiled, values_table(SMALL, ROWS), ["row_number_"]).sql(dialect="spark")
    session = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    try:
        found = sorted((r.asDict() for r in session.sql(query).collect()), key=lambda r: int(r["row_number_"]))
    finally:
        session.stop()
    assert [{k: outcome(k, c, row).value for k, c in compiled.items()} for row in found] == _here()


@pytest.mark.parametrize("source", ["~a > 0", "min()", "abs()", "abs(a, b)", "missing(a, b)"])
def test_what_only_looks_allowed_is_refused(source: str) -> None:
    assert source.split("(")[0].split(" ")[0].strip("~") in refused(source)


def test_a_division_by_zero_is_missing_and_so_is_the_least_of_anything_missing() -> None:
    assert run("missing(b / 0)", b=Fraction(1)) is True
    assert run("missing(b / 1)", b=Fraction(1)) is False
    for source in ("min(a, b)", "min(b, a)", "max(a, b)", "max(b, a)", "min(b / 0, b)"):
        assert run(source, a=None, b=Fraction(1)) is None


def test_a_refused_comparison_says_that_it_is_one() -> None:
    rd = Variable("rd", "number", "money", "rd", 2, 16)
    other = Variable("input", "number", "money", "input", 2, 16)
    assert "不能比较：两套口径互有交叉" in refused("rd > input", (rd, other))
