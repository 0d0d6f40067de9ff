# SPDX-License-Identifier: MIT
"""A person in a terminal, and programs that must not meet the console; on the real ARM ELF, through the pty."""
import os
import select
import subprocess
import termios
import tty
import unittest

import rig
import wire

E_REFUSED = 8
PROMPT = "\r\n> "
REPEATS, REPEAT_S = 12, 5
NEW_CHIP = 0x00FFAAEC               # FLASH_OPTCR without its lock bit (RM0090 §3.9.10)
APPLICATION_PROTECTED = 0x000FAAEC  # nWRP of sectors 4 to 7 cleared, nothing else


class Person:
    """A terminal in raw mode: keys out, text in."""

    def __init__(self, port):
        self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd, termios.TCSANOW)
        termios.tcflush(self._fd, termios.TCIOFLUSH)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def press(self, keys):
        os.write(self._fd, keys.encode())

    def read_to(self, end):
        """All that comes, up to `end`."""
        text = ""
        while not text.endswith(end):
            if not select.select([self._fd], [], [], rig.STEP_TIMEOUT_S)[0]:
                raise AssertionError(f"{end!r} did not come: {text!r}")
            text += os.read(self._fd, 1).decode()
        return text

    def ask(self, key):
        self.press(key)
        return self.read_to(PROMPT)

    def open_menu(self):
        """Enter, once more when nothing comes: a key right behind an opening may fall to the opening."""
        for _ in range(REPEATS):
            self.press("\r")
            if select.select([self._fd], [], [], REPEAT_S)[0]:
                return self.read_to(PROMPT)
        raise AssertionError("no menu")

    def read_until_it_leaves(self):
        """All that comes until the device leaves the bus."""
        text = b""
        try:
            while True:
                if not select.select([self._fd], [], [], rig.STEP_TIMEOUT_S)[0]:
                    raise AssertionError(f"the device did not leave: {text!r}")
                more = os.read(self._fd, 4096)
                if not more:
                    return text
                text += more
        except OSError:
            return text


class Console(rig.RigTest):
    def bootloader(self, *flash, **keywords):
        """A board that has been brought into the bootloader."""
        board = self.start(rig.firmware("vcpboot.elf"), *flash, **keywords)
        since = len(board.lines)
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        board.wait_port(since)
        return board

    def options(self):
        name = self.path("state.options")
        if not os.path.exists(name):
            return NEW_CHIP
        with open(name, encoding="ascii") as file:
            return int(file.read(), 16)

    def toggle_protection(self, board):
        since = len(board.lines)
        with Person(board.link) as person:
            person.open_menu()
            self.assertIn("y changes it", person.ask("4"))
            person.press("y")
            person.read_until_it_leaves()
        board.wait_port(since)

    def test_enter_shows_chip_application_and_choices_and_3_starts_the_application(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link)
        since = len(board.lines)
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        board.wait_port(since)
        since = len(board.lines)
        with Person(board.link) as person:
            menu = person.open_menu()
            self.assertRegex(menu, r"vcpboot \d+\.\d+\.\d+: requested\r\n")
            self.assertIn("chip 0x100F0413, 512 KB, id 2A0031000551333438333839\r\n", menu)
            self.assertRegex(menu, r"\r\n vcpboot demo 2\.0\.0, \d+ bytes\r\n")
            for choice in (" 1 download", " 2 upload", " 3 execute", " 4 write protection: off", " r reboot", " d DFU"):
                self.assertIn(choice + "\r\n", menu)
            person.press("3")
            person.read_until_it_leaves()
        board.wait_port(since)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")

    def test_3_on_a_blank_chip_says_why_not_and_1_takes_a_file_by_sb_on_the_same_port(self):
        board = self.start(rig.firmware("vcpboot.elf"))
        with Person(board.link) as person:
            self.assertIn(": no application\r\n", person.open_menu())
            self.assertIn("no application", person.ask("3"))
            self.assertIn("YMODEM", person.ask("1"))
            person.read_to("C")
            since = len(board.lines)
            port = os.open(board.link, os.O_RDWR | os.O_NOCTTY)
            try:
                result = subprocess.run(["sb", rig.firmware("demo-2.0.0.bin")], stdin=port, stdout=port,
                                        stderr=subprocess.PIPE, text=True, timeout=rig.STEP_TIMEOUT_S, check=False)
            finally:
                os.close(port)
            self.assertEqual(result.returncode, 0, result.stderr)
        board.wait_port(since)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")

    def test_a_protected_application_refuses_an_update_until_the_protection_is_taken_away(self):
        state = self.path("state")
        board = self.start(rig.firmware("vcpboot.elf"), state=state)
        self.vcpboot("update", rig.firmware("demo-1.0.0.elf"), "--port", board.link)
        since = len(board.lines)
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        board.wait_port(since)
        self.toggle_protection(board)
        board.end()
        self.assertEqual(self.options(), APPLICATION_PROTECTED)

        board = self.bootloader(state=state)
        result = self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link, expect=E_REFUSED)
        self.assertIn("write-protected", result.stderr)
        self.assertIn("Enter, 4, y", result.stderr)
        with Person(board.link) as person:
            self.assertIn(" 4 write protection: on\r\n", person.open_menu())
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))

        board = self.bootloader(state=state)
        self.toggle_protection(board)
        self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")
        board.end()
        self.assertEqual(self.options(), NEW_CHIP)

    def test_a_modem_managers_probe_is_not_answered_and_the_next_program_is(self):
        image = self.write("boot.bin", wire.configured(idle_ms=2000))
        board = self.bootloader(image, rig.firmware("demo-1.0.0.elf"))
        since = len(board.lines)
        with Person(board.link) as person:
            person.press("AT\r")
            self.assertEqual(person.read_until_it_leaves(), b"")
        board.wait_port(since)
        board.end()
        board = self.start(rig.firmware("vcpboot.elf"))
        with Person(board.link) as person:
            person.press("AT\r")
        self.vcpboot("info", "--port", board.link)


if __name__ == "__main__":
    unittest.main()
