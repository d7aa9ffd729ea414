/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest of the hypervisor example that does what no guest must do: for hostile.t.
 *
 * It is a kernel of its own, linked for the address at which the hypervisor puts one, and runs
 * with its MMU off. The word do=NAME of its command line, found in the device tree by its bytes,
 * says what it shall try. Whoever is still there afterwards says so by the UART and powers off.
 * An exception of its own has its vector outside of its memory.
 *
 * Its rings are written past the caches, and the hypervisor reads them through its own: enough for
 * QEMU, which has none, and not for a board, where this is never run.
 */
#include <stddef.h>
#include <stdint.h>

#define OUTSIDE 0x30000000ul
#define RAM 0x40000000ul
#define END 0x44000000ul /* of 64 MiB */
#define UART 0x09000000ul
#define GIC_CPU 0x080a0000ul
#define GIC 0x08000000ul
#define BALLOON 0x0a000000ul
#define SYSTEM_OFF 0x84000008u
#define SYSTEM_RESET 0x84000009u
#define BLOCK 0x200000u

enum { SELECT = 0x30, SIZE = 0x38, READY = 0x44, NOTIFY = 0x50, STATUS = 0x70, DESC = 0x80,
       AVAIL = 0x90, USED = 0xa0 };
#define REPORT 2u
#define NEXT 1u

__asm__(".section .head, \"ax\"\n"
	"	b	1f\n"
	"	.long	0\n"
	"	.quad	0, 0x10000, 0xa, 0, 0, 0\n"
	"	.ascii	\"ARM\\x64\"\n"
	"	.long	0\n"
	"1:	mov	x1, #0x40200000\n"
	"	mov	sp, x1\n"
	"	mov	x1, #0x30000000\n"
	"	msr	vbar_el1, x1\n"
	"	b	hostile\n"
	"	.text\n");

struct desc {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

/* The three parts of a queue, far from the image. */
struct ring {
	struct desc desc[32];
	volatile uint16_t avail[2 + 32];
	uint32_t used[1 + 64];
};
static struct ring *const ring = (struct ring *)(RAM + 24 * (uint64_t)BLOCK);

/* Plain forms: an access that also moves its address has no syndrome that a device could serve. */
static void put32(uint64_t at, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(at) : "memory");
}

static uint32_t get32(uint64_t at)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
	return value;
}

static void say(const char *text)
{
	while (*text)
		put32(UART, (uint8_t)*text++);
}

static uint64_t firmware(uint64_t function, uint64_t a, uint64_t b)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;

	__asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2) : "x3", "memory");
	return x0;
}

/* ---- memory ---------------------------------------------------------------------- */

static void do_write(void) { put32(OUTSIDE, 1); }
static void do_read(void) { get32(OUTSIDE); }
static void do_behind(void) { put32(END, 1); }
static void do_fetch(void) { ((void (*)(void))OUTSIDE)(); }
static void do_high(void) { get32(0xfffffff000ul); }

/* A pair of registers: the syndrome does not say what a device would have to do. */
static void do_twice(void)
{
	uint64_t a, b;

	__asm__ volatile("ldp %0, %1, [%2]" : "=&r"(a), "=&r"(b) : "r"(UART));
}

/* ---- registers and calls ------------------------------------------------------------ */

static void do_register(void) { __asm__ volatile("msr s3_0_c12_c11_6, xzr"); } /* ICC_ASGI1R_EL1 */
static void do_reset(void) { firmware(SYSTEM_RESET, 0, 0); }

static void do_calls(void)
{
	uint64_t refused = 0;

	for (unsigned i = 0; i < 4096; i++)
		if (i != (SYSTEM_OFF & 0xffff) && i != (SYSTEM_RESET & 0xffff))
			refused += firmware(0x84000000u | i, ~0ul, ~0ul) == ~0ul;
	for (unsigned i = 0; i < 4096; i++)
		refused += firmware(0xc5000000u | i, ~0ul, ~0ul) == ~0ul;
	say(refused > 8000 ? "most calls are refused\n" : "calls are taken\n");
}

/* Each register of each device that there is, with all bits and with none. */
static void do_devices(void)
{
	static const struct { uint64_t from, to; } device[] = {
		{ GIC, GIC + 0x10000 }, { GIC_CPU, GIC_CPU + 0x20000 },
		{ UART + 4, UART + 0x1000 }, { BALLOON, BALLOON + 0x1000 },
	};

	for (unsigned i = 0; i < sizeof(device) / sizeof(*device); i++) {
		for (uint64_t at = device[i].from; at < device[i].to; at += 4) {
			put32(at, get32(at) | ~0u);
			put32(at, 0);
		}
	}
	say("all devices are there\n");
}

static void do_line(void)
{
	for (unsigned i = 0; i < 100; i++)
		say("0123456789\033[2J\r");
	say("\n");
}

/* ---- rings ------------------------------------------------------------------------- */

static void put64(uint64_t at, uint64_t value)
{
	put32(at, (uint32_t)value);
	put32(at + 4, (uint32_t)(value >> 32));
}

static void queue(uint32_t size, uint64_t desc, uint64_t avail, uint64_t used)
{
	put32(BALLOON + SELECT, REPORT);
	put32(BALLOON + SIZE, size);
	put64(BALLOON + DESC, desc);
	put64(BALLOON + AVAIL, avail);
	put64(BALLOON + USED, used);
	put32(BALLOON + READY, 1);
}

