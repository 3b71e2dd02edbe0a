/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of a process; see environment.h. */
#include "environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct setting {
	const char *text;
	size_t at;
};

/* By name, and by place where names are the same. */
static int compare(const void *a, const void *b)
{
	const struct setting *x = a, *y = b;
	size_t x_len = strcspn(x->text, "="), y_len = strcspn(y->text, "=");
	int order = memcmp(x->text, y->text, x_len < y_len ? x_len : y_len);

	if (order != 0)
		return order;
	if (x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static bool same_name(const struct setting *x, const struct setting *y)
{
	size_t len = strcspn(x->text, "=");

	return len == strcspn(y->text, "=") && memcmp(x->text, y->text, len) == 0;
}

void environment_settle(struct string_list *env, struct arena *arena)
{
	struct setting *sorted = arena_take(arena, env->n * sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < env->n; i++)
		sorted[i] = (struct setting){ .text = env->v[i], .at = i };
	if (env->n > 0)
		qsort(sorted, env->n, sizeof(*sorted), compare);
	for (size_t i = 0; i < env->n; i++) {
		if ((i + 1 < env->n && same_name(&sorted[i], &sorted[i + 1])) ||
		    strcmp(sorted[i].text, "HOME=") == 0)
			env->v[sorted[i].at] = NULL;
	}
	for (size_t i = 0; i < env->n; i++) {
		if (env->v[i])
			env->v[n++] = env->v[i];
	}
	env->n = n;
}
