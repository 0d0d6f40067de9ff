# SPDX-License-Identifier: MIT
"""Real clients while the flash is as slow as the datasheet allows and programs one byte at a time, in real time: nobody gives up.

Small images, two clients at a time, since they only wait; VCPBOOT_EDGE_FULL=1: the whole demo."""
import concurrent.futures
import os
import subprocess
import tempfile
import unittest

import rig
import wire

START = f"0x{rig.APP_BASE:08x}"
FULL = bool(os.environ.get("VCPBOOT_EDGE_FULL"))
SMALL_BYTES = 90000         # the first sector and a part of the second: an erase of each length
AT_ONCE = 2


class Client:
    """A board of its own, and one program that updates it."""

    def __init__(self, folder, image):
        self.folder = folder
        self.image = image
        # something that must be erased, and that is no application
        old = os.path.join(folder, "old.bin")
        with open(old, "wb") as file:
            file.write(b"\x5a" * rig.APP_BYTES)
        self.state = os.path.join(folder, "state")
        self.board = rig.Board(folder, rig.firmware("vcpboot.elf"), old + "@" + START, state=self.state)
        self.board.wait_port()

    def run(self, *command, port=None):
        result = subprocess.run(command, stdin=port or subprocess.DEVNULL, stdout=port or subprocess.PIPE, stderr=subprocess.STDOUT
                                if port is None else subprocess.PIPE, timeout=rig.STEP_TIMEOUT_S, check=False)
        if result.returncode != 0:
            raise AssertionError(f"{command}\n{(result.stdout or b'') + (result.stderr or b'')}\n{self.board.log()}")

    def vcpboot(self):
        self.run(os.path.join(rig.HOST, "vcpboot"), "update", self.image, "--no-wait", "--port", self.board.link)

    def sb(self):
        port = os.open(self.board.link, os.O_RDWR | os.O_NOCTTY)
        try:
            self.run("sb", "-k", self.image, port=port)
        finally:
            os.close(port)

    def stm32flash(self):
        self.run("stm32flash", "-m", "8n1", "-w", self.image, "-S", START, "-v", "-g", START, self.board.link)

    def installed(self, length):
        self.board.wait_line("USB device gone")
        self.board.end()
        with open(self.state, "rb") as file:
            return file.read()[rig.APP_OFFSET:][:length]


class AtTheEdge(rig.RigTest):
    def setUp(self):
        super().setUp()
        rig.choose_edge("max", 8)
        if FULL:
            with open(rig.firmware("demo-2.0.0.bin"), "rb") as file:
                self.content = wire.seal(file.read())
        else:
            self.content = wire.seal(rig.random_image(SMALL_BYTES))
        self.image = self.write("image.bin", self.content)

    def update_by(self, name):
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            client = Client(folder, self.image)
            try:
                getattr(client, name)()
                installed = client.installed(len(self.content))
            finally:
                if client.board.process.poll() is None:
                    client.board.end()
        return installed, client.board

    def test_every_client_waits_for_the_slowest_flash_and_ends_well(self):
        names = os.environ.get("VCPBOOT_EDGE_CLIENTS", "vcpboot,sb,stm32flash").split(",")
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            runs = {name: pool.submit(self.update_by, name) for name in names}
        for name, run in runs.items():
            with self.subTest(name):
                installed, board = run.result()
                self.assertEqual(installed[rig.HEAD_BYTES:], self.content[rig.HEAD_BYTES:])
                self.assertEqual(installed[:wire.AT_LIFE], self.content[:wire.AT_LIFE])
                _, virtual_s = board.wait_line(r"after ([0-9.]+) s of virtual time")
                print(f"{name}: {len(self.content)} bytes, {board.flash_operations()}, {virtual_s[1]} s of virtual time", flush=True)


if __name__ == "__main__":
    unittest.main()
