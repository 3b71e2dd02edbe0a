/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of categories; see mcs.h. */
#include <stdlib.h>
#include <string.h>

#include "mcs.h"

#define PAIRS (MCS_CATEGORIES * (MCS_CATEGORIES - 1) / 2)

/* Reads "cN" and moves behind it. */
static bool category_read(const char **text, uint32_t *category)
{
	char *end;
	unsigned long n;

	if ((*text)[0] != 'c' || (*text)[1] < '0' || (*text)[1] > '9')
		return false;
	n = strtoul(*text + 1, &end, 10);
	*text = end;
	*category = (uint32_t)n;
	return n < MCS_CATEGORIES;
}

bool mcs_pair_of(const char *label, struct mcs_pair *pair)
{
	const char *text = strrchr(label, ':');
	uint32_t a, b;

	if (!text++ || !category_read(&text, &a))
		return false;
	b = a;
	if (*text == ',') {
		text++;
		if (!category_read(&text, &b))
			return false;
	}
	*pair = (struct mcs_pair){ a < b ? a : b, a < b ? b : a };
	return *text == '\0';
}

bool mcs_pair_is_apart(struct mcs_pair ours, const struct mcs_pair *taken, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool low = taken[i].low == ours.low || taken[i].low == ours.high;
		bool high = taken[i].high == ours.low || taken[i].high == ours.high;

		if (low && high)
			return false;
	}
	return true;
}

bool mcs_pair_draw(const struct mcs_pair *taken, size_t n, struct mcs_pair *pair)
{
	uint32_t a = arc4random_uniform(MCS_CATEGORIES);
	uint32_t b = arc4random_uniform(MCS_CATEGORIES - 1);

	b += b >= a;
	*pair = (struct mcs_pair){ a < b ? a : b, a < b ? b : a };
	/* from a random pair on, one after the other */
	for (uint32_t tries = 0; tries < PAIRS; tries++) {
		if (mcs_pair_is_apart(*pair, taken, n))
			return true;
		if (++pair->high == MCS_CATEGORIES) {
			pair->low = pair->low + 2 < MCS_CATEGORIES ? pair->low + 1 : 0;
			pair->high = pair->low + 1;
		}
	}
	return false;
}
