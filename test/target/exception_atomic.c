/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The out-of-line atomic helpers of atomic.S, as boot left them: single LSE instructions
 * or exclusive loops. Every operation, size and order against plain arithmetic.
 *
 * Which of the two forms runs depends on the core, so the suite passes on both only if
 * both are right; `make test` has cores of both kinds.
 */
#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_sysreg.h"
#include "lib/atomic.h"
#include "test/ktest.h"

#define OLD 0x1122334455667788ull
#define OPERAND 0x0ff00ff00ff00f5aull

typedef uint64_t modify_fn(uint64_t operand, void *address);
typedef uint64_t compare_fn(uint64_t expected, uint64_t replacement, void *address);

#define DECLARE(op, bytes)                                                                         \
	modify_fn __aarch64_##op##bytes##_relax, __aarch64_##op##bytes##_acq,                      \
		__aarch64_##op##bytes##_rel, __aarch64_##op##bytes##_acq_rel;
#define DECLARE_CAS(bytes)                                                                         \
	compare_fn __aarch64_cas##bytes##_relax, __aarch64_cas##bytes##_acq,                       \
		__aarch64_cas##bytes##_rel, __aarch64_cas##bytes##_acq_rel;
#define FOR_SIZES(macro, op) macro(op, 1) macro(op, 2) macro(op, 4) macro(op, 8)
FOR_SIZES(DECLARE, ldadd)
FOR_SIZES(DECLARE, ldclr)
FOR_SIZES(DECLARE, ldeor)
FOR_SIZES(DECLARE, ldset)
FOR_SIZES(DECLARE, swp)
DECLARE_CAS(1) DECLARE_CAS(2) DECLARE_CAS(4) DECLARE_CAS(8)

enum operation { ADD, CLEAR, EOR, SET, SWAP };

struct modify_case {
	modify_fn *fn;
	enum operation operation;
	unsigned bytes;
};

#define ORDERS(op, what, bytes)                                                                    \
	{ __aarch64_##op##bytes##_relax, what, bytes },                                            \
		{ __aarch64_##op##bytes##_acq, what, bytes },                                      \
		{ __aarch64_##op##bytes##_rel, what, bytes },                                      \
		{ __aarch64_##op##bytes##_acq_rel, what, bytes },
#define SIZES(op, what)                                                                            \
	ORDERS(op, what, 1) ORDERS(op, what, 2) ORDERS(op, what, 4) ORDERS(op, what, 8)

static const struct modify_case modify_cases[] = {
	SIZES(ldadd, ADD) SIZES(ldclr, CLEAR) SIZES(ldeor, EOR) SIZES(ldset, SET) SIZES(swp, SWAP)
};

static uint64_t size_mask(unsigned bytes)
{
	return bytes == 8 ? UINT64_MAX : (1ull << 8 * bytes) - 1;
}

static uint64_t expected_of(enum operation operation)
{
	switch (operation) {
	case ADD:
		return OLD + OPERAND;
	case CLEAR:
		return OLD & ~OPERAND;
	case EOR:
		return OLD ^ OPERAND;
	case SET:
		return OLD | OPERAND;
	case SWAP:
	default:
		return OPERAND;
	}
}

KTEST_F(atomic, helpers_modify_their_bytes_and_return_the_old, KT_EACH_CPU | KT_TARGET_ONLY)
{
	for (unsigned i = 0; i < ARRAY_SIZE(modify_cases); i++) {
		const struct modify_case *c = &modify_cases[i];
		uint64_t mask = size_mask(c->bytes);
		uint64_t word = OLD;
		uint64_t old = c->fn(OPERAND, &word);

		KT_OK((old & mask) == (OLD & mask), "case %u: returned 0x%llx", i,
		      (unsigned long long)old);
		KT_OK(word == ((OLD & ~mask) | (expected_of(c->operation) & mask)),
		      "case %u: memory is 0x%llx", i, (unsigned long long)word);
	}
}

static void compare_case(compare_fn *fn, unsigned bytes)
{
	uint64_t mask = size_mask(bytes);
	uint64_t word = OLD;

	/* Bits of the expected value above the operand's size do not count. */
	KT_EQ(fn(OLD & mask, OPERAND, &word) & mask, OLD & mask);
	KT_EQ(word, (OLD & ~mask) | (OPERAND & mask));
	word = OLD;
	KT_EQ(fn((OLD ^ 1) & mask, OPERAND, &word) & mask, OLD & mask);
	KT_EQ(word, OLD);
}

KTEST_F(atomic, compare_and_swap_stores_only_on_a_match, KT_EACH_CPU | KT_TARGET_ONLY)
{
#define CASES(bytes)                                                                               \
	compare_case(__aarch64_cas##bytes##_relax, bytes);                                         \
	compare_case(__aarch64_cas##bytes##_acq, bytes);                                           \
	compare_case(__aarch64_cas##bytes##_rel, bytes);                                           \
	compare_case(__aarch64_cas##bytes##_acq_rel, bytes)
	CASES(1);
	CASES(2);
	CASES(4);
	CASES(8);
}

/* With LSE a call is the instruction and a RET, and the core is one that has it. */
KTEST_F(atomic, helpers_are_lse_exactly_where_the_core_has_it, KT_EACH_CPU | KT_TARGET_ONLY)
{
	const uint32_t *text = (const uint32_t *)(uintptr_t)__aarch64_ldadd4_relax;
	bool has = ((sysreg_read(id_aa64isar0_el1) >> 20) & 0xf) >= 2;

	KT_EQ(arm64_lse, has);
	KT_EQ(text[0], has ? 0xb8200020 : 0x885f7c30);
	if (has)
		KT_EQ(text[1], 0xd65f03c0);
}

struct lse_site {
	int32_t place;
	uint32_t instruction;
};

extern const struct lse_site __start_lse_sites[], __stop_lse_sites[];

/* At the places of use stands the instruction, or else a branch to a loop that comes back. */
KTEST_F(atomic, sites_are_lse_exactly_where_the_core_has_it, KT_TARGET_ONLY)
{
	bool has = ((sysreg_read(id_aa64isar0_el1) >> 20) & 0xf) >= 2;
	unsigned sites = 0;

	for (const struct lse_site *s = __start_lse_sites; s < __stop_lse_sites; s++, sites++) {
		uint32_t there = *(const uint32_t *)((uintptr_t)&s->place + (uintptr_t)s->place);

		KT_OK(has ? there == s->instruction : there >> 26 == 0x5, "site %u: 0x%x, not 0x%x",
		      sites, there, s->instruction);
		KT_OK((s->instruction & 0x3f200000) == 0x38200000, "site %u: 0x%x is no LDADD",
		      sites, s->instruction);
	}
	KT_TRUE(sites > 10);
}

/* With what stands there now; upper bits of a register must not be seen in a ticket. */
KTEST_F(atomic, sites_add_one_and_give_what_was_there, KT_EACH_CPU | KT_TARGET_ONLY)
{
	_Atomic uint16_t next = 65534;
	_Atomic int32_t refs = 2;

	KT_EQ(fetch_inc_u16_relaxed(&next), 65534);
	KT_EQ(fetch_inc_u16_relaxed(&next), 65535);
	KT_EQ(fetch_inc_u16_relaxed(&next), 0);
	KT_EQ(ld_relaxed(&next), 1);
	KT_EQ(fetch_dec_acq_rel(&refs), 2);
	KT_EQ(fetch_dec_acq_rel(&refs), 1);
	KT_EQ(fetch_dec_acq_rel(&refs), 0);
	KT_EQ(ld_relaxed(&refs), -1);
}
