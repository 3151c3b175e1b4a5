"""
What a worker in Python stands on: one JSON document in, one out, logs on stderr.

A worker is a program with one function:

    from millrace_worker import run_worker

    def work(given, job):
        return {"answer": given["question"]}

    if __name__ == "__main__":
        run_worker(work)

From a shell it reads one JSON document from stdin, writes `{"success": true, …}` or
`{"success": false, "error": {…}}` to stdout and exits with 0.  With `--warm` it says
that it is ready, then answers one document a line until stdin ends:

    ← {"ready": true, "protocol": 1, "pid": 7, "python": "3.11.7"}
    → {"id": "1", "input": {…}, "deadlineMs": 60000, "gateway": {"url": "…", "token": "…"}}
    ← {"id": "1", "success": true, …}

Standard library only, Python 3.10 or newer.  How models are asked is in millrace_models.py.
"""
import importlib
import json
import os
import sys
import time
from datetime import datetime, timezone

PROTOCOL = 1

# code: (message, may the same task be tried again?); the same rows as in server/src/providers/failures.ts.
FAILURES = {
    "RATE_LIMIT": ("The provider limits the rate of requests.", True),
    "TIMEOUT": ("The call took longer than it may.", True),
    "SERVER_ERROR": ("The provider has a fault or is overloaded.", True),
    "NETWORK_ERROR": ("The provider could not be reached.", True),
    "AUTH_ERROR": ("The provider refused the key or its permissions.", False),
    "BILLING": ("The quota or credit at the provider is used up.", False),
    "NOT_FOUND": ("The provider does not know this model or address.", False),
    "VALIDATION_ERROR": ("The provider refused the request as invalid.", False),
    "INVALID_RESPONSE": ("The provider sent no usable answer.", True),
    "POISON_REQUEST": ("The provider fails on this request again and again.", False),
    "CONTENT_FILTER": ("The content filter of the provider blocked the call.", False),
    "MISSING_API_KEY": ("The provider has no key.", False),
    "UNSUPPORTED_PROVIDER": ("There is no such provider.", False),
    "UNKNOWN_MODEL": ("The provider has no such model.", False),
    "CONFIGURATION": ("The provider is not configured as it must be.", False),
    "CANCELLED": ("The call was cancelled.", False),
    "UNKNOWN": ("The call failed for a reason that nobody foresaw.", True),
}


class WorkerError(Exception):
    """
    Something that failed, as data.  `code` is one of FAILURES, which says whether the
    task may be tried again; `message` is a sentence of ours; `details` are numbers,
    identifiers and closed words.  No text of a person or a model belongs in either.
    """

    def __init__(self, code, message=None, *, details=None):
        row = FAILURES.get(code, FAILURES["UNKNOWN"])
        super().__init__(message or row[0])
        self.code = code
        self.message = message or row[0]
        self.retryable = row[1]
        self.details = details

    def as_data(self):
        return {
            "message": self.message,
            "code": self.code,
            "retryable": self.retryable,
            "details": self.details or None,
        }


class LLMError(WorkerError):
    """A model that could not be asked.  `status_code`: HTTP; `retry_after`: seconds."""

    def __init__(self, code, message=None, *, status_code=None, retry_after=None, details=None):
        super().__init__(code, message, details=details)
        self.status_code = status_code
        self.retry_after = retry_after if self.retryable else None

    def as_data(self):
        data = super().as_data()
        if self.status_code is not None:
            data["statusCode"] = self.status_code
        if self.retry_after is not None:
            data["retryAfter"] = self.retry_after
        return data


class RetryableError(WorkerError):
    """Something that failed now and may go well later."""

    def __init__(self, message=None, *, details=None):
        super().__init__("UNKNOWN", message, details=details)


class Job:
    """What a worker's function holds besides its input."""

    def __init__(self, deadline=None, gateway=None):
        #: Of time.monotonic(), or None.
        self.deadline = deadline
        #: Where models are asked for this task: {"url", "token"}, or None when alone.
        self.gateway = gateway

    def check(self):
        """Raises TIMEOUT when the time is over."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise LLMError("TIMEOUT")


def log(level, message, **fields):
    """One JSON line on stderr: `ts`, `level`, `msg` and the fields."""
    line = json.dumps({"ts": now(), "level": level, "msg": message, **fields}, default=str)
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def now():
    """ISO 8601, UTC, milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def invalid(message):
    """The error for an input that is not as it must be."""
    return WorkerError("VALIDATION_ERROR", message)


