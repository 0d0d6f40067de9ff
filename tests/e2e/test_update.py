# SPDX-License-Identifier: MIT
"""The project's main job: the PC program updates the ARM ELF through a real pty."""
import json
import os
import signal
import struct
import subprocess
import unittest

import rig


class Update(rig.RigTest):
    def test_the_demo_is_updated_and_the_new_application_says_its_version(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"))
        self.assertEqual(rig.ask(board.link, "version"), "demo 1.0.0")
        self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")
        self.assertEqual(board.end(), 0)

    def test_bin_and_elf_end_as_the_same_flash(self):
        content = {}
        for kind in ("elf", "bin"):
            state = self.path(kind + ".state")
            board = self.start(rig.firmware("vcpboot.elf"), state=state)
            self.vcpboot("update", rig.firmware("demo-2.0.0." + kind), "--port", board.link)
            self.assertEqual(board.end(), 0)
            content[kind] = self.read(kind + ".state")
        self.assertEqual(content["elf"], content["bin"])

    def test_a_447_kb_random_image_is_in_the_flash_byte_for_byte(self):
        image = rig.random_image(447 * 1024)
        state = self.path("state")
        board = self.start(rig.firmware("vcpboot.elf"), state=state)
        self.vcpboot("seal", self.write("raw.bin", image), self.path("sealed.bin"))
        self.vcpboot("update", self.path("raw.bin"), "--no-wait", "--port", board.link)
        self.assertEqual(board.end(), 0)
        flash = self.read("state")
        self.assertEqual(len(flash), rig.FLASH_BYTES)
        self.assertEqual(flash[rig.APP_OFFSET:rig.APP_OFFSET + len(image)], self.read("sealed.bin"))
        self.assertEqual(flash[rig.APP_OFFSET + rig.HEAD_BYTES:rig.APP_OFFSET + len(image)], image[rig.HEAD_BYTES:])

    def test_the_settings_sectors_are_left_alone(self):
        settings = os.urandom(48 * 1024)
        state = self.path("state")
        board = self.start(rig.firmware("vcpboot.elf"), self.write("settings.bin", settings) + "@0x08004000", state=state)
        self.vcpboot("update", rig.firmware("demo-1.0.0.bin"), "--port", board.link)
        board.end()
        self.assertEqual(self.read("state")[0x4000:0x10000], settings)

    def test_the_same_image_again_erases_and_programs_nothing(self):
        state = self.path("state")
        board = self.start(rig.firmware("vcpboot.elf"), state=state)
        self.vcpboot("update", rig.firmware("demo-1.0.0.elf"), "--port", board.link)
        board.end()
        board = self.start(state=state)
        self.vcpboot("update", rig.firmware("demo-1.0.0.elf"), "--port", board.link)
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))

    def test_killed_at_half_it_goes_on_without_resending_what_is_right(self):
        image = rig.random_image(447 * 1024, seed=2)
        path = self.write("image.bin", image)
        state = self.path("state")
        board = self.start(rig.firmware("vcpboot.elf"), state=state, timing="typ")
        command = [os.path.join(rig.HOST, "vcpboot"), "update", path, "--no-wait", "--json", "--port", board.link]
        first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in first.stdout:
            event = json.loads(line)
            if event.get("phase") == "program" and event["done"] * 2 >= event["total"]:
                break
        else:
            self.fail("the first run ended before its half")
        first.send_signal(signal.SIGKILL)
        first.wait()
        first.stdout.close()

        second = self.vcpboot("update", path, "--no-wait", "--json", "--port", board.link)
        result = json.loads(second.stdout.splitlines()[-1])
        self.assertEqual(board.end(), 0)
        # At half of 447 KB sectors 4 (64 KB) and 5 (128 KB) are whole; at most the one under way is sent twice.
        self.assertLessEqual(result["sent_bytes"], len(image) - (64 + 128) * 1024)
        erases, words = board.flash_operations()
        self.assertLessEqual(erases, 2)         # sectors 6 and 7; the first run, on a chip as from the factory, erased nothing
        self.assertLessEqual(words, len(image) // 4 + 128 * 1024 // 4)
        flash = self.read("state")
        self.assertEqual(flash[rig.APP_OFFSET + rig.HEAD_BYTES:rig.APP_OFFSET + len(image)], image[rig.HEAD_BYTES:])
        self.assertEqual(struct.unpack_from("<I", flash, rig.APP_OFFSET)[0], 0x20020000)

    def test_reboot_into_the_bootloader_and_back(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"))
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        info = json.loads(self.vcpboot("info", "--json", "--port", board.link).stdout.splitlines()[-1])
        self.assertEqual(info["mode"], "bootloader")
        self.vcpboot("reboot", "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 1.0.0")

    def test_reboot_into_dfu_leaves_the_serial_port(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"))
        out = self.vcpboot("reboot", "--dfu", "--port", board.link).stdout
        self.assertIn("dfu-util -d 0483:df11", out)
        board.wait_line("0483:df11")
        self.assertFalse(os.path.lexists(board.link))

    def test_reboot_into_the_system_loader_without_one_ends_in_the_bootloader(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"))
        since = len(board.lines)
        self.assertIn("system memory", self.vcpboot("reboot", "--rom", "--port", board.link).stdout)
        board.wait_line("USB device gone", since)
        at, _ = board.wait_line("USB device .* -> /dev/pts/", since)        # the bootloader that hands over
        board.wait_port(at + 1)
        info = json.loads(self.vcpboot("info", "--json", "--port", board.link).stdout.splitlines()[-1])
        self.assertEqual((info["mode"], info["reason"]), ("bootloader", 2))

    def test_verify_tells_the_same_from_another(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        self.vcpboot("update", rig.firmware("demo-1.0.0.elf"), "--port", board.link)
        self.vcpboot("verify", rig.firmware("demo-1.0.0.elf"), "--port", board.link)
        self.vcpboot("verify", rig.firmware("demo-2.0.0.elf"), "--port", board.link, expect=10)


if __name__ == "__main__":
    unittest.main()
