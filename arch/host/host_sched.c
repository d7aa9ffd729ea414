/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's port hooks in a Linux process: threads are CPUs, tasks are fibres.
 *
 * A fibre's registers are pushed on its own stack by host_switch(), a few lines of
 * assembly, because the ucontext functions make a system call each time and the
 * address sanitizer warns of them. Both sanitizers are told of every switch; the
 * hooks are weak, so one object serves all builds. A fibre goes from thread to
 * thread as a task goes from CPU to CPU.
 *
 * Interrupts here are looked for, not taken: sched_port_poll() and the idle wait see
 * whether the CPU was kicked, its timer is due or a call was posted (host_port.c).
 * Hence a task is switched only in calls of the scheduler and in task_poll(). The
 * masking rules are the same as on hardware and are checked by the same panics.
 *
 * The board is set by host_world.c: host_sched_board, host_sched_mm and the memory that
 * stands for the board's RAM.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host_sched.h"
#include "lib/assert.h"
#include "sched/sched.h"
#include "sched/sched_port.h"

/* Present only in programs linked with the sanitizer. */
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size)
	__attribute__((weak));
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size)
	__attribute__((weak));
void *__tsan_get_current_fiber(void) __attribute__((weak));
void *__tsan_create_fiber(unsigned flags) __attribute__((weak));
void __tsan_destroy_fiber(void *fibre) __attribute__((weak));
void __tsan_switch_to_fiber(void *fibre, unsigned flags) __attribute__((weak));

struct host_sched host_sched;

enum { EARLY_FIBRES = 256 };
static _Atomic unsigned early_fibres; /* that were made with their tasks, and are there */

/* host_switch(&save_sp, new_sp): push what a callee keeps, change stacks, pop. */
void host_switch(void **save_sp, void *new_sp);
void host_fibre_start(void);
#if defined(__x86_64__)
#define FIBRE_WORDS 7
#define FIBRE_ENTRY 0 /* rbx */
#define FIBRE_RETURN 6
__asm__(".text\n"
	".globl host_switch\n.type host_switch, @function\nhost_switch:\n"
	"	push %rbp\n	push %r15\n	push %r14\n	push %r13\n	push %r12\n"
	"	push %rbx\n"
	"	mov %rsp, (%rdi)\n	mov %rsi, %rsp\n"
	"	pop %rbx\n"
	"	pop %r12\n	pop %r13\n	pop %r14\n	pop %r15\n	pop %rbp\n"
	"	ret\n.size host_switch, . - host_switch\n"
	".globl host_fibre_start\n.type host_fibre_start, @function\nhost_fibre_start:\n"
	"	xor %ebp, %ebp\n	call *%rbx\n	ud2\n"
	".size host_fibre_start, . - host_fibre_start\n");
#elif defined(__aarch64__)
#define FIBRE_WORDS 20
#define FIBRE_ENTRY 0   /* x19 */
#define FIBRE_RETURN 11 /* x30 */
__asm__(".text\n"
	".globl host_switch\n.type host_switch, %function\nhost_switch:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp]\n	stp x21, x22, [sp, #16]\n	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n	str x9, [x0]\n	mov sp, x1\n"
	"	ldp x19, x20, [sp]\n	ldp x21, x22, [sp, #16]\n	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n	ret\n.size host_switch, . - host_switch\n"
	".globl host_fibre_start\n.type host_fibre_start, %function\nhost_fibre_start:\n"
	"	mov x29, xzr\n	blr x19\n	brk #1\n"
	".size host_fibre_start, . - host_fibre_start\n");
#else
#error "arch/host/host_sched.c: no switch for this processor; x86-64 and aarch64 have one"
#endif

/* ---- contexts ---- */

void sched_context_init(struct sched_context *context, void *stack, size_t bytes,
			void (*entry)(void))
{
	/* The start code is returned to with sp at the stack's end, 16-byte aligned. */
	uintptr_t *top = (uintptr_t *)(void *)((char *)stack + bytes) - FIBRE_WORDS;

	ASSERT(!(bytes & 15) && !((uintptr_t)stack & 15) && bytes > FIBRE_WORDS * sizeof(*top),
	       "a stack of %zu bytes at %p", bytes, stack);
	memset(context, 0, sizeof(*context));
	memset(top, 0, FIBRE_WORDS * sizeof(*top));
	top[FIBRE_ENTRY] = (uintptr_t)entry;
	top[FIBRE_RETURN] = (uintptr_t)host_fibre_start;
	context->sp = top;
	context->stack = stack;
	context->stack_bytes = bytes;
	context->made = true;
	atomic_fetch_add(&host_sched.contexts, 1);
	/* It takes longer than a slice, which the first switch would take from the task. But there
	 * is room for a few thousand at once, and a test has ten thousand tasks. */
	if (__tsan_create_fiber && atomic_load(&early_fibres) < EARLY_FIBRES) {
		atomic_fetch_add(&early_fibres, 1);
		context->fibre = __tsan_create_fiber(0);
		context->early = true;
	}
}

void sched_context_adopt(struct sched_context *context)
{
	pthread_attr_t attr;
	void *stack;

	memset(context, 0, sizeof(*context));
	if (pthread_getattr_np(pthread_self(), &attr) ||
	    pthread_attr_getstack(&attr, &stack, &context->stack_bytes))
		port_panic("host: no bounds of a thread's stack");
	context->stack = stack;
	pthread_attr_destroy(&attr);
	if (__tsan_get_current_fiber)
		context->fibre = __tsan_get_current_fiber();
}

