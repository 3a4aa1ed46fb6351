"""Controlled rounding (受控取整): whole numbers within bounds and exact margins, nearest to given amounts in Σ|x − q|.

The margins form a network (places → subjects), so the cheapest integer flow is the optimum and no integer program is
needed. Most networks need only the step between the two neighbouring whole numbers of each cell; steps further out
enter where their reduced cost says so, or where the margins cannot be met without them.
Source of the idea: L. H. Cox, L. R. Ernst, Controlled rounding, INFOR 20 (1982).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rongtong.engine.allocation.flow import Blocked, Flow, Network, cheapest_flow, reduced_cost

if TYPE_CHECKING:
    from rongtong.engine.allocation.flow import Ints


@dataclass(frozen=True, slots=True, eq=False)
class Rounded:
    """Whole numbers per cell, and Σ|x − q| in 1/scale."""

    values: list[int]
    deviation: int


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Unit steps from `base` upward as arcs: arc k belongs to cell `cell[k]` and rises in cost along each cell."""

    base: "Ints"
    cell: "Ints"
    capacity: "Ints"
    cost: "Ints"


def controlled_rounding(
    want: "Sequence[int] | Ints",
    scale: int,
    lower: "Ints",
    upper: "Ints",
    tail: "Ints",
    head: "Ints",
    supply: "Ints",
) -> Rounded | Blocked:
    """The whole numbers x, lower ≤ x ≤ upper, that meet every supply with least Σ|x − want/scale|.

    `want` is in 1/scale, everything else in whole numbers. Cell k is an arc tail[k] → head[k]; supply is
    what flows out minus what flows in, per node. Of several optima the one is taken in which, reading the cells in
    their order, the first that differs is the largest. Blocked where no whole numbers meet the demands.
    """
    import numpy as np

    q = np.asarray(want, dtype=np.int64)
    steps = _steps(q, scale, lower, upper, near_only=True)
    network = _network(steps, tail, head, supply)
    answer = cheapest_flow(network)
    if isinstance(answer, Blocked) or _far_step_pays(
        q, scale, lower, upper, _values(steps, answer.flow), answer.potential[tail] - answer.potential[head]
    ):
        steps = _steps(q, scale, lower, upper, near_only=False)
        network = _network(steps, tail, head, supply)
        answer = cheapest_flow(network, potential=None if isinstance(answer, Blocked) else answer.potential)
    if isinstance(answer, Blocked):
        return answer
    flow = first_in_order(network, answer, steps.cell)
    values = _values(steps, flow)
    return Rounded(values.tolist(), int(np.abs(values * scale - q).sum()))


