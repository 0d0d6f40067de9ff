#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of every fuzz target to a folder: scripts and files that reach deep. make_seeds.py FOLDER"""
import os
import re
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BASE = 0x08010000


class Ops:
    """Names of a target's operations, in the order of its table."""

    def __init__(self, *names):
        self.number = {name: i for i, name in enumerate(names)}

    def __call__(self, name, *args):
        args = [bytes([a]) if isinstance(a, int) else a for a in args]
        return bytes([self.number[name]]) + b"".join(args)


COMMON = ["raw", "key", "time", "open", "room", "fault", "cut", "image"]
NATIVE = ["frame", "request", "begin", "data_next", "data_at", "data_all"]
YMODEM = ["header", "block", "block_raw", "file", "close", "receiver"]
AN3155 = ["command", "address", "count", "part", "read", "write", "write_all", "erase", "protect"]
DFUSE = ["transfer", "standard", "broken_off", "event", "poll", "time", "status", "small", "point", "erase", "erase_all", "write",
         "write_raw", "upload", "whole", "leave", "image", "fault", "cut"]
USB = ["transfer", "standard", "broken_off", "event", "line", "out", "in", "read", "write", "drop", "configure"]
CLIENT = ["output", "request", "plan", "raw", "answer", "frame", "hello", "status", "read_answer", "time"]
HELLO, DIGEST, FINISH, ABORT, REBOOT, READ = range(6)
BLANK, SEALED, RAW, DAMAGED, FROM_INPUT, CRASHED, CUT_OFF = range(7)


def le16(v):
    return struct.pack("<H", v)


def le32(v):
    return struct.pack("<I", v)


def head(installed=BLANK, image=0, policy=0, flags=1):
    return bytes([installed | image << 3, policy, flags])


def crc32_words(data):
    """The seal's CRC (docs/SPEC.md section 2)."""
    crc = 0xFFFFFFFF
    for at in range(0, len(data), 4):
        if at in (0x24, 0x34):
            continue
        crc ^= struct.unpack_from("<I", data, at)[0]
        for _ in range(32):
            crc = (crc << 1 ^ 0x04C11DB7 if crc >> 31 else crc << 1) & 0xFFFFFFFF
    return crc


def info_block(product=b"thing", version=b"1.2"):
    entries = b""
    for kind, value in ((1, product), (2, version), (6, le32(1))):
        entries += le16(kind) + le16(len(value)) + value + bytes(-len(value) % 4)
    return b"VCPBINFO" + le16(len(entries)) + le16(1) + entries


