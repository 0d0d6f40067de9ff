# SPDX-License-Identifier: MIT
"""stm32flash, unmodified, through the pty; and what is known of CubeProgrammer's way to connect, as a script."""
import json
import os
import select
import subprocess
import termios
import tty
import unittest

import rig
import wire

START = f"0x{rig.APP_BASE:08x}"
DTR_FALLS = r"SETUP DATA0 8 bytes 21 22 0[02] 00"           # SET_CONTROL_LINE_STATE (CDC PSTN 1.2 §6.3.12)
ACK, NACK, INIT = b"\x79", b"\x1f", b"\x7f"
SETTINGS = b"settings of the application"
SETTINGS_AT = 0x4000


class Stm32flash(rig.RigTest):
    """-m 8n1: a pty has no parity."""

    def command(self, board, *arguments):
        return ["stm32flash", "-m", "8n1", *arguments, board.link]

    def stm32flash(self, board, *arguments, expect=0):
        result = subprocess.run(self.command(board, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=rig.STEP_TIMEOUT_S, check=False)
        self.assertEqual(result.returncode, expect, f"{arguments}\n{result.stdout}{result.stderr}")
        return result

    def blank_device(self, **keywords):
        return self.start(rig.firmware("vcpboot.elf"), **keywords)

    def device_with(self, image, **keywords):
        return self.start(rig.firmware("vcpboot.elf"), self.write("installed.bin", image) + f"@{START}", **keywords)

    def damaged(self, size=20000):
        """An image that does not start, so that the bootloader stays."""
        return wire.seal(rig.random_image(size))[:-4] + bytes(4)

    def sealed_demo(self):
        path = self.path("demo-sealed.bin")
        self.vcpboot("seal", rig.firmware("demo-2.0.0.bin"), path)
        return path

    def info(self, board):
        return json.loads(self.vcpboot("info", "--json", "--port", board.link).stdout.splitlines()[-1])

    def sealed(self, size=20000):
        """A small image that starts and is never heard of again: its path."""
        return self.write("sealed.bin", wire.seal(rig.random_image(size)))

    def assert_demo_comes(self, board, since):
        board.wait_port(since)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")

    def assert_started(self, board, since, image):
        """The device has left the bus, and what is in its flash is the sealed image."""
        board.wait_line("USB device gone", since)
        board.end()
        self.assertEqual(self.read("state")[rig.APP_OFFSET:][:len(image)], image)

    def test_it_is_an_stm32f407_with_the_protocol_of_its_own_loader(self):
        said = self.stm32flash(self.blank_device()).stdout
        self.assertRegex(said, r"Version *: 0x31")
        self.assertRegex(said, r"Device ID *: 0x0413")

    def test_a_raw_image_that_is_written_verified_and_started_runs(self):
        board = self.blank_device()
        since = len(board.lines)
        self.stm32flash(board, "-w", rig.firmware("demo-2.0.0.bin"), "-S", START, "-v", "-g", START)
        self.assert_demo_comes(board, since)

    def test_a_sealed_image_replaces_an_application_and_runs(self):
        board = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"), state=self.path("state"))
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        since = len(board.lines)
        self.stm32flash(board, "-w", self.sealed(), "-S", START, "-v", "-g", START)
        self.assert_started(board, since, self.read("sealed.bin"))

    def test_a_sealed_image_needs_no_go(self):
        board = self.blank_device()
        self.stm32flash(board, "-w", self.sealed_demo(), "-S", START)
        self.assertNotEqual(self.info(board)["image_bytes"], 0)
        since = len(board.lines)
        self.vcpboot("reboot", "--port", board.link)
        self.assert_demo_comes(board, since)

    def test_a_raw_image_without_go_is_no_application(self):
        board = self.blank_device(state=self.path("state"))
        image = rig.random_image(20000)
        self.stm32flash(board, "-w", self.write("raw.bin", image), "-S", START, "-v")
        info = self.info(board)
        self.assertEqual((info["mode"], info["image_bytes"]), ("bootloader", 0))
        board.end()
        head = self.read("state")[rig.APP_OFFSET:][:rig.HEAD_BYTES]
        self.assertEqual(head, b"\xff" * rig.HEAD_BYTES)

    def test_go_to_the_start_of_the_flash_starts_the_application(self):
        board = self.blank_device(state=self.path("state"))
        since = len(board.lines)
        self.stm32flash(board, "-w", self.sealed(), "-S", START, "-g", "0")
        self.assert_started(board, since, self.read("sealed.bin"))

    def test_what_is_read_is_what_is_in_the_flash(self):
        image = self.damaged(20001)
        board = self.device_with(image)
        self.stm32flash(board, "-r", self.path("out.bin"), "-S", f"{START}:{len(image)}")
        self.assertEqual(self.read("out.bin"), image)

    def test_an_erase_takes_the_application_and_leaves_the_settings(self):
        state = self.path("state")
        board = self.start(rig.firmware("vcpboot.elf"), self.write("settings", SETTINGS) + f"@{rig.FLASH_BASE + SETTINGS_AT:#x}",
                           self.write("installed.bin", self.damaged()) + f"@{START}", state=state)
        self.stm32flash(board, "-o")
        board.end()
        flash = self.read("state")
        self.assertEqual(flash[SETTINGS_AT:][:len(SETTINGS)], SETTINGS)
        self.assertEqual(flash[rig.APP_OFFSET:], b"\xff" * rig.APP_BYTES)

    def test_a_file_for_the_whole_chip_is_refused_before_anything_is_erased(self):
        state = self.path("state")
        board = self.start(rig.firmware("vcpboot.elf"), self.write("settings", SETTINGS) + f"@{rig.FLASH_BASE + SETTINGS_AT:#x}",
                           self.write("installed.bin", self.damaged()) + f"@{START}", state=state)
        board.end()
        before = self.read("state")
        for size in (100000, rig.FLASH_BYTES):
            board = self.start(state=state)
            whole = self.write("whole.bin", rig.random_image(size, base=rig.FLASH_BASE))
            self.assertIn("Failed to erase memory", self.stm32flash(board, "-w", whole, expect=1).stderr)
            whole = self.stm32flash(board, "-w", whole, "-e", "0", expect=1)
            self.assertIn("Failed to write memory at address 0x08000000", whole.stderr)
            self.stm32flash(board)
            board.end()
            self.assertEqual(self.read("state"), before)

    def test_an_image_linked_elsewhere_is_not_started(self):
        board = self.blank_device()
        wrong = self.write("wrong.bin", rig.random_image(20000, base=0x08000000))
        self.assertIn("Starting execution at address 0x08010000... failed",
                      self.stm32flash(board, "-w", wrong, "-S", START, "-g", START).stdout)
        self.assertEqual(self.info(board)["image_bytes"], 0)

    def interrupt(self, board):
        """stm32flash, killed in the middle of the demo."""
        run = subprocess.Popen(self.command(board, "-w", rig.firmware("demo-2.0.0.bin"), "-S", START, "-v"),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = b""
        while b"address 0x0801f" not in said:
            more = os.read(run.stdout.fileno(), 4096)
            self.assertTrue(more, said)
            said += more
        since = len(board.lines)
        run.kill()
        run.communicate()
        board.wait_line(DTR_FALLS, since)

    def test_after_it_was_killed_nothing_is_bootable_and_vcpboot_has_the_port_at_once(self):
        board = self.blank_device(options=("--trace", "usb"))
        self.interrupt(board)
        info = self.info(board)
        self.assertEqual((info["mode"], info["image_bytes"]), ("bootloader", 0))
        self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")

    def test_after_it_was_killed_it_has_the_port_at_once_again(self):
        board = self.blank_device(options=("--trace", "usb"), state=self.path("state"))
        self.interrupt(board)
        since = len(board.lines)
        self.stm32flash(board, "-w", self.sealed(), "-S", START, "-g", START)
        self.assert_started(board, since, self.read("sealed.bin"))

    def test_where_the_policy_forbids_to_read_it_says_so_and_can_still_write(self):
        board = self.start(self.write("boot.bin", wire.configured(policy=wire.POLICY_NO_READ)), state=self.path("state"))
        result = self.stm32flash(board, "-r", self.path("out.bin"), "-S", f"{START}:1024", expect=1)
        self.assertIn("Failed to read memory at address 0x08010000", result.stderr)
        since = len(board.lines)
        self.stm32flash(board, "-w", self.sealed(), "-S", START, "-g", START)
        self.assert_started(board, since, self.read("sealed.bin"))

    def test_readout_protection_is_refused(self):
        self.stm32flash(self.blank_device(), "-j", expect=1)

    def test_write_unprotect_restarts_the_bootloader(self):
        board = self.device_with(self.damaged())
        since = len(board.lines)
        self.stm32flash(board, "-u")
        board.wait_port(since)
        self.assertEqual(self.info(board)["mode"], "bootloader")

    def test_readout_unprotect_erases_the_application_alone(self):
        state = self.path("state")
        board = self.device_with(self.damaged(), state=state)
        since = len(board.lines)
        self.stm32flash(board, "-k")
        board.wait_port(since)
        board.end()
        self.assertEqual(self.read("state")[rig.APP_OFFSET:], b"\xff" * rig.APP_BYTES)


class Script:
    """A port to which bytes are sent, and from which as many as expected are read."""

    def __init__(self, link):
        self.fd = os.open(link, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd, termios.TCSANOW)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def ask(self, sent, count):
        os.write(self.fd, sent)
        heard = b""
        while len(heard) < count and select.select([self.fd], [], [], rig.STEP_TIMEOUT_S)[0]:
            heard += os.read(self.fd, count - len(heard))
        return heard

    def command(self, code, count=1):
        return self.ask(bytes((code, code ^ 0xFF)), count)

    def address(self, address):
        sent = address.to_bytes(4, "big")
        return self.ask(sent + bytes((sent[0] ^ sent[1] ^ sent[2] ^ sent[3],)), 1)


class CubeProgrammer(rig.RigTest):
    def read(self, port, address, count):
        answers = port.command(0x11) + port.address(address)
        self.assertEqual(answers, ACK + ACK)
        return port.ask(bytes((count - 1, (count - 1) ^ 0xFF)), 1 + count)[1:]

    def test_it_may_say_0x7f_twice_ask_for_the_id_first_and_look_at_the_option_bytes(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        with Script(board.link) as port:
            self.assertEqual(port.ask(INIT, 1), ACK)
            self.assertEqual(port.ask(INIT, 1), NACK)
            self.assertEqual(port.command(0x02, 5), ACK + b"\x01\x04\x13" + ACK)
            self.assertEqual(port.command(0x00, 15), ACK + bytes.fromhex("0b 31 00 01 02 11 21 31 44 63 73 82 92") + ACK)
            self.assertEqual(port.command(0x01, 5), ACK + b"\x31\0\0" + ACK)
            options = self.read(port, 0x1FFFC000, 16)
            self.assertEqual(options[1], 0xAA)                          # read-out protection: level 0
            self.assertEqual(self.read(port, 0x1FFF7A22, 2), b"\x00\x02")           # 512 KB
            self.assertNotEqual(self.read(port, 0x1FFF7A10, 12), b"\xff" * 12)
            self.assertEqual(len(self.read(port, 0x1FFF77DE, 1)), 1)
            self.assertEqual(port.command(0x11) + port.address(0x08000000), ACK + NACK)
        self.vcpboot("info", "--port", board.link)


if __name__ == "__main__":
    unittest.main()
