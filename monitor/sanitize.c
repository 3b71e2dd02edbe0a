/* SPDX-License-Identifier: Apache-2.0 */
/* Text that a guest wrote; see sanitize.h. */
#include <stdbool.h>
#include <string.h>

#include "bytes.h"
#include "sanitize.h"

#define ESC 0x1b
#define BEL 0x07
#define LINES_MAX 16

static bool in_range(uint8_t c, uint8_t first, uint8_t last)
{
	return c >= first && c <= last;
}

/*
 * How many bytes an escape sequence takes, its ESC included (ECMA-48 5.4 and 8.3.89, and what xterm
 * accepts): CSI up to its final byte, strings (OSC, DCS, SOS, PM, APC) up to BEL or ST, others up
 * to the byte behind their intermediates. A sequence that does not end takes the rest.
 */
static size_t escape_len(const uint8_t *in, size_t len)
{
	size_t i = 1;

	if (len < 2)
		return len;
	if (in[1] == '[') {
		for (i = 2; i < len && !in_range(in[i], 0x40, 0x7e); i++)
			;
		return i < len ? i + 1 : len;
	}
	if (in[1] == ']' || in[1] == 'P' || in[1] == 'X' || in[1] == '^' || in[1] == '_') {
		for (i = 2; i < len && in[i] != BEL && in[i] != ESC && in[i] != '\n'; i++)
			;
		if (i < len && in[i] == ESC && i + 1 < len && in[i + 1] == '\\')
			return i + 2;
		/* a lone ESC begins a sequence of its own */
		return i < len && in[i] == BEL ? i + 1 : i;
	}
	while (i < len && in_range(in[i], 0x20, 0x2f))
		i++;
	return i < len ? i + 1 : len;
}

size_t sanitize_text(char *out, size_t room, const uint8_t *in, size_t len)
{
	size_t n = 0;
	bool space = false;

	for (size_t i = 0; i < len;) {
		uint8_t c = in[i];
		size_t need;

		if (c == ESC) {
			i += escape_len(in + i, len - i);
			continue;
		}
		i++;
		if (c == ' ' || in_range(c, '\t', '\r')) {
			space = n > 0;
			continue;
		}
		need = space ? 2 : 1;
		if (!range_fits(n, need, room - 1))
			break;
		if (space)
			out[n++] = ' ';
		space = false;
		out[n++] = in_range(c, 0x21, 0x7e) ? (char)c : '?';
	}
	out[n] = '\0';
	return n;
}

struct line {
	const uint8_t *at;
	size_t len;
};

static bool is_panic(const struct line *line)
{
	static const char mark[] = "Kernel panic";

	return memmem(line->at, line->len, mark, sizeof(mark) - 1) != NULL;
}

static bool is_blank(const struct line *line)
{
	char one[2];

	return sanitize_text(one, sizeof(one), line->at, line->len) == 0;
}

/* The last `max` lines that are not blank, newest first; stops at a panic. Returns their number. */
static unsigned int lines_find(struct line *found, unsigned int max, const uint8_t *in, size_t len)
{
	unsigned int n = 0;

	while (len > 0) {
		size_t end = len;
		struct line line;

		while (len > 0 && in[len - 1] != '\n')
			len--;
		line = (struct line){ in + len, end - len };
		if (len > 0)
			len--; /* the line end itself */
		if (is_blank(&line))
			continue;
		if (is_panic(&line)) {
			/* what stands above and below it says less: it takes the oldest's place */
			if (n == max)
				n--;
			found[n++] = line;
			break;
		}
		if (n < max)
			found[n++] = line;
	}
	return n;
}

size_t sanitize_log_tail(char *out, size_t room, const uint8_t *in, size_t len, unsigned int lines)
{
	static const char between[] = " | ";
	struct line found[LINES_MAX];
	unsigned int n = lines_find(found, lines < LINES_MAX ? lines : LINES_MAX, in, len);
	size_t at = 0;

	out[0] = '\0';
	while (n-- > 0) {
		size_t was = at;

		if (at > 0 && !range_fits(at, sizeof(between), room - 1))
			return at; /* no room for any of it */
		if (at > 0) {
			memcpy(out + at, between, sizeof(between) - 1);
			at += sizeof(between) - 1;
		}
		at += sanitize_text(out + at, room - at, found[n].at, found[n].len);
		if (was > 0 && at == was + sizeof(between) - 1) { /* not even its first word */
			out[was] = '\0';
			return was;
		}
	}
	return at;
}
