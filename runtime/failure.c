/* SPDX-License-Identifier: Apache-2.0 */
/* The line that tells what went wrong; see failure.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"

/* The character that begins at `text`, well-formed UTF-8 (RFC 3629 4), and its length; 0 for none. */
static unsigned int utf8_read(const unsigned char *text, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int len = *text < 0x80 ? 1 : *text >> 5 == 6 ? 2 : *text >> 4 == 14 ? 3 :
			   *text >> 3 == 30 ? 4 : 0;

	*character = len < 2 ? *text : *text & (0x7fu >> len);
	for (unsigned int i = 1; i < len; i++) {
		if (text[i] >> 6 != 2) /* also the text's end */
			return 0;
		*character = *character << 6 | (text[i] & 0x3fu);
	}
	if (len == 0 || *character < least[len] || *character > 0x10ffff ||
	    (*character >= 0xd800 && *character < 0xe000))
		return 0;
	return len;
}

/* Controls of terminals, ends of lines, and what makes text read in another order than it stands. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void line_clean(char *text)
{
	unsigned char *to = (unsigned char *)text;
	const unsigned char *from = to;

	while (*from) {
		uint32_t character;
		unsigned int len = utf8_read(from, &character);

		if (*from == '\n' || *from == '\t') {
			*to++ = ' ';
		} else if (len == 0 || is_control(character)) {
			*to++ = '?';
		} else {
			memmove(to, from, len);
			to += len;
		}
		from += len > 0 ? len : 1;
	}
	*to = '\0';
}

int failure_set(struct failure *failure, int err, const char *format, ...)
{
	va_list args;

	if (failure->text[0])
		return err;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	line_clean(failure->text);
	if (!failure->text[0]) /* the text is what says that there is a failure */
		snprintf(failure->text, sizeof(failure->text), "%s", strerror(err < 0 ? -err : EIO));
	return err;
}
