"""
What this Python is and has: its version, the modules that workers need, which keys
are set (never their values), and what is missing.

    python3 health_check.py < /dev/null

Without input it looks at its own environment.  A parent that keeps its keys at home
says which it has: {"keys": ["OPENAI_API_KEY"]}.
"""
import importlib
import os
import platform
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_worker import PROTOCOL, run_worker  # noqa: E402

OLDEST = (3, 10)
#: Without these no worker works.
REQUIRED = ("json", "http.client", "urllib.parse", "email.utils", "statistics", "math", "re")
#: What is missing without each.
WANTED = {"ssl": "no model can be asked over https from this Python alone"}
KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
    "XAI_API_KEY",
    "DEEPSEEK_API_KEY",
    "MISTRAL_API_KEY",
    "OPENAI_COMPATIBLE_API_KEY",
)


def health(given, _job=None, version=None, find=None):
    """`healthy`, and why not."""
    version = version or sys.version_info[:3]
    find = find or _has
    packages = {name: find(name) for name in (*REQUIRED, *WANTED)}
    missing = [f"the module {name}" for name in REQUIRED if not packages[name]]
    if tuple(version[:2]) < OLDEST:
        missing.insert(0, f"Python {OLDEST[0]}.{OLDEST[1]} or newer")
    named = given.get("keys")
    keys = [name for name in KEYS if (name in named if isinstance(named, list) else os.environ.get(name))]
    warnings = [f"{name} is missing: {why}" for name, why in WANTED.items() if not packages[name]]
    if not keys:
        warnings.append("no key of a provider is set: only keyless models can be asked")
    return {
        "healthy": not missing,
        "python": ".".join(str(part) for part in version),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "protocol": PROTOCOL,
        "packages": packages,
        "keys": keys,
        "missing": missing,
        "warnings": warnings,
    }


def _has(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    run_worker(health, empty={})
