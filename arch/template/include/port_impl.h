/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port to copy: the inline hooks as calls, so that a library that is compiled once goes with any
 * port. template_port.c has the bodies.
 *
 * Who compiles the library himself writes the bodies here: zonal_port_irq_save(),
 * zonal_port_irq_restore() and zonal_port_this_cpu() are on the way of each request.
 * arch/arm64/include/port_impl.h shows them for a core at EL1.
 */
#ifndef TEMPLATE_PORT_IMPL_H
#define TEMPLATE_PORT_IMPL_H

/* Shorter there with gcc (<zonal/port.h>). */
#ifdef __aarch64__
#define ZONAL_PORT_VOLATILE_RELAXED 1
#endif

zonal_port_irqflags_t zonal_out_irq_save(void);
void zonal_out_irq_restore(zonal_port_irqflags_t flags);
bool zonal_out_irqs_masked(void);
struct zonal_port_cpu *zonal_out_this_cpu(void);
void zonal_out_relax(void);
uint64_t zonal_out_time_ns(void);

static inline zonal_port_irqflags_t zonal_port_irq_save(void) { return zonal_out_irq_save(); }
static inline void zonal_port_irq_restore(zonal_port_irqflags_t flags)
{
	zonal_out_irq_restore(flags);
}
static inline bool zonal_port_irqs_masked(void) { return zonal_out_irqs_masked(); }
static inline struct zonal_port_cpu *zonal_port_this_cpu(void) { return zonal_out_this_cpu(); }
static inline void zonal_port_relax(void) { zonal_out_relax(); }
static inline uint64_t zonal_port_time_ns(void) { return zonal_out_time_ns(); }

#endif
