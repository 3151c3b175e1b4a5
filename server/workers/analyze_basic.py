#!/usr/bin/env python3
"""
The basic analysis of a probe run: one JSON document in, one out.

    python3 analyze_basic.py < answers.json

What comes in is told in basic_analysis.py; what goes out is {"success": true, "analysis": …}.
"""
import os
import sys

# An isolated Python (-I) does not look beside the program.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from basic_analysis import BadInput, analyse  # noqa: E402
from millrace_worker import invalid, run_worker  # noqa: E402


def work(given, job):
    try:
        return {"analysis": analyse(given)}
    except BadInput as error:
        raise invalid(str(error)) from None


if __name__ == "__main__":
    run_worker(work)
