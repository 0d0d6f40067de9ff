# SPDX-License-Identifier: MIT
"""USART1 as a port of the bootloader: a real terminal, the rate of a 0x7F, native frames, and what else may come."""
import os
import struct
import subprocess
import termios
import tty
import unittest

import rig
import wire

SYNC = b"\x7f"
BAUDS = (1200, 9600, 57600, 115200)
LINE = "8e1"


class Line(wire.Client):
    """A native client on a serial line; what the device has received is only known by its answers."""

    def set_baud(self, baud):
        speed = getattr(termios, f"B{baud}")
        settings = termios.tcgetattr(self._fd)
        settings[4] = settings[5] = speed
        termios.tcsetattr(self._fd, termios.TCSADRAIN, settings)

    def synchronise(self, baud):
        self.set_baud(baud)
        self.send(SYNC)

    def gets_through(self, baud):
        """As a person would: again, while junk is still on its way."""
        for _ in range(wire.REPEATS):
            self.synchronise(baud)
            seq = self.send_request(wire.HELLO)
            got = self.receive(wire.REPEAT_S)
            if got and got[:2] == (wire.HELLO | wire.ANSWER, seq):
                return True
        return False


class Usart(rig.RigTest):
    def begin(self, policy=wire.POLICY_USART1, **keywords):
        self.uart = self.path("ttyUSB0")
        boot = self.write("boot.bin", wire.configured(policy=policy))
        board = self.board(boot, options=("--uart1", f"{self.uart},{LINE}"), **keywords)
        board.wait_port()
        return board

    def test_a_0x7f_of_any_rate_opens_the_port_and_the_next_one_opens_it_at_another(self):
        self.begin()
        with Line(self.uart) as line:
            for baud in BAUDS + BAUDS[::-1]:
                line.synchronise(baud)
                self.assertEqual(line.reason(), wire.STAY_EMPTY)

    def test_hello_tells_of_each_port_what_may_be_in_flight_there(self):
        board = self.begin()
        with Line(self.uart) as line, wire.Client(board.link) as vcp:
            self.assertTrue(vcp.is_heard())
            line.synchronise(115200)
            windows = [struct.unpack_from("<I", client.hello(), 28)[0] for client in (line, vcp, line, vcp)]
        self.assertEqual(windows, [1024, 61440] * 2)

    def test_without_the_policy_bit_nobody_answers(self):
        board = self.begin(policy=0)
        with Line(self.uart) as line, wire.Client(board.link) as vcp:
            line.synchronise(57600)
            line.send_request(wire.HELLO)
            self.assertTrue(vcp.is_heard())
            self.assertIsNone(line.receive(1))
            self.assertEqual(line.between, b"")

    def test_wrong_first_bytes_do_not_lock_it_up(self):
        self.begin()
        with Line(self.uart) as line:
            for baud in (115200, 9600, 300):        # at 300 baud a zero is low for longer than a frame at 1200
                line.set_baud(baud)
                for junk in (b"\x00", b"\x55", b"\xff", b"AT\r", b"\x0f"):
                    line.send(junk)
                self.assertIsNone(line.receive(0.2))
                self.assertEqual(line.between, b"")
            line.send(bytes(range(256)))            # with a 0x7F and the beginnings of frames among them
            self.assertTrue(line.gets_through(57600))

    def test_a_whole_update_by_native_frames(self):
        board = self.begin(state=self.path("state"))
        image = wire.seal(rig.random_image(20000))
        with Line(self.uart) as line:
            line.synchronise(115200)
            window = struct.unpack_from("<I", line.hello(), 28)[0]
            self.assertEqual(line.begin(image, sectors=1).err, wire.OK)
            for at in range(64, len(image), window):
                line.data(at, image[at:at + window])
                while at + window < len(image) and line.report().next < at + window:
                    pass
            self.assertEqual(line.status(wire.FINISH).phase, wire.PHASE_DONE)
        board.end()
        flash = self.read("state")[rig.APP_OFFSET:][:len(image)]
        self.assertEqual(flash, image)

    def stm32flash(self, baud, *arguments):
        """-m 8n1: the C library refuses parity on a pty; the line has it all the same (--uart1)."""
        result = subprocess.run(["stm32flash", "-b", str(baud), "-m", "8n1", *arguments, self.uart], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=rig.STEP_TIMEOUT_S, check=False)
        self.assertEqual(result.returncode, 0, f"{baud} {arguments}\n{result.stdout}{result.stderr}")
        return result.stdout

    def test_stm32flash_writes_verifies_and_reads_back_at_a_rate_of_its_own(self):
        self.begin()
        image = wire.seal(rig.random_image(12000))[:-4] + bytes(4)      # damaged: the bootloader stays
        file = self.write("image.bin", image)
        self.stm32flash(57600, "-w", file, "-S", f"0x{rig.APP_BASE:08x}:{len(image)}", "-v")
        for baud in (115200, 9600, 1200):
            self.assertIn("0x0413", self.stm32flash(baud))
        self.stm32flash(115200, "-r", self.path("back.bin"), "-S", f"0x{rig.APP_BASE + 64:08x}:4096")
        self.assertEqual(self.read("back.bin"), image[64:64 + 4096])

    def test_opening_the_vcp_takes_the_bootloader_over(self):
        board = self.begin()
        image = wire.seal(rig.random_image(20000))
        with Line(self.uart) as line:
            line.synchronise(115200)
            self.assertEqual(line.begin(image, sectors=1).err, wire.OK)
            self.vcpboot("update", self.write("image.bin", image), "--no-wait", "--port", board.link)


if __name__ == "__main__":
    unittest.main()
