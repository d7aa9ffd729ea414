/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted output: one scanner, two places to put the characters.
 *
 * The scanner walks the format once. Each conversion becomes a struct spec
 * (flags, width, precision, length, letter); its argument is turned into a run
 * of characters and printed with padding. Every character goes through
 * out_char(), which either stores it (zn_snprintf) or collects it in a small
 * buffer on the stack that is flushed to a sink (zn_vprint_to). So a call
 * costs under 400 bytes of stack, takes no lock, and may be interrupted by
 * another one on the same CPU.
 *
 * Integers only: the image is built without floating point registers, because
 * an interrupt handler that prints must not have to save them.
 *
 * Invariants: `total` counts every character of the full text, stored or not;
 * the stored text is always terminated by a NUL.
 */
#include "printf.h"

#include "assert.h"
#include "text.h"

enum { CHUNK = 256, NUMBER_CHARS = 24 };

struct out {
	char *buffer;
	size_t size;  /* room in buffer */
	size_t used;  /* characters in buffer */
	size_t total; /* characters of the whole text so far */
	zn_sink_fn sink; /* flush here when full; NULL: drop what does not fit */
};

struct spec {
	bool left, zero, plus, has_precision;
	int width, precision;
	int longs; /* 0 int, 1 long or size_t, 2 long long, -1 short, -2 char */
	char letter;
};

static void out_char(struct out *out, char c)
{
	out->total++;
	if (out->used == out->size) {
		if (!out->sink)
			return;
		out->sink(out->buffer, out->used);
		out->used = 0;
	}
	out->buffer[out->used++] = c;
}

static void out_repeat(struct out *out, char c, int count)
{
	while (count-- > 0)
		out_char(out, c);
}

/* As often as there is room for all of it, in one piece. */
static void out_text(struct out *out, const char *text, size_t length)
{
	if (length && length <= out->size - out->used) {
		memcpy(out->buffer + out->used, text, length);
		out->used += length;
		out->total += length;
		return;
	}
	while (length--)
		out_char(out, *text++);
}

/* Text of known length, padded with blanks to the width. */
static void out_padded(struct out *out, const struct spec *spec, const char *text, size_t length)
{
	int pad = spec->width - (int)length;

	if (!spec->left)
		out_repeat(out, ' ', pad);
	out_text(out, text, length);
	if (spec->left)
		out_repeat(out, ' ', pad);
}

/* Sign or 0x, then zeros to the precision or the width, then the digits. */
static void out_number(struct out *out, const struct spec *spec, unsigned long long value,
		       const char *prefix)
{
	const char *alphabet = spec->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	bool decimal = spec->letter == 'd' || spec->letter == 'i' || spec->letter == 'u';
	unsigned base = decimal ? 10 : 16;
	char digits[NUMBER_CHARS];
	int count = 0, zeros, pad, prefix_length = (int)text_length(prefix, SIZE_MAX);

	while (value) {
		digits[NUMBER_CHARS - ++count] = alphabet[value % base];
		value /= base;
	}
	if (!count && !(spec->has_precision && spec->precision == 0))
		digits[NUMBER_CHARS - ++count] = '0';

	zeros = spec->has_precision ? ZN_MAX(spec->precision - count, 0) : 0;
	pad = ZN_MAX(spec->width - prefix_length - zeros - count, 0);
	/* As in C: the 0 flag is void when a precision or the - flag is given. */
	if (spec->zero && !spec->left && !spec->has_precision) {
		zeros = pad;
		pad = 0;
	}
	if (!spec->left)
		out_repeat(out, ' ', pad);
	out_text(out, prefix, (size_t)prefix_length);
	out_repeat(out, '0', zeros);
	out_text(out, digits + NUMBER_CHARS - count, (size_t)count);
	if (spec->left)
		out_repeat(out, ' ', pad);
}

/* va_list is handed down in a struct so that each helper advances the same one. */
struct arguments {
	va_list list;
};

static long long argument_signed(struct arguments *args, int longs)
{
	if (longs >= 2)
		return va_arg(args->list, long long);
	if (longs == 1)
		return va_arg(args->list, long);
	if (longs == -1)
		return (short)va_arg(args->list, int);
	if (longs == -2)
		return (signed char)va_arg(args->list, int);
	return va_arg(args->list, int);
}

static unsigned long long argument_unsigned(struct arguments *args, int longs)
{
	if (longs >= 2)
		return va_arg(args->list, unsigned long long);
	if (longs == 1)
		return va_arg(args->list, unsigned long);
	if (longs == -1)
		return (unsigned short)va_arg(args->list, unsigned);
	if (longs == -2)
		return (unsigned char)va_arg(args->list, unsigned);
	return va_arg(args->list, unsigned);
}

