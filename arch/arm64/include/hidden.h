/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included by the compiler before every C file of the image (-include).
 *
 * The image is one static, position-independent program: no symbol of it is ever
 * taken from elsewhere. Without this, -fpie makes each access to a variable of another file
 * load its address from the global offset table, which costs an instruction and a cache
 * line, and which holds no usable address before the MMU is on.
 */
#pragma GCC visibility push(hidden)
