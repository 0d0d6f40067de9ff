# SPDX-License-Identifier: MIT
"""Power cuts with the programs as a user has them: vcpboard --cut-at, --state, and the vcpboot command."""
import json
import os
import subprocess
import unittest

import rig


class Cut(rig.RigTest):
    def install_old(self, state):
        board = self.start(rig.firmware("vcpboot.elf"), state=state)
        self.vcpboot("update", rig.firmware("demo-1.0.0.elf"), "--port", board.link)
        self.assertEqual(board.end(), 0)

    def cut_at(self, state, operation):
        """An update of the installed 1.0.0 that ends by a power cut. The demo's own confirmation counts as an operation."""
        board = self.start(state=state, options=["--cut-at", str(operation), "--seed", str(operation)])
        command = [os.path.join(rig.HOST, "vcpboot"), "update", rig.firmware("demo-2.0.0.elf"), "--port", board.link]
        update = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(board.wait_end(), 3)
        update.kill()
        update.wait()

    def after(self, state):
        """What the unit does with what is left, and whether the next update succeeds."""
        board = self.start(state=state)
        info = json.loads(self.vcpboot("info", "--json", "--port", board.link).stdout.splitlines()[-1])
        if info["mode"] == "application":
            self.assertIn(rig.ask(board.link, "version"), ("demo 1.0.0", "demo 2.0.0"))
        self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")
        self.assertEqual(board.end(), 0)
        return info["mode"]

    def test_a_unit_survives_power_cuts_all_over_an_update(self):
        modes = []
        for operation in (1, 2, 20000, 70000, 112700):
            state = self.path(f"state-{operation}")
            self.install_old(state)
            self.cut_at(state, operation)
            modes.append(self.after(state))
        self.assertIn("bootloader", modes)

    def test_a_second_cut_in_the_middle_of_the_repair_is_survived_too(self):
        state = self.path("state")
        self.install_old(state)
        for operation in (50000, 30000, 10):
            self.cut_at(state, operation)
        self.after(state)


if __name__ == "__main__":
    unittest.main()
