"""The stage of these tests: the workers on the path, and a model server on loopback that does what it is told."""
import io
import json
import os
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORKERS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if WORKERS not in sys.path:
    sys.path.insert(0, WORKERS)


class Out(io.BytesIO):
    """What a worker wrote, line by line."""

    def documents(self):
        return [json.loads(line) for line in self.getvalue().splitlines()]


class Quiet:
    """Takes the log meanwhile; `lines` are its documents."""

    def __enter__(self):
        self._stderr, sys.stderr = sys.stderr, io.StringIO()
        return self

    def __exit__(self, *_):
        self._taken, sys.stderr = sys.stderr, self._stderr

    @property
    def lines(self):
        return [json.loads(line) for line in self._taken.getvalue().splitlines()]


def completion(text="Rating: 4", finish="stop", model="m-2026-01-01", usage=(11, 5), **more):
    body = {
        "id": "chatcmpl-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        **more,
    }
    if model is not None:
        body["model"] = model
    if usage is not None:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return body


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):
        # The library would look for the machine's full name, which takes its time.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class ModelServer:
    """Answers each call with the next of `answers`: a body, (status, body), (status, body, headers), or bytes."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        stage = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802 - the name that the library wants
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                stage.requests.append({"path": self.path, "headers": dict(self.headers), "body": body, "from": self.client_address})
                answer = stage.answers.pop(0) if stage.answers else completion()
                if isinstance(answer, threading.Event):
                    answer.wait(10)
                    self.close_connection = True
                    return
                if isinstance(answer, bytes):
                    self.wfile.write(answer)
                    self.close_connection = True
                    return
                status, body, headers = (*answer, {})[:3] if isinstance(answer, tuple) else (200, answer, {})
                text = body if isinstance(body, str) else json.dumps(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                data = text.encode()
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
