"""The language: a whitelist over Python's expression syntax, typed, compiled to exact SQL.

Every number is a pair of integers (numerator, positive denominator) at a declared decimal scale, so nothing is ever
rounded: a comparison of quotients becomes a comparison of products. Every sub-expression becomes columns of its own,
so one case is one row and explains itself. An expression whose declared ranges can pass 38 digits is refused.

Allowed: `+ - * /`, comparisons (also chained), `and or not`, `a if c else b`, `min max abs missing`, decimals
(read digit by digit), texts in quotes for equality, names of declared variables.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from rongtong.engine.figure import ScopeReasons, scope_conflict
from rongtong.engine.lazy import LazyModule

if TYPE_CHECKING:
    from sqlglot import exp
else:
    exp = LazyModule("sqlglot.expressions")

MOST_DIGITS = 38
Kind = Literal["number", "flag", "text"]


class ExpressionError(ValueError):
    """An expression is refused; the message names the part, why, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared name: its dimension and 口径 guard addition, `scale` decimals are stored, `digits` bounds its size.

    A `quotient` variable has a second column `<name>_d`, its positive denominator, so that an exact ratio can be passed.
    """

    name: str
    kind: Kind = "number"
    dimension: str = ""
    scope: str = ""
    scale: int = 0
    digits: int = 18
    quotient: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A compiled sub-expression. `top`/`bottom` are SQL over integers; `digits` bounds |top| and bottom."""

    source: str
    kind: Kind
    top: exp.Expr
    bottom: exp.Expr | None = None
    scale: int = 0
    digits: tuple[int, int] = (1, 1)
    dimension: str = ""
    scope: str = ""
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression ready to run: its root, and every sub-expression once, innermost first."""

    source: str
    root: Node
    nodes: tuple[Node, ...]
    names: tuple[str, ...]


def compile_expression(
    source: str,
    variables: Sequence[Variable],
    *,
    reasons: ScopeReasons | None = None,
    scope_names: Mapping[str, str] | None = None,
) -> Compiled:
    """Compile `source` over declared variables. Raises ExpressionError."""
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError as error:
        raise ExpressionError(f"“{source}”第 {error.offset} 个字符处写法不对。") from error
    compiler = _Compiler(source.strip(), {v.name: v for v in variables}, reasons or {}, scope_names or {})
    root = compiler.visit(tree.body)
    nodes: dict[str, Node] = {}
    _collect(root, nodes)
    return Compiled(source.strip(), root, tuple(nodes.values()), tuple(sorted(compiler.used)))


def _collect(node: Node, into: dict[str, Node]) -> None:
    for part in node.parts:
        _collect(part, into)
    into.setdefault(node.source, node)


def integer(value: int) -> exp.Expr:
    return exp.cast(
        exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value)), "DECIMAL(38, 0)"
    )


def _times(left: exp.Expr, right: exp.Expr | None) -> exp.Expr:
    return left if right is None else exp.Mul(this=exp.paren(left.copy()), expression=exp.paren(right.copy()))


@dataclass
class _Compiler:
    source: str
    variables: dict[str, Variable]
    reasons: ScopeReasons
    scope_names: Mapping[str, str]
    used: set[str] = field(default_factory=set)

    def visit(self, node: ast.expr) -> Node:
        handler: Callable[[ast.expr], Node] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if handler is None:
            raise ExpressionError(
                f"“{self.text(node)}”不允许。只可用 + - * /、比较、and or not、if else、min max abs missing。"
            )
        result = handler(node)
        if result.kind == "number" and max(result.digits) > MOST_DIGITS:
            raise ExpressionError(
                f"“{result.source}”可能达到 {max(result.digits)} 位数字，超过 {MOST_DIGITS} 位。请把变量的取值范围声明得更小，或拆开计算。"
            )
        return result

    def text(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.source, node) or ast.unparse(node)

    def _name(self, node: ast.Name) -> Node:
        if node.id in ("True", "False"):
            return self._constant(ast.Constant(node.id == "True"))
        variable = self.variables.get(node.id)
        if variable is None:
            known = "、".join(sorted(self.variables)) or "（无）"
            raise ExpressionError(f"“{self.source}”里的“{node.id}”没有声明。可用的名称：{known}。")
        self.used.add(node.id)
        column: exp.Expr = exp.column(node.id, quoted=True)
        if variable.kind == "number":
            column = exp.cast(column, "DECIMAL(38, 0)")
        bottom = exp.cast(exp.column(f"{node.id}_d", quoted=True), "DECIMAL(38, 0)") if variable.quotient else None
        digits = (variable.digits, variable.digits if bottom is not None else 1)
        return Node(node.id, variable.kind, column, bottom, variable.scale, digits, variable.dimension, variable.scope)

    def _constant(self, node: ast.Constant) -> Node:
        if isinstance(node.value, bool):
            return Node(str(node.value), "flag", exp.Boolean(this=node.value))
        if isinstance(node.value, str):
            return Node(repr(node.value), "text", exp.Literal.string(node.value))
        if isinstance(node.value, int | float):
            # The digits as written, not as a binary float holds them.
            written = self.text(node).replace("_", "")
            try:
                value = Fraction(written)
            except ValueError:
                raise ExpressionError(f"“{written}”不是普通小数。") from None
            scale = len(written.partition(".")[2]) if "." in written and "e" not in written.lower() else 0
            top = value * 10**scale
            if top.denominator != 1:
                raise ExpressionError(f"“{written}”不是有限小数。")
            return Node(written, "number", integer(top.numerator), None, scale, (len(str(abs(top.numerator))), 1), "*")
        raise ExpressionError(f"“{self.text(node)}”不允许。")

    def _unaryop(self, node: ast.UnaryOp) -> Node:
        inner = self.visit(node.operand)
        source = self.text(node)
        if isinstance(node.op, ast.Not):
            self._want(inner, "flag", source)
            return Node(source, "flag", exp.Not(this=exp.paren(inner.top.copy())), parts=(inner,))
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise ExpressionError(f"“{source}”里的运算不允许。只可用 + - * /。")
        self._want(inner, "number", source)
        top = exp.Neg(this=exp.paren(inner.top.copy())) if isinstance(node.op, ast.USub) else inner.top
        return Node(
            source, "number", top, inner.bottom, inner.scale, inner.digits, inner.dimension, inner.scope, (inner,)
        )

    def _binop(self, node: ast.BinOp) -> Node:
        left, right = self.visit(node.left), self.visit(node.right)
        source = self.text(node)
        self._want(left, "number", source)
        self._want(right, "number", source)
        if isinstance(node.op, ast.Add | ast.Sub):
            return self._sum(source, left, right, exp.Add if isinstance(node.op, ast.Add) else exp.Sub)
        if isinstance(node.op, ast.Mult):
            return _product(source, left, right)
        if isinstance(node.op, ast.Div):
            return _quotient(source, left, right)
        raise ExpressionError(f"“{source}”里的运算不允许。只可用 + - * /。")

    def _sum(self, source: str, left: Node, right: Node, operation: type[exp.Binary]) -> Node:
        dimension, scope = self._same(source, left, right, "相加减")
        lt, rt, scale, digits = _aligned(left, right)
        top = operation(this=exp.paren(lt), expression=exp.paren(rt))
        bottom = _bottoms(left, right)
        return Node(
            source,
            "number",
            top,
            bottom,
            scale,
            (digits + 1, left.digits[1] + right.digits[1] - 1),
            dimension,
            scope,
            (left, right),
        )

    def _compare(self, node: ast.Compare) -> Node:
        operands = [self.visit(n) for n in (node.left, *node.comparators)]
        source = self.text(node)
        tests = [self._one(source, a, op, b) for a, op, b in zip(operands, node.ops, operands[1:], strict=False)]
        condition: exp.Expr = exp.and_(*tests) if len(tests) > 1 else tests[0]
        return Node(source, "flag", condition, parts=tuple(operands))

    def _one(self, source: str, left: Node, op: ast.cmpop, right: Node) -> exp.Expr:
        kinds = {ast.Eq: exp.EQ, ast.NotEq: exp.NEQ, ast.Lt: exp.LT, ast.LtE: exp.LTE, ast.Gt: exp.GT, ast.GtE: exp.GTE}
        if type(op) not in kinds:
            raise ExpressionError(f"“{source}”里的比较不允许。只可用 == != < <= > >=。")
        if left.kind != right.kind:
            raise ExpressionError(f"“{source}”比较的两边不是同一种值。")
        if left.kind != "number":
            if not isinstance(op, ast.Eq | ast.NotEq):
                raise ExpressionError(f"“{source}”：文字与真假只能比较 == 或 !=。")
            return kinds[type(op)](this=left.top.copy(), expression=right.top.copy())
        self._same(source, left, right, "比较")
        lt, rt, _, digits = _aligned(left, right)
        if digits > MOST_DIGITS:
            raise ExpressionError(f"“{source}”比较时可能达到 {digits} 位数字，超过 {MOST_DIGITS} 位。")
        return kinds[type(op)](this=exp.paren(lt), expression=exp.paren(rt))

    def _boolop(self, node: ast.BoolOp) -> Node:
        parts = tuple(self.visit(n) for n in node.values)
        source = self.text(node)
        for part in parts:
            self._want(part, "flag", source)
        join = exp.and_ if isinstance(node.op, ast.And) else exp.or_
        return Node(source, "flag", join(*(p.top.copy() for p in parts)), parts=parts)

    def _ifexp(self, node: ast.IfExp) -> Node:
        test, yes, no = self.visit(node.test), self.visit(node.body), self.visit(node.orelse)
        source = self.text(node)
        self._want(test, "flag", source)
        return self._choose(source, test.top, yes, no, (test, yes, no))

    def _choose(self, source: str, test: exp.Expr, yes: Node, no: Node, parts: tuple[Node, ...]) -> Node:
        if yes.kind != no.kind:
            raise ExpressionError(f"“{source}”的两个结果不是同一种值。")
        if yes.kind != "number":
            return Node(source, yes.kind, _case(test, yes.top, no.top), parts=parts)
        dimension, scope = self._same(source, yes, no, "二选一")
        scale = max(yes.scale, no.scale)
        yt, nt = _scaled(yes.top, scale - yes.scale), _scaled(no.top, scale - no.scale)
        bottom = None
        if yes.bottom is not None or no.bottom is not None:
            bottom = _case(test, yes.bottom or integer(1), no.bottom or integer(1))
        digits = (
            max(yes.digits[0] + scale - yes.scale, no.digits[0] + scale - no.scale),
            max(yes.digits[1], no.digits[1]),
        )
        return Node(source, "number", _case(test, yt, nt), bottom, scale, digits, dimension, scope, parts)

    def _call(self, node: ast.Call) -> Node:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        source = self.text(node)
        if name not in ("min", "max", "abs", "missing") or node.keywords:
            raise ExpressionError(f"“{source}”：没有这个函数。只可用 min、max、abs、missing。")
        parts = tuple(self.visit(n) for n in node.args)
        if not parts or (len(parts) > 1 and name in ("missing", "abs")):
            raise ExpressionError(
                f"“{source}”：{name} 接受{'一个值' if name in ('missing', 'abs') else '一个或更多的值'}。"
            )
        if name == "missing":
            return Node(source, "flag", _missing(parts[0]), parts=parts)
        for part in parts:
            self._want(part, "number", source)
        if name == "abs":
            inner = parts[0]
            top = _case(
                exp.LT(this=exp.paren(inner.top.copy()), expression=integer(0)),
                exp.Neg(this=exp.paren(inner.top.copy())),
                inner.top,
            )
            return Node(
                source, "number", top, inner.bottom, inner.scale, inner.digits, inner.dimension, inner.scope, parts
            )
        best = parts[0]
        for other in parts[1:]:
            test = self._one(source, best, ast.LtE() if name == "min" else ast.GtE(), other)
            best = self._choose(source, test, best, other, parts)
        # Whichever is missing, the result is missing: it must not depend on the order of the arguments.
        unknown = exp.or_(*(_missing(p) for p in parts)) if len(parts) > 1 else None
        return best if unknown is None else replace(best, top=_case(unknown, exp.null(), best.top))

    def _want(self, node: Node, kind: Kind, source: str) -> None:
        words = {"number": "数", "flag": "真假", "text": "文字"}
        if node.kind != kind:
            raise ExpressionError(f"“{source}”里的“{node.source}”应是{words[kind]}，却是{words[node.kind]}。")

    def _same(self, source: str, left: Node, right: Node, verb: str) -> tuple[str, str]:
        if left.dimension != right.dimension and "*" not in (left.dimension, right.dimension):
            raise ExpressionError(
                f"“{source}”：{left.source}（{left.dimension}）与 {right.source}（{right.dimension}）单位不同，不能{verb}。"
            )
        if left.scope and right.scope:
            conflict = scope_conflict(left.scope, right.scope, self.reasons, self.scope_names, verb)
            if conflict:
                raise ExpressionError(f"“{source}”：{conflict}。")
        dimension = right.dimension if left.dimension == "*" else left.dimension
        return dimension, left.scope or right.scope


def _missing(node: Node) -> exp.Expr:
    """Whether a value is not known: its numerator is NULL, or its denominator is (a division by zero)."""
    tests = [
        exp.Is(this=exp.paren(part.copy()), expression=exp.null())
        for part in (node.top, node.bottom)
        if part is not None
    ]
    return exp.or_(*tests) if len(tests) > 1 else tests[0]


def _scaled(top: exp.Expr, power: int) -> exp.Expr:
    return _times(top, integer(10**power)) if power else top.copy()


def _aligned(left: Node, right: Node) -> tuple[exp.Expr, exp.Expr, int, int]:
    """Both numerators over the common denominator and scale: (left, right, scale, digits that may be needed)."""
    scale = max(left.scale, right.scale)
    lt = _times(_scaled(left.top, scale - left.scale), right.bottom)
    rt = _times(_scaled(right.top, scale - right.scale), left.bottom)
    ld = left.digits[0] + scale - left.scale + (right.digits[1] if right.bottom is not None else 0)
    rd = right.digits[0] + scale - right.scale + (left.digits[1] if left.bottom is not None else 0)
    return lt, rt, scale, max(ld, rd)


def _bottoms(left: Node, right: Node) -> exp.Expr | None:
    if left.bottom is None:
        return right.bottom
    return _times(left.bottom, right.bottom)


def _product(source: str, left: Node, right: Node) -> Node:
    plain = ("*", "ratio")
    dimension = left.dimension if right.dimension in plain else right.dimension
    if left.dimension not in plain and right.dimension not in plain:
        dimension = f"{left.dimension}·{right.dimension}"
    digits = (left.digits[0] + right.digits[0], left.digits[1] + right.digits[1])
    # Scaling by a plain number keeps the 口径; a product of two measured things has none.
    scope = left.scope or right.scope if not (left.scope and right.scope) else ""
    return Node(
        source,
        "number",
        _times(left.top, right.top),
        _bottoms(left, right),
        left.scale + right.scale,
        digits,
        dimension,
        scope,
        (left, right),
    )


def _quotient(source: str, left: Node, right: Node) -> Node:
    """(a/b) ÷ (c/d) = (a·d·sign c) / (b·|c|); NULL when c is 0."""
    if left.dimension == right.dimension:
        dimension = "ratio"
    else:
        dimension = left.dimension if right.dimension in ("*", "ratio") else f"{left.dimension}/{right.dimension}"
    negative = exp.LT(this=exp.paren(right.top.copy()), expression=integer(0))
    lifted = max(right.scale - left.scale, 0)
    top = _scaled(_times(left.top, right.bottom), lifted)
    top = _case(negative, exp.Neg(this=exp.paren(top.copy())), top)
    size = _case(negative, exp.Neg(this=exp.paren(right.top.copy())), right.top)
    bottom = _times(exp.Nullif(this=size, expression=integer(0)), left.bottom)
    digits = (left.digits[0] + right.digits[1] + lifted, right.digits[0] + left.digits[1])
    scale = max(left.scale - right.scale, 0)
    scope = left.scope if not right.scope else ""
    return Node(source, "number", top, bottom, scale, digits, dimension, scope, (left, right))


def _case(test: exp.Expr, yes: exp.Expr, no: exp.Expr) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=test.copy(), true=yes.copy())], default=no.copy())
