/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an IRQ exception to the function that serves it.
 *
 * irq_serve() acknowledges, calls, and ends interrupts until none is pending.
 * Handlers run masked, one at a time on a CPU, and do not nest.
 *
 *	0-2     SGI: call function, reschedule, stop (enum ipi), as the platform says (irq_on_ipi)
 *	16-31   PPI: one handler for all CPUs, enabled on each by itself
 *	32-     SPI: handled by the boot CPU
 *
 * The table is written before the interrupt is enabled and never changed after, so
 * handlers read it without a lock: the enabling register write is ordered after the
 * table by a barrier, and the acknowledge is ordered before the read by another.
 *
 * An interrupt that nobody registered is disabled and reported once.
 */
#include "irq.h"

#include <zonal/port.h>

#include "arm64_exception.h"
#include "arm64_memory.h"
#include "board/device.h"
#include "irq_driver.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/kprintf.h"
#include "drivers/mmio.h"

struct irq_action {
	void (*fn)(void *arg);
	void *arg;
};

static const struct irq_driver *const drivers[] = { &gic_v2, &gic_v3, &irq_bcm2836 };
static const struct irq_driver *controller;
static struct irq_action action[GIC_INTIDS];
static void (*on_ipi[IPI_KINDS])(void);
static _Atomic uint64_t served[ZONAL_MAX_CPUS][IPI_KINDS];

const char *irq_controller_name(void) { return controller ? controller->name : "none"; }

uint64_t ipi_count(unsigned cpu, enum ipi kind)
{
	return cpu < ZONAL_MAX_CPUS && kind < IPI_KINDS ? ld_relaxed(&served[cpu][kind]) : 0;
}

void *irq_map(int node, const struct irq_part *part, uint64_t *bytes)
{
	struct device_range range;
	struct arm64_fault fault;
	void *base;

	ASSERT(part->probe % sizeof(uint32_t) == 0, "offset 0x%llx",
	       (unsigned long long)part->probe);
	if (!device_reg(node, part->index, &range)) {
		kprintf("irq: reg entry %u (%s) is missing or has no CPU address\n", part->index,
			part->what);
		return NULL;
	}
	base = arm64_map_device(range.phys, range.bytes);
	if (!base)
		return NULL;
	if (!arm64_probe_read((uintptr_t)mmio_at(base, part->probe), &fault)) {
		kprintf("irq: nothing answers at 0x%llx (%s)\n", (unsigned long long)range.phys,
			part->what);
		return NULL;
	}
	*bytes = range.bytes;
	return base;
}

static int driver_find(const struct irq_driver *driver)
{
	int node = -1;

	for (const char *const *name = driver->compatible; *name && node < 0; name++)
		node = device_find(*name, -1);
	return node;
}

bool irq_start(void)
{
	ASSERT(!controller, "%s is started twice", irq_controller_name());
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++) {
		int node = driver_find(drivers[i]);

		if (node < 0)
			continue;
		if (!drivers[i]->start(node))
			return false;
		controller = drivers[i];
		return irq_start_cpu(port_this_cpu()->id);
	}
	kprintf("irq: no interrupt controller in the device tree is one that we know\n");
	return false;
}

bool irq_start_cpu(unsigned cpu)
{
	ASSERT(controller && cpu == port_this_cpu()->id, "CPU %u", cpu);
	if (!controller->start_cpu(cpu))
		return false;
	for (unsigned sgi = 0; sgi < IPI_KINDS; sgi++)
		controller->enable(sgi, true);
	return true;
}

void irq_attach(const struct device_irq *irq, void (*fn)(void *), void *arg)
{
	ASSERT(controller && fn, "INTID %u before there is a controller, or for nobody",
	       irq->intid);
	ASSERT(irq->intid < GIC_INTIDS && irq->intid >= GIC_FIRST_PPI && !action[irq->intid].fn,
	       "INTID %u cannot be registered (16..1019, once)", irq->intid);
	action[irq->intid].fn = fn;
	action[irq->intid].arg = arg;
	mmio_barrier(); /* the table before the interrupt */
	controller->enable(irq->intid, irq->edge);
}

void irq_register(unsigned intid, void (*fn)(void *), void *arg)
{
	struct device_irq irq = { .intid = intid };

	irq_attach(&irq, fn, arg);
}

bool irq_trigger(unsigned intid)
{
	ASSERT(controller, "INTID %u before there is a controller", intid);
	if (intid < GIC_FIRST_SPI || intid >= controller->intid_count())
		return false;
	controller->trigger(intid);
	return true;
}

void irq_enable_ppi(const struct device_irq *irq)
{
	ASSERT(irq->intid >= GIC_FIRST_PPI && irq->intid < GIC_FIRST_SPI && action[irq->intid].fn,
	       "INTID %u is no PPI that has a handler", irq->intid);
	controller->enable(irq->intid, irq->edge);
}

static void ipi_dispatch(unsigned sgi)
{
	unsigned cpu = port_this_cpu()->id;

	if (sgi >= IPI_KINDS)
		return;
	own_add(&served[cpu][sgi], 1);
	/* Without a function the interrupt is the message: who was interrupted looks up. */
	if (on_ipi[sgi])
		on_ipi[sgi]();
}

static void dispatch(unsigned intid)
{
	if (intid < GIC_FIRST_PPI) {
		ipi_dispatch(intid);
	} else if (action[intid].fn) {
		action[intid].fn(action[intid].arg);
	} else {
		controller->disable(intid);
		kprintf("irq: INTID %u has no handler; it is disabled on CPU %u\n", intid,
			port_this_cpu()->id);
	}
}

void irq_serve(void)
{
	for (;;) {
		uint32_t token = controller->acknowledge();

		if ((token & 0x3ff) >= GIC_INTIDS)
			return;
		dispatch(token & 0x3ff);
		DASSERT_MASKED(); /* handlers do not nest */
		controller->end(token);
	}
}

void irq_on_ipi(enum ipi kind, void (*fn)(void))
{
	ASSERT(!controller && kind < IPI_KINDS, "kind %u, controller %s", kind,
	       irq_controller_name());
	on_ipi[kind] = fn;
}

void irq_send_ipi(unsigned cpu, enum ipi kind)
{
	ASSERT(cpu < ZONAL_MAX_CPUS && kind < IPI_KINDS, "CPU %u, kind %u", cpu, kind);
	if (controller)
		controller->send(cpu, kind);
}
