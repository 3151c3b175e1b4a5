"""What the health check says of this Python, and of one that will not do."""
import json
import os
import subprocess
import sys
import unittest
from unittest import mock

import stage
from health_check import KEYS, REQUIRED, _has, health


class Health(unittest.TestCase):
    def test_this_python_is_well(self):
        with mock.patch.dict(os.environ, {"OPENAI_API_KEY": "sk-secret"}, clear=True):
            said = health({})
        self.assertIs(said["healthy"], True)
        self.assertEqual(said["missing"], [])
        self.assertEqual(said["python"], ".".join(str(part) for part in sys.version_info[:3]))
        self.assertEqual(said["keys"], ["OPENAI_API_KEY"])
        self.assertNotIn("sk-secret", json.dumps(said))

    def test_an_old_python_or_a_missing_module_is_not_well(self):
        self.assertEqual(health({}, version=(3, 9, 18))["missing"], ["Python 3.10 or newer"])
        said = health({}, find=lambda name: name != "json")
        self.assertEqual((said["healthy"], said["missing"]), (False, ["the module json"]))
        self.assertEqual(set(said["packages"]), {*REQUIRED, "ssl"})

    def test_what_is_only_wanted_is_a_warning(self):
        with mock.patch.dict(os.environ, {"XAI_API_KEY": "sk"}, clear=True):
            said = health({}, find=lambda name: name != "ssl")
        self.assertIs(said["healthy"], True)
        self.assertEqual(len(said["warnings"]), 1)
        self.assertIn("ssl", said["warnings"][0])

    def test_keys_that_a_parent_keeps_at_home_are_known_by_name(self):
        with mock.patch.dict(os.environ, {}, clear=True):
            self.assertEqual(health({"keys": ["MISTRAL_API_KEY", "OTHER"]})["keys"], ["MISTRAL_API_KEY"])
            self.assertIn("no key", health({})["warnings"][-1])
        self.assertEqual(len(KEYS), 7)

    def test_a_module_that_is_not_there_is_not_found(self):
        self.assertFalse(_has("no_such_module_anywhere"))

    def test_from_a_shell_it_needs_no_input(self):
        program = os.path.join(stage.WORKERS, "health_check.py")
        done = subprocess.run([sys.executable, "-I", "-S", program], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        self.assertIs(json.loads(done.stdout)["healthy"], True)


if __name__ == "__main__":
    unittest.main()
