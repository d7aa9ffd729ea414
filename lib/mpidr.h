/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The register that names a core, as far as it does: Aff3 and Aff2 to Aff0. The other bits
 * say how the core is built. Device trees, PSCI and the GIC all use these bits alone.
 */
#ifndef LIB_MPIDR_H
#define LIB_MPIDR_H

#define MPIDR_AFFINITY 0xff00ffffff

#endif