static void notify(uint16_t count)
{
	__asm__ volatile("dsb sy" ::: "memory");
	ring->avail[1] = count;
	__asm__ volatile("dsb sy" ::: "memory");
	put32(BALLOON + NOTIFY, REPORT);
}

static void good_queue(void)
{
	queue(32, (uint64_t)ring->desc, (uint64_t)ring->avail, (uint64_t)ring->used);
}

static void give(uint64_t address, uint32_t length)
{
	good_queue();
	ring->desc[0] = (struct desc){ .address = address, .length = length };
	notify(1);
}

static void do_no_desc(void)
{
	queue(32, OUTSIDE, (uint64_t)ring->avail, (uint64_t)ring->used);
	notify(1);
}

static void do_no_avail(void)
{
	queue(32, (uint64_t)ring->desc, ~0ul - 1, (uint64_t)ring->used);
	notify(1);
}

static void do_no_used(void)
{
	queue(32, (uint64_t)ring->desc, (uint64_t)ring->avail, END - 4);
	notify(1);
}

static void do_loop(void)
{
	good_queue();
	ring->desc[0] = (struct desc){ .address = OUTSIDE, .flags = NEXT, .next = 1 };
	ring->desc[1] = (struct desc){ .address = OUTSIDE, .flags = NEXT, .next = 0 };
	notify(1);
}

static void do_index(void)
{
	good_queue();
	ring->desc[0] = (struct desc){ .flags = NEXT, .next = 32 };
	notify(1);
}

static void do_head(void)
{
	good_queue();
	ring->avail[2] = 40000;
	notify(1);
}

static void do_many(void)
{
	good_queue();
	notify(33);
}

/* A size that is none, a queue that is none, and a notice before anything is ready. */
static void do_unready(void)
{
	put32(BALLOON + NOTIFY, REPORT);
	queue(65, (uint64_t)ring->desc, (uint64_t)ring->avail, (uint64_t)ring->used);
	notify(1);
	queue(0, (uint64_t)ring->desc, (uint64_t)ring->avail, (uint64_t)ring->used);
	notify(1);
	put32(BALLOON + SELECT, 77);
	put32(BALLOON + SIZE, 1);
	put32(BALLOON + READY, 1);
	put32(BALLOON + NOTIFY, 77);
}

/* What it does not have, it cannot give: before its RAM, behind it, and parts of blocks. */
static void do_give_others(void)
{
	give(OUTSIDE, (uint32_t)(RAM - OUTSIDE));
	give(END, 0x10000000u);
	give(0, (uint32_t)RAM);
	give(END - BLOCK + 4096, 2 * BLOCK - 8192);
	give(~0ul - BLOCK, BLOCK);
}

/* Twice the same block, and a touch of it: it comes back empty. */
static void do_give_twice(void)
{
	const uint64_t at = END - 4 * BLOCK;

	put32(at, 0x5a5a5a5a);
	give(at, BLOCK);
	give(at, BLOCK);
	say(get32(at) ? "it has its old bytes\n" : "it comes back empty\n");
}

/* The block that it runs in: the next instruction is fetched from an empty one. */
static void do_give_itself(void) { give(RAM, BLOCK); }
/* An end that wraps: all of the addresses from 0 on. */
static void do_give_all(void) { give(~0ul - 4095, ~0u); }

/* Others go on meanwhile: half a second of work, and a look at its own memory. */
static void do_stay(void)
{
	volatile uint32_t *at = (uint32_t *)(RAM + 16 * BLOCK);
	uint64_t start, now, hz;
	unsigned wrong = 0;

	__asm__ volatile("mrs %0, cntfrq_el0\n\tmrs %1, cntvct_el0" : "=r"(hz), "=r"(start));
	for (unsigned i = 0; i < BLOCK; i++)
		at[i] = i * 2654435761u;
	do {
		__asm__ volatile("mrs %0, cntvct_el0" : "=r"(now));
	} while (now - start < hz / 2);
	for (unsigned i = 0; i < BLOCK; i++)
		wrong += at[i] != i * 2654435761u;
	say(wrong ? "its memory has changed\n" : "its memory is as it was\n");
}

/* ---- which ---------------------------------------------------------------------------- */

#define WAYS(X) \
	X(write) X(read) X(behind) X(fetch) X(high) X(twice) X(register) X(reset) X(calls) \
	X(devices) X(line) X(no_desc) X(no_avail) X(no_used) X(loop) X(index) X(head) X(many) \
	X(unready) X(give_others) X(give_twice) X(give_itself) X(give_all) X(stay)

static int is(const char *at, const char *name)
{
	while (*name)
		if (*at++ != *name++)
			return 0;
	return !*at || *at == ' ';
}

void hostile(const char *tree) __attribute__((noreturn, used));
void hostile(const char *tree)
{
	const char *at = tree;

	while (!(at[0] == 'd' && at[1] == 'o' && at[2] == '=') && at < tree + 4096)
		at++;
	at += 3;
	say("tries\n");
#define TRY(name)                    \
	if (is(at, #name)) {         \
		do_##name();         \
		goto there;          \
	}
	WAYS(TRY)
	say("no such way\n");
there:
	say("still there\n");
	firmware(SYSTEM_OFF, 0, 0);
	for (;;)
		;
}
