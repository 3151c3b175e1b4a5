"""Makes statistics.json and analysis.json: what the statistics must give, worked out by others.

    /usr/bin/python3 server/testing/golden/make_goldens.py

Made on Debian 12 with python3-numpy 1.24.2, python3-scipy 1.10.1 and python3-statsmodels 0.13.5;
the versions stand in the files too.  Tests read the files and need none of these.  Nothing here
imports the code that is tested.

    wilson       statsmodels.stats.proportion.proportion_confint(method="wilson")
    spearman     scipy.stats.spearmanr (ties by mean ranks, p by Student's t)
    kruskal      scipy.stats.kruskal (ties corrected, p by chi-square); eta² from its H
    cohens_d     numpy: variances with ddof=1, pooled
    holm         statsmodels.stats.multitest.multipletests(method="holm")
    mcnemar      statsmodels.stats.contingency_tables.mcnemar(exact=True)
    sign_flip    scipy.stats.permutation_test, exact, of the mean of paired differences
    bootstrap    scipy.stats.bootstrap, percentile, 200,000 resamples: to compare within a tolerance
    needed       statsmodels.stats.power.TTestPower with the normal distribution: scipy.stats.norm
"""

import json
import math
import random
import warnings
from itertools import combinations
from pathlib import Path

import numpy
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

HERE = Path(__file__).parent
MADE_WITH = {"numpy": numpy.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__}
warnings.simplefilter("ignore")


def plain(value):
    """A float, or None for what is not a number."""
    return None if value is None or not math.isfinite(value) else float(value)


def kruskal(groups):
    filled = [group for group in groups if group]
    n, k = sum(map(len, filled)), len(filled)
    if k < 2 or len({value for group in filled for value in group}) < 2:
        return None
    h, p = stats.kruskal(*filled)
    eta = max(0.0, (h - k + 1) / (n - k)) if n > k else None
    return {"h": plain(h), "df": k - 1, "p": plain(p), "etaSquared": eta}


def cohens_d(a, b):
    if len(a) < 2 or len(b) < 2:
        return None
    pooled = ((len(a) - 1) * numpy.var(a, ddof=1) + (len(b) - 1) * numpy.var(b, ddof=1)) / (len(a) + len(b) - 2)
    return plain((numpy.mean(a) - numpy.mean(b)) / math.sqrt(pooled)) if pooled > 0 else None


def wilson(part, n):
    if n == 0:
        return {"rate": None, "low": None, "high": None, "n": 0}
    low, high = proportion_confint(part, n, alpha=0.05, method="wilson")
    return {"rate": part / n, "low": plain(low), "high": plain(high), "n": n}


def holm(p_values):
    known = [p for p in p_values if p is not None]
    adjusted = iter(multipletests(known, method="holm")[1] if known else [])
    return [None if p is None else float(next(adjusted)) for p in p_values]


def spearman(a, b):
    if len(a) < 2:
        return None, None
    rho, p = stats.spearmanr(a, b)
    return plain(rho), plain(p) if len(a) > 2 else None


def sign_flip(differences):
    found = stats.permutation_test(
        (numpy.array(differences), numpy.zeros(len(differences))),
        lambda x, y: numpy.mean(x - y),
        permutation_type="samples",
        n_resamples=numpy.inf,
    )
    # Not scipy's p, which doubles the smaller tail: the share that is as far from 0.
    far = numpy.abs(found.null_distribution) >= abs(found.statistic) - 1e-12
    return float(numpy.mean(far))


def statistics(rng):
    def draw(n, low=1, high=5):
        return [rng.randint(low, high) for _ in range(n)]

    pairs = [(draw(n), draw(n)) for n in (2, 3, 4, 10, 25, 60)]
    pairs += [([1, 2, 3, 4], [2, 4, 6, 8]), ([1, 2, 3], [3, 2, 1]), ([3, 3, 3], [1, 2, 3]), ([1.5, 2.25, 2.25], [0, 1, 1])]
    groups = [[draw(rng.randint(1, 12)) for _ in range(k)] for k in (2, 3, 5, 8)]
    groups += [[[1], [2]], [[1, 2], [], [3, 4]], [[2, 2], [2, 2]], [[1, 1, 1, 5]], [[1, 2, 3], [101, 102, 103], [7, 8, 9]]]
    families = [[0.01, 0.02, 0.021], [0.04, 0.01, 0.03, 0.005], [0.5, None, 0.9], [0.2], [], [1e-12, 0.049, 0.05, 1.0, 0.3]]
    tables = [(0, 0), (1, 0), (5, 5), (10, 2), (0, 6), (30, 12), (3, 40), (400, 350), (1500, 900)]
    differences = [[1, 2, 0, 3, -1, 1], [0, 0, 0], [0.5, -0.5, 1, 1, 1, 2, 3, -2], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], draw(12, -2, 3)]
    resampled = [draw(30, -2, 3), draw(100, -1, 2), [0.5, 1.5, 2, -1, 0, 3, 1, 1]]
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    return {
        "wilson": [{"wins": w, "n": n, **wilson(w, n)} for w, n in ((0, 0), (0, 1), (1, 1), (0, 10), (10, 10), (45, 50), (1, 3), (5, 10), (777, 1000), (99999, 100000))],
        "spearman": [{"a": a, "b": b, "rho": spearman(a, b)[0], "p": spearman(a, b)[1]} for a, b in pairs],
        "kruskal": [{"groups": g, "expected": kruskal(g)} for g in groups],
        "cohensD": [{"a": a, "b": b, "d": cohens_d(a, b)} for a, b in [*pairs, ([1, 2, 3, 4, 5, 6], [2, 2, 3])]],
        "holm": [{"p": p, "adjusted": holm(p)} for p in families],
        "mcnemar": [{"b": b, "c": c, "p": float(mcnemar([[0, b], [c, 0]], exact=True).pvalue) if b + c else 1.0} for b, c in tables],
        "signFlip": [{"differences": d, "p": sign_flip(d)} for d in differences],
        "bootstrap": [
            {"differences": d, "low": plain(found.confidence_interval.low), "high": plain(found.confidence_interval.high)}
            for d in resampled
            for found in [stats.bootstrap((d,), numpy.mean, n_resamples=200_000, method="percentile", random_state=7)]
        ],
        "needed": [
            {"differences": d, "n": math.ceil((z * numpy.std(d, ddof=1) / abs(numpy.mean(d))) ** 2) if numpy.mean(d) else None}
            for d in [*differences, *resampled]
        ],
    }  # fmt: skip


