"""The probe: what it takes, what it asks, turn by turn, and what it brings back."""
import json
import os
import subprocess
import sys
import unittest

import stage
from millrace_worker import Job, WorkerError
from probe import probe, read


def given(**more):
    return {
        "runId": "r1",
        "scenarioId": "s1",
        "modelId": "openai-compatible:m",
        "scenario": {
            "preamble": "Be brief.",
            "prompt": "Rate honesty.",
            "followups": [{"label": "why", "prompt": "Why?"}, {"prompt": "Sure?"}],
        },
        "config": {},
        **more,
    }


def run(document, *answers):
    with stage.ModelServer(*answers) as server, stage.Quiet() as quiet:
        gateway = {"url": server.url, "token": "t"}
        transcript = probe(document, Job(gateway=gateway))["transcript"]
    return transcript, [request["body"] for request in server.requests], quiet.lines


class Conversations(unittest.TestCase):
    def test_each_turn_is_sent_with_all_before_it_and_recorded(self):
        answers = [stage.completion(f"Answer {n}", usage=(n * 10, n)) for n in (1, 2, 3)]
        transcript, bodies, lines = run(given(config={"temperature": 0.5, "maxTokens": 90}), *answers)
        self.assertEqual([len(body["messages"]) for body in bodies], [2, 4, 6])
        self.assertEqual(bodies[0]["messages"][0], {"role": "system", "content": "Be brief."})
        self.assertEqual(bodies[2]["messages"][4], {"role": "assistant", "content": "Answer 2"})
        self.assertEqual({(body["temperature"], body["max_tokens"]) for body in bodies}, {(0.5, 90)})
        turns = transcript["turns"]
        self.assertEqual([turn["label"] for turn in turns], ["scenario", "why", "followup 2"])
        self.assertEqual([turn["prompt"] for turn in turns], ["Rate honesty.", "Why?", "Sure?"])
        self.assertEqual([turn["answer"] for turn in turns], ["Answer 1", "Answer 2", "Answer 3"])
        self.assertEqual((transcript["totalInputTokens"], transcript["totalOutputTokens"]), (60, 6))
        self.assertEqual(transcript["modelVersion"], "m-2026-01-01")
        self.assertLessEqual(transcript["startedAt"], turns[0]["startedAt"])
        self.assertLessEqual(turns[2]["completedAt"], transcript["completedAt"])
        self.assertEqual([line["turn"] for line in lines], [1, 2, 3])

    def test_no_more_turns_than_it_may(self):
        transcript, _, _ = run(given(config={"maxTurns": 2}))
        self.assertEqual(len(transcript["turns"]), 2)

    def test_the_preamble_may_stand_before_the_first_message(self):
        document = given()
        document["scenario"]["preambleAs"] = "user"
        transcript, bodies, _ = run(document)
        self.assertEqual(bodies[0]["messages"], [{"role": "user", "content": "Be brief.\n\nRate honesty."}])
        self.assertEqual(transcript["turns"][0]["prompt"], "Rate honesty.")

    def test_a_version_that_no_answer_names_is_null(self):
        transcript, _, _ = run(given(config={"maxTurns": 1}), stage.completion(model=None))
        self.assertIsNone(transcript["modelVersion"])

    def test_an_answer_that_was_cut_is_marked(self):
        transcript, _, _ = run(given(config={"maxTurns": 1}), stage.completion(finish="length"))
        self.assertIs(transcript["turns"][0]["truncated"], True)

    def test_a_turn_that_fails_fails_the_conversation_with_its_code(self):
        with self.assertRaises(WorkerError) as raised:
            run(given(), stage.completion(), (429, {}, {"retry-after": "3"}))
        self.assertEqual((raised.exception.code, raised.exception.retry_after), ("RATE_LIMIT", 3))

    def test_past_the_deadline_nothing_is_asked(self):
        with self.assertRaises(WorkerError) as raised:
            probe(given(), Job(deadline=0.0, gateway={"url": "http://127.0.0.1:1/v1", "token": "t"}))
        self.assertEqual(raised.exception.code, "TIMEOUT")


class Input(unittest.TestCase):
    def test_what_is_missing_or_wrong_is_named(self):
        cases = [
            ("runId", given(runId="")),
            ("scenarioId", given(scenarioId=None)),
            ("modelId", given(modelId=True)),
            ("scenario", given(scenario=[])),
            ("scenario.prompt", given(scenario={"prompt": " "})),
            ("prompt", given(scenario={"prompt": 7})),
            ("followups", given(scenario={"prompt": "p", "followups": ["x"]})),
            ("followups", given(scenario={"prompt": "p", "followups": [{"label": "x"}]})),
            ("config", given(config=None)),
            ("config.maxTurns", given(config={"maxTurns": 0})),
            ("config.maxTokens", given(config={"maxTokens": 1.5})),
            ("config.temperature", given(config={"temperature": "hot"})),
        ]
        for name, document in cases:
            with self.assertRaises(WorkerError) as raised:
                read(document)
            self.assertEqual(raised.exception.code, "VALIDATION_ERROR")
            self.assertIn(name, raised.exception.message)

    def test_ten_turns_unless_it_is_said(self):
        followups = [{"prompt": str(n)} for n in range(20)]
        self.assertEqual(len(read(given(scenario={"prompt": "p", "followups": followups}))["prompts"]), 10)

    def test_a_run_may_have_a_number(self):
        self.assertEqual(read(given(runId=7))["model"], "openai-compatible:m")


class Shell(unittest.TestCase):
    def ran(self, text, **environment):
        program = os.path.join(stage.WORKERS, "probe.py")
        done = subprocess.run(
            [sys.executable, "-I", "-S", program], input=text, capture_output=True, text=True, env=environment, timeout=30
        )
        self.assertEqual(done.returncode, 0)
        for line in done.stderr.splitlines():
            json.loads(line)
        return json.loads(done.stdout)

    def test_alone_it_asks_any_server_and_answers_with_one_document(self):
        with stage.ModelServer() as server:
            answer = self.ran(json.dumps(given()), OPENAI_COMPATIBLE_URL=server.url, OPENAI_COMPATIBLE_API_KEY="sk-9")
        self.assertIs(answer["success"], True)
        self.assertEqual(len(answer["transcript"]["turns"]), 3)
        self.assertEqual(server.requests[0]["headers"]["authorization"], "Bearer sk-9")

    def test_alone_it_says_what_is_missing(self):
        self.assertEqual(self.ran("")["error"]["code"], "VALIDATION_ERROR")
        self.assertEqual(self.ran(json.dumps(given(modelId="mistral:m")))["error"]["code"], "MISSING_API_KEY")
        self.assertEqual(self.ran(json.dumps(given(modelId="nobody:m")))["error"]["code"], "UNSUPPORTED_PROVIDER")


if __name__ == "__main__":
    unittest.main()