def __getattr__(name):
    """The door to models, loaded when somebody asks for it: most workers ask none."""
    if name in ("OpenAICompatible", "model_for", "register_adapter"):
        return getattr(importlib.import_module("millrace_models"), name)
    raise AttributeError(name)


def run_worker(handle, *, ops=None, empty=None, argv=None):
    """
    Runs `handle(input, job) -> dict` for one document, or with `--warm` for each line.
    `ops` are other functions by the name that a warm request may give as `op`;
    `empty` is the input that an empty stdin stands for, where one may be left out.
    What anything prints meanwhile goes to stderr; the protocol has stdout for itself.
    """
    arguments = sys.argv[1:] if argv is None else argv
    known = {"invoke": handle, "ping": lambda _given, _job: {}, **(ops or {})}
    incoming, outgoing = _take_streams()
    try:
        with incoming, outgoing:
            if "--warm" in arguments:
                serve(known, incoming, outgoing)
            else:
                answer_once(handle, incoming, outgoing, empty)
    except (KeyboardInterrupt, BrokenPipeError):
        # Who asked has gone; nobody reads an answer.
        os._exit(130)


def _take_streams():
    """
    Keeps the protocol's two descriptors for itself.  Children of a worker inherit an
    empty stdin, and whatever they or a C library write to descriptor 1 lands in the log.
    """
    sys.stdout.flush()
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return incoming, outgoing


def answer_once(handle, incoming, outgoing, empty=None):
    """Reads all of `incoming` as one document and writes one line."""
    text = incoming.read()
    limit = os.environ.get("MILLRACE_DEADLINE_MS", "")
    job = Job(deadline=_deadline(int(limit) if limit.isdigit() else None))

    def work():
        if text.strip():
            return handle(_document(text), job)
        if empty is None:
            raise invalid("No input was given: a JSON document is expected on stdin.")
        return handle(empty, job)

    _write(outgoing, _answer(work))


def serve(ops, incoming, outgoing):
    """Answers one request a line until `incoming` ends."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    _write(outgoing, _line({"ready": True, "protocol": PROTOCOL, "pid": os.getpid(), "python": version}))
    while line := incoming.readline():
        if line.strip():
            _write(outgoing, _answer_line(ops, line))


def _answer_line(ops, line):
    try:
        request = _document(line)
    except WorkerError as error:
        return _line({"id": None, "success": False, "error": error.as_data()})

    def work():
        op = ops.get(request.get("op", "invoke"))
        if op is None:
            raise invalid("This worker does not know what it is asked to do.")
        job = Job(deadline=_deadline(request.get("deadlineMs")), gateway=request.get("gateway"))
        return op(request.get("input"), job)

    return _answer(work, {"id": request.get("id")})


def _answer(work, head=None):
    """The line for what `work()` gives or raises."""
    head = head or {}
    try:
        return _line({**head, "success": True, **work()})
    except WorkerError as error:
        log("warning", "The work failed.", code=error.code)
        return _line({**head, "success": False, "error": error.as_data()})
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side gets an answer
        kind = type(error).__name__
        log("error", "The work ended in an error that nobody named.", type=kind, at=_where(error))
        unknown = WorkerError("UNKNOWN", details={"type": kind})
        return _line({**head, "success": False, "error": unknown.as_data()})


def _where(error):
    """Files and lines, innermost last; no values, no text."""
    places = []
    at = error.__traceback__
    while at is not None:
        places.append(f"{os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_lineno}")
        at = at.tb_next
    return places[-8:]


def _document(text):
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid("The input is not one JSON document.") from None
    if not isinstance(document, dict):
        raise invalid("The input must be a JSON object.")
    return document


def _line(document):
    # ASCII escapes: no letter is ever cut in two, and lone surrogates survive.
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def _write(outgoing, data):
    view = memoryview(data)
    while view:
        view = view[outgoing.write(view) :]


def _deadline(milliseconds):
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        return None
    return time.monotonic() + milliseconds / 1000
