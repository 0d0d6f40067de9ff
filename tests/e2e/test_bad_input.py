# SPDX-License-Identifier: MIT
"""Bad files, clients that check nothing, and bytes that mean nothing: each refused with its reason, nothing changed."""
import os
import random
import struct
import unittest

import rig
import wire

E_IMAGE, E_REFUSED = 3, 8
SMALL = 20000


def hex_file(image, base=rig.APP_BASE):
    """Intel HEX, 16 bytes a record."""
    def record(kind, offset, data):
        raw = struct.pack(">BHB", len(data), offset, kind) + data
        return ":" + (raw + bytes([-sum(raw) & 0xFF])).hex().upper() + "\n"

    text = ""
    for at in range(0, len(image), 16):
        if at == 0 or (base + at) & 0xFFFF == 0:
            text += record(4, 0, struct.pack(">H", base + at >> 16))
        text += record(0, base + at & 0xFFFF, image[at:at + 16])
    return (text + record(1, 0, b"")).encode()


def elf_file(image, base=rig.APP_BASE, machine=40):
    """An ELF with one loadable segment."""
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    header = struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, base + 0x201, 52, 0, 0x05000000, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, 0x1000, base, base, len(image), len(image), 5, 0x1000)
    return (ident + header + segment).ljust(0x1000, b"\0") + image


