/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of processors or memory nodes; see cpuset.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

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

int cpuset_count(const char *list)
{
	int count = 0;

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
		count += last - first + 1;
		if (*at == '\0')
			return count;
		if (*at != ',')
			return -EINVAL;
	}
}
