/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_WAKE_H
#define MM_WAKE_H

#include "mm.h"

/* K3: does any zone up to `high_zone` meet HIGH for that order? A node without pages does. */
bool node_balanced(struct node *node, unsigned order, unsigned high_zone);

/* The boosts of its zones up to `high_zone`. */
int64_t node_boost(struct node *node, unsigned high_zone);

#define KSWAPD_HOPELESS 16u /* K2: runs in a row without a page */

/* K1: of two wishes the larger is kept. */
static inline void raise_to(_Atomic uint8_t *at, uint8_t value)
{
	uint8_t now = ld_relaxed(at);

	while (now < value && !atomic_compare_exchange_weak_explicit(
				      at, &now, value, memory_order_relaxed, memory_order_relaxed))
		;
}

/* K1, K2: the wish is written down, and who sleeps is woken if the node is in need. `gfp` is of the
 * request that asks, 0 where there is none, and told to who traces. Context: any, no lock held. */
void kswapd_ask(struct zonal *mm, struct node *node, unsigned order, unsigned high_zone, gfp_t gfp);

/* L4, F13: ask for the node's kswapd. True if the node is in need (K2). Context: any, no lock
 * held. */
bool kswapd_wake(struct zonal *mm, struct node *node, unsigned order, unsigned high_zone,
		 gfp_t gfp);

#endif