void sched_context_drop(struct sched_context *context)
{
	if (context->fibre && __tsan_destroy_fiber)
		__tsan_destroy_fiber(context->fibre);
	context->fibre = NULL;
	if (context->early) {
		ASSERT(atomic_load(&early_fibres), "a fibre is dropped, and none was made early");
		atomic_fetch_sub(&early_fibres, 1);
	}
	context->early = false;
	if (context->made) {
		ASSERT(atomic_load(&host_sched.contexts), "a context is dropped that was not made");
		atomic_fetch_sub(&host_sched.contexts, 1);
	}
	context->made = false;
}

/* No instrumentation: between the two calls the sanitizer and the stack pointer disagree. */
__attribute__((no_sanitize("address", "thread"))) void
sched_context_switch(struct sched_context *from, struct sched_context *to, bool ends)
{
	ASSERT(from != to && to->sp, "a switch to %p without a stack", (void *)to);
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->stack,
					       to->stack_bytes);
	if (__tsan_switch_to_fiber) {
		if (!to->fibre)
			to->fibre = __tsan_create_fiber(0);
		__tsan_switch_to_fiber(to->fibre, 0);
	}
	host_switch(&from->sp, to->sp);
	sched_context_begin(from);
}

void sched_context_begin(struct sched_context *context)
{
	if (__sanitizer_finish_switch_fiber)
		__sanitizer_finish_switch_fiber(context->fake_stack, NULL, NULL);
}

void sched_port_unmask(void)
{
	port_irq_restore(0);
}

/* ---- this CPU and others ---- */

static struct host_sched_cpu *here(void)
{
	return &host_sched.cpu[port_this_cpu()->id];
}

static bool timer_due(void)
{
	uint64_t ns = atomic_load(&here()->timer_ns);

	return ns != SCHED_NEVER && ns <= port_time_ns();
}

void sched_port_wait(void)
{
	/* Short naps stand for WFI: a posted call has no way to end a longer one. */
	const struct timespec nap = { 0, 50000 };
	uint64_t timer_ns = atomic_load(&here()->timer_ns);

	if (atomic_load(&here()->kicked) || timer_due() || atomic_load(&host_self->pending))
		return;
	/* A clock that stands goes on to what is due next: nothing else can happen there. */
	if (atomic_load(&host_clock_ns) && timer_ns != SCHED_NEVER)
		atomic_store(&host_clock_ns, timer_ns);
	else
		nanosleep(&nap, NULL);
}

void sched_port_kick(unsigned cpu)
{
	ASSERT(cpu < ZONAL_MAX_CPUS, "CPU %u", cpu);
	atomic_store(&host_sched.cpu[cpu].kicked, true);
}

void sched_port_set_timer(uint64_t ns)
{
	atomic_store(&here()->timer_ns, ns);
}

/* What the interrupt of a kick or the timer would do on hardware. */
static void serve_interrupts(void)
{
	port_irqflags_t flags = port_irq_save();
	struct port_cpu *cpu = port_this_cpu();

	ASSERT(!cpu->irq_depth, "CPU %u polls in a handler", cpu->id);
	cpu->irq_depth++;
	if (timer_due()) {
		atomic_store(&here()->timer_ns, SCHED_NEVER);
		sched_timer_tick();
	}
	cpu->irq_depth--;
	port_irq_restore(flags);
}

static ZN_NOINLINE void after_interrupts(void)
{
	port_irqflags_t flags = port_irq_save();

	atomic_store(&here()->kicked, false);
	if (sched_irq_exit())
		sched_preempt();
	host_sched_unmask(flags);
}

void sched_port_poll(void)
{
	if (host_sched_should_stop())
		host_sched_stop_cpu();
	serve_interrupts();
	after_interrupts();
}

void host_sched_unmask(port_irqflags_t flags)
{
	port_irq_restore(flags);
}

/* ---- memory and board ---- */

struct zonal *sched_port_memory(void)
{
	return host_sched.mm;
}

const struct boot_info *sched_port_board(void)
{
	return &host_sched.board;
}

/* A test may play any CPU. */
unsigned sched_port_cpu_count(void)
{
	return ZONAL_MAX_CPUS;
}

/* As on a board, what it holds is anything: who reads a CPU's number that was not written there
 * has one that no queue has. */
void *sched_port_tables(size_t bytes)
{
	void *tables = aligned_alloc(PAGE_SIZE, align_up(bytes, PAGE_SIZE));

	if (!tables)
		port_panic("host: no memory for the queues, %zu bytes", bytes);
	memset(tables, 0xff, bytes);
	return tables;
}

void *sched_port_address(struct page *page)
{
	pfn_t pfn = zonal_pfn(page);

	ASSERT(pfn >= host_sched.ram_phys >> PAGE_SHIFT &&
	       pfn < (host_sched.ram_phys + host_sched.ram_bytes) >> PAGE_SHIFT,
	       "pfn 0x%llx is not of this board", (unsigned long long)pfn);
	return host_sched.ram + ((zonal_pfn(page) << PAGE_SHIFT) - host_sched.ram_phys);
}

void *sched_port_stack_map(struct page *page)
{
	return host_sched.no_maps ? NULL : sched_port_address(page);
}

void sched_port_stack_unmap(void *stack, struct page *page)
{
	/* A dead fibre's frames stay poisoned for the address sanitizer; the next owner of
	 * these pages has nothing to do with them. */
	host_sched_unpoison(stack, SCHED_STACK_BYTES);
	ASSERT(stack == sched_port_address(page), "the stack %p is not in its pages", stack);
}

uint64_t port_task_id(void)
{
	const struct task *task = task_current();

	return task ? task_id(task) : 0;
}
