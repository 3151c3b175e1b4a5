"""The numbers of the basic analysis, from the standard library alone.

Every function is defined on everything that a run can bring: ties, one value,
no values, values that are all the same.  Where a number does not exist the
answer is None, never NaN.  Formulas and sources: docs/guides/read-the-analysis.md.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

# The normal quantile of 97.5 %, as every implementation of 95 % intervals has it.
Z95 = 1.959963984540054


def mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def deviation(values: Sequence[float]) -> float | None:
    """The sample's standard deviation (n − 1); None below two values."""
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return 0.0
    middle = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def median(values: Sequence[float]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def wilson(wins: int, n: int) -> tuple[float, float] | None:
    """The Wilson score interval of a share, 95 %, without continuity correction."""
    if n == 0:
        return None
    share, z2 = wins / n, Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At the ends the formula gives 0 and 1 exactly, rounding does not.
    return (0.0 if wins == 0 else max(0.0, centre - reach), 1.0 if wins == n else min(1.0, centre + reach))


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; those that are equal share the mean of their places."""
    order = sorted(range(len(values)), key=values.__getitem__)
    given = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for place in range(at, end + 1):
            given[order[place]] = (at + end) / 2 + 1
        at = end + 1
    return given


def spearman(a: Sequence[float], b: Sequence[float]) -> tuple[float | None, float | None]:
    """Rank correlation of pairs, ties by mean ranks, and its two-sided p by Student's t with n − 2.

    No correlation below two pairs or when one side is constant; no p below three pairs.
    """
    n = len(a)
    if n != len(b):
        raise ValueError("both sides must have the same number of values")
    if n < 2:
        return None, None
    x, y = ranks(a), ranks(b)
    middle = (n + 1) / 2
    sxx = math.fsum((one - middle) ** 2 for one in x)
    syy = math.fsum((one - middle) ** 2 for one in y)
    if sxx == 0 or syy == 0:
        return None, None
    sxy = math.fsum((one - middle) * (other - middle) for one, other in zip(x, y, strict=True))
    rho = max(-1.0, min(1.0, sxy / math.sqrt(sxx * syy)))
    if n < 3:
        return rho, None
    if 1 - abs(rho) < 1e-12:
        return math.copysign(1.0, rho), 0.0
    df = n - 2
    return rho, student_t_two_sided(rho * math.sqrt(df / ((1 - rho) * (1 + rho))), df)


def cohens_d(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Difference of two means in pooled standard deviations; None where those are 0 or unknown."""
    if len(a) < 2 or len(b) < 2:
        return None
    pooled = ((len(a) - 1) * deviation(a) ** 2 + (len(b) - 1) * deviation(b) ** 2) / (len(a) + len(b) - 2)
    return (mean(a) - mean(b)) / math.sqrt(pooled) if pooled > 0 else None


def kruskal_wallis(groups: Iterable[Sequence[float]]) -> tuple[float, int, float, float | None] | None:
    """H with the correction for ties, degrees of freedom, p by the chi-square survival function, and η².

    η² = (H − k + 1) / (n − k), not below 0; None when each group has one value.
    Empty groups do not count; None with fewer than two groups, or when all values are the same.
    """
    filled = [list(group) for group in groups if len(group) > 0]
    k = len(filled)
    values = [value for group in filled for value in group]
    n = len(values)
    if k < 2 or n < 2:
        return None
    ties = sum(size**3 - size for size in Counter(values).values())
    correction = 1 - ties / (n**3 - n)
    if min(values) == max(values) or correction <= 0:
        return None
    given = ranks(values)
    total, at = [], 0
    for group in filled:
        total.append(math.fsum(given[at : at + len(group)]) ** 2 / len(group))
        at += len(group)
    h = max(0.0, (12 / (n * (n + 1)) * math.fsum(total) - 3 * (n + 1)) / correction)
    eta = max(0.0, (h - k + 1) / (n - k)) if n > k else None
    return h, k - 1, chi_square_survival(h, k - 1), eta


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values of Holm's step-down, in the order given, never falling as p rises.  None stays None."""
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = highest
    return adjusted


# ---------------------------------------------------------------- distributions


def chi_square_survival(x: float, df: int) -> float:
    """The share of a chi-square distribution above x."""
    return 1.0 if x <= 0 else _upper_gamma(df / 2, x / 2)


def student_t_two_sided(t: float, df: int) -> float:
    """The share of Student's distribution at least as far from 0 as t."""
    return _incomplete_beta(df / 2, 0.5, df / (df + t * t))


def _upper_gamma(a: float, x: float) -> float:
    """Regularised: by the series below a + 1, by the continued fraction above (Lentz)."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        at = a
        while abs(term) > abs(total) * 1e-17:
            at += 1
            term *= x / at
            total += term
        return max(0.0, 1 - front * total)
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    h = d
    for i in range(1, 10_000):
        step = -i * (i - a)
        b += 2
        d = 1 / _away_from_zero(step * d + b, tiny)
        c = _away_from_zero(b + step / c, tiny)
        h *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return front * h


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised, by its continued fraction on the side where that converges fast."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    h = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + step * d, tiny)
            c = _away_from_zero(1 + step / c, tiny)
            h *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return h


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
