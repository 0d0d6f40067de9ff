# SPDX-License-Identifier: MIT
"""docs/SPEC.md once more, in Python: seal, info block, config block, frames, and a client that checks nothing.

Written from that page and not from the C code, so that a test can do what a well-behaved PC program never would."""
import binascii
import os
import select
import struct
import termios
import time
import tty

import rig

HELLO, DIGEST, BEGIN, DATA, FINISH, ABORT, REBOOT, READ = range(1, 9)
ANSWER = 0x80
(OK, E_UNKNOWN, E_LENGTH, E_STATE, E_RANGE, E_SEQUENCE, E_IMAGE_SIZE, E_IMAGE_VECTORS, E_IMAGE_SEAL, E_IMAGE_CRC,
 E_IMAGE_PRODUCT) = range(11)
E_DENIED = 15
STAY_REQUESTED, STAY_EMPTY, STAY_UNSEALED, STAY_CRASH_LOOP = 2, 4, 7, 9
PHASE_PROGRAMMING, PHASE_DONE = 2, 5
FLAG_CONFIRMS = 1
POLICY_REQUIRE_SEAL, POLICY_NO_READ, POLICY_USART1 = 1, 2, 0x10

AT_MAGIC, AT_LENGTH, AT_CRC, AT_FORMAT, AT_LIFE = 0x1C, 0x20, 0x24, 0x28, 0x34
CONFIG_AT, CONFIG_POLICY, CONFIG_IDLE_MS, CONFIG_PRODUCT = 0x40, 0x0C, 0x14, 0x60
DATA_MAX = 1024
HEADER_BYTES, TRAILER_BYTES = 8, 4
ANSWER_TIMEOUT_S = 20      # of wall time, for a hang only
REPEAT_S = 1               # a request whose answer does not come is repeated
REPEATS = 10


def _table():
    table = []
    for byte in range(256):
        crc = byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        table.append(crc & 0xFFFFFFFF)
    return table


_CRC32 = _table()


def crc32(data, crc=0xFFFFFFFF):
    """CRC-32/MPEG-2, bytewise: section 5.1."""
    for byte in data:
        crc = (crc << 8 & 0xFFFFFFFF) ^ _CRC32[crc >> 24 ^ byte]
    return crc


def crc32_words(data):
    """The CRC unit's: the same over little-endian words, the most significant byte of each first. Section 2."""
    return crc32(struct.pack(f">{len(data) // 4}I", *struct.unpack(f"<{len(data) // 4}I", data)))


# --- images ---------------------------------------------------------------------------------------------------------------

def put(image, offset, word):
    """The image with another word at the offset."""
    return image[:offset] + struct.pack("<I", word & 0xFFFFFFFF) + image[offset + 4:]


def info_block(product="", version="", flags=0):
    entries = b""
    for kind, value in ((1, product.encode()), (2, version.encode()), (6, struct.pack("<I", flags))):
        if value:
            entries += struct.pack("<HH", kind, len(value)) + value + bytes(-len(value) % 4)
    return b"VCPBINFO" + struct.pack("<HH", len(entries), 1) + entries


def with_info(image, offset=0x400, **what):
    block = info_block(**what)
    return image[:offset] + block + image[offset + len(block):]


