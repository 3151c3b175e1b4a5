"""The basic analysis against values that others worked out (server/testing/golden), and on what a run can bring."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

WORKERS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(WORKERS))

import basic_statistics as stats  # noqa: E402
from analyze_basic import work  # noqa: E402
from basic_analysis import BadInput, analyse  # noqa: E402
from millrace_worker import Job, WorkerError  # noqa: E402

GOLDEN = WORKERS.parent / "testing" / "golden"
FIVE = ["1", "2", "3", "4", "5"]


def golden(name):
    return json.loads((GOLDEN / name).read_text())


def run(answers, *, scale=FIVE, models=("fake:a",), scenarios=("s1", "s2", "s3"), dimensions=()):
    """A document; answers are (scenario, model, what was said)."""
    return {
        "scale": scale,
        "models": list(models),
        "dimensions": [{"name": name, "levels": list(levels)} for name, levels in dimensions],
        "scenarios": [
            {"scenarioId": key, "levels": {name: levels[i % len(levels)] for name, levels in dimensions}}
            for i, key in enumerate(scenarios)
        ],
        "answers": [
            {
                "scenarioId": scenario,
                "modelId": model,
                "sample": i,
                "outcome": "decision" if said in (scale or []) else said,
                "code": said if said in (scale or []) else None,
            }
            for i, (scenario, model, said) in enumerate(answers)
        ],
    }


class Golden(unittest.TestCase):
    def same(self, found, wanted, where=""):
        if isinstance(wanted, float) and isinstance(found, (int, float)):
            self.assertTrue(abs(found - wanted) <= 1e-9 * max(1e-3, abs(wanted)), f"{where}: {found} is not {wanted}")
        else:
            self.assertEqual(found, wanted, where)


class TheStatistics(Golden):
    """Each formula gives what scipy and statsmodels give."""

    def setUp(self):
        self.golden = golden("statistics.json")

    def test_wilson_intervals(self):
        for one in self.golden["wilson"]:
            low, high = stats.wilson(one["wins"], one["n"]) or (None, None)
            self.same(low, one["low"], str(one))
            self.same(high, one["high"], str(one))

    def test_rank_correlations_with_ties_and_their_p(self):
        for one in self.golden["spearman"]:
            rho, p = stats.spearman(one["a"], one["b"])
            self.same(rho, one["rho"], str(one))
            self.same(p, one["p"], str(one))

    def test_the_kruskal_wallis_test_with_ties(self):
        for one in self.golden["kruskal"]:
            found = stats.kruskal_wallis(one["groups"])
            if one["expected"] is None:
                self.assertIsNone(found)
                continue
            for name, value in zip(("h", "df", "p", "etaSquared"), found, strict=True):
                self.same(value, one["expected"][name], f"{name} of {one}")

    def test_standardised_differences(self):
        for one in self.golden["cohensD"]:
            self.same(stats.cohens_d(one["a"], one["b"]), one["d"], str(one))

    def test_adjusted_p_values(self):
        for one in self.golden["holm"]:
            for found, wanted in zip(stats.holm(one["p"]), one["adjusted"], strict=True):
                self.same(found, wanted, str(one))

    def test_adjusted_p_values_never_fall_while_p_rises(self):
        adjusted = stats.holm([0.01, 0.02, 0.021])
        self.assertEqual(adjusted, sorted(adjusted))
        self.assertAlmostEqual(adjusted[2], 0.04)

    def test_sides_of_different_length_are_refused(self):
        with self.assertRaises(ValueError):
            stats.spearman([1, 2], [1])

    def test_means_ranks_and_distributions_at_their_ends(self):
        self.assertIsNone(stats.mean([]))
        self.assertIsNone(stats.median([]))
        self.assertIsNone(stats.deviation([4]))
        self.assertEqual(stats.deviation([0.1] * 3), 0.0)
        self.assertEqual(stats.median([4, 1, 3, 2]), 2.5)
        self.assertEqual(stats.ranks([3, 1, 3, 2]), [3.5, 1, 3.5, 2])
        self.assertEqual(stats.chi_square_survival(0, 3), 1.0)
        self.assertEqual(stats.student_t_two_sided(0, 3), 1.0)
        self.assertIsNone(stats.kruskal_wallis([[1], []]))


class TheAnalysisOfARun(Golden):
    """Whole runs, worked out by another implementation."""

    def test_gives_what_was_worked_out_by_others(self):
        for one in golden("analysis.json")["runs"]:
            found, wanted = analyse(one["document"]), one["expected"]
            for model, expected in zip(found["models"], wanted["models"], strict=True):
                for name in ("modelId", "n", "mean", "sd", "median"):
                    self.same(model[name], expected[name], name)
                self.share(model["refusalRate"], expected["refusalRate"])
                for wins, told in zip([model["wins"], *model["winRates"]], [expected["wins"], *expected["winRates"]], strict=True):
                    self.assertEqual(wins["n"], told["n"])
                    self.share(wins["withNeutrals"], told["withNeutrals"])
                    self.share(wins["withoutNeutrals"], told["withoutNeutrals"])
            for dimension, expected in zip(found["dimensions"], wanted["dimensions"], strict=True):
                effects = [dimension, *dimension["models"]]
                for effect, told in zip(effects, [expected["all"], *expected["models"]], strict=True):
                    for name in ("h", "df", "p", "etaSquared"):
                        self.same(effect[name], None if told is None else told[name], name)
            for pair, expected in zip(found["pairs"], wanted["pairs"], strict=True):
                for name, value in expected.items():
                    self.same(pair[name], value, name)

    def share(self, found, wanted):
        for name, value in wanted.items():
            self.same(found[name], value, name)

    def test_counts_everybody_in_the_slots_of_their_model(self):
        said = ["4", "refusal", "other", "unparsed", "failed", "cancelled"]
        [model] = analyse(run([("s1", "fake:a", one) for one in said]))["models"]
        self.assertEqual((model["slots"], model["answered"], model["n"]), (6, 4, 1))
        self.assertEqual(model["refusalRate"]["n"], 4)
        self.assertEqual(model["decisions"], {"1": 0, "2": 0, "3": 0, "4": 1, "5": 0})

    def test_a_missing_answer_of_one_model_takes_nothing_from_the_others(self):
        answers = [(s, m, str(i + 1)) for i, s in enumerate(("s1", "s2", "s3")) for m in ("p:a", "p:b", "p:c")]
        answers.remove(("s2", "p:a", "2"))
        found = analyse(run(answers, models=("p:a", "p:b", "p:c")))
        self.assertEqual([pair["n"] for pair in found["pairs"]], [2, 2, 3])
        self.assertEqual([model["n"] for model in found["models"]], [2, 3, 3])

    def test_a_scenario_without_a_dimension_is_missing_in_that_dimension_only(self):
        document = run(
            [(s, "fake:a", str(i + 1)) for i, s in enumerate(("s1", "s2", "s3"))],
            dimensions=[("Promise", ["low", "high"]), ("Harm", ["none", "some"])],
        )
        del document["scenarios"][1]["levels"]["Harm"]
        promise, harm = analyse(document)["dimensions"]
        self.assertEqual((promise["n"], harm["n"]), (3, 2))

    def test_names_the_five_scenarios_on_which_models_stand_farthest_apart(self):
        keys = [f"s{i}" for i in range(8)]
        answers = [(key, "p:a", "1") for key in keys]
        answers += [(key, "p:b", str(min(5, 1 + i))) for i, key in enumerate(keys)]
        found = analyse(run(answers, models=("p:a", "p:b"), scenarios=keys))["contested"]
        self.assertEqual([one["scenarioId"] for one in found], ["s4", "s5", "s6", "s7", "s3"])
        self.assertEqual(found[0]["means"], {"p:a": 1.0, "p:b": 5.0})

    def test_with_one_model_takes_its_samples_for_that(self):
        found = analyse(run([("s1", "fake:a", "1"), ("s1", "fake:a", "5"), ("s2", "fake:a", "2"), ("s2", "fake:a", "2")]))
        self.assertEqual([one["scenarioId"] for one in found["contested"]], ["s1"])

    def test_warns_below_ten_and_below_thirty(self):
        def warned(amount):
            answers = [("s1", "fake:a", FIVE[i % 5]) for i in range(amount)]
            return [one["code"] for one in analyse(run(answers))["warnings"]]

        self.assertEqual([warned(n) for n in (0, 9, 10, 29, 30)], [["NO_DECISIONS"], ["VERY_FEW"], ["FEW"], ["FEW"], []])

    def test_says_what_it_does_not_know_as_null_and_never_as_a_number_that_is_none(self):
        hard = {
            "nothing answered": run([]),
            "one answer": run([("s1", "fake:a", "3")]),
            "refusals only": run([("s1", m, "refusal") for m in ("p:a", "p:b")], models=("p:a", "p:b")),
            "all the same": run([(s, m, "3") for s in ("s1", "s2", "s3") for m in ("p:a", "p:b")], models=("p:a", "p:b")),
            "one scenario": run([("s1", m, "2") for m in ("p:a", "p:b")], models=("p:a", "p:b"), scenarios=("s1",)),
            "no scale": run([("s1", "fake:a", "none")], scale=None),
            "codes that are words": run([("s1", "fake:a", "tell"), ("s2", "fake:a", "keep")], scale=["keep", "tell"]),
            "everything failed": run([("s1", "fake:a", "failed"), ("s2", "fake:a", "cancelled")]),
        }
        for name, document in hard.items():
            document["dimensions"] = [{"name": "Promise", "levels": ["low"]}]
            with self.subTest(name):
                said = json.dumps(analyse(document), allow_nan=False)
                self.assertNotIn("NaN", said)
        words = analyse(hard["codes that are words"])
        self.assertEqual(words["models"][0]["decisions"], {"keep": 1, "tell": 1})
        self.assertIsNone(words["models"][0]["mean"])
        self.assertEqual([one["code"] for one in words["warnings"]], ["NOT_NUMBERS", "VERY_FEW"])
        self.assertEqual([one["code"] for one in analyse(hard["all the same"])["warnings"]][1], "CONSTANT")
        self.assertEqual([one["code"] for one in analyse(hard["everything failed"])["warnings"]], ["NO_DECISIONS", "MISSING"])

    def test_the_same_document_gives_the_same_analysis(self):
        document = golden("analysis.json")["runs"][0]["document"]
        self.assertEqual(json.dumps(analyse(document)), json.dumps(analyse(document)))


class WhatComesIn(unittest.TestCase):
    """What is no such document is refused with the place that is wrong."""

    def test_is_checked(self):
        good = run([("s1", "fake:a", "3")])
        slot = good["answers"][0]
        bad = [
            ([], "object"),
            ({}, "models"),
            ({**good, "models": ["a", "a"]}, "once"),
            ({**good, "models": [1]}, "texts"),
            ({**good, "dimensions": [{"levels": []}]}, "dimensions[0].name"),
            ({**good, "scenarios": [{"scenarioId": "s1"}]}, "scenarios[0].levels"),
            ({**good, "answers": [{**slot, "outcome": "perhaps"}]}, "answers[0].outcome"),
            ({**good, "answers": [{**slot, "scenarioId": "s9"}]}, "answers[0].scenarioId"),
            ({**good, "answers": [{**slot, "scenarioId": []}]}, "answers[0].scenarioId"),
            ({**good, "answers": [{**slot, "modelId": "fake:z"}]}, "answers[0].modelId"),
            ({**good, "answers": [{**slot, "code": "6"}]}, "answers[0].code"),
        ]
        for document, place in bad:
            with self.subTest(place), self.assertRaises(BadInput) as refused:
                analyse(document)
            self.assertIn(place, str(refused.exception))

    def test_is_a_failure_that_nobody_needs_to_try_again(self):
        with self.assertRaises(WorkerError) as refused:
            work({"models": []}, Job())
        self.assertEqual((refused.exception.code, refused.exception.retryable), ("VALIDATION_ERROR", False))
        self.assertEqual(work(run([]), Job())["analysis"]["slots"], 0)


class FromAShell(unittest.TestCase):
    def ask(self, text, *more):
        program = [sys.executable, "-I", "-S", str(WORKERS / "analyze_basic.py"), *more]
        return subprocess.run(program, input=text.encode(), capture_output=True, check=False, cwd="/", timeout=60)

    def test_one_document_in_gives_one_document_out(self):
        done = self.ask(json.dumps(run([("s1", "fake:ä", "3")], models=("fake:ä",))))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["analysis"]["models"][0]["modelId"], "fake:ä")

    def test_what_is_wrong_is_an_answer_too(self):
        done = self.ask("nonsense")
        self.assertEqual((done.returncode, json.loads(done.stdout)["success"]), (0, False))

    def test_warm_answers_one_document_a_line(self):
        requests = [{"id": name, "input": run([("s1", "fake:a", "3")])} for name in ("1", "2")]
        done = self.ask("".join(json.dumps(request) + "\n" for request in requests), "--warm")
        ready, *answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertTrue(ready["ready"])
        self.assertEqual([(one["id"], one["analysis"]["models"][0]["mean"]) for one in answers], [("1", 3.0), ("2", 3.0)])


if __name__ == "__main__":
    unittest.main()
