# SPDX-License-Identifier: MIT
"""Bugs put into the bootloader on purpose (bugs/*.patch): the power-cut sweep must find each of them, and nothing without one."""
import os
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
HOST = os.environ.get("VCPBOOT_HOST_BUILD", os.path.join(ROOT, "build", "host"))
FIRMWARE = os.environ.get("VCPBOOT_FIRMWARE_BUILD", os.path.join(ROOT, "build", "firmware"))
SOURCES = ("boot", "hal", "image", "proto", "update", "usb", "sdk", "cmake", "scripts", "CMakeLists.txt", "CMakePresets.json")
POINTS = "400"


def run(*command, **keywords):
    return subprocess.run(command, capture_output=True, text=True, check=False, **keywords)


class SeededBug(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = self._folder.name

    def tearDown(self):
        self._folder.cleanup()

    def build(self, name):
        """The bootloader with that bug; its ELF."""
        for source in SOURCES:
            path = os.path.join(ROOT, source)
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(self.folder, source))
            else:
                shutil.copy(path, self.folder)
        for patch in ("room", name):        # room: shorter words in the menu, since the bootloader fills its sector
            with open(os.path.join(HERE, "bugs", patch + ".patch"), encoding="utf-8") as file:
                applied = run("patch", "-p1", "--fuzz=0", cwd=self.folder, stdin=file)
            self.assertEqual(applied.returncode, 0, f"{patch}.patch does not fit the source any more:\n{applied.stdout}")
        configured = run("cmake", "--preset", "firmware", cwd=self.folder)
        self.assertEqual(configured.returncode, 0, configured.stdout + configured.stderr)
        built = run("cmake", "--build", "--preset", "firmware", "--target", "vcpboot", cwd=self.folder)
        self.assertEqual(built.returncode, 0, built.stdout + built.stderr)
        return os.path.join(self.folder, "build", "firmware", "vcpboot.elf")

    def check(self, name, why):
        elf = self.build(name)
        swept = run(os.path.join(HOST, "cut_sweep"), "--points", POINTS, "--stop-at-bad", "--firmware", FIRMWARE, "--vcpboot", elf)
        self.assertEqual(swept.returncode, 1, f"the sweep found nothing:\n{swept.stdout}{swept.stderr}")
        self.assertRegex(swept.stdout + swept.stderr, why)
        print(f"{name}: {(swept.stdout + swept.stderr).strip().splitlines()[-1].strip()}")

    def test_the_seal_is_written_first(self):
        self.check("seal-first", "bad: operation ")

    def test_the_vectors_are_written_before_the_last_block(self):
        self.check("vectors-before-the-last-block", "bad: operation ")

    def test_what_was_programmed_is_not_read_back(self):
        self.check("no-read-back", "bad: .*a cell that does not take its word")

    def test_another_sector_is_erased_when_an_update_goes_on(self):
        self.check("erase-of-the-wrong-sector", "bad: operation ")

    def test_what_is_skipped_is_decided_by_digests_of_another_update(self):
        self.check("skip-decided-on-a-stale-cache", "bad: a sector that is right would be sent again")


if __name__ == "__main__":
    unittest.main()
