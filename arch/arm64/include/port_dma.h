/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Barriers between this CPU and a device that reads and writes memory coherently.
 *
 * Such a device is in the outer shareable domain, where a barrier between CPUs (ish) does not
 * reach. DMB orders accesses to memory and to device registers alike (Arm ARM, B2.3.7), so
 * each of these also stands between memory and a doorbell.
 */
#ifndef ARM64_PORT_DMA_H
#define ARM64_PORT_DMA_H

/* What was written before is seen by the device before what is written after. */
static inline void port_dma_wmb(void) { __asm__ volatile("dmb oshst" : : : "memory"); }
/* What is read after is not older than what was read before. */
static inline void port_dma_rmb(void) { __asm__ volatile("dmb oshld" : : : "memory"); }
/* Both, and a read after is not older than a write before. */
static inline void port_dma_mb(void) { __asm__ volatile("dmb osh" : : : "memory"); }

#endif
