/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the boot arguments come from: the tree's /chosen/bootargs, which is what a loader was
 * given, or in its place the load options of UEFI, if there are any; and behind them the
 * file opt/zonal/bootargs of QEMU's fw_cfg, for ways to boot that have no command line. Of
 * two equal words the last one wins: who started the board put it there, and nobody else can.
 *
 * Reads what the drivers of the tree reach, so the tree has to be known; boot, or a test that
 * reads them once more. One caller at a time: the file is read into a buffer that all share.
 */
#include "board/device.h"
#include "board/fw_cfg.h"
#include "board/handover.h"
#include "drivers/firmware/fw_cfg_mmio.h"
#include "lib/assert.h"
#include "platform.h"

unsigned platform_read_arguments(struct bootargs *args, bootargs_report_fn report)
{
	static char file[BOOTARGS_BYTES];
	size_t bytes;
	const char *text = device_bootargs(&bytes);
	unsigned refused;

	if (boot_handover.text_bytes) {
		text = boot_handover.text;
		bytes = boot_handover.text_bytes;
	}
	refused = bootargs_parse(text, bytes, args, report);
	bytes = fw_cfg_mmio_file(FW_CFG_BOOTARGS, file, sizeof(file));
	ASSERT(bytes <= sizeof(file), "%zu bytes of arguments", bytes);
	return refused + bootargs_add(file, bytes, args, report);
}
