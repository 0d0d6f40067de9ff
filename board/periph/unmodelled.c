/* SPDX-License-Identifier: MIT */
/* The blocks of the F407 that this board does not have: every access is reported by name and section. */
/* Sources: RM0090 §2.3 table 1 "STM32F4xx register boundary addresses"; gates from §7.3.10-7.3.14 */
#include "board/periph/unmodelled.h"

#include "board/xalloc.h"

#define AHB1 0x30U
#define AHB2 0x34U
#define AHB3 0x38U
#define APB1 0x40U
#define APB2 0x44U

struct block {
    const char *name, *manual;
    uint32_t base, bytes;
    uint32_t gate_enr;
    unsigned gate_bit;
};

static const struct block blocks[] = {
    { "TIM12", "RM0090 §19.4", 0x40001800, 0x400, APB1, 6 },
    { "TIM13", "RM0090 §19.5", 0x40001C00, 0x400, APB1, 7 },
    { "TIM14", "RM0090 §19.5", 0x40002000, 0x400, APB1, 8 },
    { "I2S2ext", "RM0090 §28.5", 0x40003400, 0x400, APB1, 14 },
    { "SPI2", "RM0090 §28.5", 0x40003800, 0x400, APB1, 14 },
    { "SPI3", "RM0090 §28.5", 0x40003C00, 0x400, APB1, 15 },
    { "I2S3ext", "RM0090 §28.5", 0x40004000, 0x400, APB1, 15 },
    { "UART4", "RM0090 §30.6", 0x40004C00, 0x400, APB1, 19 },
    { "UART5", "RM0090 §30.6", 0x40005000, 0x400, APB1, 20 },
    { "I2C1", "RM0090 §27.6", 0x40005400, 0x400, APB1, 21 },
    { "I2C2", "RM0090 §27.6", 0x40005800, 0x400, APB1, 22 },
    { "I2C3", "RM0090 §27.6", 0x40005C00, 0x400, APB1, 23 },
    { "CAN1", "RM0090 §32.9", 0x40006400, 0x400, APB1, 25 },
    { "CAN2", "RM0090 §32.9", 0x40006800, 0x400, APB1, 26 },
    { "DAC", "RM0090 §14.5", 0x40007400, 0x400, APB1, 29 },
    { "TIM1", "RM0090 §17.4", 0x40010000, 0x400, APB2, 0 },
    { "TIM8", "RM0090 §17.4", 0x40010400, 0x400, APB2, 1 },
    { "USART6", "RM0090 §30.6", 0x40011400, 0x400, APB2, 5 },
    { "ADC1-ADC3", "RM0090 §13.13", 0x40012000, 0x400, APB2, 8 },
    { "SDIO", "RM0090 §31.9", 0x40012C00, 0x400, APB2, 11 },
    { "SPI1", "RM0090 §28.5", 0x40013000, 0x400, APB2, 12 },
    { "TIM9", "RM0090 §19.4", 0x40014000, 0x400, APB2, 16 },
    { "TIM10", "RM0090 §19.5", 0x40014400, 0x400, APB2, 17 },
    { "TIM11", "RM0090 §19.5", 0x40014800, 0x400, APB2, 18 },
    { "DMA1", "RM0090 §10.5", 0x40026000, 0x400, AHB1, 21 },
    { "DMA2", "RM0090 §10.5", 0x40026400, 0x400, AHB1, 22 },
    { "Ethernet MAC", "RM0090 §33.8", 0x40028000, 0x1400, AHB1, 25 },
    { "OTG_HS", "RM0090 §35.12", 0x40040000, 0x40000, AHB1, 29 },
    { "DCMI", "RM0090 §15.8", 0x50050000, 0x400, AHB2, 0 },
    { "CRYP", "RM0090 §23.6", 0x50060000, 0x400, AHB2, 4 },
    { "HASH", "RM0090 §25.4", 0x50060400, 0x400, AHB2, 5 },
    { "RNG", "RM0090 §24.4", 0x50060800, 0x400, AHB2, 6 },
    { "FSMC", "RM0090 §36.6", 0xA0000000, 0x1000, AHB3, 0 },
};
#define BLOCKS (sizeof blocks / sizeof blocks[0])

struct slot {
    struct chip *chip;
    struct periph periph;
};

struct unmodelled {
    struct slot slot[BLOCKS];
};

static uint32_t slot_read(void *self, uint32_t off, unsigned width)
{
    struct slot *s = self;

    (void)width;
    chip_unmodelled(s->chip, &s->periph, off, false, 0);
    return 0;
}

static void slot_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct slot *s = self;

    (void)width;
    chip_unmodelled(s->chip, &s->periph, off, true, value);
}

struct unmodelled *unmodelled_new(struct chip *c)
{
    struct unmodelled *u = xcalloc(1, sizeof *u);

    for (unsigned i = 0; i < BLOCKS; i++) {
        const struct block *b = &blocks[i];
        struct slot *s = &u->slot[i];

        s->chip = c;
        s->periph = (struct periph){
            .name = b->name, .manual = b->manual, .base = b->base, .bytes = b->bytes,
            .gate_enr = b->gate_enr, .gate_bit = b->gate_bit,
            .self = s, .read = slot_read, .write = slot_write,
        };
        chip_attach(c, &s->periph);
    }
    return u;
}

void unmodelled_free(struct unmodelled *u)
{
    free(u);
}
