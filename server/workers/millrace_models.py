"""
Asking models from a worker.  For a task, all calls go to the gateway that the task
came with.  Alone, from a shell, a model is `provider:model`: the six providers by
their own OpenAI-compatible addresses, or any server by OPENAI_COMPATIBLE_URL.

Nothing here tries again: what failed is raised as an LLMError whose code says it.
"""
import http.client
import json
import math
import os
import re
import select
import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from millrace_worker import FAILURES, LLMError

#: Seconds of one call where no deadline is nearer.
LONGEST = 600
#: Bytes of one response.
LARGEST = 64 * 1024 * 1024

#: id: (adapter, base URL, variable of the key).  `<ID>_BASE_URL` names another address.
PROVIDERS = {
    "openai": ("openai-compatible", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("openai-compatible", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    "google": ("openai-compatible", "https://generativelanguage.googleapis.com/v1beta/openai", "GOOGLE_API_KEY"),
    "xai": ("openai-compatible", "https://api.x.ai/v1", "XAI_API_KEY"),
    "deepseek": ("openai-compatible", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "mistral": ("openai-compatible", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
}
#: The server that one names oneself; its key is optional.
OWN_SERVER = "openai-compatible"
OWN_URL, OWN_KEY = "OPENAI_COMPATIBLE_URL", "OPENAI_COMPATIBLE_API_KEY"

#: Beginnings of names, for a model that is named without its provider.
BEGINNINGS = (
    (r"(gpt|chatgpt|o[1-9])\b", "openai"),
    (r"claude\b", "anthropic"),
    (r"(gemini|gemma)\b", "google"),
    (r"grok\b", "xai"),
    (r"deepseek\b", "deepseek"),
    (r"(open-)?(mistral|mixtral|codestral|magistral|ministral|pixtral|devstral)\b", "mistral"),
)

STATUS = {
    400: "VALIDATION_ERROR",
    401: "AUTH_ERROR",
    402: "BILLING",
    403: "AUTH_ERROR",
    404: "NOT_FOUND",
    408: "TIMEOUT",
    409: "SERVER_ERROR",
    413: "VALIDATION_ERROR",
    422: "VALIDATION_ERROR",
    425: "TIMEOUT",
    429: "RATE_LIMIT",
}
#: Values of `error.code` or `error.type` that say more than the status does.
WORDS = {
    **dict.fromkeys(
        (
            "insufficient_quota",
            "insufficient_balance",
            "insufficient_credits",
            "insufficient_funds",
            "credits_exhausted",
            "billing_error",
            "billing_disabled",
            "billing_hard_limit_reached",
            "billing_not_active",
            "payment_required",
            "enforced_spend_limit_reached",
            "quota_per_day",
        ),
        "BILLING",
    ),
    "api_key_invalid": "AUTH_ERROR",
    **dict.fromkeys(
        ("content_filter", "content_policy_violation", "responsibleaipolicyviolation", "data_inspection_failed"),
        "CONTENT_FILTER",
    ),
}
#: Words that count only inside of a 200, where no status stands beside them.
WORDS_INSIDE = {
    "overloaded_error": "SERVER_ERROR",
    "rate_limit_error": "RATE_LIMIT",
    "rate_limit_exceeded": "RATE_LIMIT",
    "resource_exhausted": "RATE_LIMIT",
}
PARAMETERS = ("temperature", "max_tokens", "max_completion_tokens", "seed")
FINISHES = ("stop", "length", "content_filter", "tool_calls")


class Completion(NamedTuple):
    """An answer.  Token counts that were not reported are None, or estimated when `tokens` says so."""

    text: str
    model_version: str | None
    finish_reason: str
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int | None
    cached_tokens: int | None
    tokens: str
    response_id: str | None


class OpenAICompatible:
    """`POST <base>/chat/completions`, whole answers."""

    def __init__(self, base_url, key=None):
        self.base_url = base_url.rstrip("/")
        self.key = key

    def complete(self, model, messages, *, temperature=None, max_tokens=None, deadline=None):
        """
        Asks once; once more without the temperature where exactly that is refused.
        `deadline` is of time.monotonic().  Raises LLMError.
        """
        body = {"model": model, "messages": messages}
        if temperature is not None:
            body["temperature"] = temperature
        if max_tokens is not None:
            modern = urlsplit(self.base_url).hostname == "api.openai.com"
            body["max_completion_tokens" if modern else "max_tokens"] = max_tokens
        try:
            return self._ask(body, deadline)
        except LLMError as error:
            if "temperature" not in body or (error.details or {}).get("parameter") != "temperature":
                raise
            del body["temperature"]
            return self._ask(body, deadline)

    def _ask(self, body, deadline):
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        text = json.dumps(body).encode("ascii")
        status, got, answer = _post(f"{self.base_url}/chat/completions", headers, text, deadline)
        if not 200 <= status <= 299:
            raise classify(status, got, answer)
        return _completion(answer, body["messages"])


ADAPTERS = {"openai-compatible": OpenAICompatible}


def register_adapter(name, make):
    """`make(base_url, key)` gives an object with `complete` as OpenAICompatible has it."""
    ADAPTERS[name] = make


def model_for(model_id, gateway=None, environment=None):
    """
    The adapter and the name to ask it for.  Raises MISSING_API_KEY, UNSUPPORTED_PROVIDER
    or CONFIGURATION.  With a gateway the whole name is its to understand.
    """
    if gateway is not None:
        return OpenAICompatible(gateway["url"], gateway["token"]), model_id
    given = os.environ if environment is None else environment
    provider, model = _parts(model_id)
    if provider == OWN_SERVER:
        url = given.get(OWN_URL)
        if not url:
            message = f"The provider {OWN_SERVER} is not configured: set {OWN_URL}."
            raise LLMError("CONFIGURATION", message, details={"provider": OWN_SERVER, "setting": OWN_URL})
        return OpenAICompatible(url, given.get(OWN_KEY) or None), model
    adapter, base_url, key_name = PROVIDERS[provider]
    key = given.get(key_name)
    if not key:
        message = f"The provider {provider} has no key: set {key_name}."
        raise LLMError("MISSING_API_KEY", message, details={"provider": provider, "setting": key_name})
    return ADAPTERS[adapter](given.get(f"{provider.upper()}_BASE_URL") or base_url, key), model


def _parts(model_id):
    provider, colon, rest = model_id.partition(":")
    provider, rest = provider.strip(), rest.strip()
    if colon and (provider in PROVIDERS or provider == OWN_SERVER) and rest:
        name, at, version = rest.rpartition("@")
        return provider, name if at and name and version and "/" not in version else rest
    if not colon:
        for beginning, known in BEGINNINGS:
            if re.match(beginning, model_id.strip().lower()):
                return known, model_id.strip()
    names = ", ".join([*PROVIDERS, OWN_SERVER])
    raise LLMError(
        "UNSUPPORTED_PROVIDER",
        "A model is named as provider:model, with a provider that is known here.",
        details={"known": names},
    )


def _post(url, headers, body, deadline):
    """Status, headers and bytes of one request; nothing takes longer than the deadline."""
    ends = min(deadline or math.inf, time.monotonic() + LONGEST)
    connection = None
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise LLMError("CONFIGURATION")
        place = (parts.scheme, parts.hostname, parts.port)
        connection = _kept(place) or _connection(place)
        connection.timeout = _left(ends)
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        connection.request("POST", parts.path, body, headers)
        # Of a response that ends with its connection the socket is all that is left.
        socket = connection.sock
        socket.settimeout(_left(ends))
        response = connection.getresponse()
        pieces, size = [], 0
        while True:
            socket.settimeout(_left(ends))
            piece = response.read1(1 << 16)
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST:
                raise LLMError("INVALID_RESPONSE")
        if response.length:
            raise LLMError("NETWORK_ERROR")
        response.close()
        if not response.will_close:
            _KEPT[place], connection = (connection, time.monotonic()), None
        return response.status, response.headers, b"".join(pieces)
    except TimeoutError:
        raise LLMError("TIMEOUT") from None
    except http.client.InvalidURL:
        raise LLMError("CONFIGURATION") from None
    except (OSError, http.client.IncompleteRead):
        raise LLMError("NETWORK_ERROR") from None
    except http.client.HTTPException:
        raise LLMError("INVALID_RESPONSE") from None
    except ValueError:
        # A port that is none, or a key that no header can hold.
        raise LLMError("CONFIGURATION") from None
    finally:
        if connection is not None:
            connection.close()


#: By place: a connection whose last response was read to its end, and since when nobody uses it.
_KEPT = {}
#: Seconds that it is kept; most servers close it after five and more.
_KEEP = 4


def _kept(place):
    """A connection that can be used again.  One that the server has closed meanwhile is readable: it has ended."""
    connection, since = _KEPT.pop(place, (None, 0))
    if connection is None:
        return None
    if time.monotonic() - since < _KEEP and not select.select([connection.sock], [], [], 0)[0]:
        return connection
    connection.close()
    return None


def _connection(place):
    scheme, host, port = place
    return (http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection)(host, port)


def _left(ends):
    left = ends - time.monotonic()
    if left <= 0:
        raise LLMError("TIMEOUT")
    return left


def classify(status, headers, body):
    """The LLMError of an HTTP status; the body is asked only for its closed words."""
    error = _error_object(_parsed(body))
    ours = _our_error(error)
    if ours is not None:
        return ours
    code = _word(error) or STATUS.get(status) or ("SERVER_ERROR" if 500 <= status <= 599 else "UNKNOWN")
    parameter = error.get("param") if code == "VALIDATION_ERROR" else None
    details = {"status": status, **({"parameter": parameter} if parameter in PARAMETERS else {})}
    return LLMError(code, status_code=status, retry_after=_retry_after(headers), details=details)


def _our_error(error):
    """What the gateway says, in its own words."""
    code, details = error.get("code"), error.get("details")
    if code not in FAILURES or "retryable" not in error:
        return None
    details = details if isinstance(details, dict) else {}
    return LLMError(code, status_code=details.get("status"), retry_after=error.get("retryAfter"), details=details)


def _inside(body):
    """The LLMError of an `error` inside of a 200."""
    error = _error_object(body)
    word = _word(error) or _word(error, WORDS_INSIDE)
    if word is not None:
        return LLMError(word)
    status = error.get("code")
    if str(status).isdigit() and 400 <= int(status) <= 599:
        return classify(int(status), {}, b"")
    return LLMError("INVALID_RESPONSE")


def _completion(answer, messages):
    body = _parsed(answer)
    if isinstance(body, dict) and body.get("error"):
        raise _inside(body)
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text = message.get("content") or message.get("refusal") or ""
    except (KeyError, IndexError, TypeError, AttributeError):
        raise LLMError("INVALID_RESPONSE") from None
    raw = choice.get("finish_reason")
    finish = raw if raw in FINISHES else "other"
    if raw == "insufficient_system_resource":
        raise LLMError("SERVER_ERROR")
    if raw == "error" or not isinstance(text, str):
        raise LLMError("INVALID_RESPONSE")
    if not text.strip():
        blocked = finish == "content_filter"
        raise LLMError("CONTENT_FILTER") if blocked else LLMError("INVALID_RESPONSE", details={"finishReason": finish})
    version, response_id = body.get("model"), body.get("id")
    return Completion(
        text,
        version if isinstance(version, str) and version else None,
        finish,
        *_usage(body.get("usage"), messages, text),
        response_id if isinstance(response_id, str) else None,
    )


def _usage(usage, messages, text):
    usage = usage if isinstance(usage, dict) else {}
    read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(read, int) or not isinstance(written, int) or read + written == 0:
        said = sum(_estimate(message["content"]) for message in messages)
        return said, _estimate(text), None, None, "estimated"
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    return read, written, reasoning, cached, "reported"


def _estimate(text):
    """About four letters a token."""
    return max(1, len(text) // 4)


def _parsed(body):
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _error_object(body):
    outer = body[0] if isinstance(body, list) and body else body
    if not isinstance(outer, dict):
        return {}
    return outer["error"] if isinstance(outer.get("error"), dict) else outer


def _word(error, words=WORDS):
    inner = error.get("innererror")
    said = (error.get("code"), error.get("type"), error.get("status"), inner.get("code") if isinstance(inner, dict) else None)
    for word in said:
        if isinstance(word, str) and word.lower() in words:
            return words[word.lower()]
    return None


def _retry_after(headers):
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or a date); at most a day."""
    exact, plain = headers.get("retry-after-ms"), headers.get("retry-after")
    for seconds in (_number(exact, 1000), _number(plain, 1), _until(plain)):
        if seconds is not None:
            return min(max(math.ceil(seconds * 1000) / 1000, 0), 86_400)
    return None


def _number(text, divisor):
    return float(text) / divisor if text and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", text) else None


def _until(text):
    try:
        return parsedate_to_datetime(text).timestamp() - time.time() if text else None
    except (TypeError, ValueError):
        return None
