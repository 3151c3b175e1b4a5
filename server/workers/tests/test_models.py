"""Asking models: over HTTP on loopback, with every way in which that fails."""
import json
import select
import threading
import time
import unittest
from email.utils import formatdate

import stage
import millrace_models
from millrace_models import ADAPTERS, PROVIDERS, OpenAICompatible, classify, model_for, register_adapter
from millrace_worker import LLMError

HELLO = [{"role": "user", "content": "Hello."}]


def ask(*answers, **settings):
    with stage.ModelServer(*answers) as server:
        return OpenAICompatible(server.url, "sk-1").complete("m", HELLO, **settings), server.requests


def failure(*answers, **settings):
    with stage.ModelServer(*answers) as server:
        try:
            OpenAICompatible(server.url).complete("m", HELLO, **settings)
        except LLMError as error:
            return error, server.requests
    raise AssertionError("was answered")


class Answers(unittest.TestCase):
    def test_an_answer_brings_text_version_reason_and_tokens(self):
        usage = {
            "prompt_tokens": 11,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 2},
        }
        answer, [request] = ask({**stage.completion(), "usage": usage}, temperature=0.5, max_tokens=9)
        self.assertEqual(answer, ("Rating: 4", "m-2026-01-01", "stop", 11, 5, 2, 3, "reported", "chatcmpl-1"))
        self.assertEqual(request["path"], "/v1/chat/completions")
        self.assertEqual(request["headers"]["authorization"], "Bearer sk-1")
        self.assertEqual(request["body"], {"model": "m", "messages": HELLO, "temperature": 0.5, "max_tokens": 9})

    def test_settings_that_are_not_given_are_not_sent(self):
        _, [request] = ask()
        self.assertEqual(set(request["body"]), {"model", "messages"})

    def test_tokens_that_nobody_reported_are_estimated_and_said_to_be(self):
        answer, _ = ask(stage.completion(text="x" * 40, usage=None, model=None))
        self.assertEqual((answer.input_tokens, answer.output_tokens, answer.tokens), (1, 10, "estimated"))
        self.assertIsNone(answer.model_version)

    def test_an_answer_that_was_cut_or_is_a_refusal_is_an_answer(self):
        self.assertEqual(ask(stage.completion(finish="length"))[0].finish_reason, "length")
        self.assertEqual(ask(stage.completion(finish=None))[0].finish_reason, "other")
        refused = {"choices": [{"message": {"content": None, "refusal": "I cannot."}, "finish_reason": "stop"}]}
        self.assertEqual(ask(refused)[0].text, "I cannot.")

    def test_a_temperature_that_alone_is_refused_is_left_out_and_asked_again(self):
        error = {"error": {"message": "no", "param": "temperature", "code": "unsupported_value"}}
        answer, requests = ask((400, error), stage.completion(), temperature=0.5)
        self.assertEqual(answer.text, "Rating: 4")
        self.assertEqual(["temperature" in request["body"] for request in requests], [True, False])


class Connections(unittest.TestCase):
    def test_one_connection_carries_one_call_after_the_other_also_after_a_status_that_is_none(self):
        with stage.ModelServer(stage.completion(), (500, {}), stage.completion()) as server:
            model = OpenAICompatible(server.url)
            model.complete("m", HELLO)
            with self.assertRaises(LLMError):
                model.complete("m", HELLO)
            OpenAICompatible(server.url, "another key").complete("m", HELLO)
            self.assertEqual(len({request["from"] for request in server.requests}), 1)

    def test_a_connection_that_the_server_has_closed_is_not_used_again(self):
        body = json.dumps(stage.completion()).encode()
        silently = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        told = (200, stage.completion(), {"connection": "close"})
        with stage.ModelServer(silently, told, stage.completion()) as server:
            for _ in range(3):
                self.assertEqual(OpenAICompatible(server.url).complete("m", HELLO).text, "Rating: 4")
                # The end of a connection takes a moment to get here.
                kept = millrace_models._KEPT.get(("http", "127.0.0.1", server.server.server_port))
                if kept is not None and len(server.requests) == 1:
                    select.select([kept[0].sock], [], [], 10)
            self.assertEqual(len({request["from"] for request in server.requests}), 3)

    def test_each_call_on_a_connection_has_its_own_deadline(self):
        with stage.ModelServer(stage.completion(), threading.Event()) as server:
            model = OpenAICompatible(server.url)
            model.complete("m", HELLO, deadline=time.monotonic() + 30)
            begun = time.monotonic()
            with self.assertRaises(LLMError) as raised:
                model.complete("m", HELLO, deadline=begun + 0.2)
            self.assertEqual(raised.exception.code, "TIMEOUT")
            self.assertLess(time.monotonic() - begun, 5)


