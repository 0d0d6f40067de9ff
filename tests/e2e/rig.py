# SPDX-License-Identifier: MIT
"""The rig of the end-to-end tests: a virtual board as a process, and the real programs that talk to it."""
import importlib.machinery
import importlib.util
import os
import random
import re
import struct
import subprocess
import tempfile
import threading
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOST = os.environ.get("VCPBOOT_HOST_BUILD", os.path.join(ROOT, "build", "host"))
FIRMWARE = os.environ.get("VCPBOOT_FIRMWARE_BUILD", os.path.join(ROOT, "build", "firmware"))

FLASH_BASE = 0x08000000
FLASH_BYTES = 512 * 1024
APP_BASE = 0x08010000
APP_OFFSET = APP_BASE - FLASH_BASE
APP_BYTES = 448 * 1024
HEAD_BYTES = 64
LIFE_OFFSET = 0x34

# The edge at which the boards run; scripts/edges sets it. Unset: as each test asks for it, and as the firmware is built.
TIMING = os.environ.get("VCPBOOT_TEST_TIMING")              # typ or max
PSIZE = int(os.environ.get("VCPBOOT_TEST_PSIZE", 0))        # 8, 16 or 32 bits
PACE = os.environ.get("VCPBOOT_TEST_PACE")                  # vcpboard --pace
CONFIG_MAGIC = b"VCPC\x01\x00\xc0\x00"                      # and format and length: docs/SPEC.md section 4
CONFIG_PSIZE = 0x1E

STEP_TIMEOUT_S = 600 if TIMING or PSIZE else 60     # of wall time, for a hang only: nothing is measured by it


def _load_ask():
    loader = importlib.machinery.SourceFileLoader("ask", os.path.join(ROOT, "scripts", "ask"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ask", loader))
    loader.exec_module(module)
    return module.ask


ask = _load_ask()


def firmware(name):
    return os.path.join(FIRMWARE, name)


def random_image(size, seed=1, base=APP_BASE, product=None):
    """Valid vectors, the reserved words zero, random content."""
    rng = random.Random(seed)
    body = bytearray(rng.randbytes(size))
    body[0:64] = bytes(64)
    struct.pack_into("<II", body, 0, 0x20020000, base + 0x201)
    for vector in (2, 3, 4, 5, 6, 11, 12, 14, 15):
        struct.pack_into("<I", body, 4 * vector, base + 0x201)
    # `b .`: an application that stays where it is and never enumerates
    struct.pack_into("<H", body, 0x200, 0xE7FE)
    return bytes(body)


def choose_edge(timing, psize):
    """Instead of the environment, in real time."""
    global TIMING, PSIZE, PACE, STEP_TIMEOUT_S
    TIMING, PSIZE, PACE, STEP_TIMEOUT_S = timing, psize, None, 600


def at_edge(image, folder):
    """The path of the same image with the edge's PSIZE in its config block; the image itself if it has none, or there is no edge.
    `image` may end in @ADDRESS."""
    path, _, address = image.partition("@")
    if not PSIZE:
        return image
    with open(path, "rb") as file:
        content = bytearray(file.read())
    at = content.find(CONFIG_MAGIC)
    if at < 0:
        return image
    if content.count(CONFIG_MAGIC) != 1:
        raise AssertionError(f"{path} has several config blocks")
    struct.pack_into("<H", content, at + CONFIG_PSIZE, (8, 16, 32).index(PSIZE))
    name, kind = os.path.splitext(os.path.basename(path))
    copy = os.path.join(folder, f"{name}-x{PSIZE}{kind}")
    with open(copy, "wb") as file:
        file.write(content)
    return copy + ("@" + address if address else "")


class Board:
    """vcpboard as a child process. Its stderr is kept; `wait_line` waits for what it says."""

    def __init__(self, folder, *flash, options=(), state=None, timing="fast", pty=True):
        self.link = os.path.join(folder, "ttyACM0")
        command = [os.path.join(HOST, "vcpboard"), "--timing", TIMING or timing]
        if PACE:
            command += ["--pace", PACE]
        for image in flash:
            command += ["--flash", at_edge(image, folder)]
        if state:
            command += ["--state", state]
        if pty:
            command += ["--pty", self.link]
        command += list(options)
        self.lines = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self.lines.append(None)
            self._news.notify_all()

    def wait_line(self, pattern, since=0):
        """The first line from index `since` on that matches; its index and match. Fails if the board ends before."""
        wanted = re.compile(pattern)
        at = since
        with self._news:
            while True:
                while at < len(self.lines):
                    if self.lines[at] is None:
                        raise AssertionError(f"the board ended without saying {pattern!r}:\n{self.log()}")
                    match = wanted.search(self.lines[at])
                    if match:
                        return at, match
                    at += 1
                if not self._news.wait(STEP_TIMEOUT_S):
                    raise AssertionError(f"the board did not say {pattern!r}:\n{self.log()}")

    def log(self):
        return "\n".join(line for line in self.lines if line is not None)

    def wait_port(self, since=0):
        """Waits until the COM port is there."""
        return self.wait_line(r"USB device .* -> /dev/pts/", since)[0]

    def end(self):
        """Ends the board as a person would (SIGTERM); returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(STEP_TIMEOUT_S)
        self._reader.join(STEP_TIMEOUT_S)
        self.process.stderr.close()
        return status

    def wait_end(self):
        status = self.process.wait(STEP_TIMEOUT_S)
        self._reader.join(STEP_TIMEOUT_S)
        self.process.stderr.close()
        return status

    def flash_operations(self):
        """(erases, words) of a board that has ended; a word in pieces counts as one."""
        for line in reversed(self.lines):
            match = line and re.search(r"flash: (\d+) erases, (\d+) words", line)
            if match:
                return int(match[1]), -(-int(match[2]) * (PSIZE or 32) // 32)
        raise AssertionError(f"no flash totals:\n{self.log()}")


class RigTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = self._folder.name
        self._boards = []

    def tearDown(self):
        for board in self._boards:
            if board.process.poll() is None:
                board.end()
        self._folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def board(self, *flash, **keywords):
        board = Board(self.folder, *flash, **keywords)
        self._boards.append(board)
        return board

    def start(self, *flash, **keywords):
        """A board whose COM port is there."""
        board = self.board(*flash, **keywords)
        board.wait_port()
        return board

    def vcpboot(self, *arguments, expect=0, **keywords):
        result = subprocess.run([os.path.join(HOST, "vcpboot"), *arguments], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=STEP_TIMEOUT_S, check=False, **keywords)
        self.assertEqual(result.returncode, expect, f"{arguments}\n{result.stdout}{result.stderr}")
        return result
