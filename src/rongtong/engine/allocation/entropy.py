"""The real split: amounts closest to the weights in relative entropy (最小相对熵), within bounds and margins.

Minimise Σ x·ln(x / w) over lower ≤ x ≤ upper with given sums. Its solution is x = clip(w·exp(p + z), lower, upper)
with one multiplier per row and column. With the total alone it is x = clip(λ·w, …) and λ is rational: solved exactly.
With margins the concave dual is climbed, first by exact steps per row and column (bounded iterative proportional
fitting), then by damped Newton steps.
Source: J. N. Darroch, D. Ratcliff, Annals of Mathematical Statistics 43 (1972); Newton on a semismooth dual after
L. Qi, J. Sun, Mathematical Programming 58 (1993).
"""

from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any

from rongtong.engine.allocation.flow import Blocked, Network, cheapest_flow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rongtong.engine.allocation.flow import Ints
    from rongtong.engine.allocation.grid import Grid

    Floats = NDArray[np.float64]


def whole_weights(weights: list[Fraction]) -> list[int]:
    """The same proportions as whole numbers."""
    common = lcm(*(Fraction(w).denominator for w in weights))
    return [int(w * common) for w in weights]


def proportional_split(amount: int, weights: list[int], lower: list[int], upper: list[int]) -> list[int] | None:
    """Whole numbers nearest to the entropy split of `amount` under bounds alone, summing to it exactly.

    λ is exact; what is left by rounding down goes to the largest fractions, ties to the earlier cell.
    None where the bounds cannot meet the amount. Zero-weight cells stay at their lower bound.
    """
    held = {k: lower[k] for k, w in enumerate(weights) if w == 0}
    free = [k for k, w in enumerate(weights) if w > 0]
    if not sum(lower) <= amount <= sum(held.values()) + sum(upper[k] for k in free):
        return None
    scaled, base = 0, 1
    while free:
        # λ = scaled / base as if no further bound held; the heavier side of violations is certain to be held.
        scaled, base = amount - sum(held.values()), sum(weights[k] for k in free)
        low = [k for k in free if weights[k] * scaled < lower[k] * base]
        high = [k for k in free if weights[k] * scaled > upper[k] * base]
        if not low and not high:
            break
        lack = sum(lower[k] * base - weights[k] * scaled for k in low)
        surplus = sum(weights[k] * scaled - upper[k] * base for k in high)
        if lack >= surplus:
            held.update((k, lower[k]) for k in low)
        if surplus >= lack:
            held.update((k, upper[k]) for k in high)
        free = [k for k in free if k not in held]
    split = [held[k] if k in held else weights[k] * scaled // base for k in range(len(weights))]
    short = amount - sum(split)
    for k in sorted(free, key=lambda k: (-(weights[k] * scaled % base), k))[:short]:
        split[k] += 1
    return split


def margin_split(grid: "Grid", weights: "Floats") -> "Floats | None":
    """The entropy split in steps of the grid under bounds, total and margins; None where none exists.

    `weights` are floats of any scale, zero where the cell only holds its lower bound. Sums are met to about 1e-12 of
    the total; rounding makes them exact.
    """
    import numpy as np

    scale = max(float(grid.plenty), 1.0)
    dual = _Dual(grid, weights, scale)
    dual.fit(sweeps=8)
    guess = np.clip(np.floor(dual.amounts() * scale), grid.lower, grid.upper).astype(np.int64) - grid.lower
    held = held_cells(grid, guess)
    if held is None:
        return None
    dual.hold(*held)
    dual.fit(sweeps=8)
    dual.climb()
    amounts: Floats = dual.amounts() * scale
    return amounts


def held_cells(grid: "Grid", guess: "Ints") -> "tuple[NDArray[np.bool_], Ints] | None":
    """Which cells are at one bound in every solution, and where; None where there is no solution.

    A flow's arc at a bound can move only if a cycle of arcs with room leads back: only if its ends are
    in one strong component. Without these cells the multipliers stay finite.
    """
    import numpy as np

    left = grid.supply.copy()
    np.subtract.at(left, grid.row, grid.lower)
    np.add.at(left, grid.column, grid.lower)
    room = grid.upper - grid.lower
    answer = cheapest_flow(Network(grid.row, grid.column, room, np.zeros_like(room), left), start=guess)
    if isinstance(answer, Blocked):
        return None
    nodes = len(grid.supply)
    linked = np.eye(nodes, dtype=np.float64)
    up, down = answer.flow < room, answer.flow > 0
    linked[grid.row[up], grid.column[up]] = 1
    linked[grid.column[down], grid.row[down]] = 1
    for _ in range(max(1, nodes.bit_length())):
        linked = np.minimum(linked @ linked, 1)
    together = (linked > 0) & (linked.T > 0)
    held = (~up | ~down) & ~together[grid.row, grid.column] | (room == 0)
    return held, grid.lower + answer.flow


class _Dual:
    """The dual of the entropy split, all amounts divided by `scale`: multipliers per node, amounts as their function."""

    def __init__(self, grid: "Grid", weights: "Floats", scale: float) -> None:
        import numpy as np

        self.row, self.column, self.supply = grid.row, grid.column, grid.supply / scale
        self.nodes, self.scale = len(grid.supply), scale
        self.lower, self.upper = grid.lower / scale, grid.upper / scale
        share = np.maximum(weights / max(float(weights.sum()), 1e-300), 1e-300)
        self.log_weight = np.log(share)
        self.power = np.zeros(self.nodes)

    def hold(self, held: "NDArray[np.bool_]", values: "Ints") -> None:
        """Keep these cells at these values."""
        import numpy as np

        self.lower = np.where(held, values / self.scale, self.lower)
        self.upper = np.where(held, values / self.scale, self.upper)

    def exponent(self, power: "Floats") -> "Floats":
        """ln w + p + z per cell. A column's multiplier enters with the opposite sign, as its supply does."""
        exponent: Floats = self.log_weight + power[self.row] - power[self.column]
        return exponent

    def raw(self, power: "Floats") -> "Floats":
        """w·exp(p + z) before the bounds."""
        import numpy as np

        amounts: Floats = np.exp(np.clip(self.exponent(power), -700, 700))
        return amounts

    def amounts(self, power: "Floats | None" = None) -> "Floats":
        """Amounts of all cells at the multipliers given, or at the present ones."""
        import numpy as np

        return np.clip(self.raw(self.power if power is None else power), self.lower, self.upper)

    def lack(self, amounts: "Floats") -> "Floats":
        """Supply less what the amounts carry, per node: the gradient of the dual."""
        import numpy as np

        out = np.bincount(self.row, amounts, self.nodes)
        into = np.bincount(self.column, amounts, self.nodes)
        lack: Floats = self.supply - out + into
        return lack

    def fit(self, sweeps: int) -> None:
        """Meet all rows, then all columns, exactly in turn, by bisection on each one's multiplier."""
        import numpy as np

        for _ in range(sweeps):
            for ends, way in ((self.row, 1.0), (self.column, -1.0)):
                low, high = np.full(self.nodes, -45.0), np.full(self.nodes, 45.0)
                exponent = self.exponent(self.power)
                for _ in range(50):
                    middle = (low + high) / 2
                    amounts = np.clip(np.exp(np.minimum(exponent + middle[ends], 700)), self.lower, self.upper)
                    more = np.bincount(ends, amounts, self.nodes) < way * self.supply
                    low, high = np.where(more, middle, low), np.where(more, high, middle)
                touched = np.bincount(ends, minlength=self.nodes) > 0
                self.power += way * np.where(touched, (low + high) / 2, 0)

    def value(self, power: "Floats") -> float:
        """The dual function: Σ supply·power − Σ ∫ amounts, concave in the multipliers."""
        import numpy as np

        raw, exponent = self.raw(power), self.exponent(power)
        # The integral of clip(e^s, l, u) up to s: e^s between the bounds, linear in s beyond them.
        low, high = np.log(np.maximum(self.lower, 1e-300)), np.log(np.maximum(self.upper, 1e-300))
        at = np.clip(raw, self.lower, self.upper)
        beyond = np.where(raw > self.upper, self.upper * (exponent - high), 0.0)
        beneath = np.where(raw < self.lower, self.lower * (exponent - low), 0.0)
        return float(self.supply @ power - (at + beyond + beneath).sum())

    def climb(self, steps: int = 100) -> None:
        """Damped Newton steps until the sums are met to rounding error, or no step gains."""
        import numpy as np

        damping = 1e-6
        amounts = self.amounts()
        lack = self.lack(amounts)
        for _ in range(steps):
            if np.abs(lack).max() < 1e-15:
                return
            step = self.newton_step(amounts, lack, damping)
            trial = self.power + step
            trial_amounts = self.amounts(trial)
            trial_lack = self.lack(trial_amounts)
            gains = self.value(trial) - self.value(self.power) >= 1e-4 * float(lack @ step)
            if gains or np.abs(trial_lack).max() < 0.5 * np.abs(lack).max():
                self.power, amounts, lack = trial, trial_amounts, trial_lack
                damping = max(damping / 10, 1e-14)
            else:
                damping *= 10
                if damping > 1e6:
                    return

    def newton_step(self, amounts: "Floats", lack: "Floats", damping: float) -> Any:
        """(curvature + damping·1)⁻¹ × gradient; cells at a bound have no curvature."""
        import numpy as np

        slope = np.where((amounts > self.lower) & (amounts < self.upper), amounts, 0.0)
        n = self.nodes
        cross = np.bincount(self.row * n + self.column, slope, n * n).reshape(n, n)
        curvature = np.diag(np.bincount(self.row, slope, n) + np.bincount(self.column, slope, n)) - cross - cross.T
        largest = max(float(np.abs(np.diag(curvature)).max()), 1e-12)
        return np.linalg.solve(curvature + damping * largest * np.eye(n), lack)
