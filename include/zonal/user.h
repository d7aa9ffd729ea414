/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program at EL0 and the image agree on: system calls, their numbers, errors.
 *
 * A program is a static ELF64 file for aarch64 that is linked into the image. It begins at its
 * entry point with its argument in x0 and a stack of USER_STACK_BYTES. It asks by SVC #0 with the
 * number in x8 and arguments from x0 on; the answer is in x0, every other register is kept. An
 * answer from -4095 to -1 is an error, one of USER_E*. An unknown number is USER_ENOSYS.
 *
 * Pointers are checked before they are followed: what is not mapped with the rights that the call
 * needs is USER_EFAULT. Addresses and sizes of ranges are whole pages. What a program touches
 * outside of its ranges, or against their rights, and every instruction that EL0 may not
 * execute, ends the program and nothing else.
 *
 * Memory that is mapped is anonymous: it reads as zero until written, and pages come when they
 * are touched. No page is ever writable and executable.
 */
#ifndef ZONAL_USER_H
#define ZONAL_USER_H

#include <zonal/types.h>

/* Where addresses of a program begin and end, and the pages of its first stack. */
#define USER_BASE 0x10000ull
#define USER_LIMIT 0x800000000000ull
#define USER_STACK_BYTES 0x40000ull
#define USER_STACK_TOP (USER_LIMIT - 0x10000ull)

/* Rights of a range. WRITE with EXEC is refused. */
#define USER_READ 1u
#define USER_WRITE 2u
#define USER_EXEC 4u
#define USER_RIGHTS 7u
/* Of USER_CALL_MAP, beside the rights: the range may be served by blocks of 2 MiB. */
#define USER_HUGE 8u

/* What USER_CALL_ADVISE can be told. */
#define USER_DROP 1u /* the contents are not needed: the range reads as zero again */

#define USER_ENOENT (-2)  /* no program of that name */
#define USER_ESRCH (-3)   /* no such task, or not the caller's */
#define USER_EIO (-5)     /* a page could not be read back from swap */
#define USER_EAGAIN (-11) /* the table of tasks is full */
#define USER_ENOMEM (-12) /* no page, or no room in the table of ranges */
#define USER_EFAULT (-14) /* a pointer to what is not there */
#define USER_EEXIST (-17) /* something is mapped there */
#define USER_EINVAL (-22) /* an argument breaks its rule */
#define USER_ENOSYS (-38) /* no such call */

enum user_call {
	USER_CALL_EXIT,       /* (status): does not return */
	USER_CALL_WRITE,      /* (text, bytes): to the console; bytes written */
	USER_CALL_YIELD,      /* () */
	USER_CALL_SLEEP,      /* (nanoseconds) */
	USER_CALL_TIME,       /* (): nanoseconds since some moment */
	USER_CALL_MAP,        /* (address or 0, bytes, rights and USER_HUGE): the address */
	USER_CALL_UNMAP,      /* (address, bytes): holes in between are no error */
	USER_CALL_ADVISE,     /* (address, bytes, USER_DROP): all of it must be mapped */
	USER_CALL_PROTECT,    /* (address, bytes, rights): all of it must be mapped */
	USER_CALL_SET_POLICY, /* (mode, flags, nodes): of the task; enum mpol_mode, MPOL_F_* */
	USER_CALL_GET_POLICY, /* (struct user_policy *) */
	USER_CALL_BIND,       /* (address, bytes, mode, flags, nodes): of what is mapped there;
			       * pages that have come already stay where they are */
	USER_CALL_MOVE,       /* (node): run on its cores from now on */
	USER_CALL_SET_MEMS,   /* (nodes): the ones that the task may take pages from */
	USER_CALL_WHERE,      /* (): core | node << 32 */
	USER_CALL_SPAWN,      /* (name, bytes of the name, argument): the id of the new task */
	USER_CALL_WAIT,       /* (id, struct user_end *): once for each task that it started */
	USER_CALL_KILL,       /* (id): of a task that it started */
	USER_CALL_OOM_ADJ,    /* (id of a task that it started, 0: its own; -1000 to 1000): who is
			       * ended first when memory runs out, -1000: never */
	USER_CALL_TO_NODE,    /* (address, bytes, node): single pages that have come there go to
			       * that node, as many as it has room for; how many went */
	USER_CALLS
};

/* The answer of USER_CALL_GET_POLICY. */
struct user_policy {
	uint32_t mode, flags;
	uint64_t nodes;
};

/* The answer of USER_CALL_WAIT. */
enum user_reason { USER_EXITED, USER_KILLED, USER_FAULTED };
struct user_end {
	int32_t status;  /* what it gave to USER_CALL_EXIT; otherwise not 0 */
	uint32_t reason; /* enum user_reason */
	uint64_t detail; /* of a fault: the syndrome, and the address if there is one */
	uint64_t address;
};

#endif