def seal(image, flags=0, info=0):
    """A sealed image, as `vcpboot seal` makes it, but of anything."""
    image += b"\xff" * (-len(image) % 4)
    image = image[:AT_MAGIC] + b"VCPB" + image[AT_LENGTH:]
    image = put(image, AT_LENGTH, len(image))
    image = put(image, AT_FORMAT, 1 | flags << 4 | info // 4 << 12)
    image = put(image, AT_LIFE, 0xFFFFFFFF)
    counted = image[:AT_CRC] + image[AT_CRC + 4:AT_LIFE] + image[AT_LIFE + 4:]
    return put(image, AT_CRC, crc32_words(counted))


def configured(policy=None, idle_ms=None, product=None):
    """The bootloader's .bin with other values in its config block, as a maker patches it."""
    with open(rig.firmware("vcpboot.bin"), "rb") as file:
        image = bytearray(file.read())
    if image[CONFIG_AT:CONFIG_AT + 4] != b"VCPC":
        raise AssertionError("vcpboot.bin has no config block at 0x40")
    if policy is not None:
        struct.pack_into("<I", image, CONFIG_AT + CONFIG_POLICY, policy)
    if idle_ms is not None:
        struct.pack_into("<I", image, CONFIG_AT + CONFIG_IDLE_MS, idle_ms)
    if product is not None:
        struct.pack_into("32s", image, CONFIG_AT + CONFIG_PRODUCT, product.encode())
    return bytes(image)


# --- frames ---------------------------------------------------------------------------------------------------------------

def frame(kind, seq, payload=b""):
    header = struct.pack("<BBBBH", 0xA5, 0x56, kind, seq, len(payload))
    header += struct.pack("<H", binascii.crc_hqx(header, 0))
    return header + payload + struct.pack("<I", crc32(header[2:] + payload))


class Status:
    """Section 5.5."""

    def __init__(self, payload):
        self.err, self.phase, self.sector, _, self.next, self.done = struct.unpack("<BBBBII", payload)


class Client:
    """Speaks the native protocol to a port, and says whatever it is told to."""

    def __init__(self, port):
        self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd, termios.TCSANOW)
        termios.tcflush(self._fd, termios.TCIOFLUSH)
        self._in = b""
        self._seq = 0
        self.between = b""          # what came that was part of no frame

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def fileno(self):
        return self._fd

    def close(self):
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def send(self, data):
        while data:
            data = data[os.write(self._fd, data):]

    def _cut_frame(self):
        """The first whole frame of what came: (type, seq, payload), or None."""
        start = self._in.find(b"\xa5\x56")
        if start < 0:
            return None
        self.between += self._in[:start]
        self._in = self._in[start:]
        if len(self._in) < HEADER_BYTES:
            return None
        size = HEADER_BYTES + struct.unpack_from("<H", self._in, 4)[0] + TRAILER_BYTES
        if len(self._in) < size:
            return None
        raw, self._in = self._in[:size], self._in[size:]
        payload = raw[HEADER_BYTES:-TRAILER_BYTES]
        if raw != frame(raw[2], raw[3], payload):
            raise AssertionError(f"the device sent a damaged frame: {raw.hex()}")
        return raw[2], raw[3], payload

    def receive(self, timeout_s=ANSWER_TIMEOUT_S):
        """The next frame, None if none came in time."""
        until = time.monotonic() + timeout_s
        while True:
            got = self._cut_frame()
            if got:
                return got
            if not select.select([self._fd], [], [], max(0.0, until - time.monotonic()))[0]:
                return None
            self._in += os.read(self._fd, 4096)

    def send_request(self, kind, payload=b""):
        self._seq = self._seq + 1 & 0xFF
        self.send(frame(kind, self._seq, payload))
        return self._seq

    def answer_to(self, kind, seq):
        """The answer to a request; reports and what else comes before it are passed over."""
        while True:
            got = self.receive()
            if got is None:
                raise AssertionError(f"no answer to request {kind:#04x}")
            if got[:2] == (kind | ANSWER, seq):
                return got[2]

    def ask(self, kind, payload=b""):
        return self.answer_to(kind, self.send_request(kind, payload))

    def status(self, kind, payload=b""):
        return Status(self.ask(kind, payload))

    def hello(self):
        return self.ask(HELLO)

    def is_heard(self):
        """HELLO until it is answered: what stands before the first one may have swallowed it."""
        for _ in range(REPEATS):
            seq = self.send_request(HELLO)
            got = self.receive(REPEAT_S)
            if got and got[:2] == (HELLO | ANSWER, seq):
                return True
        return False

    def reason(self):
        return self.hello()[3]

    def error(self, kind, payload=b""):
        """The error code that a request gets."""
        return self.ask(kind, payload)[0]

    def begin(self, image, sectors=0xF):
        return self.status(BEGIN, image[:64] + struct.pack("<I", sectors))

    def data(self, offset, content):
        """One DATA frame; answers come as reports."""
        return self.send_request(DATA, struct.pack("<I", offset) + content)

    def report(self):
        """The next report on DATA."""
        while True:
            got = self.receive()
            if got is None:
                raise AssertionError("the device does not report")
            if got[0] == DATA | ANSWER:
                return Status(got[2])

    def complaint(self):
        """The next report that has an error."""
        while True:
            report = self.report()
            if report.err != OK:
                return report

    def send_body(self, image, start=64, end=None, between=b""):
        """Everything behind the head in DATA frames, each followed by `between`; reports are taken as they come."""
        end = len(image) if end is None else end
        for at in range(start, end, DATA_MAX):
            self.data(at, image[at:min(at + DATA_MAX, end)])
            self.send(between)
            while self.receive(0):
                pass
