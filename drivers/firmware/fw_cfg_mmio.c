/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fw_cfg by memory-mapped registers ("qemu,fw-cfg-mmio").
 *
 * At offset 0 the data register, read by bytes here, each read a step ahead; at 8 the selector,
 * 16 bits, which the device takes with the highest byte first. The DMA interface is left alone:
 * the few hundred bytes of boot arguments are read once.
 *
 * A tree may name registers that are not there, so the first read is one that survives a fault.
 * Boot, one CPU; nothing is kept.
 */
#include "fw_cfg_mmio.h"

#include "arm64_exception.h"
#include "arm64_memory.h"
#include "board/device.h"
#include "board/fw_cfg.h"
#include "drivers/mmio.h"
#include "lib/kprintf.h"

#define REG_DATA 0u
#define REG_SELECTOR 8u
#define REG_BYTES 10u

static void select_item(void *base, uint16_t key)
{
	mmio_write16(base, REG_SELECTOR, __builtin_bswap16(key));
}

static uint8_t next_byte(void *base) { return mmio_read8(base, REG_DATA); }

/* Why the registers cannot be used; NULL if they can. */
static const char *map(const struct device_range *range, struct fw_cfg *cfg)
{
	struct arm64_fault fault;

	if (range->bytes < REG_BYTES)
		return "reg: less than 10 bytes";
	cfg->base = arm64_map_device(range->phys, range->bytes);
	if (!cfg->base)
		return "reg: it cannot be mapped";
	return arm64_probe_read((uintptr_t)cfg->base, &fault) ? NULL : "nothing answers there";
}

size_t fw_cfg_mmio_file(const char *name, char *to, size_t room)
{
	struct fw_cfg cfg = { .select = select_item, .next = next_byte };
	int node = device_find("qemu,fw-cfg-mmio", -1);
	struct device_range range;
	const char *fault;
	size_t bytes = 0;

	if (node < 0)
		return 0;
	if (!device_reg(node, 0, &range)) {
		kprintf("fw_cfg: no usable reg; it is not used\n");
		return 0;
	}
	fault = map(&range, &cfg);
	if (!fault)
		fault = fw_cfg_file(&cfg, name, to, room, &bytes);
	if (fault)
		kprintf("fw_cfg: %s at 0x%llx: %s; it is not used\n", name,
			(unsigned long long)range.phys, fault);
	return bytes;
}
