# SPDX-License-Identifier: MIT
"""Runs in the guest: takes commands as lines of JSON from a serial port, answers each by one when it has ended."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tty

NETLINK_KOBJECT_UEVENT = 15
UEVENT_BYTES = 8192
TIMED_OUT = 124                         # as timeout(1) has it


def run(argv, timeout_s):
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/mnt",
                          start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return TIMED_OUT, output
    return process.returncode, output


def wait(path, present, timeout_s):
    """Until a device node is there, or gone: the kernel tells of each by a uevent, after the node has changed."""
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT) as news:
        news.bind((0, 1))
        while os.path.exists(path) != present:
            left = deadline - time.monotonic()
            if left <= 0:
                return TIMED_OUT, b""
            news.settimeout(left)
            try:
                news.recv(UEVENT_BYTES)
            except TimeoutError:
                pass
            except OSError:             # more events than the socket holds: look again
                pass
    return 0, b""


class Agent:
    def __init__(self, port):
        self.port = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.port)
        self.lock = threading.Lock()

    def say(self, message):
        line = json.dumps(message).encode() + b"\n"
        with self.lock:
            while line:
                line = line[os.write(self.port, line):]

    def serve(self, request):
        try:
            if "wait" in request:
                code, output = wait(request["wait"], request["present"], request["timeout"])
            else:
                code, output = run(request["argv"], request["timeout"])
        except OSError as err:
            code, output = 127, str(err).encode()
        self.say({"id": request["id"], "code": code, "output": output.decode(errors="replace")})

    def loop(self):
        self.say({"id": 0, "code": 0, "output": os.uname().release})
        with os.fdopen(os.dup(self.port), "rb", buffering=0) as lines:
            rest = b""
            while more := lines.read(4096):
                *whole, rest = (rest + more).split(b"\n")
                for line in whole:
                    threading.Thread(target=self.serve, args=(json.loads(line),), daemon=True).start()


if __name__ == "__main__":
    Agent(sys.argv[1]).loop()
