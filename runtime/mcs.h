/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs of categories (SELinux's multi-category security), which keep containers of equal types apart. Of
 * two labels with the same pair, or with one category and a pair that has it, one may use the other's files.
 */
#ifndef NACRE_RUNTIME_MCS_H
#define NACRE_RUNTIME_MCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Categories of the policies of all distributions: c0 to c1023. */
#define MCS_CATEGORIES 1024u

/* low <= high; a single category is both. */
struct mcs_pair {
	uint32_t low, high;
};

/* The categories of a label, where it has one or two ("u:r:t:s0:c1,c2"); false for all others. */
bool mcs_pair_of(const char *label, struct mcs_pair *pair);

/*
 * Draws a pair that is apart from all of taken[0] to taken[n - 1]. False if there is none left.
 */
bool mcs_pair_draw(const struct mcs_pair *taken, size_t n, struct mcs_pair *pair);

/* Whether a container with the pair `ours` is apart from all of taken[0] to taken[n - 1]. */
bool mcs_pair_is_apart(struct mcs_pair ours, const struct mcs_pair *taken, size_t n);

#endif
