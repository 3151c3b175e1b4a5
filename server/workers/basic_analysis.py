"""From the answers of a run to its basic analysis: one document in, one document out.

The document that comes in, as `analyze_basic.py` reads it:

    scale       codes of the decision scale, in its order; null without one
    dimensions  [{name, levels: [label, …]}, …]
    models      [model, …]
    scenarios   [{scenarioId, levels: {dimension: label}}, …]
    answers     [{scenarioId, modelId, sample, outcome, code}, …], one a slot;
                outcome is decision, refusal, other, unparsed, none (answered, no
                scale), failed or cancelled

Nobody is dropped: what was refused, not read, failed or cancelled stands in the
counts of its model.  A model that did not answer a scenario is missing there, and
only there.
"""

import math
import re
from collections import Counter, defaultdict
from itertools import combinations

import basic_statistics as stats

VERSION = "1"
CONTESTED = 5
FEW, VERY_FEW = 30, 10
OUTCOMES = ("decision", "refusal", "other", "unparsed", "none", "failed", "cancelled")
NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")


class BadInput(Exception):
    """What came in is not such a document; the message says where."""


def analyse(document: dict) -> dict:
    """@throws BadInput"""
    given = _Given(document)
    return {
        "version": VERSION,
        "slots": len(given.answers),
        "scale": given.scale_facts(),
        "models": [_model(given, model) for model in given.models],
        "dimensions": [_dimension(given, name, levels) for name, levels in given.dimensions],
        "pairs": _pairs(given),
        "contested": _contested(given),
        "warnings": _warnings(given),
    }


class _Given:
    """The document, checked once, with the numbers of its decisions."""

    def __init__(self, document: dict):
        if not isinstance(document, dict):
            raise BadInput("the input must be an object")
        self.scale: list[str] = _texts(document.get("scale") or [], "scale")
        self.models = _texts(_list(document, "models"), "models")
        self.dimensions = [
            (_text(one, "name", f"dimensions[{i}]"), _texts(_list(one, "levels"), f"dimensions[{i}].levels"))
            for i, one in enumerate(_list(document, "dimensions"))
        ]
        self.levels: dict[str, dict] = {}
        for i, one in enumerate(_list(document, "scenarios")):
            key, levels = _text(one, "scenarioId", f"scenarios[{i}]"), one.get("levels")
            if not isinstance(levels, dict):
                raise BadInput(f"scenarios[{i}].levels must be an object")
            self.levels[key] = levels
        # Codes that are no numbers have an order at most, and no mean.
        self.numeric = bool(self.scale) and all(NUMBER.fullmatch(code) for code in self.scale)
        self.values = {code: float(code) for code in self.scale} if self.numeric else {}
        self.middle = (min(self.values.values()) + max(self.values.values())) / 2 if self.numeric else None
        self.of_model: dict[str, list[dict]] = {model: [] for model in self.models}
        self.answers = [self._answer(one, i) for i, one in enumerate(_list(document, "answers"))]
        for one in self.answers:
            self.of_model[one["modelId"]].append(one)
        # Per model and scenario the mean over its samples: scenarios are the units that models share.
        self.means = {model: self._means_of(self.of_model[model]) for model in self.models}

    def _answer(self, one: object, i: int) -> dict:
        where = f"answers[{i}]"
        if not isinstance(one, dict) or one.get("outcome") not in OUTCOMES:
            raise BadInput(f"{where}.outcome must be one of {', '.join(OUTCOMES)}")
        if _text(one, "scenarioId", where) not in self.levels:
            raise BadInput(f"{where}.scenarioId is none of the scenarios")
        if _text(one, "modelId", where) not in self.of_model:
            raise BadInput(f"{where}.modelId is none of the models")
        if one["outcome"] == "decision" and one.get("code") not in self.scale:
            raise BadInput(f"{where}.code is not on the scale")
        return one

    def _means_of(self, answers: list[dict]) -> dict[str, float]:
        by_scenario = defaultdict(list)
        for one, value in self.decided(answers):
            by_scenario[one["scenarioId"]].append(value)
        return {scenario: math.fsum(values) / len(values) for scenario, values in by_scenario.items()}

    def decided(self, answers: list[dict]) -> list[tuple[dict, float]]:
        if not self.numeric:
            return []
        return [(one, self.values[one["code"]]) for one in answers if one["outcome"] == "decision"]

    def scale_facts(self) -> dict:
        if not self.numeric:
            return {"codes": self.scale, "numeric": False, "lowest": None, "highest": None, "middle": None}
        lowest, highest = min(self.values.values()), max(self.values.values())
        return {"codes": self.scale, "numeric": True, "lowest": lowest, "highest": highest, "middle": self.middle}


def _model(given: _Given, model: str) -> dict:
    answers = given.of_model[model]
    outcomes = Counter(one["outcome"] for one in answers)
    codes = Counter(one["code"] for one in answers if one["outcome"] == "decision")
    values = [value for _, value in given.decided(answers)]
    answered = len(answers) - outcomes["failed"] - outcomes["cancelled"]
    return {
        "modelId": model,
        "slots": len(answers),
        "answered": answered,
        "failed": outcomes["failed"],
        "cancelled": outcomes["cancelled"],
        "n": outcomes["decision"],
        "mean": stats.mean(values),
        "sd": stats.deviation(values),
        "median": stats.median(values),
        "decisions": {code: codes[code] for code in given.scale},
        "refusal": outcomes["refusal"],
        "other": outcomes["other"],
        "unparsed": outcomes["unparsed"],
        "refusalRate": _share(outcomes["refusal"], answered),
        "wins": _wins(given, values),
        "winRates": [
            {"dimension": name, "level": level, **_wins(given, of_level)}
            for name, levels in given.dimensions
            for level, of_level in _by_level(given, answers, name, levels).items()
        ],
    }


