"""The process in which a tool in Python runs: what it says of a file, and how it answers call by call."""
import io
import json
import os
import tempfile
import unittest
from unittest import mock

import millrace_tool
import millrace_worker
import stage  # noqa: F401 - puts the workers on the path

GOOD = """
from millrace_tool import ToolFailed
from millrace_worker import WorkerError

TOOL = {"name": "count", "version": "1.0.0"}

def run(given, job):
    if given == "declared":
        raise ToolFailed("TOO_LONG", letters=7)
    if given == "worker":
        raise WorkerError("TIMEOUT")
    if given == "broken":
        raise ValueError("a person's words")
    return {"letters": len(given)}
"""


class Open(io.BytesIO):
    """What was written can be read after the end too."""

    def close(self):
        pass


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, text):
        path = os.path.join(self.folder, "tool.py")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def described(self, text):
        told = {}
        with mock.patch.object(millrace_worker, "run_worker", lambda work, **_: told.update(work({}, None))):
            millrace_tool._describe(self.file(text))
        return told

    def served(self, *given):
        asked = b"".join(json.dumps({"id": str(n), "input": one}).encode() + b"\n" for n, one in enumerate(given))
        out = Open()
        with mock.patch.object(millrace_worker, "_take_streams", lambda: (io.BytesIO(asked + b"\n"), out)):
            millrace_tool._serve(self.file(GOOD))
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def test_a_file_says_what_it_is(self):
        self.assertEqual(self.described(GOOD), {"tool": {"name": "count", "version": "1.0.0"}})

    def test_what_does_not_load_is_told_with_its_line_and_without_its_words(self):
        self.assertEqual(self.described("x = 1\nTOOL =\n")["problem"]["line"], 2)
        self.assertEqual(self.described("\n\nraise ValueError('secret')\n"), {"problem": {"reason": "ValueError", "line": 3}})
        self.assertIn("no TOOL", self.described("x = 1\n")["problem"]["reason"])
        self.assertIn("nowhere_at_all", self.described("import nowhere_at_all\n")["problem"]["reason"])
        self.assertEqual(self.described("import sys\nsys.exit(3)\n")["problem"]["reason"], "SystemExit")

    def test_each_call_has_its_answer_whatever_the_tool_does(self):
        ready, good, declared, refused, broken = self.served("abc", "declared", "worker", "broken")
        self.assertEqual((ready["ready"], ready["protocol"]), (True, millrace_worker.PROTOCOL))
        self.assertEqual(good, {"id": "0", "success": True, "output": {"letters": 3}})
        self.assertEqual(declared["error"], {"code": "TOO_LONG", "details": {"letters": 7}})
        self.assertEqual(refused["error"]["code"], "TIMEOUT")
        self.assertEqual((broken["id"], broken["success"], broken["error"]["code"]), ("3", False, "TOOL_FAILED"))


if __name__ == "__main__":
    unittest.main()
