/* SPDX-License-Identifier: Apache-2.0 */
/* Turns seccomp off: from the filters to no mode at all. */
/* EXPECT: default=EINVAL bare=EINVAL wide=EINVAL crun=EINVAL */
#include "attack.h"

int main(void)
{
	return tried(prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
}
