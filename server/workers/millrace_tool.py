"""
The process in which a tool in Python runs.

A tool is a file with a description and a function:

    TOOL = {
        "name": "word_count",
        "version": "1.0.0",
        "description": "Counts the words of a text.",
        "input": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        "output": {"type": "object", "properties": {"words": {"type": "integer"}}, "required": ["words"]},
    }

    def run(given, job):
        return {"words": len(given["text"].split())}

`millrace_tool.py FILE --describe` says what it is, `--warm` answers call by call.  For an
error that the tool declares in `TOOL["errors"]`: `raise ToolFailed("CODE")`.
"""
import importlib.util
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# A tool's `from millrace_tool import ToolFailed` is this very class.
sys.modules["millrace_tool"] = sys.modules[__name__]

import millrace_worker as worker  # noqa: E402

MOST_EVIDENCE = 8000


class ToolFailed(Exception):
    """An error that the tool declares.  `details`: numbers, identifiers and closed words."""

    def __init__(self, code, **details):
        super().__init__(code)
        self.code = code
        self.details = details


def _load(path):
    sys.path.insert(1, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not isinstance(getattr(module, "TOOL", None), dict) or not callable(getattr(module, "run", None)):
        raise _NotOne("it has no TOOL = {…} and run(given, job)")
    return module


class _NotOne(Exception):
    pass


def _problem(error, path):
    """The kind of an error and its line in the file; its text only where Python wrote it about names and syntax."""
    if isinstance(error, _NotOne):
        return {"reason": str(error)}
    said = f": {error.msg}" if isinstance(error, SyntaxError) else ""
    said = f": {error}" if isinstance(error, ModuleNotFoundError) else said
    line = error.lineno if isinstance(error, SyntaxError) else None
    at = error.__traceback__
    while at is not None:
        if os.path.samefile(at.tb_frame.f_code.co_filename, path) if os.path.exists(at.tb_frame.f_code.co_filename) else False:
            line = at.tb_lineno
        at = at.tb_next
    return {"reason": f"{type(error).__name__}{said}", **({} if line is None else {"line": line})}


def _describe(path):
    def work(_given, _job):
        try:
            return {"tool": _load(path).TOOL}
        except BaseException as error:  # noqa: BLE001 - also sys.exit() in a file
            return {"problem": _problem(error, path)}

    worker.run_worker(work, empty={}, argv=[])


def _serve(path):
    incoming, outgoing = worker._take_streams()
    module = _load(path)

    def answer(line):
        request = worker._document(line)
        head = {"id": request.get("id")}
        try:
            job = worker.Job(deadline=worker._deadline(request.get("deadlineMs")))
            return worker._line({**head, "success": True, "output": module.run(request.get("input"), job)})
        except ToolFailed as error:
            failed = {"code": str(error.code), "details": error.details}
        except worker.WorkerError as error:
            failed = {"code": error.code}
        except Exception:  # noqa: BLE001 - whatever it is, the other side gets an answer
            failed = {"code": "TOOL_FAILED", "evidence": traceback.format_exc()[-MOST_EVIDENCE:]}
        return worker._line({**head, "success": False, "error": failed})

    ready = {"ready": True, "protocol": worker.PROTOCOL, "pid": os.getpid()}
    with incoming, outgoing:
        worker._write(outgoing, worker._line(ready))
        while line := incoming.readline():
            if line.strip():
                worker._write(outgoing, answer(line))


if __name__ == "__main__":
    try:
        (_describe if "--describe" in sys.argv else _serve)(sys.argv[1])
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(130)
