/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which library this is, and whether program and library mean the same by its structures.
 *
 * Sizes of tables, pages and orders are build values (<zonal/config.h>), and a program that was
 * compiled with others than the library it links would hand over structures of another shape:
 *
 *	if (zonal_abi() != ZONAL_ABI)
 *		return -1;      // compile both with the same -DZONAL_... values
 */
#ifndef ZONAL_VERSION_H
#define ZONAL_VERSION_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* The public headers: a higher minor number has more, a higher major one has something changed. */
#define ZONAL_VERSION_MAJOR 0
#define ZONAL_VERSION_MINOR 1
#define ZONAL_VERSION_TEXT "0.1"

/* What both must agree on, in one word: the version, and every build value that moves a field of a
 * public structure or gives it another meaning. */
#define ZONAL_ABI_ADD(word, value) (((word) ^ (uint64_t)(value)) * (uint64_t)0x100000001b3)
#define ZONAL_ABI_SIZES                                                                            \
	ZONAL_ABI_ADD(ZONAL_ABI_ADD(ZONAL_ABI_ADD((uint64_t)0xcbf29ce484222325,                    \
						  sizeof(struct zonal_config)),                    \
				    sizeof(struct zonal_failure)),                                 \
		      sizeof(struct zonal_boot_info))
#define ZONAL_ABI_ORDERS                                                                           \
	ZONAL_ABI_ADD(ZONAL_ABI_ADD(ZONAL_ABI_ADD(ZONAL_ABI_SIZES, ZONAL_PAGE_SHIFT),              \
				    ZONAL_MAX_ORDER),                                              \
		      ZONAL_PAGEBLOCK_ORDER)
#define ZONAL_ABI                                                                                  \
	ZONAL_ABI_ADD(ZONAL_ABI_ADD(ZONAL_ABI_ADD(ZONAL_ABI_ORDERS, ZONAL_MAX_NODES),              \
				    ZONAL_MAX_CPUS),                                               \
		      ZONAL_VERSION_MAJOR)

/* The library's own ZONAL_ABI. Any context. */
uint64_t zonal_abi(void);

ZONAL_END_DECLS

#endif
