/* SPDX-License-Identifier: Apache-2.0 */
/* Makes itself the last process that the OOM killer takes. */
/* EXPECT: default=EACCES bare=EACCES wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return write_to("/proc/self/oom_score_adj", "-1000");
}
