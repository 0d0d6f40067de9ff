# SPDX-License-Identifier: MIT
"""The board at a real Linux kernel: cdc_acm binds, and in the guest the real programs use /dev/ttyACM0."""
import hashlib
import os
import re
import signal
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import guest
import kernel
import rig
import wire

PORT = "/dev/ttyACM0"
VCPBOOT = os.path.join(rig.HOST, "vcpboot")
BOOTLOADER, OLD, NEW = (rig.firmware(name) for name in ("vcpboot.elf", "demo-1.0.0.elf", "demo-2.0.0.elf"))
APP = f"0x{rig.APP_BASE:08X}"
SKIPPED = 77                            # ctest's SKIP_RETURN_CODE


class GuestTest(unittest.TestCase):
    """One guest for all tests; each plugs its own board in, and leaves an empty port behind."""
    pc = None                           # set once, before the tests run
    controller = "xhci"

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = self._folder.name

    def tearDown(self):
        self._folder.cleanup()

    def board(self, *flash, state=None, trace=False):
        """A board at the controller's port; it is taken away when the test ends."""
        options = ["--usbredir", self.pc.usb(self.controller)] + (["--trace", "flash"] if trace else [])
        board = rig.Board(self.folder, *flash, state=state, pty=False, options=options)
        self.addCleanup(self.take_away, board)
        self.pc.await_node(PORT)
        return board

    def take_away(self, board):
        if board.process.poll() is None:
            board.end()
            self.pc.await_node(PORT, present=False)

    def run_in_guest(self, *argv, expect=0):
        code, output = self.pc.run(*argv)
        self.assertEqual(code, expect, f"{argv}\n{output}")
        return output.strip()

    def step(self, what):
        return self.run_in_guest(sys.executable, os.path.join(HERE, "steps.py"), what, PORT)

    def ask(self, *words):
        return self.run_in_guest(os.path.join(rig.ROOT, "scripts", "ask"), PORT, *words)

    def update(self):
        self.run_in_guest(VCPBOOT, "update", NEW)


class OnAnyController:
    def test_cdc_acm_binds_and_the_port_carries_the_devices_identity(self):
        self.board(BOOTLOADER, OLD)
        device = f"/sys/class/tty/{os.path.basename(PORT)}/device"
        self.assertEqual(os.path.basename(self.run_in_guest("readlink", device + "/driver")), "cdc_acm")
        identity = self.run_in_guest("cat", *(f"{device}/../{name}" for name in ("idVendor", "idProduct", "serial")))
        self.assertRegex(identity, re.compile(r"\A0483\n5740\n[0-9A-F]{12}\Z"))
        controller = self.run_in_guest("readlink", device + "/../../../driver")
        self.assertEqual(os.path.basename(controller), self.controller + "_hcd")

    def test_an_update_from_1_0_0_to_2_0_0(self):
        self.board(BOOTLOADER, OLD)
        self.assertEqual(self.ask("version"), "demo 1.0.0")
        self.update()
        self.assertEqual(self.ask("version"), "demo 2.0.0")

    def test_replies_of_63_64_and_65_bytes_arrive_whole(self):
        self.board(BOOTLOADER, OLD)
        self.assertEqual(self.step("reply"), "63 64 65")


class OnXhci(OnAnyController, GuestTest):
    controller = "xhci"


class OnUhci(OnAnyController, GuestTest):
    controller = "uhci"


class Clients(GuestTest):
    """Other programs than vcpboot, each with the command line of the README."""

    def test_sb_updates_the_bootloader_and_the_application_starts(self):
        board = self.board(BOOTLOADER)
        since = len(board.lines)
        self.run_in_guest("sh", "-c", f"stty -F {PORT} raw -echo && sb -k {rig.firmware('demo-2.0.0.bin')} <{PORT} >{PORT}")
        board.wait_line("connected to", since)
        self.pc.await_node(PORT)
        self.assertEqual(self.ask("version"), "demo 2.0.0")

    def test_stm32flash_in_its_own_settings_writes_and_verifies_a_sealed_file(self):
        file = os.path.join(self.folder, "sealed.bin")
        with open(file, "wb") as out:
            out.write(wire.seal(rig.random_image(20000)))
        self.board(BOOTLOADER)
        self.assertIn("57600 8E1", self.run_in_guest("stm32flash", "-w", file, "-S", f"{APP}:20480", "-v", PORT))
        self.run_in_guest(VCPBOOT, "verify", file)

    def test_stm32flash_and_rb_read_back_what_is_there(self):
        with open(rig.firmware("demo-1.0.0.bin"), "rb") as file:
            application = file.read()
        self.board(BOOTLOADER, OLD)
        self.run_in_guest(VCPBOOT, "reboot", "--bootloader")
        self.run_in_guest("stm32flash", "-r", "/mnt/read.bin", "-S", f"{APP}:16384", PORT)
        self.run_in_guest("sh", "-c", f"cd /mnt && stty -F {PORT} raw -echo && rb <{PORT} >{PORT}")
        for file, size in (("read.bin", 16384), ("application.bin", len(application))):
            digest = self.run_in_guest("sh", "-c", f"head -c {size} /mnt/{file} | sha256sum")
            self.assertEqual(digest.split()[0], hashlib.sha256(application[:size]).hexdigest(), file)