def image(length=256, sealed=False, info=True, base=BASE):
    data = bytearray(le32(0x20020000) + le32(base + 0x41) + bytes(length - 8))
    if info:
        block = info_block()
        data[0x40:0x40 + len(block)] = block
    if sealed:
        data[0x1C:0x20] = b"VCPB"
        data[0x20:0x24] = le32(length)
        data[0x28:0x2C] = le32(1 | (0x40 // 4 if info else 0) << 12)
        data[0x34:0x38] = b"\xFF" * 4
        data[0x24:0x28] = le32(crc32_words(data))
    return bytes(data)


# --- vectors of the unit tests as raw bytes -----------------------------------------------------------------------------

def chunks(op, data):
    return b"".join(op("raw", len(data[i:i + 127]), data[i:i + 127]) for i in range(0, len(data), 127))


def vector_frames():
    frames, now = [], b""
    for line in open(os.path.join(ROOT, "tests/vectors/native.txt")):
        key, _, rest = line.partition(" ")
        if key == "frame":
            now, payload = b"", b""
        elif key == "header":
            now = bytes.fromhex(rest)
        elif key == "payload":
            payload += bytes.fromhex(rest)
        elif key == "trailer":
            frames.append(now + payload + bytes.fromhex(rest))
    return frames


def vector_bytes(text):
    """hex, hex*count, "text" """
    out = b""
    for quoted, word in re.findall(r'"([^"]*)"|(\S+)', text):
        one, _, count = word.partition("*")
        out += quoted.encode() if not word else bytes.fromhex(one) * int(count or 1)
    return out


def vector_dialogues(op):
    folder = os.path.join(ROOT, "tests/vectors")
    for name in sorted(os.listdir(folder)):
        script = b""
        if not name.startswith("ymodem"):
            continue
        for line in open(os.path.join(folder, name)):
            if line.startswith("PC:"):
                script += chunks(op, vector_bytes(line[3:]))
            elif line.startswith("WAIT:"):
                ms = int(line[5:])
                script += op("time", ms if ms < 128 else min(127 + ms // 250, 255))
        yield name, head(flags=0) + script


# --- the port -------------------------------------------------------------------------------------------------------------

def native(op):
    update = op("begin", 7) + op("data_all", 0xFF) + op("request", FINISH)
    for which in range(8):
        yield f"image-{which}", head(image=which) + update + op("request", REBOOT, le16(0)) + op("time", 200)
    for installed in range(1, 8):
        start = bytes([installed, 0]) + (image(64, True, False) if installed == FROM_INPUT else b"") + b"\1"
        ask = op("request", HELLO) + op("request", DIGEST, le16(2500)) + op("request", READ, le16(64), le16(1024))
        yield f"installed-{installed}", start + ask + update + ask
        yield f"unreadable-{installed}", start[:1] + b"\1" + start[2:] + ask + op("request", READ, le16(0), le16(4))
    yield "pieces", head() + op("begin", 7) + op("data_next", 3) * 8 + op("data_at", le16(64), le16(64)) + op("time", 255)
    yield "read-outside", head(SEALED) + b"".join(op("request", READ, le16(at), le16(n)) for at, n in
                                                 ((4000, 1024), (4096, 1), (4092, 4), (4095, 2), (65535, 1024)))
    yield "resume", head(CUT_OFF) + op("begin", 0) + op("request", FINISH)
    yield "cut", head(SEALED) + op("cut", le16(200), 3) + update + update
    yield "cut-in-commit", head() + op("cut", le16(628), 1) + update + op("request", HELLO)
    yield "fault", head(SEALED) + op("fault", 0, 5) + update + op("fault", 3, 9) + update + op("fault", 2, 30) + update
    yield "narrow", head(SEALED) + op("room", 1) + update + op("room", 3) + op("request", HELLO) + op("room", 255) + op("time", 5)
    yield "opened", head(SEALED, flags=7) + op("begin", 7) + op("data_next", 250) + op("open") + update
    yield "protected", head(SEALED, policy=0x44) + update
    yield "vectors", head() + b"".join(chunks(op, f) for f in vector_frames())
    yield "halves", head() + b"".join(chunks(op, f[:9]) + op("time", 128) for f in vector_frames())


def ymodem(op):
    for which in range(8):
        for big in (0, 1):
            whole = op("header", 2) + op("file", big) + op("close", 0)
            yield f"image-{which}-{big}", head(image=which) + op("time", 130) + whole + op("time", 130)
    yield "sizeless", head() + op("header", 0) + op("file", 1) + op("close", 0)
    yield "streaming", head() + op("time", 250) + op("time", 250) + op("header", 2) + op("file", 3) + op("close", 0)
    yield "doubles", head() + op("header", 2) + (op("block", 1) + op("block", 3)) * 3 + op("raw", 1, 4) + op("close", 0)
    yield "xmodem", head() + op("block_raw", 0, 1, 0) + op("file", 0)
    yield "cancelled", head() + op("header", 2) + op("block", 1) + op("raw", 2, b"\x18\x18") + op("time", 132)
    yield "second-file", head() + op("header", 2) + op("file", 1) + op("header", 2) + op("time", 140)
    yield "silence", head(SEALED) + op("header", 2) + op("block", 1) + op("time", 255) + op("time", 255)
    for installed in (SEALED, RAW):
        for call in (b"C", b"G"):
            yield f"receiver-{installed}-{call.decode()}", head(installed) + op("key", call) + op("receiver", 0xF0) * 2
            yield f"denied-{installed}-{call.decode()}", head(installed, policy=1) + op("key", call) + op("receiver", 0xF0)
    yield "receiver-again", head(SEALED) + op("key", b"C") + op("receiver", 0x33) + op("receiver", 0x20) + op("raw", 2, b"\x18\x18")
    yield "narrow", head(SEALED) + op("room", 4) + op("key", b"C") + op("receiver", 0xF0) + op("room", 255) + op("receiver", 0xF0)
    yield "cut", head(SEALED) + op("cut", le16(300), 2) + op("header", 2) + op("file", 1) + op("header", 2) + op("file", 1)
    yield from vector_dialogues(op)


def an3155(op):
    hello = op("command", 15) + op("command", 0) + op("command", 2)
    for which in range(8):
        for backwards in (0, 1):
            yield f"image-{which}-{backwards}", (head(SEALED, which) + hello + op("erase", 0x80) + op("write_all", backwards) +
                                                 op("command", 4) + op("address", le16(0)) + op("time", 200))
    yield "sectors", head(SEALED) + hello + op("erase", 6) + op("erase", 1) + op("erase", 6) + op("write_all", 0)
    yield "read", head(SEALED) + hello + op("read", le16(0), 255) + op("read", le16(4000), 95) + op("read", le16(4000), 96)
    for address in (0x1FFF7A10, 0x1FFFC000, 0x1FFF77DE, 0x08000000, 0x20000000, 0xFFFFFFFF):
        yield f"read-{address:08x}", head(SEALED) + hello + op("read", le16(0x8000), le32(address), 1)
    yield "denied", head(SEALED, policy=1) + hello + op("read", le16(0), 255)
    yield "read-waiting", head(BLANK) + hello + op("write", 63, le16(0)) + op("read", le16(0), 63)
    yield "go-nowhere", head() + hello + op("command", 4) + op("address", le16(0x8000), le32(BASE))
    yield "protect", head(SEALED) + hello + op("protect", 7) + op("time", 200) + hello + op("protect", 0xFF) + op("time", 200)
    yield "settings", head(SEALED) + hello + op("erase", 0x10) + op("erase", 0x7F)
    for i in range(16):
        yield f"command-{i}", head(SEALED) + hello + op("command", i) + op("part", 5, b"\1\0\4\0\5") + op("time", 160) + op("command", 0)
    yield "stranger", head(SEALED) + op("raw", 2, b"\x92\x6D") + op("raw", 2, b"\x92\x6D") + op("raw", 3, b"\x7F\x92\x6D")
    yield "fault", head(SEALED) + hello + op("fault", 0, 1) + op("erase", 0x80) + op("write_all", 0) + op("erase", 0x80)
    yield "cut", head(SEALED) + hello + op("cut", le16(100), 9) + op("erase", 0x80) + op("write_all", 0) + hello
    yield "narrow", head(SEALED) + hello + op("room", 8) + op("read", le16(0), 255) + op("room", 64) + op("time", 1)
    yield "goes-on", head() + hello + op("write", 255, le16(256)) + op("time", 150) + op("write", 255, le16(512)) + op("command", 0)


def console(op):
    for installed in (BLANK, SEALED, RAW, CRASHED):
        for key in b"1234rdx":
            yield f"menu-{installed}-{chr(key)}", head(installed) + op("key", b"\r") + op("key", key) + op("key", b"y") + op("time", 200)
    yield "protect-twice", head(SEALED) + (op("key", b"\n") + op("key", b"4") + op("key", b"y") + op("time", 140)) * 2
    yield "no", head(SEALED) + op("key", b"\r") + op("key", b"4") + op("key", b"n") + op("key", b"y")
    yield "junk", head(SEALED) + op("raw", 4, b"AT\r\n") + op("time", 127) + op("raw", 2, b"\r\n") + op("time", 127)
    yield "late", head(SEALED) + op("key", b"\r") + op("time", 255) + op("time", 255) + op("key", b"4") + op("key", b"y")
    yield "narrow", head(SEALED) + op("room", 2) + op("key", b"\r") + op("time", 9) + op("key", b"4") + op("open") + op("time", 9)
    yield "detect", head(SEALED) + op("raw", 8, b"\x01\x00\xA5\x7F\x7F\xA5\x56\x01") + op("time", 132)
    yield "fault", head(SEALED) + op("fault", 0, 0) + op("key", b"\r") + op("key", b"4") + op("key", b"y") + op("time", 140)
    yield "cut", head(SEALED) + op("cut", le16(0), 0) + op("key", b"\r") + op("key", b"4") + op("key", b"y") + op("time", 140)


def port(op):
    hello = op("command", 15) + op("command", 0) + op("command", 2)
    half = {
        "native": op("begin", 7) + op("data_next", 250),
        "ymodem": op("header", 2) + op("block", 1),
        "an3155": hello + op("erase", 0x80) + op("write", 255, le16(0)),
        "receiver": op("key", b"C") + op("receiver", 0x20),
        "person": op("key", b"\r"),
    }
    whole = {
        "native": op("begin", 7) + op("data_all", 255) + op("request", FINISH),
        "ymodem": op("header", 2) + op("file", 1) + op("close", 0),
        "an3155": hello + op("erase", 0x80) + op("write_all", 0),
        "person": op("key", b"\r") + op("key", b"2") + op("receiver", 0xF0),
    }
    for first in half:
        for then in whole:
            for t in (0, 160):
                yield f"{first}-{then}-{t}", head(SEALED) + half[first] + op("time", t) + whole[then]


# --- the rest -------------------------------------------------------------------------------------------------------------

def dfuse(op):
    def start(installed=SEALED, which=0, policy=0):
        return bytes([installed | which << 3, policy])
    for which in range(8):
        yield f"image-{which}", start(which=which) + op("whole") + op("leave") + op("time", 127) + op("status")
    yield "by-hand", (start() + op("erase_all") + op("point", le16(0)) + op("write", 0x82) + op("write", 0) + op("time", 1) +
                      op("leave") + op("status"))
    yield "sectors", start() + op("erase", le16(1024)) + op("small", 0) + op("erase", le16(0)) + op("erase", le16(1024))
    yield "outside", start() + op("point", le16(0x8000), le32(0x08000000)) + op("erase", le16(0x8000), le32(0x08004000)) + op("small", 0)
    for policy in (0, 1):
        yield f"upload-{policy}", start(policy=policy) + op("upload", 2, le16(2048)) + op("upload", 0, le16(64)) + op("upload", 3, le16(2048))
    yield "busy", start() + op("write_raw", le16(0), 1, b"\x41") + op("status") + op("write_raw", le16(2), 4, b"\0\0\0\0") + op("poll", 9)
    yield "raw-requests", (start() + op("transfer", bytes([0xA1, 3, 0, 0, 0, 0, 6, 0])) + op("transfer", bytes([0x21, 1, 0, 0, 0, 0, 1, 0]), 0x41) +
                           op("event", 0) + op("standard", 0, 9, le16(1), le16(0)) + op("broken_off", bytes([0x21, 1, 2, 0, 0, 0, 64, 0]), 0xFF))
    yield "within-a-word", start() + op("whole") + op("erase_all") + op("write_raw", le16(2), 6, bytes(6)) + op("status") * 2 + op("whole")
    for length in (2047, 2048, 2049, 4096, 65535):
        yield f"long-{length}", start() + op("erase_all") + op("transfer", bytes([0x21, 1, 2, 0, 0, 0]) + le16(length)) + op("status") * 2
    yield "fault", start() + op("fault", 0, 2) + op("whole") + op("small", 0) + op("fault", 3, 40) + op("whole")
    yield "cut", start() + op("cut", le16(80), 5) + op("whole") + op("whole")
    yield "idle", start() + op("time", 247) + op("poll", 3)


def usb(op):
    yield "enumerate", (op("standard", 0, 6, le16(0x100), le16(18)) + op("configure") + op("standard", 0, 6, le16(0x200), le16(67)) +
                        b"".join(op("standard", 0, 6, le16(0x300 + i), le16(0x409)) for i in range(6)))
    yield "setups", b"".join(op("transfer", bytes([0x80, 6, 0, i, 9, 4, 255, 0])) for i in range(1, 8))
    yield "halt", op("configure") + b"".join(op("standard", 2, r, le16(0), le16(e)) for e in (0x01, 0x81, 0x82, 0, 0x55) for r in (3, 0, 1))
    yield "lines", op("configure") + op("line", 0, b"\0\x96\0\0\0\0\x08\0") + op("line", 5) + op("line", 1) + op("line", 5)
    yield "stream", op("configure") + (op("out", 64) + op("out", 10) + op("read", 100) + op("write", 200) + op("in")) * 6
    yield "full", op("configure") + op("out", 64) * 6 + op("read", 255) + op("write", 255) * 3 + op("in") * 4 + op("drop") + op("write", 9) + op("in")
    yield "reset", op("configure") + op("out", 33) + op("write", 65) + op("event", 0) + op("event", 1) + op("event", 2) + op("configure") + op("in")
    yield "broken", op("configure") + op("broken_off", bytes([0x21, 0x20, 0, 0, 0, 0, 7, 0]), 0xC1, 3, b"\1\2\3") + op("line", 5)


def client(op):
    def hello(sectors=(4, 4), window=4096, data=1024, erase=2000, entries=b""):
        return op("hello", le16(data), le16(window), le32(erase), len(sectors), bytes(sectors), len(entries), entries)

    def status(err=0, phase=2, sector=0, of=1, nxt=0, done=0, sent=False):
        return op("status", err | of << 4 | (0x80 if sent else 0), phase, sector, le16(nxt), le16(done))
    meet = op("request", 0) + op("output", 255) + hello(entries=info_block()[12:])
    yield "hello", meet
    yield "hello-24", op("request", 0) + op("output", 255) + hello([1] * 24)
    for sectors in (1, 2, 3):
        update = meet + op("request", 5, sectors) + op("output", 255) + status(of=0)
        stream = (op("output", 63) + status(sent=True)) * 3
        yield f"update-{sectors}", update + stream + op("output", 255) + status(phase=5, of=2)
        yield f"behind-{sectors}", update + op("output", 255) + status(err=5, nxt=1024) + op("output", 255) + op("time", 255) * 3
        yield f"refused-{sectors}", update + status(err=12)
    yield "tiny-window", op("request", 0) + op("output", 255) + hello(window=0, data=0) + op("request", 5, 3) + op("output", 1) + status(of=0) + op("output", 0)
    yield "endless", op("request", 0) + hello(erase=0xFFFFFFFF) + op("request", 5, 3) + op("output", 255) + status(of=0) + op("time", 255) * 8
    digests = bytes(4) + le32(1) + le32(2) + le32(3)
    for count in (24, 25, 26, 60):
        yield f"digests-{count}", meet + op("request", 1) + op("output", 255) + op("answer", 4 + 4 * count, bytes(4 + 4 * count))
    yield "plan", meet + op("request", 1) + op("output", 255) + op("answer", len(digests), digests) + op("plan")
    yield "read", meet + op("request", 4, le16(64), le16(255)) + op("output", 255) + op("read_answer", 0)
    yield "read-refused", meet + op("request", 4, le16(64), le16(255)) + op("output", 255) + op("answer", 1, 15)
    yield "reboot", meet + op("request", 3) + op("output", 255) + op("answer", 12, bytes(12))
    yield "echo", op("request", 0) + b"".join(op("raw", len(f), f) for f in vector_frames() if len(f) < 128)
    yield "silence", op("request", 128) + op("time", 255) * 4


def sdk(op):
    for frame in vector_frames():
        if len(frame) < 64:
            yield f"packet-{frame[2]}-{len(frame)}", op("packet", 160, len(frame), frame)
    yield "hello", op("seal", 1, le32(4096)) + op("frame", 1, 7, 0) + op("frame", 1, 9, 0x20) + op("frame", 2, 9, 4, bytes(4))
    yield "touch", op("line", 7, le16(1200), le32(5)) + op("line", 4, le16(0), le32(6)) + op("line", 0, le16(0), le32(200))
    yield "no-touch", op("line", 7, le16(9600), le32(5)) + op("line", 4, le16(0), le32(6)) + op("line", 0, le16(0), le32(200))


def boot(_):
    box = bytes(16)
    for flags in (4, 5, 12, 20, 1, 0):
        yield f"flags-{flags}", bytes([flags]) + box
    for request in range(5):
        yield f"mailbox-{request}", bytes([6]) + le32(0x4D504356) + le32(request) + le32(~request & 0xFFFFFFFF) + bytes(4)
    raw = image(64, False, False)
    yield "raw", bytes([0]) + box + le16(0) + bytes([64]) + raw
    yield "raw-require-seal", bytes([16]) + box + le16(0) + bytes([64]) + raw
    for life in (0xFFFFFFFE, 0xFFFFFFF8, 0xFFFFFEF8, 0xFFFEFFFF):
        yield f"life-{life:08x}", bytes([5]) + box + le16(0x28) + bytes([4]) + le32(0x20011) + le16(0x34) + bytes([4]) + le32(life)
    info = info_block()
    yield "info", bytes([5]) + box + le16(0x100) + bytes([len(info)]) + info + le16(0x28) + bytes([4]) + le32(1 | 0x40 << 12)
    yield "short", bytes([5]) + box + le16(0x20) + bytes([4]) + le32(68)


def config(_):
    text = [t.ljust(32, b"\0") for t in (b"STMicroelectronics", b"STM32 Virtual ComPort", b"fuzz")]
    def block(policy=0, psize=2, texts=text):
        return (b"VCPC" + le16(1) + le16(192) + le32(BASE) + le32(policy) + le32(8000000) + le32(30000) + le16(0x483) + le16(0x5740) +
                bytes([0, 0]) + le16(psize) + b"".join(texts) + le16(0x483) + le16(0xDF11) + b"\xFF" * 60)
    yield "as-built", block(texts=text[:2] + [bytes(32)])
    yield "product", block()
    yield "denied", block(policy=0x1F, psize=9)
    yield "long", block(texts=[b"x" * 32] * 3)
    yield "empty", bytes(192)


def elf(_):
    for parts in (1, 2):
        data, n = image(), 256 // parts
        at = 52 + 32 * parts
        header = (b"\x7FELF\1\1\1" + bytes(9) + le16(2) + le16(40) + le32(1) + le32(BASE) + le32(52) + le32(0) + le32(0) +
                  le16(52) + le16(32) + le16(parts) + le16(40) + le16(0) + le16(0))
        phdrs = b"".join(le32(1) + le32(at + i * n) + le32(BASE + i * n) * 2 + le32(n) * 2 + le32(5) + le32(4) for i in range(parts))
        yield f"parts-{parts}", header + phdrs + data
    data = image()
    shdr = bytes(40) + le32(0) + le32(1) + le32(2) + le32(BASE) + le32(84) + le32(256) + bytes(16)
    yield "sections", (b"\x7FELF\1\1\1" + bytes(9) + le16(2) + le16(40) + le32(1) + le32(BASE) + le32(52) + le32(84 + 256) + le32(0) +
                       le16(52) + le16(32) + le16(1) + le16(40) + le16(2) + le16(0) +
                       le32(1) + le32(0) + le32(BASE - 84) * 2 + le32(84 + 256) * 2 + le32(5) + le32(4) + data + shdr)


def hex_text(records):
    lines = []
    for kind, offset, data in records:
        body = bytes([len(data)]) + struct.pack(">H", offset) + bytes([kind]) + data
        lines.append(":" + body.hex().upper() + f"{-sum(body) & 0xFF:02X}\n")
    return "".join(lines).encode()


def hex_files(_):
    data = image()
    lines = [(0, i, data[i:i + 32]) for i in range(0, 256, 32)]
    yield "linear", hex_text([(4, 0, b"\x08\x01")] + lines + [(5, 0, b"\x08\x01\0\x41"), (1, 0, b"")])
    yield "segment", hex_text([(2, 0, b"\x10\0")] + lines + [(3, 0, bytes(4)), (1, 0, b"")])
    yield "gap", hex_text([(4, 0, b"\x08\x01")] + lines[:2] + lines[4:] + [(1, 0, b"")])
    binary = b"\0" + b"".join(bytes([len(d)]) + struct.pack(">H", o) + bytes([k]) + d for k, o, d in [(4, 0, b"\x08\x01")] + lines)
    yield "records", binary
    for count in (255, 256, 257, 300):
        yield f"long-line-{count}", b":FF000000" + b"00" * count + b"01\n:00000001FF\n"
    yield "wraps", b"\0" + bytes([2, 0, 0, 2, 0, 0]) + bytes([4, 0xFF, 0xFE, 0, 1, 2, 3, 4])


def bin_files(_):
    for flags in range(4):
        yield f"raw-{flags}", bytes([flags]) + image()
        yield f"sealed-{flags}", bytes([flags]) + image(sealed=True)
    yield "odd", b"\0" + image()[:-3]
    yield "bare", b"\0" + image(68, info=False)
    yield "elsewhere", b"\0" + image(base=0x08008000)


def dfu_files(_):
    data = image()

    def container(elements, targets=1):
        body = b"".join(le32(a) + le32(len(d)) + d for a, d in elements)
        target = b"Target" + bytes(5) + bytes(255) + le32(len(body)) + le32(len(elements)) + body
        return b"DfuSe\1" + le32(11 + targets * len(target)) + bytes([targets]) + target * targets
    yield "plain", b"\3" + data
    yield "dfuse", b"\1" + container([(BASE, data)])
    yield "halves", b"\1" + container([(BASE + 128, data[128:]), (BASE, data[:128])])
    yield "option-bytes", b"\1" + container([(BASE, data), (0x1FFFC000, b"\xFF" * 16)])
    yield "targets", b"\1" + container([(BASE, data)], 2)
    yield "as-it-is", b"\0" + data + bytes(8) + b"UFD\x10" + bytes(4)


TARGETS = {
    "native": (native, Ops(*COMMON, *NATIVE)),
    "ymodem": (ymodem, Ops(*COMMON, *YMODEM)),
    "an3155": (an3155, Ops(*COMMON, *AN3155)),
    "console": (console, Ops(*COMMON)),
    "port": (port, Ops(*COMMON, *NATIVE, *YMODEM, *AN3155)),
    "usb": (usb, Ops(*USB)),
    "dfuse": (dfuse, Ops(*DFUSE)),
    "config": (config, None),
    "boot": (boot, None),
    "sdk": (sdk, Ops("packet", "frame", "seal", "line")),
    "client": (client, Ops(*CLIENT)),
    "elf": (elf, None),
    "hex": (hex_files, None),
    "bin": (bin_files, None),
    "dfufile": (dfu_files, None),
}


def main():
    if len(sys.argv) != 2:
        sys.exit("make_seeds.py FOLDER")
    for target, (seeds, op) in TARGETS.items():
        folder = os.path.join(sys.argv[1], target)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds(op):
            with open(os.path.join(folder, "seed-" + name), "wb") as f:
                f.write(data)


if __name__ == "__main__":
    main()
