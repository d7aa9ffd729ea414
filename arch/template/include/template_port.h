/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the template port wants of its program.
 */
#ifndef TEMPLATE_PORT_H
#define TEMPLATE_PORT_H

/* With the pair of files zonal.h has all of them. */
#ifdef ZONAL_AMALGAM
#define ZONAL_PORT
#include "zonal.h"
#else
#include <zonal/format.h>
#include <zonal/port.h>
#include <zonal/zonal.h>
#endif

ZONAL_BEGIN_DECLS

/* Before any other call of the library. Context: boot. */
void template_start(void);
/* Where lines of log go, without a newline; NULL: nowhere. */
extern void (*template_write)(const char *line);

ZONAL_END_DECLS

#endif
