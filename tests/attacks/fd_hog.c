/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors without end: the limit is the end. */
/* EXPECT: default=EMFILE bare=EMFILE wide=EMFILE */
#include "attack.h"

int main(void)
{
	struct rlimit limit;

	/* the soft limit: rlimit.c tries the hard one */
	NEED(getrlimit(RLIMIT_NOFILE, &limit));
	for (rlim_t i = 0; i <= limit.rlim_cur; i++) {
		if (dup(0) < 0)
			return errno;
	}
	return SUCCEEDED;
}