static void out_signed(struct out *out, const struct spec *spec, struct arguments *args)
{
	long long value = argument_signed(args, spec->longs);
	/* Negated as unsigned: the most negative value has no positive twin. */
	unsigned long long size = value < 0 ? 0 - (unsigned long long)value
					    : (unsigned long long)value;
	const char *sign = value < 0 ? "-" : spec->plus ? "+" : "";

	out_number(out, spec, size, sign);
}

static void out_string(struct out *out, const struct spec *spec, const char *text)
{
	if (!text)
		text = "(null)";
	out_padded(out, spec, text,
		   text_length(text, spec->has_precision ? (size_t)spec->precision : SIZE_MAX));
}

/* Prints one conversion; false when the letter is none of ours. */
static bool out_conversion(struct out *out, struct spec *spec, struct arguments *args)
{
	char c;

	switch (spec->letter) {
	case 'd':
	case 'i':
		out_signed(out, spec, args);
		return true;
	case 'u':
	case 'x':
	case 'X':
		out_number(out, spec, argument_unsigned(args, spec->longs), "");
		return true;
	case 'p':
		out_number(out, spec, (uintptr_t)va_arg(args->list, void *), "0x");
		return true;
	case 'c':
		c = (char)va_arg(args->list, int);
		out_padded(out, spec, &c, 1);
		return true;
	case 's':
		out_string(out, spec, va_arg(args->list, const char *));
		return true;
	case '%':
		out_char(out, '%');
		return true;
	default:
		return false;
	}
}

/* A number in the format, or the next argument where a * stands. */
static const char *scan_number(const char *fmt, struct arguments *args, int *number)
{
	*number = 0;
	if (*fmt == '*') {
		*number = va_arg(args->list, int);
		return fmt + 1;
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		*number = *number * 10 + (*fmt - '0');
	return fmt;
}

static const char *scan_flags(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		if (*fmt == '-')
			spec->left = true;
		else if (*fmt == '0')
			spec->zero = true;
		else if (*fmt == '+')
			spec->plus = true;
		else
			return fmt;
	}
}

static const char *scan_length(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		if (*fmt == 'l')
			spec->longs++;
		else if (*fmt == 'z' || *fmt == 't')
			spec->longs = 1;
		else if (*fmt == 'h')
			spec->longs--;
		else
			return fmt;
	}
}

/* `fmt` is behind the percent sign; returns the place behind the letter. */
static const char *scan_spec(const char *fmt, struct spec *spec, struct arguments *args)
{
	*spec = (struct spec){ 0 };
	fmt = scan_flags(fmt, spec);
	fmt = scan_number(fmt, args, &spec->width);
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	if (*fmt == '.') {
		fmt = scan_number(fmt + 1, args, &spec->precision);
		spec->has_precision = spec->precision >= 0;
	}
	fmt = scan_length(fmt, spec);
	spec->letter = *fmt;
	return *fmt ? fmt + 1 : fmt;
}

static void out_format(struct out *out, const char *fmt, struct arguments *args)
{
	struct spec spec;

	while (*fmt) {
		const char *start = fmt;

		while (*fmt && *fmt != '%')
			fmt++;
		out_text(out, start, (size_t)(fmt - start));
		if (!*fmt)
			return;
		start = fmt;
		fmt = scan_spec(fmt + 1, &spec, args);
		if (!out_conversion(out, &spec, args))
			out_text(out, start, (size_t)(fmt - start));
	}
}

int zonal_vsnprintf(char *buffer, size_t size, const char *fmt, va_list list)
{
	struct out out = { .buffer = buffer, .size = size ? size - 1 : 0 };
	struct arguments args;

	/* The one place for them here: the text of a panic does not come by this way. */
	ASSERT(buffer || !size, "%zu bytes nowhere", size);
	ASSERT(size <= INT32_MAX, "a buffer of %zu bytes, less than none", size);
	va_copy(args.list, list);
	out_format(&out, fmt, &args);
	va_end(args.list);
	if (size)
		buffer[out.used] = '\0';
	return (int)out.total;
}

int zn_snprintf(char *buffer, size_t size, const char *fmt, ...)
{
	va_list list;
	int length;

	va_start(list, fmt);
	length = zonal_vsnprintf(buffer, size, fmt, list);
	va_end(list);
	return length;
}

void zn_vprint_to(zn_sink_fn sink, const char *fmt, va_list list)
{
	char chunk[CHUNK];
	struct out out = { .buffer = chunk, .size = sizeof(chunk), .sink = sink };
	struct arguments args;

	ASSERT(sink, "nowhere to print \"%s\"", fmt);
	va_copy(args.list, list);
	out_format(&out, fmt, &args);
	va_end(args.list);
	if (out.used)
		out.sink(chunk, out.used);
}
