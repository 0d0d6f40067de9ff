/* SPDX-License-Identifier: MIT */
/* Numbers of the device in words. */
/* Sources: docs/SPEC.md sections 2.2 and 5.2; RM0090 §3.9.5 (FLASH_SR) */
#include "host/lib/handle.h"

#include "boot/decide.h"
#include "update/status.h"

const char *vcpboot_phase_name(int32_t phase)
{
    static const char *const name[] = {
        [VCPBOOT_PHASE_FIND] = "find", [VCPBOOT_PHASE_ENTER] = "enter", [VCPBOOT_PHASE_COMPARE] = "compare",
        [VCPBOOT_PHASE_ERASE] = "erase", [VCPBOOT_PHASE_PROGRAM] = "program", [VCPBOOT_PHASE_VERIFY] = "verify",
        [VCPBOOT_PHASE_COMMIT] = "commit", [VCPBOOT_PHASE_RESTART] = "restart", [VCPBOOT_PHASE_READ] = "read",
        [VCPBOOT_PHASE_LOST] = "lost",
    };

    return phase >= 0 && (size_t)phase < sizeof name / sizeof name[0] ? name[phase] : "?";
}

const char *vcpboot_reason_text(uint32_t reason)
{
    static const char *const text[] = {
        "a sealed application is installed",
        "an unsealed application is installed",
        "the bootloader was asked for",
        "the bootloader pin is active",
        "no application is installed",
        "the installed application's vector table is impossible",
        "the installed application is damaged",
        "the installed application is unsealed, and the policy wants a seal",
        "the installed application is revoked",
        "the application was started three times and never confirmed that it works",
    };

    return reason < sizeof text / sizeof text[0] ? text[reason] : "a reason that this version does not know";
}

const char *text_reason_advice(uint32_t reason)
{
    switch (reason) {
    case BOOT_STAY_REQUESTED: return "repeat the command";
    case BOOT_STAY_PIN: return "release the pin and start the application with 'vcpboot reboot'";
    case BOOT_STAY_CRASH_LOOP: return "update it with a firmware that does (vcpboot_confirm(), sdk/README.md)";
    case BOOT_STAY_UNSEALED:
    case BOOT_STAY_REVOKED: return "install a sealed firmware with 'vcpboot update'";
    default: return "install a firmware with 'vcpboot update'";
    }
}

static const char *refusal(uint8_t err)
{
    static const char *const text[] = {
        [UPDATE_OK] = "without an error",
        [UPDATE_E_UNKNOWN] = "it does not know this request; its bootloader is older than this program",
        [UPDATE_E_LENGTH] = "the request had a wrong length; update vcpboot on this PC",
        [UPDATE_E_STATE] = "not now; unplug the device, plug it in again, and repeat the update",
        [UPDATE_E_RANGE] = "the address is outside of the application area",
        [UPDATE_E_SEQUENCE] = "data came out of order; repeat the update",
        [UPDATE_E_IMAGE_SIZE] = "the image is too short, too long, or not as long as its seal says; build it afresh",
        [UPDATE_E_IMAGE_VECTORS] = "the image's vector table is impossible for it; set the FLASH origin in the linker script "
                                   "(sdk/README.md)",
        [UPDATE_E_IMAGE_SEAL] = "the image's seal is missing or malformed; seal it with 'vcpboot seal'",
        [UPDATE_E_IMAGE_CRC] = "the checksum over its flash is not the image's; repeat the update, and if that happens again "
                               "suspect the flash or its supply",
        [UPDATE_E_IMAGE_PRODUCT] = "the image is for another product; take the firmware of this one",
        [UPDATE_E_PROTECTED] = "the application's flash is write-protected; take the protection away (on its port in a terminal: "
                               "Enter, 4, y) and repeat the update",
        [UPDATE_E_DENIED] = "its policy does not allow it",
    };

    if (err < sizeof text / sizeof text[0] && text[err]) return text[err];
    return "for a reason that this version does not know; update vcpboot on this PC";
}

int text_refused(struct fault *f, const struct native_status *s)
{
    static const struct { const char *could_not_be, *next; } flash[] = {
        [UPDATE_E_ERASE] = { "erased", "repeat the update; if that happens again the flash is worn or its supply is weak" },
        [UPDATE_E_PROGRAM] = { "programmed", "repeat the update; if that happens again the flash is worn or its supply is weak" },
        [UPDATE_E_BUSY] = { "used: it stayed busy", "unplug the device, plug it in again, and repeat the update" },
    };

    if (s->err >= sizeof flash / sizeof flash[0] || !flash[s->err].next)
        return fault_set(f, VCPBOOT_E_REFUSED, "The device refused: %s.", refusal(s->err));
    return fault_set(f, VCPBOOT_E_REFUSED,
                     "The device's flash at 0x%08X could not be %s (FLASH_SR 0x%08X): %s.", (unsigned)s->next,
                     flash[s->err].could_not_be, (unsigned)s->done, flash[s->err].next);
}