class OnThePc(rig.RigTest):
    """`vcpboot update` against a board that has an application: refused, and the application starts as before."""

    def setUp(self):
        super().setUp()
        self.device = self.start(rig.firmware("vcpboot.elf"), rig.firmware("demo-1.0.0.elf"))

    def into_bootloader(self):
        """So that not every refusal costs a way there and back."""
        self.vcpboot("reboot", "--bootloader", "--port", self.device.link)

    def refuse(self, *cases):
        """Cases: (name, content, what the sentence must say)."""
        self.into_bootloader()
        for name, content, says in cases:
            with self.subTest(name):
                self.refuse_path(self.write(name, content), says)
        self.assert_untouched()

    def refuse_path(self, path, says):
        result = self.vcpboot("update", path, "--port", self.device.link, expect=E_IMAGE)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        self.assertRegex(result.stderr, says)

    def assert_untouched(self):
        self.vcpboot("reboot", "--port", self.device.link)
        self.assert_runs_on()

    def assert_runs_on(self):
        self.assertEqual(rig.ask(self.device.link, "version"), "demo 1.0.0")
        self.assertEqual(self.device.end(), 0)
        self.assertEqual(self.device.flash_operations(), (0, 0))

    def test_what_is_no_firmware_file_is_refused(self):
        self.refuse(("empty.bin", b"", "is empty: build it afresh"),
                    ("empty.elf", b"", "is empty: build it afresh"),
                    ("short.bin", rig.random_image(SMALL)[:67], "only 67 bytes.*Build it afresh"),
                    ("text.bin", b"hello, world\n" * 100, "does not begin with a vector table.*Take the application's file"),
                    ("text.elf", b"hello, world\n" * 100, "neither ELF nor Intel HEX.*Copy or build it afresh"))

    def test_a_path_that_is_no_file_is_refused(self):
        self.refuse_path(self.path("missing.bin"), "cannot be opened: No such file.*Check the path")
        self.refuse_path(self.folder, "cannot be read: Is a directory.*Check the path")
        self.refuse_path("/dev/null", "is empty")
        self.assert_untouched()

    def test_an_image_too_big_for_the_device_is_refused(self):
        image = rig.random_image(rig.APP_BYTES + 4)
        says = "458756 bytes.*room for 458752: make the application smaller"
        self.refuse(("big.bin", image, says), ("big.hex", hex_file(image), says), ("big.elf", elf_file(image), says),
                    ("huge.bin", bytes(image) * 8, "more than any flash of this series"))

    def test_an_image_linked_elsewhere_is_refused(self):
        self.into_bootloader()
        for base in (0x08000000, 0x08004000, 0x08100000):
            image = rig.random_image(SMALL, base=base)
            for name, content in (("a.bin", image), ("a.hex", hex_file(image, base)), ("a.elf", elf_file(image, base))):
                with self.subTest(name, base=hex(base)):
                    self.refuse_path(self.write(name, content), "is linked.*begins at 0x08010000.*FLASH origin")
        self.assert_untouched()

    def test_a_running_application_runs_again_after_a_refusal(self):
        image = rig.random_image(SMALL, base=rig.FLASH_BASE)
        since = len(self.device.lines)
        self.refuse_path(self.write("elsewhere.bin", image), "linked elsewhere")
        into_bootloader = self.device.wait_port(since)
        self.device.wait_port(into_bootloader + 1)
        self.assert_runs_on()

    def test_a_broken_vector_table_is_refused(self):
        good = rig.random_image(SMALL)
        stack, reset = "initial stack pointer", "reset vector"
        self.refuse(("no-sp.bin", wire.put(good, 0, 0), stack), ("blank-sp.bin", wire.put(good, 0, 0xFFFFFFFF), stack),
                    ("odd-sp.bin", wire.put(good, 0, 0x20001004), stack),
                    ("high-sp.bin", wire.put(good, 0, 0x20020008), stack),
                    ("even.bin", wire.put(good, 4, rig.APP_BASE + 0x200), "even reset vector.*build it afresh"),
                    ("ram.bin", wire.put(good, 4, 0x20000101), "impossible reset vector.*Build it afresh"),
                    ("head.bin", wire.put(good, 4, rig.APP_BASE + 0x21), reset),
                    ("behind.bin", wire.put(good, 4, rig.APP_BASE + SMALL + 1), "points outside.*truncated, or linked elsewhere"))

    def test_a_wrong_seal_is_refused(self):
        good = wire.seal(rig.random_image(SMALL))
        flipped = good[:9000] + bytes([good[9000] ^ 1]) + good[9001:]
        malformed = "length or format cannot be.*build it afresh"
        self.refuse(("crc.bin", wire.put(good, wire.AT_CRC, 0), "checksum of its seal: it is damaged"),
                    ("bit.bin", flipped, "checksum of its seal: it is damaged"),
                    ("bit.elf", elf_file(flipped), "checksum of its seal: it is damaged"),
                    ("cut.bin", good[:-4], "sealed for 20000 bytes but has 19996: it was cut off"),
                    ("padded.bin", good + bytes(4), "sealed for 20000 bytes but has 20004: it was cut off or padded"),
                    ("life.bin", wire.put(good, wire.AT_LIFE, 0xFFFFFFFE), "used life word.*original file"),
                    ("length.bin", wire.put(good, wire.AT_LENGTH, 0x80000000), malformed),
                    ("odd.bin", wire.put(good, wire.AT_LENGTH, SMALL - 2), malformed),
                    ("format.bin", wire.put(good, wire.AT_FORMAT, 2), malformed),
                    ("foreign.bin", wire.put(rig.random_image(SMALL), wire.AT_CRC, 0x12345678), "reserved words.*turn that off"))

    def test_a_truncated_or_foreign_elf_is_refused(self):
        with open(rig.firmware("demo-2.0.0.elf"), "rb") as file:
            good = file.read()
        says = "truncated or damaged: copy or build it afresh"
        self.refuse(("magic.elf", good[:4], says), ("header.elf", good[:51], says), ("segments.elf", good[:60], says),
                    ("half.elf", good[:len(good) // 2], says), ("last.elf", good[:-1], says),
                    ("x86.elf", elf_file(rig.random_image(SMALL), machine=3), "not for a 32-bit little-endian ARM"))

    def test_a_truncated_or_corrupt_hex_is_refused(self):
        good = hex_file(rig.random_image(SMALL))
        lines = good.splitlines(keepends=True)
        swap = b"1" if lines[100][20:21] != b"1" else b"2"
        corrupt = b"".join(lines[:100]) + lines[100][:20] + swap + lines[100][21:] + b"".join(lines[101:])
        self.refuse(("end.hex", b"".join(lines[:-1]), "no end record: it is truncated, copy or build it afresh"),
                    ("line.hex", good[:30000], "Line .*: the file is damaged, copy or build it afresh"),
                    ("digit.hex", corrupt, "Line 101 .*wrong checksum: the file is damaged"),
                    ("letter.hex", good.replace(b":10", b":1G", 1), "Line 2 .*no hex digit"),
                    ("behind.hex", good + lines[5], "comes after the end record"),
                    ("only.hex", lines[-1], "holds no data: build it afresh"))

    def test_another_products_firmware_is_refused(self):
        other = self.write("other.bin", wire.with_info(rig.random_image(SMALL), product="other thing", version="9"))
        says = 'for the product "other thing".*holds "vcpboot demo": take the right file, or insist with --force'
        self.refuse_path(other, says)
        self.assert_runs_on()
        self.vcpboot("seal", rig.firmware("demo-1.0.0.elf"), self.path("demo.bin"))
        self.device = self.start(rig.firmware("vcpboot.elf"), self.path("demo.bin") + "@0x08010000")
        self.into_bootloader()
        self.refuse_path(other, says)
        self.vcpboot("reboot", "--port", self.device.link)
        self.assertEqual(rig.ask(self.device.link, "version"), "demo 1.0.0")
        self.device.end()
        self.assertEqual(self.device.flash_operations()[0], 0)      # a word may be: the demo confirms itself


class OnTheDevice(rig.RigTest):
    """A client that skips every check meets a bootloader that does not."""

    def setUp(self):
        super().setUp()
        self.good = wire.seal(rig.random_image(SMALL))
        self.state = self.path("state")

    def board_in_bootloader(self, *more):
        """A board that keeps its state, with something in the settings, and waits in the bootloader."""
        settings = random.Random(7).randbytes(48 * 1024)
        board = self.start(rig.firmware("vcpboot.elf"), self.write("settings.bin", settings) + "@0x08004000", *more,
                           state=self.state)
        if more:
            self.vcpboot("reboot", "--bootloader", "--port", board.link)
        board.end()
        self.before = self.read("state")
        return self.start(state=self.state) if not more else self.back_in_bootloader()

    def back_in_bootloader(self):
        board = self.start(state=self.state)
        self.vcpboot("reboot", "--bootloader", "--port", board.link)
        return board

    def assert_only_the_application_changed(self, board):
        self.assertEqual(board.end(), 0)
        self.assertEqual(self.read("state")[:rig.APP_OFFSET], self.before[:rig.APP_OFFSET])

    def assert_stays(self, reason):
        """After a restart the bootloader is there, and says why."""
        board = self.start(state=self.state)
        with wire.Client(board.link) as client:
            self.assertEqual(client.reason(), reason)
        board.end()

    def test_a_bad_head_is_refused_by_begin_and_the_application_runs_on(self):
        heads = (
            (wire.E_IMAGE_SEAL, rig.random_image(SMALL)),
            (wire.E_IMAGE_SEAL, bytes(64)),
            (wire.E_IMAGE_SEAL, b"\xff" * 64),
            (wire.E_IMAGE_SEAL, wire.put(self.good, wire.AT_FORMAT, 2)),
            (wire.E_IMAGE_SEAL, wire.put(self.good, wire.AT_FORMAT, 0xFFFFF001)),
            (wire.E_IMAGE_SEAL, wire.put(self.good, wire.AT_LENGTH, SMALL + 2)),
            (wire.E_IMAGE_SEAL, wire.put(self.good, wire.AT_LIFE, 0xFFFFFFFE)),
            (wire.E_IMAGE_SEAL, wire.put(self.good, wire.AT_LIFE, 0)),
            (wire.E_IMAGE_SEAL, wire.put(self.good, wire.AT_LENGTH, 0)),
            (wire.E_IMAGE_SIZE, wire.put(self.good, wire.AT_LENGTH, 64)),
            (wire.E_IMAGE_SIZE, wire.put(self.good, wire.AT_LENGTH, rig.APP_BYTES + 4)),
            (wire.E_IMAGE_SIZE, wire.put(self.good, wire.AT_LENGTH, 0xFFFFFFFC)),
            (wire.E_IMAGE_VECTORS, wire.put(self.good, 0, 0)),
            (wire.E_IMAGE_VECTORS, wire.put(self.good, 0, 0x20020008)),
            (wire.E_IMAGE_VECTORS, wire.put(self.good, 0, 0x20001004)),
            (wire.E_IMAGE_VECTORS, wire.put(self.good, 4, rig.APP_BASE + 0x200)),
            (wire.E_IMAGE_VECTORS, wire.put(self.good, 4, rig.FLASH_BASE + 0x201)),
            (wire.E_IMAGE_VECTORS, wire.put(self.good, 4, rig.APP_BASE + 0x3D)),
            (wire.E_IMAGE_VECTORS, wire.put(self.good, 4, rig.APP_BASE + SMALL + 1)),
        )
        board = self.board_in_bootloader(rig.firmware("demo-1.0.0.elf"))
        with wire.Client(board.link) as client:
            for number, (code, image) in enumerate(heads):
                with self.subTest(number=number):
                    self.assertEqual(client.begin(image).err, code)
            # an update that leaves the old head standing
            self.assertEqual(client.begin(self.good, sectors=0xE).err, wire.E_STATE)
            self.assertEqual(client.error(wire.FINISH), wire.E_STATE)
            since = len(board.lines)
            self.assertEqual(client.error(wire.REBOOT, b"\0"), wire.OK)
        board.wait_port(since)
        self.assertEqual(rig.ask(board.link, "version"), "demo 1.0.0")
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))
        self.assertEqual(self.read("state"), self.before)

    def test_requests_with_impossible_payloads_get_their_error(self):
        board = self.board_in_bootloader()
        lengths = {wire.HELLO: 0, wire.DIGEST: 4, wire.BEGIN: 68, wire.FINISH: 0, wire.ABORT: 0, wire.REBOOT: 1, wire.READ: 8}
        with wire.Client(board.link) as client:
            for kind, right in lengths.items():
                for wrong in {0, 1, right + 1, 1028} - {right}:
                    self.assertEqual(client.error(kind, bytes(wrong)), wire.E_LENGTH, (kind, wrong))
            for kind in (0x00, 0x09, 0x7F):
                self.assertEqual(client.error(kind), wire.E_UNKNOWN)
            for offset, count in ((0, 0), (0, 1025), (rig.APP_BYTES - 3, 4), (rig.APP_BYTES, 1), (0xFFFFFFFF, 1),
                                  (0xFFFFFC00, 1024), (0, 0xFFFFFFFF), (4, 0xFFFFFFFC)):
                self.assertEqual(client.error(wire.READ, struct.pack("<II", offset, count)), wire.E_RANGE, (offset, count))
            for length in (0, 64, 66, rig.APP_BYTES + 4, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF):
                self.assertEqual(client.error(wire.DIGEST, struct.pack("<I", length)), wire.E_RANGE, length)
            self.assertEqual(client.error(wire.REBOOT, b"\x04"), wire.E_RANGE)
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))
        self.assertEqual(self.read("state"), self.before)

    def test_data_without_an_update_is_refused_once(self):
        board = self.board_in_bootloader()
        with wire.Client(board.link) as client:
            client.hello()
            for offset in (64, 0, 0xFFFFFFFC):
                client.data(offset, bytes(1024))
            self.assertEqual(client.report().err, wire.E_STATE)
            self.assertEqual(client.error(wire.FINISH), wire.E_STATE)
            seq = client.send_request(wire.HELLO)
            self.assertEqual(client.receive()[:2], (wire.HELLO | wire.ANSWER, seq))
        board.end()
        self.assertEqual(board.flash_operations(), (0, 0))

    def test_data_at_a_wrong_offset_change_nothing_and_the_update_still_succeeds(self):
        board = self.board_in_bootloader()
        with wire.Client(board.link) as client:
            self.assertEqual(client.begin(self.good).err, wire.OK)
            client.data(0xFFFFFFFC, bytes(1024))
            complaint = client.complaint()
            self.assertEqual((complaint.err, complaint.next), (wire.E_SEQUENCE, 64))
            client.data(0, b"\0" * 64)                      # the head, once more: passed over
            client.data(60, b"\0" * 64)
            for payload in (b"", b"\0" * 4, struct.pack("<I", 64) + b"\0" * 6):
                client.send_request(wire.DATA, payload)
                self.assertEqual(client.complaint().err, wire.E_LENGTH)
            self.assertEqual(client.status(wire.FINISH).err, wire.E_SEQUENCE)
            client.send_body(self.good, end=64 + 8192)
            self.assertEqual(client.status(wire.FINISH).err, wire.E_SEQUENCE)
            client.send_body(self.good, start=64 + 8192)
            done = client.status(wire.FINISH)
            self.assertEqual((done.err, done.phase), (wire.OK, wire.PHASE_DONE))
        self.assert_only_the_application_changed(board)
        self.assertEqual(self.read("state")[rig.APP_OFFSET:rig.APP_OFFSET + SMALL], self.good)

    def test_data_beyond_the_image_are_refused_even_at_the_end_of_the_application_area(self):
        image = wire.seal(rig.random_image(rig.APP_BYTES))
        board = self.board_in_bootloader()
        with wire.Client(board.link) as client:
            self.assertEqual(client.begin(image, sectors=0x9).err, wire.OK)
            client.send_body(image, end=64 * 1024)
            client.send_body(image, start=rig.APP_BYTES - 128 * 1024, end=rig.APP_BYTES - 512)
            client.data(rig.APP_BYTES - 512, b"\0" * 1024)
            self.assertEqual(client.complaint().err, wire.E_IMAGE_SIZE)
        self.assert_only_the_application_changed(board)
        self.assertEqual(self.read("state")[-512:], b"\xff" * 512)
        self.assert_stays(wire.STAY_EMPTY)

    def test_an_image_whose_crc_is_wrong_is_never_committed(self):
        bad = self.good[:-4] + b"\0\0\0\0"
        board = self.board_in_bootloader()
        with wire.Client(board.link) as client:
            self.assertEqual(client.begin(bad).err, wire.OK)
            client.send_body(bad)
            self.assertEqual(client.status(wire.FINISH).err, wire.E_IMAGE_CRC)
            self.assertEqual(client.status(wire.FINISH).err, wire.E_IMAGE_CRC)
            self.assertEqual(client.reason(), wire.STAY_EMPTY)
        self.assert_only_the_application_changed(board)
        self.assertEqual(self.read("state")[rig.APP_OFFSET:rig.APP_OFFSET + 64], b"\xff" * 64)
        self.assert_stays(wire.STAY_EMPTY)

    def test_an_update_that_is_left_half_way_leaves_nothing_that_starts(self):
        board = self.board_in_bootloader(rig.firmware("demo-1.0.0.elf"))
        with wire.Client(board.link) as client:
            self.assertEqual(client.begin(self.good).err, wire.OK)
            client.send_body(self.good, end=8192)
            while client.report().next < 4096:
                pass
            self.assertEqual(client.error(wire.ABORT), wire.OK)
            self.assertEqual(client.error(wire.FINISH), wire.E_STATE)
        self.assert_only_the_application_changed(board)
        self.assert_stays(wire.STAY_EMPTY)
        board = self.start(state=self.state)
        self.vcpboot("update", rig.firmware("demo-2.0.0.elf"), "--port", board.link)
        self.assertEqual(rig.ask(board.link, "version"), "demo 2.0.0")
        self.assert_only_the_application_changed(board)

    def test_another_product_than_the_config_block_names_is_never_committed(self):
        other = wire.with_info(rig.random_image(SMALL), product="other thing")
        board = self.start(self.write("boot.bin", wire.configured(product="my thing")), state=self.state)
        for image in (wire.seal(other, info=0x400), self.good):
            with wire.Client(board.link) as client:
                self.assertEqual(client.begin(image).err, wire.OK)
                client.send_body(image)
                self.assertEqual(client.status(wire.FINISH).err, wire.E_IMAGE_PRODUCT)
        result = self.vcpboot("update", self.write("other.bin", other), "--port", board.link, expect=E_REFUSED)
        self.assertRegex(result.stderr, "another product; take the firmware of this one")
        board.end()
        self.assert_stays(wire.STAY_EMPTY)


