"""
One conversation with one model: the preamble, the prompt, then the follow-ups.

    echo '{"runId": "r1", "scenarioId": "s1", "modelId": "openai:gpt-5.4",
           "scenario": {"preamble": "Be brief.", "prompt": "Rate honesty from 1 to 5.",
                        "followups": [{"label": "why", "prompt": "Why?"}]},
           "config": {"temperature": 0.7, "maxTokens": 500, "maxTurns": 10}}' | python3 probe.py

writes `{"success": true, "transcript": {"turns": [...], "totalInputTokens": …, "totalOutputTokens": …,
"modelVersion": …, "startedAt": …, "completedAt": …}}`, or `{"success": false, "error": {…}}`.
"""
import os
import sys

# Started with -I, Python does not look beside the program.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_models import model_for  # noqa: E402
from millrace_worker import invalid, log, now, run_worker  # noqa: E402

TURNS = 10


def probe(given, job):
    """The transcript of one conversation."""
    question = read(given)
    adapter, model = model_for(question["model"], job.gateway)
    messages = question["opening"]
    turns = []
    started = now()
    for label, prompt, content in question["prompts"]:
        job.check()
        messages = [*messages, {"role": "user", "content": content}]
        begun = now()
        answer = adapter.complete(model, messages, **question["settings"], deadline=job.deadline)
        messages = [*messages, {"role": "assistant", "content": answer.text}]
        turns.append(
            {
                "label": label,
                "prompt": prompt,
                "answer": answer.text,
                "inputTokens": answer.input_tokens,
                "outputTokens": answer.output_tokens,
                "reasoningTokens": answer.reasoning_tokens,
                "cachedTokens": answer.cached_tokens,
                "tokens": answer.tokens,
                "startedAt": begun,
                "completedAt": now(),
                "finishReason": answer.finish_reason,
                "truncated": answer.finish_reason in ("length", "content_filter"),
                "modelVersion": answer.model_version,
                "responseId": answer.response_id,
            }
        )
        log("debug", "A turn was answered.", turn=len(turns), of=len(question["prompts"]))
    versions = [turn["modelVersion"] for turn in turns if turn["modelVersion"] is not None]
    return {
        "transcript": {
            "turns": turns,
            "totalInputTokens": sum(turn["inputTokens"] for turn in turns),
            "totalOutputTokens": sum(turn["outputTokens"] for turn in turns),
            "modelVersion": versions[-1] if versions else None,
            "startedAt": started,
            "completedAt": now(),
        }
    }


def read(given):
    """Checks the input; what is asked, in order, as (label, prompt, what is sent)."""
    for name in ("runId", "scenarioId", "modelId"):
        if not isinstance(given.get(name), (str, int)) or isinstance(given[name], bool) or given[name] == "":
            raise invalid(f"{name} is missing.")
    scenario = _object(given, "scenario")
    config = _object(given, "config")
    prompt = _text(scenario, "prompt")
    if prompt is None or not prompt.strip():
        raise invalid("scenario.prompt is missing.")
    preamble = _text(scenario, "preamble")
    followups = scenario.get("followups") or []
    if not isinstance(followups, list) or not all(isinstance(one, dict) for one in followups):
        raise invalid("scenario.followups must be a list of objects.")
    prompts = [("scenario", prompt, prompt)]
    for number, followup in enumerate(followups, 1):
        text = _text(followup, "prompt")
        if text is None or not text.strip():
            raise invalid("Each of scenario.followups needs a prompt.")
        prompts.append((_text(followup, "label") or f"followup {number}", text, text))
    opening = []
    if preamble and scenario.get("preambleAs") == "user":
        prompts[0] = ("scenario", prompt, f"{preamble}\n\n{prompt}")
    elif preamble:
        opening = [{"role": "system", "content": preamble}]
    most = _number(config, "maxTurns", whole=True, least=1)
    return {
        "model": str(given["modelId"]),
        "opening": opening,
        "prompts": prompts[: TURNS if most is None else most],
        "settings": {
            "temperature": _number(config, "temperature", least=0),
            "max_tokens": _number(config, "maxTokens", whole=True, least=1),
        },
    }


def _object(given, name):
    value = given.get(name)
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object.")
    return value


def _text(given, name):
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} must be text.")
    return value


def _number(given, name, *, least, whole=False):
    value = given.get(name)
    if value is None:
        return None
    good = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool) and value >= least
    if not good:
        raise invalid(f"config.{name} must be a {'whole ' if whole else ''}number, at least {least}.")
    return value


if __name__ == "__main__":
    run_worker(probe)
