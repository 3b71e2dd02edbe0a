/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default seccomp profile: the table that tools/mkprofile made of seccomp-default.profile, cut
 * to what the container's capabilities leave of it.
 */
#include <errno.h>
#include <stdbool.h>
#include <linux/capability.h>
#include <seccomp.h>

#include "seccomp_profile.h"

static const struct {
	uint32_t action;
	int cap; /* -1: the row counts always */
	bool without;
	bool conditional;
	const char *const *names; /* NULL ends them */
	struct seccomp_arg condition;
} rows[] = {
#include "seccomp_default_profile.h"
};

struct seccomp_profile *seccomp_default(struct arena *arena, uint64_t bounding)
{
	struct seccomp_profile *profile = arena_take(arena, sizeof(*profile));

	profile->default_action = SCMP_ACT_ERRNO(EPERM);
	profile->is_default = true;
	profile->bounding = bounding;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seccomp_rule *rule;

		if (rows[i].cap >= 0 && (bounding >> rows[i].cap & 1) == rows[i].without)
			continue;
		rule = seccomp_add_rule(arena, &profile->rules);
		rule->action = rows[i].action;
		for (const char *const *name = rows[i].names; *name; name++)
			string_list_add(arena, &rule->names, *name);
		if (rows[i].conditional)
			*seccomp_add_arg(arena, &rule->args) = rows[i].condition;
	}
	return profile;
}
