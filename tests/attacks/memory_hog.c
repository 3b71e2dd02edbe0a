/* SPDX-License-Identifier: Apache-2.0 */
/* Memory without end: killed at the container's limit. */
/* EXPECT: default=SIGKILL wide=SIGKILL */
#include "attack.h"

int main(void)
{
	NEED(write_to("/proc/self/oom_score_adj", "1000") ? -1 : 0);
	for (size_t i = 0; i < 4096; i++) {
		char *p = malloc(1 << 20);

		if (!p)
			return ENOMEM;
		memset(p, 1, 1 << 20);
	}
	return SUCCEEDED;
}
