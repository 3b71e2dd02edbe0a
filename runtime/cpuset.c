/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of processors or memory nodes; see cpuset.h. */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cpuset.h"

#define NUMBER_MAX 65535

/* Takes a decimal number. */
static bool take_number(const char **at, int *number)
{
	const char *begin = *at;

	for (*number = 0; **at >= '0' && **at <= '9'; (*at)++) {
		*number = *number * 10 + (**at - '0');
		if (*number > NUMBER_MAX)
			return false;
	}
	return *at > begin;
}

/* Each range of a list, as `take` sees it. 0 or -EINVAL. */
static int ranges_read(const char *list, void (*take)(int first, int last, void *ctx), void *ctx)
{
	for (const char *at = list;; at++) {
		int first, last;

		if (!take_number(&at, &first))
			return -EINVAL;
		last = first;
		if (*at == '-') {
			at++;
			if (!take_number(&at, &last) || last < first)
				return -EINVAL;
		}
		take(first, last, ctx);
		if (*at == '\0')
			return 0;
		if (*at != ',')
			return -EINVAL;
	}
}

static void range_count(int first, int last, void *ctx)
{
	*(int *)ctx += last - first + 1;
}

int cpuset_count(const char *list)
{
	int count = 0;
	int err = ranges_read(list, range_count, &count);

	return err ? err : count;
}

static void range_set(int first, int last, void *ctx)
{
	uint8_t *bits = ctx;

	for (int i = first; i <= last; i++)
		bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

int cpuset_bits(const char *list, uint8_t *bits)
{
	int n = CPUSET_BYTES;
	int err;

	static_assert((NUMBER_MAX + 1) / 8 == CPUSET_BYTES, "a bit for each number");
	memset(bits, 0, CPUSET_BYTES);
	err = ranges_read(list, range_set, bits);
	while (n > 0 && bits[n - 1] == 0)
		n--;
	return err ? err : n;
}
