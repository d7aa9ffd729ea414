/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest: its memory, its one vCPU, and what it sees of a machine.
 *
 * The machine is a small cut of QEMU's virt: RAM from 1 GiB on, a GICv3 for one core, the virtual
 * timer, a PL011, a balloon. Who writes what: core 0 everything before the guest starts and after
 * it has ended; in between the guest's own core, but for the tables of stage 2, which both change
 * under `lock`.
 */
#ifndef HV_GUEST_H
#define HV_GUEST_H

#include "hv.h"

#define HV_GUESTS 4u

/* Where a guest finds things. */
#define GUEST_GICD 0x08000000u
#define GUEST_GICD_BYTES 0x10000u
#define GUEST_GICR 0x080a0000u
#define GUEST_GICR_BYTES 0x20000u
#define GUEST_UART 0x09000000u
#define GUEST_PAGE_BYTES 0x1000u
#define GUEST_BALLOON 0x0a000000u
#define GUEST_RAM 0x40000000u
#define GUEST_UART_IRQ 33u
#define GUEST_BALLOON_IRQ 34u

/* HCR_EL2: EL1 is AArch64; interrupts and SErrors come to EL2; with a guest also stage 2, set/way
 * maintenance made harmless, and SMC taken from it. */
#define HV_HCR_HOST (1ull << 31 | 7ull << 3)
#define HV_HCR_GUEST (HV_HCR_HOST | 1ull << 0 | 1ull << 1 | 1ull << 19)

struct hv_regs {
	uint64_t x[31], pc, pstate; /* vectors.S knows the order */
};

/* Interrupts 0 to 63: SGIs, PPIs, and 32 of devices. */
struct hv_vgic {
	uint32_t control, waker;
	uint64_t enabled;
	uint64_t pending; /* waits for a list register */
	uint64_t level;   /* lines that devices hold up */
	uint32_t config[4];
};

struct hv_vuart {
	uint32_t reg[0x48 / 4];
	uint8_t typed[32];      /* a ring: core 0 puts in, the guest's core takes out */
	_Atomic uint32_t put, taken;
	char line[128];
	unsigned length;
};

/* A queue of virtio: where its three parts are, and the next entry that we have not seen. */
#define HV_QUEUES 3u
struct hv_queue {
	uint64_t desc, avail, used;
	uint16_t size, next;
	bool ready;
};

struct hv_balloon {
	uint32_t status, features_select, select, interrupt;
	struct hv_queue queue[HV_QUEUES];
};

enum hv_state { HV_NONE, HV_RUNNING, HV_ENDED };

struct hv_guest {
	char name[12], word[40];
	unsigned index, node, core;
	unsigned place; /* the node that its pages were last moved to */
	uint64_t bytes;
	uint64_t kernel_ipa, kernel_bytes, initrd_ipa, initrd_bytes, tree_ipa;
	uint64_t start_pages; /* free on its node before it was built */
	_Atomic enum hv_state state;
	char why[100]; /* it ended */

	hv_lock_t lock;
	uint64_t *root;
	struct zonal_claim ram, tables;
	struct zonal_claim_part ram_part, tables_part;
	uint64_t blocks, pages; /* mapped in such sizes */
	_Atomic uint64_t moved; /* pages that the host has moved, */
	uint64_t waits;         /* and how often the guest ran into one meanwhile */
	uint64_t given, again;  /* pages that went back, and came again */

	struct hv_regs regs;
	struct hv_vgic vgic;
	struct hv_vuart uart;
	struct hv_balloon balloon;
};

extern struct hv_guest hv_guests[HV_GUESTS];

/* ---- cpu.c, main.c ---- */
void hv_cpu_first(void);
void hv_main(const void *tree) ZONAL_NORETURN;
unsigned hv_nodes(void);
uint64_t hv_free_pages(unsigned node);

/* ---- guest.c ---- */
void hv_guests_run(void); /* all of the command line, until the last has ended */
/* Text for `why`; the guest's core then leaves it. */
void hv_guest_end(struct hv_guest *guest, const char *fmt, ...) ZONAL_PRINTF(2, 3);

/* ---- tidy.c ---- */
void hv_tidy_begin(void);      /* before guests are built */
void hv_tidy_built(void);      /* all are */
uint64_t hv_tidy_period(void); /* so many ticks later its turn comes; 0: never */
void hv_tidy_turn(void);
void hv_tidy_end(void);        /* none runs any more */

