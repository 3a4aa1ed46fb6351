"""Controlled rounding against one mixed-integer program with the same objective, by HiGHS (highspy).

    pip install highspy numpy scipy && python bench/rounding.py [--repeats 5] [--places 90] [--kinds 40]

Both round the same table of places × kinds to whole units with all margins exact and Σ|x − q| least. The program is
stated as the objective reads: an integer x and a deviation d ≥ |x − q| per cell. A second one is stated in
its favour: a 0/1 variable per cell between the two neighbouring whole numbers, which is the same optimum only
where no cell need go further. Runs are interleaved; CPU seconds of the process (HiGHS with one thread), for the
programs the solver's run alone, for ours everything from the arrays on. Exits 1 if the optima differ
or a measured ratio to the first program is below 20.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import highspy
import numpy as np
import scipy.sparse as sparse

from rongtong.engine.allocation.rounding import Rounded, controlled_rounding

SCALE = 10**6
WANTED = 20.0


def table(places: int, kinds: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amounts in millionths of a unit that meet whole margins (by proportional fitting), and those margins."""
    dice = np.random.default_rng(seed)
    amounts = dice.gamma(1.0, 1.0, (places, kinds)) + 0.01
    total = 56_000
    amounts *= total / amounts.sum()
    rows, columns = np.floor(amounts.sum(axis=1)), np.floor(amounts.sum(axis=0))
    rows[0] += total - rows.sum()
    columns[0] += total - columns.sum()
    for _ in range(300):
        amounts *= (rows / amounts.sum(axis=1))[:, None]
        amounts *= (columns / amounts.sum(axis=0))[None, :]
    return np.rint(amounts * SCALE).astype(np.int64).ravel(), rows.astype(np.int64), columns.astype(np.int64)


def margins_of(places: int, kinds: int) -> Any:
    """One row per place and per kind with a one for each of its cells."""
    row, column = np.divmod(np.arange(places * kinds), kinds)
    cells = np.arange(places * kinds)
    ones = np.ones(2 * places * kinds)
    return sparse.csr_matrix((ones, (np.concatenate([row, places + column]), np.concatenate([cells, cells]))))


def solved_by_highs(
    cost: np.ndarray, upper: np.ndarray, whole: int, matrix: Any, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, float]:
    """The first `whole` variables of the optimum, and the CPU seconds of the run."""
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(cost), len(low)
    program.col_cost_, program.col_lower_, program.col_upper_ = cost, np.zeros(len(cost)), upper
    program.row_lower_, program.row_upper_ = low, high
    columns = matrix.tocsc()
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = columns.indptr, columns.indices
    program.a_matrix_.value_ = columns.data
    kinds = highspy.HighsVarType
    program.integrality_ = [kinds.kInteger] * whole + [kinds.kContinuous] * (len(cost) - whole)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.passModel(program)
    start = time.process_time()
    solver.run()
    taken = time.process_time() - start
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise SystemExit(f"HiGHS: {solver.getModelStatus()}")
    return np.rint(np.array(solver.getSolution().col_value[:whole])).astype(np.int64), taken


def by_program(q: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[int, float]:
    """min Σd, d ≥ ±(x − q), x whole: the objective as one mixed-integer program."""
    size, inf = len(q), highspy.kHighsInf
    margins, eye = margins_of(len(rows), len(columns)), sparse.identity(size)
    nothing = sparse.csr_matrix((len(rows) + len(columns), size))
    matrix = sparse.vstack([sparse.hstack([margins, nothing]), sparse.hstack([eye, -eye]), sparse.hstack([eye, eye])])
    sums = np.concatenate([rows, columns]).astype(float)
    want = q / SCALE
    x, taken = solved_by_highs(
        np.concatenate([np.zeros(size), np.ones(size)]),
        np.concatenate([np.full(size, float(rows.sum())), np.full(size, inf)]),
        size,
        matrix,
        np.concatenate([sums, np.full(size, -inf), want]),
        np.concatenate([sums, want, np.full(size, inf)]),
    )
    return int(np.abs(x * SCALE - q).sum()), taken


def by_neighbours(q: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[int, float]:
    """One 0/1 variable per cell: down or up. Margins as above."""
    floor, part = np.divmod(q, SCALE)
    margins = margins_of(len(rows), len(columns))
    sums = np.concatenate([rows, columns]) - margins @ floor
    x, taken = solved_by_highs(1 - 2 * part / SCALE, (part > 0).astype(float), len(q), margins, sums, sums)
    return int(np.abs((floor + x) * SCALE - q).sum()), taken


def by_flow(q: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[int, float]:
    """Ours, with bounds wide open, ties settled by order."""
    start = time.process_time()
    row, column = np.divmod(np.arange(len(q)), len(columns))
    lower, upper = np.zeros(len(q), dtype=np.int64), np.full(len(q), int(rows.sum()))
    supply = np.concatenate([rows, -columns])
    answer = controlled_rounding(q, SCALE, lower, upper, row, column + len(rows), supply)
    taken = time.process_time() - start
    if not isinstance(answer, Rounded):
        raise SystemExit("no rounding found")
    return answer.deviation, taken


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--places", type=int, default=90)
    parser.add_argument("--kinds", type=int, default=40)
    asked = parser.parse_args()
    ways = {"flow (ours)": by_flow, "program |x - q|": by_program, "program down/up": by_neighbours}
    load = os.getloadavg()
    by_flow(*table(5, 4, 0))
    good = True
    print(f"highspy {highspy.Highs().version()}, numpy {np.__version__}, {os.cpu_count()} CPUs")
    print("load before: " + " ".join(f"{part:.2f}" for part in load))
    print(f"{'table':>8}  {'way':<16} {'optimum':>16} {'median CPU s':>13} {'min':>9} {'max':>9} {'ratio':>8}")
    for places, kinds in ((11, 8), (asked.places, asked.kinds)):
        taken: dict[str, list[float]] = {way: [] for way in ways}
        optima: dict[str, list[int]] = {way: [] for way in ways}
        for repeat in range(asked.repeats):
            problem = table(places, kinds, repeat)
            found = {way: solve(*problem) for way, solve in ways.items()}
            for way, (optimum, seconds) in found.items():
                taken[way].append(seconds)
                optima[way].append(optimum)
            if len({optimum for optimum, _ in found.values()}) != 1:
                good = False
                print(f"seed {repeat}: the optima differ: {found}")
        ours = statistics.median(taken["flow (ours)"])
        for way, seconds in taken.items():
            middle = statistics.median(seconds)
            print(
                f"{places:>4}×{kinds:<3}  {way:<16} {sum(optima[way]) / SCALE:>16.6f} {middle:>13.4f} "
                f"{min(seconds):>9.4f} {max(seconds):>9.4f} {middle / ours:>7.1f}×"
            )
        if (places, kinds) == (90, 40):
            good &= statistics.median(taken["program |x - q|"]) >= WANTED * ours
    print("load after: " + " ".join(f"{part:.2f}" for part in os.getloadavg()))
    print("optimum: sum of Σ|x − q| in units over the repeats, one table each; equal per table, or exit 1")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