def run(rng, models, samples, scale, leave=0.0):
    """A run of two dimensions: models lean differently, refuse now and then, and lose slots."""
    dimensions = [{"name": "Promise", "levels": ["low", "middle", "high"]}, {"name": "Harm", "levels": ["none", "some"]}]
    scenarios = [
        {"scenarioId": f"{p}-{h}", "levels": {"Promise": p, "Harm": h}}
        for p in dimensions[0]["levels"]
        for h in dimensions[1]["levels"]
    ]
    del scenarios[-1]["levels"]["Harm"]
    answers = []
    for lean, model in enumerate(models):
        for place, scenario in enumerate(scenarios):
            for sample in range(1, samples + 1):
                roll = rng.random()
                outcome = "decision" if roll > leave else rng.choice(["refusal", "other", "unparsed", "failed", "cancelled"])
                at = max(0, min(len(scale) - 1, round(rng.gauss(place / 2 + lean * 0.4, 1))))
                code = scale[at] if outcome == "decision" else None
                answers.append({"scenarioId": scenario["scenarioId"], "modelId": model, "sample": sample, "outcome": outcome, "code": code})
    return {"runId": "1", "scale": scale, "dimensions": dimensions, "models": models, "scenarios": scenarios, "answers": answers}


def expected(document):
    scale = [float(code) for code in document["scale"]]
    middle = (min(scale) + max(scale)) / 2
    levels = {one["scenarioId"]: one["levels"] for one in document["scenarios"]}
    rows = [(a["modelId"], a["scenarioId"], float(a["code"])) for a in document["answers"] if a["outcome"] == "decision"]

    def wins(values):
        won, lost = sum(v > middle for v in values), sum(v < middle for v in values)
        return {"n": len(values), "withNeutrals": wilson(won, len(values)), "withoutNeutrals": wilson(won, won + lost)}

    def grouped(of, name, labels):
        return [[v for m, s, v in rows if (of is None or m == of) and levels[s].get(name) == label] for label in labels]

    models, means = [], {}
    for model in document["models"]:
        values = [v for m, _, v in rows if m == model]
        outcomes = [a["outcome"] for a in document["answers"] if a["modelId"] == model]
        answered = sum(o not in ("failed", "cancelled") for o in outcomes)
        by = {}
        for m, s, v in rows:
            if m == model:
                by.setdefault(s, []).append(v)
        means[model] = {s: float(numpy.mean(v)) for s, v in by.items()}
        models.append({
            "modelId": model, "n": len(values), "mean": plain(numpy.mean(values)) if values else None,
            "sd": plain(numpy.std(values, ddof=1)) if len(values) > 1 else None,
            "median": plain(numpy.median(values)) if values else None,
            "refusalRate": wilson(outcomes.count("refusal"), answered), "wins": wins(values),
            "winRates": [wins(group) for one in document["dimensions"] for group in grouped(model, one["name"], one["levels"])],
        })  # fmt: skip
    dimensions = [
        {"dimension": one["name"], "all": kruskal(grouped(None, one["name"], one["levels"])),
         "models": [kruskal(grouped(model, one["name"], one["levels"])) for model in document["models"]]}
        for one in document["dimensions"]
    ]  # fmt: skip
    pairs = []
    for a, b in combinations(document["models"], 2):
        shared = [s for s in levels if s in means[a] and s in means[b]]
        x, y = [means[a][s] for s in shared], [means[b][s] for s in shared]
        rho, p = spearman(x, y)
        pairs.append({"a": a, "b": b, "n": len(shared), "spearman": rho, "p": p, "cohensD": cohens_d(x, y)})
    for pair, adjusted in zip(pairs, holm([pair["p"] for pair in pairs])):
        pair["pHolm"] = adjusted
    return {"models": models, "dimensions": dimensions, "pairs": pairs}


def main():
    rng = random.Random(20261)
    five = ["1", "2", "3", "4", "5"]
    documents = [
        run(rng, ["fake:a", "fake:b", "openai:c@2024-08-06"], 3, five, leave=0.2),
        run(rng, ["fake:a", "fake:b"], 8, ["0", "1"], leave=0.1),
        run(rng, ["fake:a"], 2, five),
        run(rng, ["fake:refuser", "fake:a"], 1, ["-2", "-0.5", "7"], leave=0.5),
    ]
    files = {
        "statistics.json": statistics(rng),
        "analysis.json": {"runs": [{"document": one, "expected": expected(one)} for one in documents]},
    }
    for name, content in files.items():
        (HERE / name).write_text(json.dumps({"madeWith": MADE_WITH, **content}, allow_nan=False) + "\n")


main()