class Failures(unittest.TestCase):
    def test_each_status_has_its_code(self):
        codes = {400: "VALIDATION_ERROR", 401: "AUTH_ERROR", 402: "BILLING", 403: "AUTH_ERROR", 404: "NOT_FOUND"}
        codes |= {408: "TIMEOUT", 409: "SERVER_ERROR", 413: "VALIDATION_ERROR", 418: "UNKNOWN", 422: "VALIDATION_ERROR"}
        codes |= {425: "TIMEOUT", 429: "RATE_LIMIT", 500: "SERVER_ERROR", 529: "SERVER_ERROR", 302: "UNKNOWN"}
        for status, code in codes.items():
            error, requests = failure((status, {"error": {"message": "Mr Doe"}}))
            self.assertEqual((error.code, error.status_code), (code, status))
            self.assertNotIn("Doe", str(error.as_data()))
            self.assertEqual(len(requests), 1)

    def test_the_closed_words_of_a_body_say_more_than_the_status(self):
        quota = {"error": {"type": "insufficient_quota", "code": "insufficient_quota"}}
        self.assertEqual(failure((429, quota))[0].code, "BILLING")
        inner = [{"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}]
        self.assertEqual(failure((400, inner))[0].code, "CONTENT_FILTER")
        self.assertEqual(failure((502, "<html>"))[0].code, "SERVER_ERROR")

    def test_when_to_try_again_is_kept_where_that_makes_sense(self):
        self.assertEqual(failure((429, {}, {"retry-after": "7"}))[0].retry_after, 7)
        self.assertEqual(failure((429, {}, {"retry-after-ms": "1500", "retry-after": "2"}))[0].retry_after, 1.5)
        date = formatdate(time.time() + 30, usegmt=True)
        self.assertAlmostEqual(failure((503, {}, {"retry-after": date}))[0].retry_after, 30, delta=3)
        self.assertEqual(failure((429, {}, {"retry-after": "999999"}))[0].retry_after, 86_400)
        self.assertIsNone(failure((429, {}, {"retry-after": "soon"}))[0].retry_after)
        self.assertIsNone(failure((401, {}, {"retry-after": "7"}))[0].retry_after)

    def test_what_the_gateway_says_is_taken_as_it_says_it(self):
        said = {"code": "POISON_REQUEST", "retryable": False, "details": {"status": 503}}
        error, _ = failure((422, {"error": said}))
        self.assertEqual((error.code, error.retryable, error.status_code), ("POISON_REQUEST", False, 503))

    def test_a_200_that_is_no_answer_is_a_failure(self):
        cases = [
            ("<html>", "INVALID_RESPONSE"),
            ({}, "INVALID_RESPONSE"),
            ({"choices": []}, "INVALID_RESPONSE"),
            ({"choices": [None]}, "INVALID_RESPONSE"),
            ({"choices": [{"message": {"content": 7}}]}, "INVALID_RESPONSE"),
            (stage.completion(text=" \n"), "INVALID_RESPONSE"),
            (stage.completion(text="", finish="content_filter"), "CONTENT_FILTER"),
            (stage.completion(finish="error"), "INVALID_RESPONSE"),
            (stage.completion(finish="insufficient_system_resource"), "SERVER_ERROR"),
            ({"error": {"message": "no", "code": "insufficient_quota"}}, "BILLING"),
            ({"error": {"message": "no", "code": 502}}, "SERVER_ERROR"),
            ({"error": "no"}, "INVALID_RESPONSE"),
        ]
        for body, code in cases:
            self.assertEqual(failure(body)[0].code, code, body)

    def test_a_connection_that_breaks_or_never_was_is_the_networks(self):
        with self.assertRaises(LLMError) as raised:
            OpenAICompatible("http://127.0.0.1:1/v1").complete("m", HELLO)
        self.assertEqual(raised.exception.code, "NETWORK_ERROR")
        half = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"
        self.assertEqual(failure(half)[0].code, "NETWORK_ERROR")
        self.assertEqual(failure(b"")[0].code, "NETWORK_ERROR")
        self.assertEqual(failure(b"nonsense\r\n\r\n")[0].code, "INVALID_RESPONSE")

    def test_nothing_takes_longer_than_its_deadline(self):
        never = threading.Event()
        began = time.monotonic()
        error, _ = failure(never, deadline=time.monotonic() + 0.2)
        never.set()
        self.assertEqual(error.code, "TIMEOUT")
        self.assertLess(time.monotonic() - began, 5)
        with self.assertRaises(LLMError) as raised:
            OpenAICompatible("http://127.0.0.1:1/v1").complete("m", HELLO, deadline=time.monotonic() - 1)
        self.assertEqual(raised.exception.code, "TIMEOUT")

    def test_an_address_or_a_key_that_makes_no_sense_is_a_matter_of_settings(self):
        for url, key in (("ftp://x/v1", None), ("http://x:port/v1", None), ("http://127.0.0.1:1/ v1", None)):
            with self.assertRaises(LLMError) as raised:
                OpenAICompatible(url, key).complete("m", HELLO)
            self.assertEqual(raised.exception.code, "CONFIGURATION")

    def test_a_body_is_read_whatever_its_bytes_are(self):
        self.assertEqual(classify(500, {}, b"\xff\xfe").code, "SERVER_ERROR")


class Names(unittest.TestCase):
    def test_all_six_providers_are_known_by_their_own_address_and_key(self):
        self.assertEqual(set(PROVIDERS), {"openai", "anthropic", "google", "xai", "deepseek", "mistral"})
        for provider, (_, url, key) in PROVIDERS.items():
            self.assertEqual(key, f"{provider.upper()}_API_KEY")
            adapter, model = model_for(f"{provider}:some-model@2026-01-01", environment={key: "sk"})
            self.assertEqual((adapter.base_url, adapter.key, model), (url, "sk", "some-model"))

    def test_another_address_may_be_named(self):
        adapter, _ = model_for("openai:m", environment={"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "http://h/v1/"})
        self.assertEqual(adapter.base_url, "http://h/v1")
        adapter, model = model_for("openai-compatible:qwen2.5:7b", environment={"OPENAI_COMPATIBLE_URL": "http://h/v1"})
        self.assertEqual((adapter.base_url, adapter.key, model), ("http://h/v1", None, "qwen2.5:7b"))

    def test_a_missing_key_a_missing_address_and_an_unknown_provider_say_so(self):
        cases = [
            ("openai:m", "MISSING_API_KEY", "OPENAI_API_KEY"),
            ("openai-compatible:m", "CONFIGURATION", "OPENAI_COMPATIBLE_URL"),
            ("nobody:m", "UNSUPPORTED_PROVIDER", "provider:model"),
            ("marco-o1", "UNSUPPORTED_PROVIDER", "provider:model"),
            ("openai:", "UNSUPPORTED_PROVIDER", "provider:model"),
        ]
        for name, code, said in cases:
            with self.assertRaises(LLMError) as raised:
                model_for(name, environment={})
            self.assertEqual(raised.exception.code, code)
            self.assertIn(said, raised.exception.message)
            self.assertIs(raised.exception.retryable, False)

    def test_a_name_without_provider_is_understood_where_its_beginning_is_known(self):
        names = {"gpt-5.4": "openai", "o3": "openai", "o4-mini": "openai", "claude-opus-5": "anthropic"}
        names |= {"gemini-3-pro": "google", "gemma-3": "google", "grok-5": "xai", "deepseek-chat": "deepseek"}
        names |= {"codestral-2": "mistral", "ministral-8b": "mistral", "open-mixtral-8x7b": "mistral", "pixtral-l": "mistral"}
        keys = {key: "sk" for _, _, key in PROVIDERS.values()}
        for name, provider in names.items():
            adapter, model = model_for(name, environment=keys)
            self.assertEqual((adapter.base_url, model), (PROVIDERS[provider][1], name))

    def test_with_a_gateway_there_is_no_other_way(self):
        adapter, model = model_for("anthropic:m@1", {"url": "http://g/v1", "token": "t"}, environment={})
        self.assertEqual((adapter.base_url, adapter.key, model), ("http://g/v1", "t", "anthropic:m@1"))

    def test_an_adapter_of_ones_own_takes_the_place_of_ours(self):
        before = ADAPTERS["openai-compatible"]
        try:
            register_adapter("openai-compatible", lambda url, key: ("mine", url, key))
            self.assertEqual(model_for("xai:m", environment={"XAI_API_KEY": "sk"})[0][0], "mine")
        finally:
            register_adapter("openai-compatible", before)


if __name__ == "__main__":
    unittest.main()
