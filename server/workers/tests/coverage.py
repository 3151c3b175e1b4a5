"""Runs all tests here under `trace` and says in one JSON document how they went, and how much of each worker they reach."""
import io
import json
import os
import sys
import threading
import trace
import unittest

TESTS = os.path.dirname(os.path.abspath(__file__))
WORKERS = os.path.dirname(TESTS)
# This file must not stand before a library of the same name.
sys.path[:] = [WORKERS, TESTS, *(path for path in sys.path if os.path.abspath(path or ".") != TESTS)]


def main():
    said = io.StringIO()
    tracer = trace.Trace(count=1, trace=0, ignoredirs=[sys.prefix, sys.exec_prefix])
    found = {}

    def run():
        suite = unittest.TestLoader().discover(TESTS, top_level_dir=TESTS)
        found["result"] = unittest.TextTestRunner(stream=said).run(suite)

    threading.settrace(tracer.globaltrace)
    tracer.runfunc(run)
    reached = {}
    for (path, line), _ in tracer.results().counts.items():
        reached.setdefault(os.path.abspath(path), set()).add(line)
    coverage = {}
    for name in sorted(os.listdir(WORKERS)):
        if name.endswith(".py"):
            path = os.path.join(WORKERS, name)
            lines = set(trace._find_executable_linenos(path))  # noqa: SLF001 - `trace --missing` uses nothing else
            coverage[name] = round(100 * len(lines & reached.get(path, set())) / len(lines), 1)
    result = found["result"]
    failed = len(result.failures) + len(result.errors)
    report = {"tests": result.testsRun, "failed": failed, "skipped": len(result.skipped), "coverage": coverage}
    print(json.dumps({**report, "said": said.getvalue() if failed else ""}))


main()