class Noise(rig.RigTest):
    """Bytes that are no frames, or no longer: ignored, and the next request is answered."""

    def setUp(self):
        super().setUp()
        self.device = self.start(rig.firmware("vcpboot.elf"))

    def assert_flash_untouched(self):
        self.assertEqual(self.device.end(), 0)
        self.assertEqual(self.device.flash_operations(), (0, 0))

    def test_foreign_greetings_are_ignored(self):
        with wire.Client(self.device.link) as client:
            for greeting in (b"AT\r", b"AT+GCAP\r\n", b"\r\n", b"\0" * 64, b"\xff" * 64, b"version\r\n",
                             b"~\x00x\xf0\x7e", b"\x00\x78\xf0\x7e", b"\xa5", b"\xa5\xa5\x56\x56", b"\x11\x13"):
                client.send(greeting)
                self.assertEqual(client.hello()[0], wire.OK, greeting)
            # YMODEM's call may have come; nothing else was addressed
            self.assertEqual(client.between.strip(b"C"), b"")
        self.assert_flash_untouched()

    def test_an3155s_greeting_is_answered_and_takes_nothing_from_the_next_request(self):
        with wire.Client(self.device.link) as client:
            for greeting, answer in ((b"\x7f", b"\x79"), (b"\x7f" * 20, b"\x79" + b"\x1f" * 19)):
                client.between = b""
                client.send(greeting)
                self.assertEqual(client.hello()[0], wire.OK)
                self.assertEqual(client.between.replace(b"C", b""), answer)
        self.assert_flash_untouched()

    def test_a_frame_with_any_byte_damaged_is_never_answered(self):
        whole = wire.frame(wire.READ, 200, struct.pack("<II", 0, 16))
        with wire.Client(self.device.link) as client:
            for at in range(len(whole)):
                for mask in (0x01, 0x80, 0xFF):
                    client.send(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1:])
                    seq = client.send_request(wire.HELLO)
                    self.assertEqual(client.receive()[:2], (wire.HELLO | wire.ANSWER, seq), (at, mask))
        self.assert_flash_untouched()

    def test_a_half_frame_hides_the_next_one_for_a_moment_only(self):
        whole = wire.frame(wire.DATA, 200, struct.pack("<I", 64) + bytes(1024))
        with wire.Client(self.device.link) as client:
            for size in (1, 2, 7, 8, 9, 500, len(whole) - 1):
                client.send(whole[:size])
                self.assertEqual(client.hello()[0], wire.OK, size)
        self.assert_flash_untouched()

    def test_a_length_that_lies_is_not_believed(self):
        header = struct.pack("<BBBBH", 0xA5, 0x56, wire.DATA, 1, 0xFFFF)
        with wire.Client(self.device.link) as client:
            client.send(header + struct.pack("<H", wire.binascii.crc_hqx(header, 0)))
            self.assertEqual(client.hello()[0], wire.OK)
        self.assert_flash_untouched()

    def test_random_junk_never_hangs_the_device(self):
        for seed in range(8):
            rng = random.Random(seed)
            with wire.Client(self.device.link) as client:
                client.send(rng.randbytes(8192))
                # the sync bytes and YMODEM's first ones more often than chance has them
                client.send(bytes(rng.choice(b"\xa5\x56\x01\x02\x00\xff\x04\x18\x05") for _ in range(4096)))
                self.assertTrue(client.is_heard(), seed)
        self.assert_flash_untouched()

    def test_junk_of_one_client_does_not_reach_the_next(self):
        with wire.Client(self.device.link) as client:
            client.send(bytes(random.Random(9).choice(b"\xa5\x56\x01\x00\xff") for _ in range(4096)))
        self.vcpboot("info", "--port", self.device.link)
        self.assert_flash_untouched()

    def test_an_update_survives_junk_between_its_frames(self):
        image = wire.seal(rig.random_image(SMALL))
        stray = wire.frame(wire.DATA, 9, struct.pack("<I", 128) + bytes(64))
        with wire.Client(self.device.link) as client:
            self.assertEqual(client.begin(image).err, wire.OK)
            client.send_body(image, between=b"AT\r\xa5\x7f" + stray[:-1] + bytes([stray[-1] ^ 1]))
            done = client.status(wire.FINISH)
            self.assertEqual((done.err, done.phase), (wire.OK, wire.PHASE_DONE))
            got = client.ask(wire.READ, struct.pack("<II", 0, 1024))
        self.assertEqual(got[4:], image[:1024])


if __name__ == "__main__":
    unittest.main()
