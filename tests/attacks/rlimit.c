/* SPDX-License-Identifier: Apache-2.0 */
/* Raises its limit of processes past the hard one. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	struct rlimit limit;

	NEED(getrlimit(RLIMIT_NPROC, &limit));
	limit.rlim_max++;
	return tried(setrlimit(RLIMIT_NPROC, &limit));
}
