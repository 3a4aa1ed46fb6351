"""The model of same-period shares (同期占比): one linear mixed model, in floats, for one place as for a hundred.

    logit(share of place i in year j) = mean of place i + effect of year j, common to all places + what is i's own in j

The logit of part ÷ full is the logarithm of "reached ÷ still to come": a full year that follows from it always exceeds
its part. Variances come from mean squares of the unbalanced two-way table (Henderson 1953, method III); place means
are best linear unbiased predictions (Robinson 1991), shrunk to the pooled mean as far as places are alike (Efron &
Morris 1973, positive part; no shrinkage below four places). Quantiles are Student's t with Satterthwaite's (1946)
degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VARIANCE_FLOOR = 1e-12  # keeps the equations solvable when past shares repeat exactly
_MAX_RELIABILITY = 0.9999  # stands for "no shrinkage"
_MAX_EXPONENT = 700.0  # beyond it exp() leaves the range of a double


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted table of n places.

    centre        predicted logit share of each place in the coming year, shape (n,).
    common, own, spread
                  the covariance of the prediction errors, shape (n, n), is common × variance of the year effect
                  + own × variance of the rest + spread × variance between places.
    year_square, rest_square
                  mean squares with year_df and rest_df degrees of freedom; the expected year_square is
                  year_size × variance of the year effect + variance of the rest.
    """

    centre: NDArray[Any]
    common: NDArray[Any]
    own: NDArray[Any]
    spread: NDArray[Any]
    year_square: float
    rest_square: float
    year_size: float
    year_df: int
    rest_df: int
    place_variance: float


@dataclass(frozen=True, slots=True)
class Share:
    """The distribution of a logit share: Student's t with `df` degrees of freedom around `centre`, in `scale` units."""

    centre: float
    scale: float
    df: float

    def full(self, part: float, at: float | None = None) -> float:
        """The full year of a part at quantile `at` of the full year (None: the median)."""
        from scipy.special import stdtrit

        lean = 0.0 if at is None else float(stdtrit(self.df, at))
        return part * (1 + math.exp(min(_MAX_EXPONENT, lean * self.scale - self.centre)))

    def reaches(self, ratio: float) -> float:
        """Probability that full ÷ part is at least `ratio`, which is above 1."""
        from scipy.special import stdtr

        return float(stdtr(self.df, (-math.log(ratio - 1) - self.centre) / self.scale))


def fit(cells: Sequence[tuple[int, int, float]]) -> Fit:
    """Fit the table of (place 0..n-1, year, logit share); every place needs two years or more."""
    import numpy as np

    years = sorted({year for _, year, _ in cells})
    size, n = len(cells), 1 + max(place for place, _, _ in cells)
    y = np.array([value for _, _, value in cells])
    of_place, of_year = np.zeros((size, n)), np.zeros((size, len(years)))
    for row, (place, year, _) in enumerate(cells):
        of_place[row, place] = of_year[row, years.index(year)] = 1.0
    average = (of_place / of_place.sum(axis=0)).T
    within = np.eye(size) - of_place @ average
    both = np.hstack([of_place, of_year])
    residual = y - both @ np.linalg.lstsq(both, y, rcond=None)[0]
    rank = int(np.linalg.matrix_rank(both))
    year_df, rest_df = rank - n, size - rank
    # With no degrees of freedom left, all variation counts as common to the places: the careful reading for a total.
    rest_sum = float(residual @ residual) if rest_df else 0.0
    rest_square = rest_sum / rest_df if rest_df else 0.0
    year_square = max(float(y @ within @ y) - rest_sum, 0.0) / year_df
    year_size = float(np.trace(of_year.T @ within @ of_year)) / year_df
    year_variance = max(year_square - rest_square, 0.0) / year_size
    noise = year_variance * of_year @ of_year.T + max(rest_square, _VARIANCE_FLOOR) * np.eye(size)
    between = _between(average @ y, average @ noise @ average.T)
    weights = _prediction(between * of_place @ of_place.T + noise, between * of_place.T)
    gap = weights @ of_place - np.eye(n)
    return Fit(
        centre=weights @ y,
        common=np.ones((n, n)) + weights @ of_year @ of_year.T @ weights.T,
        own=np.eye(n) + weights @ weights.T,
        spread=gap @ gap.T,
        year_square=year_square,
        rest_square=rest_square,
        year_size=year_size,
        year_df=year_df,
        rest_df=rest_df,
        place_variance=between,
    )


def combine(fitted: Fit, parts: Sequence[float]) -> Share:
    """The share of a group of places from this year's parts, shape (n,), 0 for a place outside the group.

    What is still to come, part × exp(−logit share), adds up over places. So the group's logit share is, to first order,
    the mean of its places' weighted by what is still to come: errors common to all stay, others cancel in part.
    """
    import numpy as np

    reached = np.array(parts)
    remaining = reached * np.exp(-fitted.centre)
    weights = remaining / remaining.sum()
    common = float(weights @ fitted.common @ weights) / fitted.year_size
    own = float(weights @ fitted.own @ weights)
    from_years, from_rest = common * fitted.year_square, (own - common) * fitted.rest_square
    if from_rest < 0:  # possible only in ragged tables: there the variance of years is cut off at 0
        from_years = common * max(fitted.year_square - fitted.rest_square, 0.0)
        from_rest = own * fitted.rest_square
    fixed = float(weights @ fitted.spread @ weights) * fitted.place_variance
    variance = max(from_years + from_rest + fixed, _VARIANCE_FLOOR)
    doubt = from_years**2 / fitted.year_df + (from_rest**2 / fitted.rest_df if fitted.rest_df else 0.0)
    df = variance**2 / doubt if doubt > 0 else float(fitted.year_df)
    return Share(math.log(reached.sum() / remaining.sum()), math.sqrt(variance), df)


def _between(means: NDArray[Any], noise: NDArray[Any]) -> float:
    """Variance between true means of places, from observed means, shape (n,), and their noise covariance, (n, n)."""
    n = len(means)
    if n == 1:
        return 0.0
    seen = float(means.var(ddof=1))
    chance = (float(noise.trace()) - float(noise.sum()) / n) / (n - 1)
    if seen == 0:
        return 0.0
    shrink = (n - 3) / (n - 1) * chance / seen if n > 3 else 0.0
    reliability = min(max(1 - shrink, 0.0), _MAX_RELIABILITY)
    return chance * reliability / (1 - reliability)


def _prediction(covariance: NDArray[Any], with_places: NDArray[Any]) -> NDArray[Any]:
    """Weights, shape (n, cells), of the best linear unbiased prediction of each place's mean."""
    import numpy as np

    inverse = np.linalg.inv(covariance)
    pooled = inverse.sum(axis=0) / inverse.sum()
    slopes = with_places @ inverse
    result: NDArray[Any] = slopes + np.outer(1 - slopes.sum(axis=1), pooled)
    return result