class DfuUtil(GuestTest):
    """dfu-util against the DfuSe personality."""
    DFU = ("dfu-util", "-d", "0483:df11", "-a", "0")
    RAW = rig.firmware("demo-2.0.0.bin")

    def enter(self):
        self.run_in_guest(VCPBOOT, "reboot", "--dfu")
        self.run_in_guest("sh", "-c", "until grep -qs df11 /sys/bus/usb/devices/*/idProduct; do :; done")

    def dfu(self, *arguments, expect=0):
        return self.run_in_guest(*self.DFU, *arguments, expect=expect)

    def assert_runs(self, version):
        self.pc.await_node(PORT)
        self.assertEqual(self.ask("version"), "demo " + version)

    def test_it_is_listed_with_its_memory(self):
        self.board(BOOTLOADER)
        self.enter()
        self.assertIn('name="@Internal Flash  /0x08010000/01*064Kg,03*128Kg"', self.dfu("-l"))

    def test_a_raw_file_is_written_and_started_and_read_back(self):
        self.board(BOOTLOADER, OLD)
        self.enter()
        self.assertIn("Transitioning to dfuMANIFEST state", self.dfu("-s", "0x08010000:leave", "-D", self.RAW))
        self.assert_runs("2.0.0")
        self.enter()
        length = os.path.getsize(self.RAW)
        self.run_in_guest("rm", "-f", "/mnt/back")
        self.dfu("-s", f"0x08010000:{length}:leave", "-U", "/mnt/back")
        self.run_in_guest("cmp", "-i", "64", "/mnt/back", self.RAW)     # the head has got a seal
        self.assert_runs("2.0.0")

    def test_after_a_refused_address_and_a_mass_erase_a_file_with_a_suffix_is_written_and_started(self):
        self.board(BOOTLOADER, OLD)
        self.enter()
        self.run_in_guest("cp", self.RAW, "/mnt/suffixed.dfu")
        self.run_in_guest("dfu-suffix", "-v", "0483", "-p", "df11", "-a", "/mnt/suffixed.dfu")
        self.dfu("-s", "0x08000000", "-D", "/mnt/suffixed.dfu", expect=64)      # dfu-util looks it up in the memory string
        self.dfu("-s", "0x08010000:mass-erase:force:leave", "-D", "/mnt/suffixed.dfu")
        self.assert_runs("2.0.0")


class Manners(GuestTest):
    def test_a_modem_manager_that_probes_before_and_between_does_no_harm(self):
        self.board(BOOTLOADER, OLD)
        self.step("probe")
        self.run_in_guest(VCPBOOT, "reboot", "--bootloader")
        self.step("probe")
        self.assertIn("bootloader", self.run_in_guest(VCPBOOT, "info"))
        self.step("probe")
        self.update()
        self.assertEqual(self.ask("version"), "demo 2.0.0")

    def test_the_bootloader_answers_a_program_that_has_lowered_dtr(self):
        self.board(BOOTLOADER)
        self.run_in_guest("stty", "-F", PORT, "-hupcl")
        self.assertEqual(self.step("hello-without-dtr"), "heard")


class Unplugged(GuestTest):
    """In the middle of an update: when sector 6, the third of four, is being erased."""

    def start_update(self, board):
        update = self.pc.start(VCPBOOT, "update", NEW)
        board.wait_line("erase sector 6")
        return update

    def assert_finishes(self, update):
        code, output = update.wait()
        self.assertEqual(code, 0, output)
        self.assertEqual(self.ask("version"), "demo 2.0.0")

    def test_the_cable_pulled_and_put_in_again_and_the_update_finishes(self):
        board = self.board(BOOTLOADER, OLD, trace=True)
        update = self.start_update(board)
        board.process.send_signal(signal.SIGUSR1)
        self.pc.await_node(PORT, present=False)
        board.process.send_signal(signal.SIGUSR2)
        self.assert_finishes(update)

    def test_the_board_switched_off_and_on_again_and_the_update_finishes(self):
        state = os.path.join(self.folder, "state")
        board = self.board(BOOTLOADER, OLD, state=state, trace=True)
        update = self.start_update(board)
        self.take_away(board)
        self.board(state=state)
        self.assert_finishes(update)


def main():
    try:
        files = kernel.prepare(os.path.join(rig.ROOT, "build", "guest"))
    except kernel.Unavailable as err:
        print(f"guest.linux is skipped: no kernel for the guest: {err}")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        GuestTest.pc = guest.Guest(folder, *files)
        try:
            print("guest: Linux", GuestTest.pc.wait_boot(), flush=True)
            outcome = unittest.main(exit=False).result
            if not outcome.wasSuccessful():
                print(GuestTest.pc.log())
        finally:
            GuestTest.pc.end()
    sys.exit(not outcome.wasSuccessful())


if __name__ == "__main__":
    main()
