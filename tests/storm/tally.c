/* SPDX-License-Identifier: MIT */
/* What the counts are called. */
#include "tests/storm/storm.h"

const char *const tally_names[T_COUNT] = {
    [T_RUNS] = "storms", [T_ACTIONS] = "actions", [T_OUT_PACKETS] = "bulk packets out", [T_IN_PACKETS] = "bulk packets in",
    [T_CONTROLS] = "control requests", [T_STALLS] = "  of them STALLed", [T_ABORTED] = "  of them broken off by the PC",
    [T_RAW] = "transactions outside of every rule", [T_BYTES_IN] = "bytes from the device", [T_BUS_RESETS] = "bus resets",
    [T_UNPLUGS] = "cables pulled", [T_SUSPENDS] = "suspends", [T_POWER_CYCLES] = "power cycles in a storm",
    [T_CUTS] = "power cuts at a flash operation", [T_ERASES] = "erases", [T_WORDS] = "words programmed",
    [T_STARTS] = "starts of an application", [T_COMMITS] = "storms that left another whole image",
    [T_PROTECTIONS] = "storms that left another write protection", [T_NATIVE_OK] = "native: answers without an error",
    [T_NATIVE_REFUSED] = "native: refusals", [T_NATIVE_READ] = "native: reads answered", [T_NATIVE_UPDATE] = "native: updates finished",
    [T_AN_ACK] = "AN3155: ACKs", [T_AN_NACK] = "AN3155: NACKs", [T_AN_READ] = "AN3155: reads accepted",
    [T_AN_WRITE] = "AN3155: writes accepted", [T_AN_ERASE] = "AN3155: erases accepted", [T_AN_GO] = "AN3155: Go accepted",
    [T_AN_PROTECT] = "AN3155: protections changed", [T_YM_BLOCKS] = "YMODEM: blocks acknowledged",
    [T_YM_DONE] = "YMODEM: files acknowledged", [T_YM_RECEIVED] = "YMODEM: blocks received", [T_MENUS] = "console: menus shown",
    [T_DFU_JOBS] = "DfuSe: jobs done", [T_DFU_ERRORS] = "DfuSe: jobs refused", [T_DFU_UPLOADS] = "DfuSe: blocks uploaded",
    [T_DFU_LEAVES] = "DfuSe: leaves accepted", [T_BACK_FULL] = "storms judged up to a whole update",
    [T_BACK_APP] = "  of them left an application without a way back", [T_RECOVERED] = "  of them updated",
};
