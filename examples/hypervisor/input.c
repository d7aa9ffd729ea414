/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is typed goes to one guest: console=NAME.
 *
 * Core 0 looks at the UART a hundred times a second and hands what there is to the guest's UART, by
 * a ring that one core writes and another reads; then it calls the guest's core out, which raises
 * the interrupt. Nothing is handed over before the guest's driver listens, as it throws away what
 * came earlier, nor when the ring is full: it stays where it is, and whoever types has to wait.
 *
 * The board's FIFO is left as it is, which after reset is off: turning it on empties it, and QEMU
 * may have put something there already.
 */
#include "hv.h"
#include "guest.h"

#define UART 0x09000000u
enum { DATA = 0x00, FLAGS = 0x18, CONTROL = 0x30 };
#define FLAG_NOTHING (1u << 4)
#define CONTROL_ON 0x301u /* the UART, sending, receiving */
#define TURNS 100u        /* a second */

static struct hv_guest *reader;

static volatile uint32_t *reg(unsigned offset)
{
	return hv_pointer(UART + offset);
}

void hv_input_begin(void)
{
	char name[16];

	if (!words_value(hv_board.arguments, "console=", 0, name, sizeof(name)))
		return;
	for (struct hv_guest *guest = hv_guests; guest < hv_guests + HV_GUESTS; guest++)
		if (guest->state == HV_RUNNING && !strcmp(guest->name, name))
			reader = guest;
	if (!reader) {
		hv_say("console=%s: no such guest runs", name);
		return;
	}
	*reg(CONTROL) = CONTROL_ON;
}

uint64_t hv_input_period(void)
{
	return reader ? hv_ticks_hz / TURNS : 0;
}

void hv_input_turn(void)
{
	bool some = false;

	while (reader && reader->state == HV_RUNNING && hv_vuart_room(reader) &&
	       !(*reg(FLAGS) & FLAG_NOTHING)) {
		hv_vuart_type(reader, (uint8_t)*reg(DATA));
		some = true;
	}
	if (some)
		hv_cpu_wake(&hv_cpus[reader->core]);
}
