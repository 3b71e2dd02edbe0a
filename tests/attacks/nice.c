/* SPDX-License-Identifier: Apache-2.0 */
/* Takes precedence over all others. */
/* EXPECT: default=EACCES bare=EACCES wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return tried(setpriority(PRIO_PROCESS, 0, -20));
}
