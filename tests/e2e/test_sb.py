# SPDX-License-Identifier: MIT
"""lrzsz's `sb`, `sx` and `rb`, unmodified, through the pty."""
import contextlib
import os
import re
import subprocess
import unittest

import rig
import wire

DEMO = "demo-2.0.0.bin"
SENT, RECEIVED = rb"sent: +[1-9]", rb"Receiving: "          # what -vv says when the first blocks have gone through
DTR_FALLS = r"SETUP DATA0 8 bytes 21 22 00 00"
TRACED = ("--trace", "usb")


class Lrzsz(rig.RigTest):
    """A program of lrzsz with the port as its standard input and output, as `sb FILE < PORT > PORT` in a shell."""

    def start_program(self, link, *command):
        port = os.open(link, os.O_RDWR | os.O_NOCTTY)
        try:
            return subprocess.Popen(command, stdin=port, stdout=port, stderr=subprocess.PIPE, cwd=self.folder)
        finally:
            os.close(port)

    def run_program(self, link, *command):
        """Its exit status, and what it said to a person."""
        program = self.start_program(link, *command)
        said = program.communicate(timeout=rig.STEP_TIMEOUT_S)[1]
        return program.returncode, said.decode(errors="replace")

    def kill_when(self, pattern, board, *command):
        """Kills the program as soon as it has said what matches, and waits until the device knows: a real kernel drops DTR."""
        program = self.start_program(board.link, *command)
        said = b""
        while not re.search(pattern, said):
            more = os.read(program.stderr.fileno(), 4096)
            self.assertNotEqual(more, b"", said)
            said += more
        since = len(board.lines)
        program.kill()
        program.communicate(timeout=rig.STEP_TIMEOUT_S)
        board.wait_line(DTR_FALLS, since)

    def installed(self, size=20000, seed=1):
        """A sealed image whose last word is wrong: the bootloader stays, and reads it back as it is."""
        return wire.seal(rig.random_image(size, seed))[:-4] + bytes(4)

    def start_with(self, image, boot=None, **keywords):
        return self.start(boot or rig.firmware("vcpboot.elf"), self.write("image.bin", image) + "@0x08010000", **keywords)

    def update_by(self, board, *command):
        since = len(board.lines)
        status, said = self.run_program(board.link, *command, rig.firmware(DEMO))
        self.assertEqual(status, 0, said)
        board.wait_port(since)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")


class Sending(Lrzsz):
    def test_a_raw_bin_by_sb_starts(self):
        self.update_by(self.start(rig.firmware("vcpboot.elf")), "sb")

    def test_a_raw_bin_by_sb_with_1k_blocks_starts(self):
        self.update_by(self.start(rig.firmware("vcpboot.elf")), "sb", "-k")

    def test_a_raw_bin_by_sx_starts(self):
        self.update_by(self.start(rig.firmware("vcpboot.elf")), "sx", "-k")

    def test_a_sealed_image_by_sx_is_installed_without_the_padding(self):
        state = self.path("state")
        board = self.start(rig.firmware("vcpboot.elf"), state=state)
        image = wire.seal(rig.random_image(20000))
        status, said = self.run_program(board.link, "sx", self.write("sealed.bin", image))
        self.assertEqual(status, 0, said)
        board.end()
        self.assertEqual(self.read("state")[rig.APP_OFFSET:][:len(image) + 64], image + b"\xff" * 64)

    def refused(self, program, image):
        board = self.start(rig.firmware("vcpboot.elf"))
        self.assertNotEqual(self.run_program(board.link, program, self.write("wrong.bin", image))[0], 0)
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))

    def test_an_image_linked_elsewhere_is_cancelled_before_anything_is_erased(self):
        for program in ("sb", "sx"):
            with self.subTest(program):
                self.refused(program, rig.random_image(20000, base=0x08000000))

    def test_too_long_an_image_is_cancelled_before_anything_is_erased(self):
        self.refused("sb", rig.random_image(rig.APP_BYTES + 4))

    def test_after_a_sender_that_was_killed_any_other_client_is_served(self):
        for killed, *following in (("sb", "vcpboot"), ("sx", "sb"), ("sb", "sb")):
            with self.subTest(killed=killed, following=following):
                board = self.start(rig.firmware("vcpboot.elf"), options=TRACED)
                self.kill_when(SENT, board, killed, "-vv", rig.firmware(DEMO))
                if following == ["vcpboot"]:
                    self.vcpboot("info", "--port", board.link)
                    self.vcpboot("update", rig.firmware(DEMO), "--port", board.link)
                else:
                    self.update_by(board, "sb", "-k")
                board.end()


class Receiving(Lrzsz):
    def forget(self):
        """rb does not write over a file."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.path("application.bin"))

    def receive(self, board):
        self.forget()
        status, said = self.run_program(board.link, "rb")
        self.assertEqual(status, 0, said)
        return self.read("application.bin")

    def test_rb_gets_the_sealed_image_and_then_sb_is_served(self):
        image = self.installed()
        board = self.start_with(image)
        self.assertEqual(self.receive(board), image)
        self.assertEqual(self.receive(board), image)
        self.update_by(board, "sb", "-k")

    def test_rb_gets_the_whole_area_when_the_application_is_not_sealed(self):
        image = rig.random_image(20000)
        board = self.start_with(image, self.write("boot.bin", wire.configured(policy=wire.POLICY_REQUIRE_SEAL)))
        self.assertEqual(self.receive(board), image.ljust(rig.APP_BYTES, b"\xff"))

    def refused(self, board):
        self.assertNotEqual(self.run_program(board.link, "rb")[0], 0)
        self.assertFalse(os.path.exists(self.path("application.bin")))
        self.vcpboot("info", "--port", board.link)

    def test_rb_is_refused_where_reading_is_not_allowed(self):
        boot = self.write("boot.bin", wire.configured(policy=wire.POLICY_NO_READ))
        self.refused(self.start_with(self.installed(), boot))

    def test_rb_is_refused_when_there_is_no_application(self):
        self.refused(self.start(rig.firmware("vcpboot.elf")))

    def test_after_a_receiver_that_was_killed_any_other_client_is_served(self):
        image = self.installed(200000)
        for following in ("vcpboot", "rb", "sb"):
            with self.subTest(following):
                self.forget()
                board = self.start_with(image, options=TRACED)
                self.kill_when(RECEIVED, board, "rb", "-vv")
                if following == "vcpboot":
                    self.vcpboot("info", "--port", board.link)
                    self.vcpboot("update", rig.firmware(DEMO), "--port", board.link)
                elif following == "rb":
                    self.assertEqual(self.receive(board), image)
                else:
                    self.update_by(board, "sb", "-k")
                board.end()


if __name__ == "__main__":
    unittest.main()
