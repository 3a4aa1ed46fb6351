"""Exact integer min-cost flow on a network with parallel arcs (最小费用流).

Successive shortest paths with node potentials: flows, costs and potentials are integers throughout, so an optimum is
an optimum and not one within a tolerance. Searches are vectorised Bellman-Ford sweeps over all arcs; the networks
here have a node per margin (some hundred) and an arc per cell (some thousand).
Source: R. K. Ahuja, T. L. Magnanti, J. B. Orlin, Network Flows, 1993, chapter 9 (primal-dual algorithm).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FAR = 2**60


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Arcs tail → head carrying 0..capacity at an integer cost each; supply (sum zero) = outflow − inflow per node."""

    tail: "Ints"
    head: "Ints"
    capacity: "Ints"
    cost: "Ints"
    supply: "Ints"


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A cheapest flow; with `potential` every arc that can still change has cost − π(tail) + π(head) of its sign."""

    flow: "Ints"
    potential: "Ints"


@dataclass(frozen=True, slots=True, eq=False)
class Blocked:
    """No flow exists: the nodes in `inside` (booleans) are supplied with more than the arcs out of them can carry."""

    inside: "NDArray[np.bool_]"


def reduced_cost(network: Network, potential: "Ints") -> "Ints":
    """cost − π(tail) + π(head) per arc."""
    reduced: Ints = network.cost - potential[network.tail] + potential[network.head]
    return reduced


def cheapest_flow(network: Network, start: "Ints | None" = None, potential: "Ints | None" = None) -> Flow | Blocked:
    """A flow of least cost that meets every supply, or the cut that shows there is none.

    `start` is a first flow (within capacity) kept where the arc's reduced cost is zero; `potential` a first guess.
    """
    import numpy as np

    if int(network.supply.sum()) != 0:
        raise ValueError(f"供给之和应为0，现为{int(network.supply.sum())}。")
    nodes = len(network.supply)
    pi = np.zeros(nodes, dtype=np.int64) if potential is None else potential.copy()
    reduced = reduced_cost(network, pi)
    middle = np.zeros_like(network.capacity) if start is None else start
    flow = np.where(reduced < 0, network.capacity, np.where(reduced > 0, 0, middle)).astype(np.int64)
    excess = network.supply.copy()
    np.subtract.at(excess, network.tail, flow)
    np.add.at(excess, network.head, flow)
    sweep = _Sweep(network)
    while (excess > 0).any():
        reduced = reduced_cost(network, pi)
        distance = sweep.distances(flow, reduced, excess > 0)
        reached = distance < FAR
        if not (reached & (excess < 0)).any():
            return Blocked(reached)
        # Nodes out of reach keep the farthest distance: every reduced cost keeps its sign.
        pi -= np.minimum(distance, int(distance[reached].max()))
        _augment(network, flow, excess, reduced_cost(network, pi))
    return Flow(flow, pi)


class _Sweep:
    """Bellman-Ford over the residual network, arcs grouped by the node they relax."""

    def __init__(self, network: Network) -> None:
        import numpy as np

        self.network = network
        self.by_head = np.argsort(network.head, kind="stable")
        self.by_tail = np.argsort(network.tail, kind="stable")
        self.heads, self.head_starts = np.unique(network.head[self.by_head], return_index=True)
        self.tails, self.tail_starts = np.unique(network.tail[self.by_tail], return_index=True)

    def distances(self, flow: "Ints", reduced: "Ints", sources: "NDArray[np.bool_]") -> "Ints":
        """Shortest distance of every node from any source along arcs that can still change; FAR where none leads."""
        import numpy as np

        network = self.network
        forward = np.where(flow < network.capacity, reduced, FAR)[self.by_head]
        backward = np.where(flow > 0, -reduced, FAR)[self.by_tail]
        from_tail, from_head = network.tail[self.by_head], network.head[self.by_tail]
        distance = np.where(sources, 0, FAR).astype(np.int64)
        while len(network.tail):
            before = distance.copy()
            reach = np.minimum.reduceat(distance[from_tail] + forward, self.head_starts)
            distance[self.heads] = np.minimum(distance[self.heads], reach)
            reach = np.minimum.reduceat(distance[from_head] + backward, self.tail_starts)
            distance[self.tails] = np.minimum(distance[self.tails], reach)
            if np.array_equal(before, distance):
                break
        return distance


def _augment(network: Network, flow: "Ints", excess: "Ints", reduced: "Ints") -> None:
    """Send what can be sent from excess to deficit along arcs of reduced cost zero; changes flow and excess."""
    import numpy as np

    free: list[list[tuple[int, int, int]]] = [[] for _ in excess]
    for arc in np.flatnonzero(reduced == 0).tolist():
        tail, head = int(network.tail[arc]), int(network.head[arc])
        free[tail].append((arc, 1, head))
        free[head].append((arc, -1, tail))
    capacity: list[int] = network.capacity.tolist()
    dead = [False] * len(excess)
    following = [0] * len(excess)
    for source in np.flatnonzero(excess > 0).tolist():
        while excess[source] > 0 and not dead[source]:
            path, end = _path(free, following, flow, capacity, excess, dead, source)
            if end < 0:
                break
            room = [capacity[arc] - int(flow[arc]) if way > 0 else int(flow[arc]) for arc, way in path]
            amount = min(int(excess[source]), -int(excess[end]), *room)
            for arc, way in path:
                flow[arc] += way * amount
            excess[source] -= amount
            excess[end] += amount


def _path(
    free: Any, following: list[int], flow: Any, capacity: list[int], excess: Any, dead: list[bool], source: int
) -> tuple[list[tuple[int, int]], int]:
    """A path of arcs (arc, direction) from source to a node in deficit, and that node; -1 where there is none.

    Within a round an arc that led nowhere is not looked at again (`following` is the next arc per node), and a
    node from which no path was found stays dead.
    """
    path: list[tuple[int, int]] = []
    stack = [source]
    dead[source] = True
    while stack:
        at = stack[-1]
        if following[at] == len(free[at]):
            stack.pop()
            if path:
                path.pop()
                following[stack[-1]] += 1
            continue
        arc, way, node = free[at][following[at]]
        if dead[node] or (flow[arc] >= capacity[arc] if way > 0 else flow[arc] <= 0):
            following[at] += 1
            continue
        path.append((arc, way))
        if excess[node] < 0:
            for passed in stack:
                dead[passed] = False
            return path, node
        dead[node] = True
        stack.append(node)
    return path, -1