/* ---- guest_tree.c ---- */
#define HV_TREE_BYTES 4096u
/* The guest's device tree into `buffer`; 0 or an error of libfdt. */
int hv_guest_tree(const struct hv_guest *guest, void *buffer);

/* ---- stage2.c ---- */
uint64_t hv_stage2_tables(uint64_t bytes); /* pages that the tables of so much memory may need */
void hv_stage2_build(struct hv_guest *guest); /* from its claims: cannot fail */
void hv_stage2_free(struct hv_guest *guest);
void hv_stage2_enter(const struct hv_guest *guest); /* this core translates for it */
/* Where the host finds the guest's byte `ipa`, and how many follow in a row; NULL: no memory. */
void *hv_stage2_at(const struct hv_guest *guest, uint64_t ipa, uint64_t *bytes);
/* From and to the guest's memory, wherever it is today; false: there is none. */
bool hv_stage2_read(struct hv_guest *guest, uint64_t ipa, void *to, uint64_t bytes);
bool hv_stage2_write(struct hv_guest *guest, uint64_t ipa, const void *from, uint64_t bytes);
/* The guest's lock is held for these. */
unsigned hv_stage2_empty(struct hv_guest *guest, uint64_t ipa, zonal_page_t **page,
			 unsigned *order); /* 2 MiB: what was there, and how many */
void hv_stage2_set(struct hv_guest *guest, uint64_t ipa, const zonal_page_t *page);
void hv_stage2_set_table(struct hv_guest *guest, uint64_t ipa, const zonal_page_t *page);
/* The single pages of 2 MiB, and how many. */
unsigned hv_stage2_pages(struct hv_guest *guest, uint64_t ipa, zonal_page_t **page);
uint64_t *hv_stage2_entry(const struct hv_guest *guest, uint64_t ipa, unsigned *order);
void hv_stage2_flush(const struct hv_guest *guest, uint64_t ipa);

/* ---- give.c ---- */
uint64_t hv_give(struct hv_guest *guest, uint64_t ipa, uint64_t bytes); /* pages that went */
bool hv_give_again(struct hv_guest *guest, uint64_t ipa); /* false: it is not its memory */

/* ---- vectors.S ---- */
/* Into the guest, until it leaves: 0 for what ESR_EL2 says, 1 for an interrupt, 2 for an SError. */
uint64_t hv_enter(struct hv_regs *regs);

/* ---- vcpu.c ---- */
void hv_guest_run(struct hv_guest *guest); /* on its core, until it ends */

/* ---- features.c ---- */
void hv_features_open(void);     /* of this core, for a guest */
uint64_t hv_features_hcr(void);  /* what HCR_EL2 must have for that */

/* ---- psci.c: HVC and SMC ---- */
void hv_psci(struct hv_guest *guest);

/* ---- vgic.c ---- */
void hv_vgic_reset(struct hv_vgic *gic);
void hv_vgic_timer(void);                /* this core's guest's virtual timer has fired */
void hv_vgic_ended(void);                /* maintenance: list registers have become free */
void hv_vgic_raise(struct hv_vgic *gic, unsigned id, bool level);
void hv_vgic_flush(struct hv_vgic *gic); /* before the guest is entered */
void hv_vgic_stop(void);
uint64_t hv_vgic_read(struct hv_vgic *gic, uint64_t ipa);
void hv_vgic_write(struct hv_vgic *gic, uint64_t ipa, uint64_t value);
void hv_vgic_sgi(struct hv_vgic *gic, uint64_t value); /* ICC_SGI1R_EL1 */

/* ---- vuart.c ---- */
uint64_t hv_vuart_read(struct hv_guest *guest, uint64_t offset);
void hv_vuart_write(struct hv_guest *guest, uint64_t offset, uint64_t value);
void hv_vuart_flush(struct hv_guest *guest);
void hv_vuart_signal(struct hv_guest *guest); /* its interrupt, as it should be now */
bool hv_vuart_room(struct hv_guest *guest);   /* core 0: for a character; and here it is */
void hv_vuart_type(struct hv_guest *guest, uint8_t c);

/* ---- input.c ---- */
void hv_input_begin(void);
uint64_t hv_input_period(void); /* as hv_tidy_period() */
void hv_input_turn(void);

/* ---- balloon.c ---- */
uint64_t hv_balloon_read(struct hv_guest *guest, uint64_t offset);
void hv_balloon_write(struct hv_guest *guest, uint64_t offset, uint64_t value);

#endif
