/* SPDX-License-Identifier: BSD-2-Clause */
/* As on arm64. A device is a function of a test here, called under the lock of its queue. */
#ifndef HOST_PORT_DMA_H
#define HOST_PORT_DMA_H

static inline void port_dma_wmb(void) { __asm__ volatile("" : : : "memory"); }
static inline void port_dma_rmb(void) { __asm__ volatile("" : : : "memory"); }
static inline void port_dma_mb(void) { __asm__ volatile("" : : : "memory"); }

#endif
