/* SPDX-License-Identifier: Apache-2.0 */
/* Preserved descriptors in the plan; see preserved.h. */
#include "preserved.h"

void preserved_add_to_plan(const struct preserved *preserved, struct plan_buffer *plan)
{
	for (size_t i = 0; preserved && i < preserved->n; i++) {
		struct plan_fd record = { .kind = le32_of((uint32_t)preserved->kinds[i]) };

		plan_buffer_add(plan, PLAN_FD, &record, sizeof(record), NULL);
	}
}
