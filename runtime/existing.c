/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs on a container that exists; see existing.h. */
#include <errno.h>

#include "existing.h"
#include "report.h"

int existing_parse(const struct existing_usage *usage, const struct global_options *global,
		   int argc, char *argv[], void *options, struct failure *failure)
{
	const bool *help = (const bool *)((const char *)options + usage->help_offset);
	struct arena *arena = global->arena;
	int used, words;

	if (usage->options_first)
		used = options_parse(usage->table, argc - 1, argv + 1, options, arena, failure);
	else
		used = options_parse_all(usage->table, argc - 1, argv + 1, options, arena, failure);
	words = argc - 1 - used;
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
