/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * __popcountdi2: the function that gcc calls for __builtin_popcountll().
 *
 * ARM64 counts bits in a vector register only, and the image may not touch
 * those (-mgeneral-regs-only), so gcc falls back to its support library, which
 * the image does not link. clang computes the same in line.
 *
 * Neighbouring fields are added in parallel: pairs of bits, then nibbles, then
 * bytes; the multiplication adds all bytes into the highest one.
 */
#include <stdint.h>

int __popcountdi2(uint64_t v);

int __popcountdi2(uint64_t v)
{
	v -= (v >> 1) & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + ((v >> 2) & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (int)((v * 0x0101010101010101ull) >> 56);
}
