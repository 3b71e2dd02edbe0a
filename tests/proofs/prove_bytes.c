/* SPDX-License-Identifier: Apache-2.0 */
/* include/bytes.h: range_fits() for all 2^192 inputs, the cursor, wire integers. */
/* PROVES: prove_range_fits prove_cursor prove_cursor_string prove_wire */
/* UNWIND: 10 */
#include "bytes.h"
#include "prove.h"

#define ROOM 8u

void prove_range_fits(void);
void prove_cursor(void);
void prove_cursor_string(void);
void prove_wire(void);

void prove_range_fits(void)
{
	uint64_t off = any_u64(), len = any_u64(), size = any_u64();
	unsigned __int128 end = (unsigned __int128)off + len;

	CLAIM(range_fits(off, len, size) == (end <= size), "as if it were computed without a bound");
}

/* Three takes of any length: what is given lies in the buffer, and after a refusal nothing is. */
void prove_cursor(void)
{
	uint8_t buf[ROOM];
	size_t len = any_size(), taken = 0;
	struct cursor c;
	bool failed = false;

	SUPPOSE(len <= ROOM);
	c = cursor_over(buf, len);
	for (int i = 0; i < 3; i++) {
		size_t want = any_size();
		const uint8_t *p = cursor_take(&c, want);

		CLAIM(!p || !failed, "nothing behind a refusal");
		CLAIM((p != NULL) == (!failed && want <= len - taken), "given when it fits");
		if (p) {
			CLAIM(p == buf + taken, "the next bytes");
			taken += want;
		} else {
			failed = true;
		}
		CLAIM(c.failed == failed, "the refusal stays");
		CLAIM(c.left == len - taken && c.p == buf + taken, "left and position agree");
	}
}

void prove_cursor_string(void)
{
	uint8_t buf[ROOM];
	size_t len = any_size();
	struct cursor c;
	const char *s;

	SUPPOSE(len <= ROOM);
	c = cursor_over(buf, len);
	c.failed = any_bool();
	s = cursor_take_string(&c);
	if (s) {
		size_t n = 0;

		while (n < len && buf[n])
			n++;
		CLAIM(n < len, "its end lies in the buffer");
		CLAIM(c.left == len - n - 1, "the end is taken with it");
	} else {
		CLAIM(c.failed, "no string is a failure");
	}
}

void prove_wire(void)
{
	uint16_t a = any_u16();
	uint32_t b = any_u32();
	uint64_t c = any_u64();

	CLAIM(le16_get(le16_of(a)) == a, "16 bits come back");
	CLAIM(le32_get(le32_of(b)) == b, "32 bits come back");
	CLAIM(le64_get(le64_of(c)) == c, "64 bits come back");
	CLAIM(le32_of(b).b[0] == (b & 0xff) && le32_of(b).b[3] == b >> 24, "little-endian");
}
