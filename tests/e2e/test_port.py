# SPDX-License-Identifier: MIT
"""A port that is not there, is taken, or vanishes: a sentence, its exit code, and an update that goes on."""
import json
import os
import re
import signal
import subprocess
import sys
import termios
import unittest

import rig

E_NO_DEVICE, E_PERMISSION, E_BUSY, E_LOST, E_CANCELLED = 4, 6, 7, 9, 130
BOOTLOADER_WAS_ASKED_FOR = 2
DTR_FALLS = r"SETUP DATA0 8 bytes 21 22 0[02] 00"           # SET_CONTROL_LINE_STATE (CDC PSTN 1.2 §6.3.12)
HOLD = "import os, sys; fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print('open', flush=True); sys.stdin.read()"


class Run:
    """`vcpboot ... --json` as a child process whose events are followed."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([os.path.join(rig.HOST, "vcpboot"), *arguments, "--json"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        self.events = []

    def wait_event(self, wanted):
        """The first event that is wanted, from now on."""
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if wanted(self.events[-1]):
                return self.events[-1]
        raise AssertionError(f"vcpboot ended first: {self.events[-3:]}")

    def wait_share(self, percent):
        """Until so much is programmed."""
        self.wait_event(lambda e: e.get("phase") == "program" and e["done"] * 100 >= e["total"] * percent)

    def result(self):
        """(exit status, last event)."""
        for line in self.process.stdout:
            self.events.append(json.loads(line))
        self.process.stdout.close()
        return self.process.wait(rig.STEP_TIMEOUT_S), self.events[-1]

    def kill(self):
        self.process.kill()
        self.process.wait(rig.STEP_TIMEOUT_S)
        self.process.stdout.close()

    def phases(self):
        return [e.get("phase") for e in self.events]


class PortTest(rig.RigTest):
    def setUp(self):
        super().setUp()
        self.state = self.path("state")
        self._runs = []

    def tearDown(self):
        for run in self._runs:
            if run.process.poll() is None:
                run.kill()
        super().tearDown()

    def run_vcpboot(self, *arguments):
        run = Run(*arguments)
        self._runs.append(run)
        return run

    def big_image(self):
        self.image = rig.random_image(447 * 1024)
        return self.write("image.bin", self.image)

    def assert_installed(self, board):
        self.assertEqual(board.end(), 0)
        flash = self.read("state")
        self.assertEqual(flash[rig.APP_OFFSET + rig.HEAD_BYTES:rig.APP_OFFSET + len(self.image)], self.image[rig.HEAD_BYTES:])
        self.assertEqual(flash[rig.APP_OFFSET:rig.APP_OFFSET + 8], self.image[:8])


class NoPort(PortTest):
    def test_a_port_that_is_not_there_is_exit_4(self):
        path = rig.firmware("demo-1.0.0.elf")
        result = self.vcpboot("update", path, "--port", self.path("nothing"), expect=E_NO_DEVICE)
        self.assertRegex(result.stderr, "no device on .*/nothing: plug it in")

    def test_without_any_device_it_is_exit_4(self):
        # no device in the world has this id
        result = self.vcpboot("info", "--usb-id", "FFFE:FFFD", expect=E_NO_DEVICE)
        # the second sentence: a container without /sys, where nobody knows
        self.assertRegex(result.stderr, "No device .*is plugged in: check cable and power, or name the port with --port"
                                        "|does not tell which serial ports there are: name one with --port")

    def test_a_path_that_is_no_port_is_refused(self):
        result = self.vcpboot("info", "--port", self.write("file", b"text"), expect=1)
        self.assertRegex(result.stderr, "cannot be opened: .*Is it a serial port")
        self.assertEqual(self.read("file"), b"text")

    def test_a_port_that_may_not_be_opened_is_exit_6(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        port = os.path.realpath(board.link)
        os.chmod(port, 0)
        command = [os.path.join(rig.HOST, "vcpboot"), "info", "--port", port]
        if os.geteuid() == 0:       # root may open anything, unless it has given that up
            command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] + command
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=rig.STEP_TIMEOUT_S,
                                check=False)
        self.assertEqual(result.returncode, E_PERMISSION, result.stderr)
        self.assertRegex(result.stderr, "Permission denied on /dev/pts/.*usermod -aG")

    def test_a_port_in_use_is_exit_7_with_its_holder_and_is_waited_for_while_it_may_become_free(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        holder = subprocess.Popen([sys.executable, "-c", HOLD, board.link], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.readline(), b"open\n")
        try:
            result = self.vcpboot("info", "--port", board.link, expect=E_BUSY)
            self.assertRegex(result.stderr, rf"in use by .*\(process {holder.pid}\): close that program and try again")
            run = self.run_vcpboot("info", "--port", board.link)
            run.wait_event(lambda e: "in use by" in e.get("text", ""))
        finally:
            holder.communicate()
        status, last = run.result()
        self.assertEqual((status, last["mode"]), (0, "bootloader"))


class Unplugged(PortTest):
    def test_unplugged_at_half_and_plugged_in_again_the_same_run_goes_on(self):
        board = self.start(rig.firmware("vcpboot.elf"), state=self.state, timing="typ")
        run = self.run_vcpboot("update", self.big_image(), "--no-wait", "--port", board.link)
        run.wait_share(50)
        board.end()
        run.wait_event(lambda e: e.get("phase") == "lost")
        self.assertIn("Connection lost", run.events[-1]["text"])
        board = self.start(state=self.state)
        status, last = run.result()
        self.assertEqual(status, 0, last)
        self.assertEqual(last["resumes"], 1)
        # sectors 4 and 5 (192 KB) were right before the half; at most the window was in flight
        self.assertLess(last["sent_bytes"], len(self.image) + 128 * 1024 + 64 * 1024)
        self.assert_installed(board)
        _, words = board.flash_operations()
        self.assertLessEqual(words, (len(self.image) - 192 * 1024 + rig.HEAD_BYTES) // 4)

    def test_unplugged_before_the_first_byte_is_programmed_it_goes_on(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"), state=self.state)
        run = self.run_vcpboot("update", self.big_image(), "--no-wait", "--port", board.link)
        run.wait_event(lambda e: e.get("phase") in ("compare", "erase"))
        board.end()
        board = self.start(state=self.state)
        status, last = run.result()
        self.assertEqual((status, last.get("resumes")), (0, 1), last)
        self.assert_installed(board)

    def test_only_the_cable_pulled_and_put_in_again_it_goes_on(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"), state=self.state, timing="typ")
        run = self.run_vcpboot("update", self.big_image(), "--no-wait", "--port", board.link)
        run.wait_share(50)
        since = len(board.lines)
        board.process.send_signal(signal.SIGUSR1)
        board.wait_line("USB device gone", since)
        board.process.send_signal(signal.SIGUSR2)
        status, last = run.result()
        self.assertEqual((status, last.get("resumes")), (0, 1), last)
        self.assert_installed(board)

    def test_a_device_that_never_comes_back_is_exit_9(self):
        board = self.start(rig.firmware("vcpboot.elf"), state=self.state, timing="typ")
        run = self.run_vcpboot("update", self.big_image(), "--no-wait", "--port", board.link)
        run.wait_share(10)
        os.remove(board.link)                               # its link would stay behind, and lead to whoever gets its pty's
        os.symlink(self.path("nowhere"), board.link)        # number next: another test's board
        board.process.kill()
        board.wait_end()
        status, last = run.result()
        self.assertEqual((status, last["code"]), (E_LOST, E_LOST))
        self.assertRegex(last["message"], "was lost and did not come back within 15 s: check cable and power, then repeat")
        self.assertIn("lost", run.phases())


class Interrupted(PortTest):
    def test_ctrl_c_leaves_the_device_in_the_bootloader_and_the_next_update_goes_on(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"), state=self.state)
        path = self.big_image()
        run = self.run_vcpboot("update", path, "--no-wait", "--port", board.link)
        run.wait_share(50)
        run.process.send_signal(signal.SIGINT)
        status, last = run.result()
        self.assertEqual((status, last["code"]), (E_CANCELLED, E_CANCELLED))
        self.assertRegex(last["message"], "stays in the bootloader, and the next update goes on from there")
        info = json.loads(self.vcpboot("info", "--json", "--port", board.link).stdout.splitlines()[-1])
        self.assertEqual((info["mode"], info["image_bytes"]), ("bootloader", 0))
        again = json.loads(self.vcpboot("update", path, "--no-wait", "--json", "--port", board.link).stdout.splitlines()[-1])
        self.assertLessEqual(again["sent_bytes"], len(self.image) - 192 * 1024)
        self.assert_installed(board)

    def test_ctrl_c_before_anything_has_begun_changes_nothing(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        with open(board.link, "rb", buffering=0):
            run = self.run_vcpboot("update", self.big_image(), "--port", board.link)
            run.wait_event(lambda e: "in use by" in e.get("text", ""))
            run.process.send_signal(signal.SIGINT)
            status, last = run.result()
        self.assertEqual((status, last["message"]), (E_CANCELLED, "Cancelled: nothing was changed."))
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))

    def sb(self, board):
        port = os.open(board.link, os.O_RDWR | os.O_NOCTTY)
        try:
            return subprocess.Popen(["sb", rig.firmware("demo-2.0.0.bin")], stdin=port, stdout=port, stderr=subprocess.PIPE)
        finally:
            os.close(port)

    def test_after_vcpboot_was_killed_in_mid_frame_sb_has_the_port(self):
        board = self.start(rig.firmware("vcpboot.elf"), options=("--trace", "usb"))
        run = self.run_vcpboot("update", self.big_image(), "--no-wait", "--port", board.link)
        run.wait_share(30)
        since = len(board.lines)
        run.kill()
        since = board.wait_line(DTR_FALLS, since)[0]
        sb = self.sb(board)
        said = sb.communicate(timeout=rig.STEP_TIMEOUT_S)[1]
        self.assertEqual(sb.returncode, 0, said)
        board.wait_port(since)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")

    def test_after_sb_was_killed_in_mid_file_vcpboot_has_the_port(self):
        board = self.start(rig.firmware("vcpboot.elf"), options=("--trace", "usb"))
        sb = self.sb(board)
        said, sectors = b"", []
        while not sectors or int(sectors[-1]) < 100:
            more = os.read(sb.stderr.fileno(), 4096)
            self.assertTrue(more, said)
            said += more
            sectors = re.findall(rb"sent: *(\d+)/", said)
        self.assertIsNone(sb.poll())
        since = len(board.lines)
        sb.kill()
        sb.communicate()
        board.wait_line(DTR_FALLS, since)
        self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")

    def test_a_1200_baud_open_by_any_program_brings_the_application_into_the_bootloader(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"))
        since = len(board.lines)
        port = os.open(board.link, os.O_RDWR | os.O_NOCTTY)
        settings = termios.tcgetattr(port)
        settings[4] = settings[5] = termios.B1200
        termios.tcsetattr(port, termios.TCSANOW, settings)
        os.close(port)
        board.wait_port(since)
        info = json.loads(self.vcpboot("info", "--json", "--port", board.link).stdout.splitlines()[-1])
        self.assertEqual((info["mode"], info["reason"]), ("bootloader", BOOTLOADER_WAS_ASKED_FOR))


if __name__ == "__main__":
    unittest.main()
