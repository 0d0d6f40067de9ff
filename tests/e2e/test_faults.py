# SPDX-License-Identifier: MIT
"""What the person at the PC reads when the flash is broken or the new application does not live: code, place, and what to do."""
import json
import unittest

import rig
import wire

E_REFUSED, E_NO_APPLICATION = 8, 11
SMALL = 20000
AGAIN = r"repeat the update; if that happens again the flash is worn or its supply is weak"
AT_TROUBLE = 0x40                   # tests/board/guest/trouble.c: the word that says which trouble
CRASH = 2


class BrokenFlash(rig.RigTest):
    """A fault of the board, an image, and the sentence."""

    def setUp(self):
        super().setUp()
        self.image = wire.put(rig.random_image(SMALL), 0x1000, 0x12345678)

    def refused(self, *faults, flash=(), says=""):
        options = [word for fault in faults for word in ("--fault", fault)]
        board = self.start(rig.firmware("vcpboot.elf"), *flash, options=options)
        path = self.write("image.bin", self.image)
        result = self.vcpboot("update", path, "--port", board.link, expect=E_REFUSED)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        self.assertRegex(result.stderr, says)
        return board

    def test_a_word_that_will_not_program_is_named_with_what_to_do(self):
        board = self.refused("weak-word@0x08011000",
                             says=r"flash at 0x08011000 could not be programmed \(FLASH_SR 0x00000000\): " + AGAIN)
        info = json.loads(self.vcpboot("info", "--json", "--port", board.link).stdout.splitlines()[-1])
        self.assertEqual((info["mode"], info["image_bytes"]), ("bootloader", 0))

    def test_an_erase_that_the_controller_refuses_is_named_with_its_status_register(self):
        damaged = wire.seal(rig.random_image(SMALL, seed=2))[:-4] + bytes(4)        # so that the bootloader stays
        self.refused("refused@1", flash=(self.write("old.bin", damaged) + "@0x08010000",),
                     says=r"flash at 0x08010000 could not be erased \(FLASH_SR 0x00000080\): " + AGAIN)

    def test_a_flash_that_stays_busy_is_named_and_the_cable_is_what_to_pull(self):
        self.refused("stuck-busy@1", says=r"flash at 0x08010040 could not be used: it stayed busy .*"
                                          r"unplug the device, plug it in again, and repeat the update")

    def test_a_sector_that_nothing_erases_is_named(self):
        damaged = wire.seal(rig.random_image(SMALL, seed=2))[:-4] + bytes(4)
        self.refused("no-erase@4", flash=(self.write("old.bin", damaged) + "@0x08010000",),
                     says=r"flash at 0x08010000 could not be erased \(FLASH_SR 0x00000000\): " + AGAIN)

    def test_a_stuck_cell_where_the_image_is_blank_is_suspected_by_the_checksum(self):
        self.image = wire.put(self.image, 0x1000, 0xFFFFFFFF)
        self.refused("stuck-zero@0x08011000", says="checksum over its flash is not the image's; repeat the update, and if that "
                                                   "happens again suspect the flash or its supply")


class Crash(rig.RigTest):
    def trouble(self, what):
        """tests/board/guest/trouble.elf as a raw file for the update."""
        with open(rig.firmware("guest/trouble.elf"), "rb") as file:
            elf = file.read()
        header = int.from_bytes(elf[28:32], "little")           # e_phoff, then p_offset and p_filesz of the only segment
        start, size = (int.from_bytes(elf[header + at:header + at + 4], "little") for at in (4, 16))
        return self.write("trouble.bin", wire.put(elf[start:start + size], AT_TROUBLE, what))

    def test_an_application_that_crashes_at_its_start_is_exit_11_with_the_reason_and_info_says_it_too(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        result = self.vcpboot("update", self.trouble(CRASH), "--port", board.link, expect=E_NO_APPLICATION)
        self.assertRegex(result.stderr, "came back in the bootloader: the application was started three times and never confirmed "
                                        "that it works.*update it with a firmware that does")
        self.assertIn("started three times and never confirmed", self.vcpboot("info", "--port", board.link).stdout)
        self.vcpboot("update", rig.firmware("demo-1.0.0.elf"), "--force", "--port", board.link)       # another product
        self.assertEqual(rig.ask(board.link, "version"), "demo 1.0.0")


if __name__ == "__main__":
    unittest.main()