def _by_level(given: _Given, answers: list[dict], name: str, levels: list[str]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {level: [] for level in levels}
    for one, value in given.decided(answers):
        level = given.levels[one["scenarioId"]].get(name)
        # A scenario without this dimension is missing here, not everywhere.
        if level in groups:
            groups[level].append(value)
    return groups


def _wins(given: _Given, values: list[float]) -> dict:
    """A win is a decision above the middle of the scale, a neutral one stands in the middle."""
    wins = sum(value > given.middle for value in values)
    losses = sum(value < given.middle for value in values)
    return {
        "n": len(values),
        "wins": wins,
        "losses": losses,
        "neutrals": len(values) - wins - losses,
        "withNeutrals": _share(wins, len(values)),
        "withoutNeutrals": _share(wins, wins + losses),
    }


def _share(part: int, n: int) -> dict:
    low, high = stats.wilson(part, n) or (None, None)
    return {"rate": part / n if n else None, "low": low, "high": high, "n": n}


def _dimension(given: _Given, name: str, levels: list[str]) -> dict:
    def effect(answers: list[dict]) -> dict:
        groups = _by_level(given, answers, name, levels)
        found = stats.kruskal_wallis(groups.values())
        n, k = sum(map(len, groups.values())), sum(1 for group in groups.values() if group)
        h, df, p, eta = found if found is not None else (None, None, None, None)
        means = {level: stats.mean(values) for level, values in groups.items()}
        return {"n": n, "groups": k, "h": h, "df": df, "p": p, "etaSquared": eta, "means": means}

    models = [{"modelId": model, **effect(given.of_model[model])} for model in given.models]
    return {"dimension": name, **effect(given.answers), "models": models}


def _pairs(given: _Given) -> list[dict]:
    said: dict[str, dict] = {model: {} for model in given.models}
    for one in given.answers:
        if one["outcome"] == "decision":
            said[one["modelId"]][one["scenarioId"], one.get("sample")] = one["code"]
    pairs = []
    for a, b in combinations(given.models, 2):
        # Only what one of the two lacks is left out of this pair.
        shared = [scenario for scenario in given.levels if scenario in given.means[a] and scenario in given.means[b]]
        x = [given.means[a][scenario] for scenario in shared]
        y = [given.means[b][scenario] for scenario in shared]
        rho, p = stats.spearman(x, y)
        slots = said[a].keys() & said[b].keys()
        same = sum(said[a][slot] == said[b][slot] for slot in slots)
        pairs.append({
            "a": a, "b": b, "n": len(shared), "spearman": rho, "p": p, "pHolm": None,
            "cohensD": stats.cohens_d(x, y), "same": _share(same, len(slots)),
        })  # fmt: skip
    for pair, adjusted in zip(pairs, stats.holm([pair["p"] for pair in pairs]), strict=True):
        pair["pHolm"] = adjusted
    return pairs


def _contested(given: _Given) -> list[dict]:
    """Where models stand farthest apart: by the deviation of their means; with one model, of its samples."""
    spread = []
    samples = defaultdict(list)
    for one, value in given.decided(given.answers):
        samples[one["scenarioId"]].append(value)
    for scenario in given.levels:
        means = {model: given.means[model][scenario] for model in given.models if scenario in given.means[model]}
        values = list(means.values()) if len(given.models) > 1 else samples[scenario]
        deviation = stats.deviation(values)
        if deviation is not None and deviation > 0:
            spread.append({"scenarioId": scenario, "sd": deviation, "levels": given.levels[scenario], "means": means})
    return sorted(spread, key=lambda one: -one["sd"])[:CONTESTED]


def _warnings(given: _Given) -> list[dict]:
    said = []
    if not given.scale:
        said.append(_warning("NO_SCALE", None, 0, "The definition has no decision scale: there are no decisions to analyse."))
    elif not given.numeric:
        said.append(_warning("NOT_NUMBERS", None, 0, "The codes of the scale are not numbers: there are counts and shares, no means."))
    for model in given.models:
        answers = given.of_model[model]
        n = sum(one["outcome"] == "decision" for one in answers)
        lost = sum(one["outcome"] in ("failed", "cancelled") for one in answers)
        values = [value for _, value in given.decided(answers)]
        if given.scale and n == 0:
            said.append(_warning("NO_DECISIONS", model, 0, f"{model} decided nothing."))
        elif given.scale and n < VERY_FEW:
            said.append(_warning("VERY_FEW", model, n, f"{model} decided {n} times: below {VERY_FEW} its numbers say next to nothing."))
        elif given.scale and n < FEW:
            said.append(_warning("FEW", model, n, f"{model} decided {n} times: below {FEW} its numbers are rough."))
        if len(values) > 1 and min(values) == max(values):
            said.append(_warning("CONSTANT", model, n, f"{model} always decided the same: it has no effects and no correlations."))
        if lost > 0:
            said.append(_warning("MISSING", model, lost, f"{model} did not answer {lost} of {len(answers)} slots: what they would have said is not known."))
    return said


def _warning(code: str, model: str | None, n: int, message: str) -> dict:
    return {"code": code, "modelId": model, "n": n, "message": message}


def _list(value: object, name: str) -> list:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise BadInput(f"{name} must be a list")
    return found


def _text(value: object, name: str, where: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, str):
        raise BadInput(f"{where}.{name} must be a text")
    return found


def _texts(values: object, where: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadInput(f"{where} must be a list of texts")
    if len(set(values)) < len(values):
        raise BadInput(f"{where} must name each once")
    return values
