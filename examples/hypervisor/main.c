/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small hypervisor at EL2 whose memory is the allocator's.
 *
 *	make hypervisor                   builds it, and the archive of what guests run
 *	qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu cortex-a57 \
 *		-smp 4 -m 1G -object memory-backend-ram,id=m0,size=512M \
 *		-object memory-backend-ram,id=m1,size=512M \
 *		-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1 \
 *		-display none -monitor none -serial stdio -nic none \
 *		-kernel build/hypervisor/hypervisor.img -initrd build/hypervisor/guest.cpio \
 *		-append 'guest=a,0,1,128 guest=b,1,2,128'
 *
 * Each word guest=NAME,NODE,CORE,MIB starts Linux on that core, in that much memory of that node; a
 * fifth part goes to the guest's command line. The archive (cpio, newc) has two files, `kernel` and
 * `initrd`. What a guest prints has its name before it; console=NAME hands what is typed to that
 * guest, of which do=shell as the fifth part makes a shell. When all have powered off, their memory
 * is back, which is counted and checked, and the machine goes off. tidy.c has more words.
 *
 *	start.S vectors.S cpu.c gic.c          the machine at EL2
 *	../common/                             what it shares: tables, caches, tree, archive, words
 *	board.c console.c input.c main.c       this program
 *	port_impl.h                            what the allocator wants
 *	guest.c guest_tree.c                   a guest is built
 *	stage2.c move.c tidy.c                 its memory; memory in disorder, and in order again
 *	give.c balloon.c                       what it gives back
 *	vcpu.c features.c psci.c vgic.c vuart.c   what it sees of a machine
 *
 * Core 0 does all that is here. Nothing is allocated but what guests need, so the counts before the
 * first guest and after the last one are equal.
 */
#include "hv.h"
#include "guest.h"
#include "move.h"

struct zonal *hv_mm;

static uint64_t room[(ZONAL_MAX_NODES + ZONAL_MAX_CPUS) * 1024 / 8];

/* An address is where it is. */
static void *map(void *ctx, uint64_t start, size_t bytes)
{
	(void)ctx, (void)bytes;
	return hv_pointer(start);
}

static void clear(void *ctx, zonal_pfn_t pfn, size_t pages)
{
	(void)ctx;
	memset(hv_pointer((uint64_t)pfn << ZONAL_PAGE_SHIFT), 0, pages << ZONAL_PAGE_SHIFT);
}

static int start_allocator(void)
{
	static struct zonal_config config;
	int err;

	if (zonal_abi() != ZONAL_ABI || zonal_sizeof() > sizeof(room)) {
		hv_say("the library was built with other values: %llu bytes",
		       (unsigned long long)zonal_sizeof());
		return ZONAL_EINVAL;
	}
	config.info = &hv_board.info;
	config.clear = clear;
	zonal_options_default(&config.options);
	hv_mm = (struct zonal *)room;
	err = zonal_build_inside(hv_mm, &config, &hv_board.info, map, NULL);
	if (!err)
		zonal_cpu_online(hv_mm, 0);
	return err;
}

unsigned hv_nodes(void)
{
	unsigned count = 0;

	for (uint64_t left = hv_board.info.nodes; left; left &= left - 1)
		count++;
	return count;
}

uint64_t hv_free_pages(unsigned node)
{
	struct zonal_counts counts;

	zonal_drain_all(hv_mm, NULL);
	return zonal_node_counts(hv_mm, node, &counts) ? counts.free : 0;
}

/* The free pages of all nodes, and whether the invariants hold. */
static uint64_t count(const char *when)
{
	struct zonal_finding finding;
	uint64_t sum = 0;

	for (unsigned node = 0; node < ZONAL_MAX_NODES; node++)
		sum += hv_free_pages(node);
	if (zonal_check(hv_mm, &finding))
		hv_say("%s: %llu pages free, every invariant holds", when,
		       (unsigned long long)sum);
	else
		hv_say("%s: an invariant is broken: %s", when, finding.text);
	return sum;
}

void hv_main(const void *tree)
{
	uint64_t before, after;

	hv_cpu_first();
	if (hv_board_read(tree) || start_allocator())
		hv_power_off();
	if (hv_move_start())
		hv_power_off();
	hv_gic_start();
	hv_gic_start_cpu(&hv_cpus[0]);
	zonal_boot_done(hv_mm);
	hv_cpus_start();
	hv_say("EL2, %u cores, %u nodes", hv_board.cpus, hv_nodes());
	before = count("before");
	hv_guests_run();
	after = count("after");
	if (before == after)
		hv_say("every page came back");
	else
		hv_say("%lld pages are missing", (long long)(before - after));
	hv_power_off();
}
