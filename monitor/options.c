/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nacre-monitor is started with; see options.h. Written by nacre: trusted, checked all the
 * same.
 */
#include <stddef.h>
#include <string.h>

#include "options.h"

#define VALUE_MAX 1000000

enum need { REQUIRED, OPTIONAL };

static const struct {
	const char *name;
	size_t offset;
	enum need need;
} table[] = {
	{ "--container", offsetof(struct options, container), REQUIRED },
	{ "--control", offsetof(struct options, control_fd), OPTIONAL },
	{ "--stdin", offsetof(struct options, stdin_fd), OPTIONAL },
	{ "--stdout", offsetof(struct options, stdout_fd), OPTIONAL },
	{ "--stderr", offsetof(struct options, stderr_fd), OPTIONAL },
	{ "--tty", offsetof(struct options, tty_fd), OPTIONAL },
	{ "--plan", offsetof(struct options, plan_fd), OPTIONAL },
	{ "--sandbox", offsetof(struct options, sandbox), OPTIONAL },
	{ "--joins", offsetof(struct options, joins), OPTIONAL },
	{ "--status", offsetof(struct options, status_fd), REQUIRED },
	{ "--sync", offsetof(struct options, sync_fd), REQUIRED },
	{ "--lifeline", offsetof(struct options, lifeline_fd), OPTIONAL },
	{ "--mount-ns", offsetof(struct options, mount_ns_fd), OPTIONAL },
	{ "--net-ns", offsetof(struct options, net_ns_fd), OPTIONAL },
	{ "--confined", offsetof(struct options, confined_fd), OPTIONAL },
	{ "--listener", offsetof(struct options, listener_fd), OPTIONAL },
	{ "--started", offsetof(struct options, started_fd), OPTIONAL },
	{ "--vmm-pid", offsetof(struct options, vmm_pidfd), OPTIONAL },
	{ "--fsd-alive", offsetof(struct options, fsd_alive_fd), OPTIONAL },
	{ "--null", offsetof(struct options, null_fd), OPTIONAL },
	{ "--alive", offsetof(struct options, alive_fd), OPTIONAL },
	{ "--notify", offsetof(struct options, notify_fd), OPTIONAL },
	{ "--log", offsetof(struct options, log_fd), OPTIONAL },
	{ "--memory-max", offsetof(struct options, memory_max_fd), OPTIONAL },
	{ "--memory-oom-group", offsetof(struct options, oom_group_fd), OPTIONAL },
	{ "--memory-swap-max", offsetof(struct options, swap_max_fd), OPTIONAL },
	{ "--memory-current", offsetof(struct options, memory_current_fd), OPTIONAL },
	{ "--vmm-score", offsetof(struct options, vmm_score_fd), OPTIONAL },
};

#define N_OPTIONS (sizeof(table) / sizeof(table[0]))

static int *field(struct options *options, size_t i)
{
	return (int *)(void *)((char *)options + table[i].offset);
}

/*
 * Where the value of an option goes, or NULL. Each --preserved is followed by its --for-preserved.
 */
static int *find(struct options *options, const char *name)
{
	int n = options->n_preserved;

	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(table[i].name, name) == 0)
			return field(options, i);
	}
	if (strcmp(name, "--preserved") == 0 && n < (int)PROTO_PRESERVED_MAX)
		return &options->preserved_fds[n];
	if (strcmp(name, "--for-preserved") == 0 && n < (int)PROTO_PRESERVED_MAX) {
		options->n_preserved++;
		return &options->preserved_links[n];
	}
	return NULL;
}

static bool number_parse(const char *text, int *value)
{
	int v = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || v > VALUE_MAX)
			return false;
		v = v * 10 + (*text - '0');
	}
	*value = v;
	return true;
}

const char *options_parse(struct options *options, int argc, char *argv[])
{
	bool streams;

	*options = (struct options){ .highest_fd = 2 };
	for (size_t i = 0; i < N_OPTIONS; i++)
		*field(options, i) = -1;
	for (int at = 1; at < argc; at += 2) {
		int *value = find(options, argv[at]);

		if (!value)
			return "unknown option";
		if (at + 1 == argc || !number_parse(argv[at + 1], value))
			return "expected a number behind each option";
		if (value != &options->container && *value > options->highest_fd)
			options->highest_fd = *value;
	}
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (table[i].need == REQUIRED && *field(options, i) < 0)
			return "an option is missing";
	}
	if (options->sandbox == 1)
		return NULL;
	if (options->control_fd < 0 || options->plan_fd < 0)
		return "an option is missing";
	streams = options->stdin_fd >= 0 && options->stdout_fd >= 0 && options->stderr_fd >= 0;
	if (streams == (options->tty_fd >= 0))
		return "expected either --tty or --stdin, --stdout and --stderr";
	return NULL;
}
