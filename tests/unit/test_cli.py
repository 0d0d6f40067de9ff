# SPDX-License-Identifier: MIT
"""The command as a person and as a script see it: exit codes, sentences, JSON. Needs no hardware and no ARM ELF."""
import json
import os
import pty
import random
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import tty
import unittest

VCPBOOT = os.environ["VCPBOOT"]
FAKE_DEVICE = os.environ["FAKE_DEVICE"]
HANG_S = 120        # of wall time, for a hang only
BASE = 0x08010000
COMMANDS = ("update", "list", "info", "verify", "seal", "read", "reboot")


def image(size=0x18000, base=BASE, seed=1):
    body = bytearray(random.Random(seed).randbytes(size))
    body[0:64] = bytes(64)
    struct.pack_into("<II", body, 0, 0x20020000, base + 0x101)
    return bytes(body)


class Cli(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = self._folder.name
        self.device = None

    def tearDown(self):
        if self.device:
            self.end_device()
        self._folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def start_device(self):
        self.device = subprocess.Popen([FAKE_DEVICE, self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(self.device.stdout.readline(), "ready\n")
        return self.path("ttyACM0")

    def end_device(self):
        self.device.stdin.close()
        self.assertEqual(self.device.wait(HANG_S), 0)
        self.device.stdout.close()
        self.device = None

    def run_vcpboot(self, *arguments, expect=0, environment=None):
        result = subprocess.run([VCPBOOT, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANG_S,
                                check=False, env={**os.environ, **(environment or {})})
        self.assertEqual(result.returncode, expect, f"{arguments}\n{result.stdout}{result.stderr}")
        return result

    # --- usage

    def test_every_command_has_a_help_with_the_exit_codes(self):
        for arguments in ((), *((command,) for command in COMMANDS)):
            text = self.run_vcpboot(*arguments, "--help").stdout
            self.assertIn("Exit codes:", text)
            self.assertIn("130", text)
        self.assertRegex(self.run_vcpboot("--version").stdout, r"^vcpboot \d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_2_and_says_so_on_stderr(self):
        for arguments in ((), ("frobnicate",), ("update",), ("update", "a", "b"), ("list", "--force"), ("info", "--nonsense"),
                          ("seal", "a", "b", "--base", "x"), ("info", "--usb-id", "1234"),
                          ("reboot", "--dfu", "--rom"), ("info", "--dfu")):
            self.run_vcpboot(*arguments, expect=2)
        self.assertIn("frobnicate", self.run_vcpboot("frobnicate", expect=2).stderr)

    # --- files

    def test_a_file_that_is_no_image_is_3_before_any_port_is_opened(self):
        for name, content in (("empty.bin", b""), ("text.bin", b"hello, world\n" * 100), ("cut.elf", b"\x7fELF\x01\x01"),
                              ("cut.hex", b":020000040801F1\n")):
            result = self.run_vcpboot("update", self.write(name, content), "--port", "/nonexistent", expect=3)
            self.assertEqual(len(result.stderr.splitlines()), 1)
        self.run_vcpboot("update", self.path("missing.bin"), expect=3)

    def test_seal_writes_length_and_magic_and_is_idempotent(self):
        raw = image(1001)
        self.run_vcpboot("seal", self.write("raw.bin", raw), self.path("sealed.bin"))
        with open(self.path("sealed.bin"), "rb") as file:
            sealed = file.read()
        self.assertEqual(len(sealed), 1004)
        self.assertEqual(sealed[0x1C:0x20], b"VCPB")
        self.assertEqual(struct.unpack_from("<I", sealed, 0x20)[0], 1004)
        self.assertEqual(sealed[0x34:0x38], b"\xff\xff\xff\xff")
        self.assertEqual(sealed[0x40:1001], raw[0x40:])
        self.run_vcpboot("seal", self.path("sealed.bin"), self.path("again.bin"))
        with open(self.path("again.bin"), "rb") as file:
            self.assertEqual(file.read(), sealed)

    def test_seal_for_another_base(self):
        path = self.write("raw.bin", image(1000, base=0x08008000))
        self.assertIn("0x08010000", self.run_vcpboot("seal", path, self.path("out"), expect=3).stderr)
        self.assertFalse(os.path.exists(self.path("out")))
        self.run_vcpboot("seal", path, self.path("out"), "--base", "0x08008000")

    # --- ports

    def test_a_port_that_is_not_there_is_4(self):
        self.assertIn("/nonexistent", self.run_vcpboot("info", "--port", "/nonexistent", expect=4).stderr)
        self.run_vcpboot("info", expect=4, environment={"VCPBOOT_PORT": "/nonexistent"})

    def test_a_port_in_use_is_7_and_names_the_holder(self):
        master, slave = pty.openpty()
        try:
            result = self.run_vcpboot("info", "--port", os.ttyname(slave), expect=7)
            self.assertIn(f"process {os.getpid()}", result.stderr)
        finally:
            os.close(slave)
            os.close(master)

    def test_a_silent_port_is_9(self):
        master, slave = pty.openpty()
        tty.setraw(slave, termios.TCSANOW)
        name = os.ttyname(slave)
        os.close(slave)
        try:
            result = self.run_vcpboot("info", "--json", "--port", name, expect=9)
            last = json.loads(result.stdout.splitlines()[-1])
            self.assertEqual((last["event"], last["ok"], last["code"]), ("result", False, 9))
        finally:
            os.close(master)

    # --- a device

    def test_update_in_a_pipe_prints_plain_lines_and_ends_with_what_is_installed(self):
        port = self.start_device()
        path = self.write("image.bin", image())
        result = self.run_vcpboot("update", path, "--port", port)
        self.assertNotIn("\r", result.stdout)
        self.assertNotIn("\x1b", result.stdout)
        self.assertIn("100 %", result.stdout)
        self.assertEqual(result.stderr, "")
        self.assertIn("up to date", self.run_vcpboot("update", path, "--port", port).stdout)
        self.end_device()
        with open(self.path("flash"), "rb") as file:
            self.assertEqual(file.read()[64:0x18000], image()[64:])

    def test_json_is_one_object_on_a_line_and_the_last_is_the_result(self):
        port = self.start_device()
        result = self.run_vcpboot("update", self.write("image.bin", image()), "--json", "--port", port)
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertIn("program", {event.get("phase") for event in events})
        self.assertEqual(events[-1]["event"], "result")
        self.assertTrue(events[-1]["ok"])
        self.assertEqual(events[-1]["sent_bytes"], 0x18000 - 64)
        info = json.loads(self.run_vcpboot("info", "--json", "--port", port).stdout.splitlines()[-1])
        self.assertEqual(info["mode"], "application")
        self.run_vcpboot("reboot", "--bootloader", "--port", port)
        info = json.loads(self.run_vcpboot("info", "--json", "--port", port).stdout.splitlines()[-1])
        self.assertEqual(info["mode"], "bootloader")
        self.assertEqual(info["app_base"], BASE)

    def test_read_gives_back_what_seal_makes(self):
        port = self.start_device()
        path = self.write("image.bin", image())
        self.run_vcpboot("seal", path, self.path("sealed.bin"))
        self.run_vcpboot("update", path, "--port", port)
        self.run_vcpboot("read", self.path("back.bin"), "--port", port)
        with open(self.path("sealed.bin"), "rb") as sealed, open(self.path("back.bin"), "rb") as back:
            self.assertEqual(sealed.read(), back.read())
        self.run_vcpboot("verify", path, "--port", port)
        self.run_vcpboot("verify", self.write("other.bin", image(seed=2)), "--port", port, expect=10)

    def test_an_image_linked_elsewhere_is_3_and_nothing_is_written(self):
        port = self.start_device()
        result = self.run_vcpboot("update", self.write("wrong.bin", image(base=0x08000000)), "--port", port, expect=3)
        self.assertIn("0x08000101", result.stderr)
        self.assertIn("0x08010000", result.stderr)
        self.end_device()
        with open(self.path("flash"), "rb") as file:
            self.assertEqual(set(file.read()), {0xFF})

    def test_ctrl_c_is_130_and_the_next_update_goes_on(self):
        port = self.start_device()
        path = self.write("image.bin", image())
        first = subprocess.Popen([VCPBOOT, "update", path, "--json", "--port", port], stdout=subprocess.PIPE, text=True)
        lines = []
        for line in first.stdout:
            lines.append(json.loads(line))
            if lines[-1].get("phase") == "program":
                first.send_signal(signal.SIGINT)
                break
        lines += [json.loads(line) for line in first.stdout]
        first.stdout.close()
        if first.wait(HANG_S) != 0:             # a fast machine may be through before the signal comes
            self.assertEqual(first.returncode, 130)
            self.assertIn("stays in the bootloader", lines[-1]["message"])
        self.run_vcpboot("update", path, "--port", port)
        self.end_device()
        with open(self.path("flash"), "rb") as file:
            self.assertEqual(file.read()[64:0x18000], image()[64:])


if __name__ == "__main__":
    sys.exit(unittest.main())
