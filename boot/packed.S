/* SPDX-License-Identifier: MIT */
/* The packed updater, as scripts/pack-updater has made it. */
    .section .updater_packed, "a", %progbits
    .global updater_packed
updater_packed:
    .incbin "updater.packed"
