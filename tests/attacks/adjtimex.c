/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the clock through the call that also reads it. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include <sys/timex.h>

#include "attack.h"

int main(void)
{
	struct timex t = { .modes = 0 };

	NEED(adjtimex(&t));
	t.modes = ADJ_TICK;
	return tried(adjtimex(&t));
}
