"""What every worker stands on: one document in, one out, whatever happens in between."""
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

import stage
from millrace_worker import FAILURES, Job, LLMError, RetryableError, WorkerError, answer_once, log, run_worker, serve


def once(handle, text, empty=None):
    out = stage.Out()
    with stage.Quiet() as quiet:
        answer_once(handle, io.BytesIO(text.encode()), out, empty)
    [answer] = out.documents()
    return answer, quiet.lines


class Once(unittest.TestCase):
    def test_one_document_in_gives_one_document_out(self):
        answer, _ = once(lambda given, _job: {"twice": given["n"] * 2}, '{"n": 21}')
        self.assertEqual(answer, {"success": True, "twice": 42})

    def test_no_input_no_json_and_no_object_are_told_as_such(self):
        for text in ("", "  \n", "{", "[1]", "7", "{} {}", "[" * 100_000):
            answer, _ = once(lambda *_: {}, text)
            self.assertFalse(answer["success"])
            self.assertEqual(answer["error"]["code"], "VALIDATION_ERROR")
            self.assertIs(answer["error"]["retryable"], False)

    def test_a_worker_may_say_what_no_input_means(self):
        answer, _ = once(lambda given, _job: {"given": given}, "", empty={"a": 1})
        self.assertEqual(answer, {"success": True, "given": {"a": 1}})

    def test_a_failure_is_told_with_its_code_and_whether_to_try_again(self):
        def fail(_given, _job):
            raise LLMError("RATE_LIMIT", status_code=429, retry_after=7, details={"status": 429})

        answer, lines = once(fail, "{}")
        self.assertEqual(
            answer["error"],
            {
                "message": "The provider limits the rate of requests.",
                "code": "RATE_LIMIT",
                "retryable": True,
                "details": {"status": 429},
                "statusCode": 429,
                "retryAfter": 7,
            },
        )
        self.assertEqual([line["level"] for line in lines], ["warning"])

    def test_an_error_that_nobody_named_is_told_by_its_type_and_passes_no_text_on(self):
        def fail(given, _job):
            raise KeyError(given["secret"])

        answer, [line] = once(fail, '{"secret": "Mr Doe"}')
        self.assertEqual(answer["error"]["code"], "UNKNOWN")
        self.assertIs(answer["error"]["retryable"], True)
        self.assertEqual(answer["error"]["details"], {"type": "KeyError"})
        self.assertNotIn("Doe", json.dumps([answer, line]))
        self.assertTrue(any(place.startswith("test_worker.py:") for place in line["at"]))

    def test_what_is_no_json_is_not_written(self):
        for value in (float("nan"), object()):
            answer, _ = once(lambda *_: {"value": value}, "{}")  # noqa: B023 - used at once
            self.assertEqual(answer["error"]["code"], "UNKNOWN")

    def test_letters_beyond_ascii_and_lone_surrogates_come_back_as_they_were(self):
        text = "Größe \U0001f643 雪 \ud83d \x00"
        answer, _ = once(lambda given, _job: {"text": given["text"]}, json.dumps({"text": text}))
        self.assertEqual(answer["text"], text)

    def test_a_deadline_of_the_environment_is_the_deadline_of_the_work(self):
        os.environ["MILLRACE_DEADLINE_MS"] = "0"
        try:
            answer, _ = once(lambda _given, job: job.check() or {}, "{}")
        finally:
            del os.environ["MILLRACE_DEADLINE_MS"]
        self.assertEqual(answer["error"]["code"], "TIMEOUT")


