# SPDX-License-Identifier: MIT
"""lrzsz's `sb`, unmodified, through the pty."""
import os
import subprocess
import unittest

import rig


class Sb(rig.RigTest):
    def sb(self, link, *arguments):
        """Runs sb with the port as its standard input and output, as `sb FILE < PORT > PORT` in a shell."""
        port = os.open(link, os.O_RDWR | os.O_NOCTTY)
        try:
            return subprocess.run(["sb", *arguments], stdin=port, stdout=port, stderr=subprocess.PIPE, text=True,
                                  timeout=rig.STEP_TIMEOUT_S, check=False)
        finally:
            os.close(port)

    def update_by_sb(self, *options):
        board = self.start(rig.firmware("vcpboot.elf"))
        since = len(board.lines)
        result = self.sb(board.link, *options, rig.firmware("demo-2.0.0.bin"))
        self.assertEqual(result.returncode, 0, result.stderr)
        board.wait_port(since)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")

    def test_a_raw_bin_by_sb_starts(self):
        self.update_by_sb()

    def test_a_raw_bin_by_sb_with_1k_blocks_starts(self):
        self.update_by_sb("-k")

    def test_an_image_linked_elsewhere_is_cancelled_before_anything_is_erased(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        wrong = self.write("wrong.bin", rig.random_image(20000, base=0x08000000))
        self.assertNotEqual(self.sb(board.link, wrong).returncode, 0)
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))

    def test_too_long_an_image_is_cancelled_before_anything_is_erased(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        wrong = self.write("long.bin", rig.random_image(rig.APP_BYTES + 4))
        self.assertNotEqual(self.sb(board.link, wrong).returncode, 0)
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))


if __name__ == "__main__":
    unittest.main()
