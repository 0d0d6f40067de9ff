/* SPDX-License-Identifier: MIT */
/* Who am I, and which sectors are the application's. */
/* Sources: RM0090 Rev 21 §3.4 table 5, §38.6.1 DBGMCU_IDCODE, §39 "Device electronic signature" */
#include "hal/stm32f4/flash_ctl.h"
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"
#include "image/bytes.h"

#define KIB(n) ((n) * 1024U)
#define FLASH_KB_MAX 1024U              /* the F405/407 has no more; a blank size register must not invent sectors */

static const struct flash_sector sectors[] = {
    { 0x08000000, KIB(16) }, { 0x08004000, KIB(16) }, { 0x08008000, KIB(16) }, { 0x0800C000, KIB(16) },
    { 0x08010000, KIB(64) },
    { 0x08020000, KIB(128) }, { 0x08040000, KIB(128) }, { 0x08060000, KIB(128) },
    { 0x08080000, KIB(128) }, { 0x080A0000, KIB(128) }, { 0x080C0000, KIB(128) }, { 0x080E0000, KIB(128) },
};
#define SECTORS (sizeof sectors / sizeof sectors[0])

void chip_id_read(struct chip_id *id)
{
    uint32_t idcode = DBGMCU_IDCODE;

    id->dev_id = (uint16_t)(idcode & 0xFFFU);
    id->rev_id = (uint16_t)(idcode >> 16);
    id->flash_kb = FLASH_SIZE_KB;
    for (size_t i = 0; i < sizeof id->uid / 4; i++) store_le32(id->uid + 4 * i, UNIQUE_ID[i]);
}

bool chip_where(uint32_t base, struct seal_area *where)
{
    uint32_t kb = FLASH_SIZE_KB;
    uint32_t bytes = KIB(kb < FLASH_KB_MAX ? kb : FLASH_KB_MAX);
    uint32_t offset = base - FLASH_BASE;
    uint32_t step = offset < KIB(64) ? KIB(16) : offset < KIB(128) ? KIB(64) : KIB(128);

    /* A base below the flash has wrapped round to an offset beyond its end. */
    if (offset < KIB(16) || offset >= bytes || offset % step != 0) return false;
    where->base = base;
    where->bytes = bytes - offset;
    where->ram = seal_ram_f407;
    where->ram_count = sizeof seal_ram_f407 / sizeof seal_ram_f407[0];
    return true;
}

bool chip_area(uint32_t base, struct flash_area *area, struct seal_area *where)
{
    size_t first, last;

    if (!chip_where(base, where)) return false;
    for (first = 0; sectors[first].addr != base; first++) { }
    for (last = first; last < SECTORS && sectors[last].addr - base < where->bytes; last++) { }
    area->sector = &sectors[first];
    area->count = last - first;
    return true;
}
