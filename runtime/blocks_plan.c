/* SPDX-License-Identifier: Apache-2.0 */
/* Block volumes in the plan; see blocks.h. */
#include "blocks.h"

void blocks_add_to_plan(const struct container_config *config, struct plan_buffer *plan)
{
	for (size_t i = 0; i < config->blocks.n; i++) {
		struct plan_block block = { .index = le32_of((uint32_t)i) };

		plan_buffer_add(plan, PLAN_BLOCK, &block, sizeof(block),
				(const char *const[]){ config->blocks.v[i].guest, NULL });
	}
}
