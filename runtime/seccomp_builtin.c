/* SPDX-License-Identifier: Apache-2.0 */
/* The default profile's filters; see seccomp_builtin.h. */
#include <stddef.h>
#include <stdint.h>

#include "caps.h"
#include "plan.h"
#include "seccomp_builtin.h"

/* The bodies of PLAN_SECCOMP records, in their order. */
static const struct {
	const void *body;
	size_t len;
} records[] = {
#include "seccomp_builtin_records.h"
};

bool seccomp_add_builtin(const struct seccomp_profile *profile, struct plan_buffer *plan)
{
	if (!profile || !profile->is_default || profile->bounding != caps_default())
		return false;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		plan_buffer_add(plan, PLAN_SECCOMP, records[i].body, records[i].len, NULL);
	return true;
}
