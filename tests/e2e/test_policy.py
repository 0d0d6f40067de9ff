# SPDX-License-Identifier: MIT
"""The config block as a maker patches it, and the decision at reset, on the real ARM ELF."""
import json
import os
import struct
import unittest

import rig
import wire

E_REFUSED = 8
FIRST_THREE_STARTS = 0xFFFFFFF8


class Policy(rig.RigTest):
    def boot(self, **config):
        return self.write("boot.bin", wire.configured(**config))

    def info(self, board):
        return json.loads(self.vcpboot("info", "--json", "--port", board.link).stdout.splitlines()[-1])

    def test_an_unsealed_developers_image_starts(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"))
        self.assertEqual(rig.ask(board.link, "version"), "demo 1.0.0")

    def test_require_seal_refuses_an_unsealed_application_until_it_is_updated(self):
        board = self.start(self.boot(policy=wire.POLICY_REQUIRE_SEAL), rig.firmware("demo-1.0.0.elf"))
        self.assertEqual(self.info(board)["reason"], wire.STAY_UNSEALED)
        self.assertIn("unsealed, and the policy wants a seal", self.vcpboot("info", "--port", board.link).stdout)
        self.vcpboot("update", rig.firmware("demo-1.0.0.elf"), "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 1.0.0")

    def test_no_read_refuses_to_read_and_nothing_is_written_on_the_pc(self):
        board = self.start(self.boot(policy=wire.POLICY_NO_READ), rig.firmware("demo-1.0.0.elf"))
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        result = self.vcpboot("read", self.path("out.bin"), "--port", board.link, expect=E_REFUSED)
        self.assertIn("policy does not allow it", result.stderr)
        self.assertFalse(os.path.exists(self.path("out.bin")))
        with wire.Client(board.link) as client:
            self.assertEqual(client.error(wire.READ, struct.pack("<II", 0, 4)), wire.E_DENIED)

    def test_no_read_gives_no_digests_and_an_update_sends_everything(self):
        board = self.start(self.boot(policy=wire.POLICY_NO_READ), rig.firmware("demo-1.0.0.elf"))
        self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        result = self.vcpboot("verify", rig.firmware("demo-2.0.0.elf"), "--port", board.link, expect=E_REFUSED)
        self.assertIn("policy does not allow it", result.stderr)
        with wire.Client(board.link) as client:
            for length in (68, 72, 0x10000, 0x70000):
                self.assertEqual(client.error(wire.DIGEST, struct.pack("<I", length)), wire.E_DENIED)

    def test_no_read_keeps_the_way_into_sts_loader_shut(self):
        board = self.start(self.boot(policy=wire.POLICY_NO_READ))
        with wire.Client(board.link) as client:
            self.assertEqual(client.error(wire.REBOOT, b"\x03"), wire.E_DENIED)
            self.assertEqual(client.reason(), wire.STAY_EMPTY)

    def test_read_gives_back_what_is_in_the_flash(self):
        damaged = wire.seal(rig.random_image(20000))[:-4] + bytes(4)        # so that the bootloader stays
        board = self.start(rig.firmware("vcpboot.elf"), self.write("image.bin", damaged) + "@0x08010000")
        self.vcpboot("read", self.path("out.bin"), "--port", board.link)
        self.assertEqual(self.read("out.bin"), damaged)

    def test_after_the_idle_time_of_the_config_block_a_valid_application_starts(self):
        board = self.start(self.boot(idle_ms=2000), rig.firmware("demo-1.0.0.elf"))
        since = len(board.lines)
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        into = board.wait_port(since)
        board.wait_port(into + 1)
        self.assertEqual(rig.ask(board.link, "version"), "demo 1.0.0")

    def test_after_three_starts_without_a_confirmation_the_bootloader_stays_and_says_why(self):
        state = self.path("state")
        image = wire.seal(rig.random_image(20000), flags=wire.FLAG_CONFIRMS)
        load = (rig.firmware("vcpboot.elf"), self.write("image.bin", image) + "@0x08010000")
        for bits in (0xFFFFFFFE, 0xFFFFFFFC, FIRST_THREE_STARTS):
            board = self.board(*load, state=state, pty=False, options=("--run-for", "0.5"))
            self.assertEqual(board.wait_end(), 0, board.log())
            life = struct.unpack_from("<I", self.read("state"), rig.APP_OFFSET + wire.AT_LIFE)[0]
            self.assertEqual(life, bits)
            load = ()
        board = self.start(state=state)
        self.assertEqual(self.info(board)["reason"], wire.STAY_CRASH_LOOP)
        self.assertIn("started three times and never confirmed", self.vcpboot("info", "--port", board.link).stdout)
        self.vcpboot("update", self.path("image.bin"), "--no-wait", "--port", board.link)
        board.end()
        self.assertEqual(self.read("state")[rig.APP_OFFSET + rig.HEAD_BYTES:][:len(image) - 64], image[64:])


if __name__ == "__main__":
    unittest.main()