class Warm(unittest.TestCase):
    def test_each_line_is_answered_by_its_id_after_a_line_that_says_ready(self):
        requests = [{"id": "1", "input": {"n": 1}}, {"id": "2", "op": "ping"}, {"id": "3", "op": "other"}]
        lines = "\n".join([*(json.dumps(one) for one in requests), "", "rubbish", '{"id": "5", "op": "count"}'])
        out = stage.Out()
        with stage.Quiet():
            ops = {"invoke": lambda given, _job: {"n": given["n"]}, "ping": lambda *_: {}, "count": lambda *_: {"n": 9}}
            serve(ops, io.BytesIO(lines.encode()), out)
        ready, *answers = out.documents()
        self.assertEqual((ready["ready"], ready["protocol"]), (True, 1))
        self.assertEqual([answer["id"] for answer in answers], ["1", "2", "3", None, "5"])
        self.assertEqual([answer["success"] for answer in answers], [True, True, False, False, True])

    def test_the_work_is_told_its_time_and_its_gateway(self):
        jobs = []
        request = {"id": "1", "input": {}, "deadlineMs": 60_000, "gateway": {"url": "u", "token": "t"}}
        serve({"invoke": lambda _given, job: jobs.append(job) or {}}, io.BytesIO(json.dumps(request).encode()), stage.Out())
        [job] = jobs
        self.assertEqual(job.gateway, {"url": "u", "token": "t"})
        job.check()
        with self.assertRaises(LLMError):
            Job(deadline=0.0).check()
        Job().check()


class Streams(unittest.TestCase):
    def test_nothing_that_is_printed_reaches_the_protocol(self):
        script = (
            "import os, subprocess, sys\n"
            f"sys.path.insert(0, {stage.WORKERS!r})\n"
            "from millrace_worker import run_worker\n"
            "def work(given, job):\n"
            "    print('stray')\n"
            "    os.write(1, b'stray\\n')\n"
            "    child = subprocess.run(['cat'], check=True)\n"
            "    return {'n': given['n']}\n"
            "run_worker(work)\n"
        )
        ran = subprocess.run([sys.executable, "-c", script], input='{"n": 7}', capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(ran.stdout), {"success": True, "n": 7})
        self.assertEqual(ran.stderr, "stray\nstray\n")

    def test_here_too_the_descriptors_are_kept_apart(self):
        kept = [os.dup(0), os.dup(1)]
        stdout = sys.stdout
        try:
            with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as taken:
                given.write(b'{"id": "1", "input": {"n": 2}}\n{"id": "2", "op": "ping"}\n')
                given.seek(0)
                os.dup2(given.fileno(), 0)
                os.dup2(taken.fileno(), 1)
                run_worker(lambda data, _job: {"n": data["n"]}, argv=["--warm"])
                taken.seek(0)
                lines = [json.loads(line) for line in taken.read().splitlines()]
        finally:
            sys.stdout = stdout
            for descriptor, copy in enumerate(kept):
                os.dup2(copy, descriptor)
                os.close(copy)
        self.assertEqual([line.get("n") for line in lines], [None, 2, None])

    def test_a_log_line_is_one_json_document_with_its_time(self):
        with stage.Quiet() as quiet:
            log("info", "Said.", turn=2)
        [line] = quiet.lines
        self.assertEqual((line["level"], line["msg"], line["turn"]), ("info", "Said.", 2))
        self.assertRegex(line["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


class Errors(unittest.TestCase):
    def test_each_code_has_its_sentence_and_its_word_about_trying_again(self):
        for code, (message, retryable) in FAILURES.items():
            data = WorkerError(code).as_data()
            self.assertEqual((data["message"], data["retryable"], data["details"]), (message, retryable, None))

    def test_a_failure_that_is_final_names_no_time_to_try_again(self):
        self.assertNotIn("retryAfter", LLMError("AUTH_ERROR", retry_after=5).as_data())

    def test_something_of_ones_own_may_go_well_later(self):
        error = RetryableError("The disk is full.")
        self.assertIsInstance(error, WorkerError)
        self.assertEqual((error.code, error.retryable, str(error)), ("UNKNOWN", True, "The disk is full."))

    def test_the_door_to_models_is_reached_from_here_too(self):
        import millrace_models
        import millrace_worker

        self.assertIs(millrace_worker.model_for, millrace_models.model_for)
        with self.assertRaises(AttributeError):
            _ = millrace_worker.nothing_like_it


if __name__ == "__main__":
    unittest.main()
