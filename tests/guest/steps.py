# SPDX-License-Identifier: MIT
"""What the tests run in the guest with the port: steps.py WHAT PORT."""
import fcntl
import os
import struct
import sys
import termios
import tty

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import wire

PROBE_BAUDS = (termios.B115200, termios.B57600)
DTR = struct.pack("I", termios.TIOCM_DTR)


def probe(port):
    """As ModemManager looks for a modem: open, DTR down and up, AT, close; at two speeds. Nobody waits for an answer."""
    for baud in PROBE_BAUDS:
        fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(fd, termios.TCSANOW)
        settings = termios.tcgetattr(fd)
        settings[4] = settings[5] = baud
        termios.tcsetattr(fd, termios.TCSANOW, settings)
        for _ in range(2):
            fcntl.ioctl(fd, termios.TIOCMBIC, DTR)
            fcntl.ioctl(fd, termios.TIOCMBIS, DTR)
            os.write(fd, b"AT\r")
            termios.tcdrain(fd)
        os.close(fd)


def hello_without_dtr(port):
    """Prints "heard" if the bootloader answers a program that has lowered DTR before it said anything."""
    with wire.Client(port) as client:
        fcntl.ioctl(client.fileno(), termios.TIOCMBIC, DTR)
        print("heard" if client.is_heard() else "not heard")


def reply(port):
    """Asks the demo for replies around a packet's size; prints the bytes that came of each."""
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd, termios.TCSANOW)
    for size in (63, 64, 65):
        os.write(fd, b"bytes %d\r\n" % size)
        got = b""
        while not got.endswith(b"\r\n"):
            got += os.read(fd, 4096)
        print(len(got), end=" ")
    os.close(fd)


if __name__ == "__main__":
    {"probe": probe, "hello-without-dtr": hello_without_dtr, "reply": reply}[sys.argv[1]](sys.argv[2])
