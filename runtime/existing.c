/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs on a container that exists; see existing.h. */
#include <errno.h>
#include <string.h>

#include "existing.h"
#include "report.h"

/* Moves argv[from, from + n) to `to`, which lies before it, and what was there behind it. */
static void move_back(char *argv[], int to, int from, int n)
{
	for (int i = 0; i < n; i++) {
		char *moved = argv[from + i];

		memmove(&argv[to + i + 1], &argv[to + i], (size_t)(from - to) * sizeof(argv[0]));
		argv[to + i] = moved;
	}
}

/* The number of arguments that are options, which are the first then, or -EINVAL. */
static int parse_all(const struct existing_usage *usage, struct arena *arena, int argc, char *argv[],
		     void *options, struct failure *failure)
{
	int n_options = 0, at = 0;

	while (at < argc) {
		int used = options_parse(usage->table, argc - at, argv + at, options, arena,
					 failure);

		if (used < 0)
			return used;
		move_back(argv, n_options, at, used);
		n_options += used;
		at += used;
		if (usage->options_first || (used > 0 && strcmp(argv[n_options - 1], "--") == 0))
			break;
		at++; /* a word */
	}
	return n_options;
}

int existing_parse(const struct existing_usage *usage, const struct global_options *global,
		   int argc, char *argv[], void *options, struct failure *failure)
{
	const bool *help = (const bool *)((const char *)options + usage->help_offset);
	int used = parse_all(usage, global->arena, argc - 1, argv + 1, options, failure);
	int words = argc - 1 - used;

	if (used < 0)
		return used;
	if (*help) {
		printf("%s\n\n  %s\n\n", usage->line, usage->usage);
		options_print(stdout, usage->table);
		return 0;
	}
	if (words < usage->least || words > usage->most)
		return failure_set(failure, -EINVAL, "%s: expected: %s", argv[0], usage->usage);
	return 1 + used;
}

int existing_open_running(struct state *state, const struct global_options *global, const char *id,
			  const char *what, struct failure *failure)
{
	int err = state_open(state, global->root, id, global->arena, failure);

	return err ? err : existing_check_running(state, what, failure);
}

int existing_check_running(const struct state *state, const char *what, struct failure *failure)
{
	enum state_status status = state_status(state);

	if (status == STATE_CREATED || status == STATE_RUNNING)
		return 0;
	return failure_set(failure, -ESRCH, "%s: cannot %s a container that is %s: container not "
			   "running", state->id, what, state_status_name(status));
}

int existing_end(struct state *state, const struct failure *failure)
{
	state_close(state);
	if (!failure->text[0])
		return 0;
	report_error("%s", failure->text);
	return 1;
}
