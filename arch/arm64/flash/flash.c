/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start-up code of build/flash.img: from flash to RAM.
 *
 * It runs in place, with the MMU off: no data of its own but constants and the stack, aligned
 * accesses only, no exclusives. It is linked at 0 by its own script (flash.ld), which refuses
 * variables, and knows the board by the constants of flash.h, since it has to say what is wrong
 * before a device tree was found.
 *
 * What is checked, each with its own line on the UART: a device tree at the start of RAM, the
 * header behind this code, the size of the image, and after the copy its CRC-32, which is
 * computed of what RAM holds, so that it answers for the flash, the copy and the RAM at once.
 * Where one is wrong the board is powered off through PSCI; firmware's conduit is HVC at EL1 and
 * SMC at EL2 on this board. At EL3 there is none, but a line of the secure world's GPIO.
 *
 * The CRC is that of gzip and of IEEE 802.3 (reflected polynomial 0xedb88320), four bits a step.
 */
#include <stdint.h>

#include "flash.h"

#define DT_MAGIC 0xd00dfeedu
#define DT_LIMIT_BYTES 0x200000u
#define IMAGE_MAGIC 0x644d5241u /* "ARM\x64" at byte 56 of an arm64 Image */
#define IMAGE_HEADER_WORDS 16u
#define PSCI_SYSTEM_OFF 0x84000008u

/* PL011: data, flags, control. */
#define UART_DR 0x00u
#define UART_FR 0x18u
#define UART_FR_TXFF (1u << 5)
#define UART_CR 0x30u
#define UART_CR_ON 0x101u

struct flash_header {
	char magic[8];
	uint32_t crc;
	uint32_t bytes;
};

uint64_t flash_main(void);
void flash_fault(uint64_t syndrome, uint64_t address) __attribute__((noreturn));
void flash_stop(void) __attribute__((noreturn));

static volatile uint32_t *word_at(uint64_t address)
{
	return (volatile uint32_t *)(uintptr_t)address;
}

static void put(char c)
{
	while (*word_at(FLASH_UART + UART_FR) & UART_FR_TXFF)
		;
	*word_at(FLASH_UART + UART_DR) = (unsigned char)c;
}

static void say(const char *text)
{
	for (; *text; text++)
		put(*text);
}

static void say_hex(uint64_t value)
{
	unsigned digits = 1;

	while (digits < 16 && value >> (4 * digits))
		digits++;
	say("0x");
	while (digits--)
		put("0123456789abcdef"[(value >> (4 * digits)) & 0xf]);
}

static uint64_t exception_level(void)
{
	uint64_t level;

	__asm__ volatile("mrs %0, currentel" : "=r"(level));
	return level >> 2;
}

/* Line 0 as an output, and high. The address of a data register is the mask of its lines. */
static void gpio_off(void)
{
	*word_at(FLASH_GPIO + FLASH_GPIO_DIR) |= 1;
	*word_at(FLASH_GPIO + (1 << 2)) = 1;
}

/* The other cores, which look at this line, find the image where it belongs. */
static void let_others_go(void)
{
	if (exception_level() != 3)
		return;
	__asm__ volatile("dsb sy" : : : "memory");
	*word_at(FLASH_GPIO + FLASH_GPIO_DIR) |= 1 << FLASH_GPIO_GO;
	__asm__ volatile("dsb sy\n\tsev" : : : "memory");
}

/* No call between the two lines: x0 is theirs too. */
static void system_off(uint64_t level)
{
	register uint64_t x0 __asm__("x0") = PSCI_SYSTEM_OFF;

	if (level == 1)
		__asm__ volatile("hvc #0" : "+r"(x0) : : "memory");
	else if (level == 2)
		__asm__ volatile("smc #0" : "+r"(x0) : : "memory");
	else
		gpio_off();
}

/* The line has been said: off, or asleep where nobody can turn the board off. */
static void __attribute__((noreturn)) stop(void)
{
	say("\r\n");
	system_off(exception_level());
	flash_stop();
}

static void __attribute__((noreturn)) wrong(const char *what, uint64_t value, const char *rule)
{
	say("flash: ");
	say(what);
	say_hex(value);
	say(rule);
	stop();
}

void flash_fault(uint64_t syndrome, uint64_t address)
{
	say("flash: exception with syndrome ");
	say_hex(syndrome);
	wrong(" at ", address, ": nothing answers there, or the start-up code is damaged");
}

static void check_tree(void)
{
	uint32_t magic = __builtin_bswap32(*word_at(FLASH_RAM));
	uint32_t bytes = __builtin_bswap32(*word_at(FLASH_RAM + 4));

	if (magic != DT_MAGIC)
		wrong("no device tree at the start of RAM: its first word is ", magic,
		      ", not 0xd00dfeed");
	if (bytes > DT_LIMIT_BYTES)
		wrong("the device tree at the start of RAM has ", bytes, " bytes, more than 2 MiB");
}

/* The header, checked as far as can be without the image. */
static const struct flash_header *check_header(void)
{
	const struct flash_header *header = (const void *)(uintptr_t)FLASH_HEADER;
	static const char magic[] = "ZONALFL1";

	for (unsigned i = 0; i < sizeof(header->magic); i++)
		if (header->magic[i] != magic[i])
			wrong("no header of an image at ", FLASH_HEADER,
			      ": it is cut, or not ours");
	if (header->bytes < IMAGE_HEADER_WORDS * 4 ||
	    header->bytes > FLASH_BYTES - FLASH_PAYLOAD)
		wrong("the header says that the image has ", header->bytes,
		      " bytes, which do not fit");
	return header;
}

/* Whole words: what follows the image in flash is part of the file. */
static void copy(uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes; at += 4)
		*word_at(FLASH_IMAGE + at) = *word_at(FLASH_PAYLOAD + at);
}

static uint32_t crc_of_copy(uint32_t bytes)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const volatile uint8_t *byte = (const volatile uint8_t *)(uintptr_t)FLASH_IMAGE;
	uint32_t crc = ~0u;

	for (uint32_t i = 0; i < bytes; i++) {
		crc ^= byte[i];
		crc = (crc >> 4) ^ nibble[crc & 0xf];
		crc = (crc >> 4) ^ nibble[crc & 0xf];
	}
	return ~crc;
}

/* Returns the address of the device tree: the image lies at FLASH_IMAGE. */
uint64_t flash_main(void)
{
	const struct flash_header *header;
	uint32_t crc;

	*word_at(FLASH_UART + UART_CR) = UART_CR_ON;
	check_tree();
	header = check_header();
	copy(header->bytes);
	crc = crc_of_copy(header->bytes);
	if (crc != header->crc)
		wrong("the image is cut or damaged: its CRC-32 is not that of the header but ",
		      crc, "");
	if (*word_at(FLASH_IMAGE + 56) != IMAGE_MAGIC)
		wrong("no arm64 Image behind the header: its magic number is ",
		      *word_at(FLASH_IMAGE + 56), ", not 0x644d5241");
	let_others_go();
	return FLASH_RAM;
}
