# SPDX-License-Identifier: MIT
# Writes the demo's ballast as assembler: `bytes` bytes of pseudo-random content, another stream for each `version`.
#
#     awk -v version=1.0.0 -v bytes=442368 -f table.awk > table.S
BEGIN {
    x = 1
    for (i = 1; i <= length(version); i++)
        x = (x * 31 + index("0123456789.", substr(version, i, 1))) % 4294967296
    print ".section .rodata.demo_table, \"a\""
    print ".global demo_table"
    print ".type demo_table, %object"
    print ".size demo_table, " bytes
    print ".balign 4"
    print "demo_table:"
    for (done = 0; done < bytes; done += 16) {
        line = ""
        for (i = 0; i < 8; i++) {
            # The product stays below 2^49, so doubles are exact; the upper half of a congruential generator is the random one.
            x = (x * 69069 + 12345) % 4294967296
            line = line sprintf("%s0x%04x", i ? ", " : "", int(x / 65536))
        }
        print ".hword " line
    }
}