def _steps(q: "Ints", scale: int, lower: "Ints", upper: "Ints", near_only: bool) -> Steps:
    """The steps of each cell: below q at −scale each, the one across q at scale − 2·fraction, above q at +scale."""
    import numpy as np

    floor = q // scale
    across = (floor >= lower) & (floor < upper) & (q % scale != 0)
    cells = np.arange(len(q))[across]
    near_cost = (scale - 2 * (q % scale))[across]
    if near_only:
        base = np.clip(floor, lower, upper)
        return Steps(base, cells, np.ones(len(cells), dtype=np.int64), near_cost)
    below = np.clip(floor, lower, upper) - lower
    above = upper - np.clip(-(-q // scale), lower, upper)
    everyone = np.arange(len(q))
    return Steps(
        lower.copy(),
        np.concatenate([everyone[below > 0], cells, everyone[above > 0]]),
        np.concatenate([below[below > 0], np.ones(len(cells), dtype=np.int64), above[above > 0]]),
        np.concatenate([np.full(int((below > 0).sum()), -scale), near_cost, np.full(int((above > 0).sum()), scale)]),
    )


def _values(steps: Steps, flow: "Ints") -> "Ints":
    """Whole number per cell after the steps taken."""
    import numpy as np

    values = steps.base.copy()
    np.add.at(values, steps.cell, flow)
    return values


def _network(steps: Steps, tail: "Ints", head: "Ints", supply: "Ints") -> Network:
    """The steps as arcs, supplies less what the base already carries."""
    import numpy as np

    left = supply.copy()
    np.subtract.at(left, tail, steps.base)
    np.add.at(left, head, steps.base)
    return Network(tail[steps.cell], head[steps.cell], steps.capacity, steps.cost, left)


def _far_step_pays(q: "Ints", scale: int, lower: "Ints", upper: "Ints", values: "Ints", gap: "Ints") -> bool:
    """Whether a step beyond the neighbours of q would lower the deviation, or leave it equal (then order decides).

    `gap` is π(tail) − π(head) per cell: what the network pays for one more there.
    """
    import numpy as np

    floor = q // scale
    across = (floor >= lower) & (floor < upper) & (q % scale != 0)
    up = (values < upper) & ~(across & (values == floor))
    down = (values > lower) & ~(across & (values == floor + 1))
    up_cost = np.where(values * scale >= q, scale, -scale)
    down_cost = np.where((values - 1) * scale >= q, scale, -scale)
    return bool((up & (up_cost <= gap)).any() or (down & (down_cost >= gap)).any())


def first_in_order(network: Network, answer: Flow, cell: "Ints") -> "Ints":
    """Among the cheapest flows, the one whose cells, read in order, are as large as they can be one after another.

    Only arcs of reduced cost zero can differ between optima; the search walks those alone.
    """
    import numpy as np

    flow = answer.flow.copy()
    tied = np.flatnonzero((reduced_cost(network, answer.potential) == 0) & (network.capacity > 0))
    ties = _Ties(network, flow)
    for arc in tied.tolist():
        ties.open(arc)
    in_order = tied[np.argsort(cell[tied], kind="stable")]
    for arcs in np.split(in_order, np.flatnonzero(np.diff(cell[in_order])) + 1):
        for arc in arcs.tolist():
            ties.close(arc)
        for arc in arcs.tolist():
            ties.raise_flow(arc)
    return flow


class _Ties:
    """The residual network of the arcs that may change at no cost: reachable nodes as bit masks, arcs per node pair."""

    def __init__(self, network: Network, flow: "Ints") -> None:
        nodes = len(network.supply)
        self.tail: list[int] = network.tail.tolist()
        self.head: list[int] = network.head.tolist()
        self.capacity: list[int] = network.capacity.tolist()
        self.flow = flow
        self.reach = [0] * nodes
        self.arcs: dict[tuple[int, int], set[int]] = {}

    def open(self, arc: int) -> None:
        """Let the arc carry more or less, as far as it can."""
        tail, head = self.tail[arc], self.head[arc]
        for start, end, free in ((tail, head, self.flow[arc] < self.capacity[arc]), (head, tail, self.flow[arc] > 0)):
            if free:
                self.arcs.setdefault((start, end), set()).add(arc)
                self.reach[start] |= 1 << end

    def close(self, arc: int) -> None:
        """Keep the arc as it is."""
        for start, end in ((self.tail[arc], self.head[arc]), (self.head[arc], self.tail[arc])):
            between = self.arcs.get((start, end))
            if between:
                between.discard(arc)
                if not between:
                    self.reach[start] &= ~(1 << end)

    def raise_flow(self, arc: int) -> None:
        """Send as much as possible over the (closed) arc, around cycles of open arcs."""
        while (room := self.capacity[arc] - int(self.flow[arc])) > 0:
            nodes = self.path(self.head[arc], self.tail[arc])
            if not nodes:
                return
            steps = [(min(self.arcs[pair]), pair) for pair in pairwise(nodes)]
            ways = [(step, 1 if pair == (self.tail[step], self.head[step]) else -1) for step, pair in steps]
            rooms = [self.capacity[s] - int(self.flow[s]) if way > 0 else int(self.flow[s]) for s, way in ways]
            amount = min(room, *rooms) if rooms else room
            self.flow[arc] += amount
            for step, way in ways:
                self.close(step)
                self.flow[step] += way * amount
                self.open(step)

    def path(self, start: int, end: int) -> list[int]:
        """The nodes of a shortest way from start to end, or nothing."""
        before = {start: -1}
        front = [start]
        unseen = ~(1 << start)
        while front and end not in before:
            following = []
            for node in front:
                new = self.reach[node] & unseen
                unseen &= ~new
                while new:
                    bit = new & -new
                    reached = bit.bit_length() - 1
                    before[reached] = node
                    following.append(reached)
                    new ^= bit
            front = following
        if end not in before:
            return []
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(before[nodes[-1]])
        return nodes[::-1]
