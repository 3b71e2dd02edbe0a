/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's command line. See options.h. */
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static const struct {
	const char *name;
	size_t offset;
	bool is_switch;
	bool required;
	int64_t min, max;
} table[] = {
	{ "--kvm", offsetof(struct options, kvm_fd), false, true, 0, FD_MAX },
	{ "--kernel", offsetof(struct options, kernel_fd), false, true, 0, FD_MAX },
	{ "--init", offsetof(struct options, init_fd), false, true, 0, FD_MAX },
	{ "--listener", offsetof(struct options, listener_fd), false, true, 0, FD_MAX },
	{ "--status", offsetof(struct options, status_fd), false, true, 0, FD_MAX },
	{ "--fs", offsetof(struct options, fs_fd), false, true, 0, FD_MAX },
	{ "--user-ns", offsetof(struct options, user_ns_fd), false, true, 0, FD_MAX },
	{ "--net-ns", offsetof(struct options, net_ns_fd), false, false, 0, FD_MAX },
	{ "--console", offsetof(struct options, console_fd), false, false, 0, FD_MAX },
	{ "--control", offsetof(struct options, control_fd), false, false, 0, FD_MAX },
	{ "--confined", offsetof(struct options, confined_fd), false, false, 0, FD_MAX },
	{ "--memory", offsetof(struct options, memory), false, true, MACHINE_MIN_MEMORY,
	  MACHINE_MAX_MEMORY },
	{ "--cpus", offsetof(struct options, cpus), false, true, 1, MACHINE_MAX_CPUS },
	{ "--boot-timeout", offsetof(struct options, boot_timeout), false, false, 1, 3600000 },
	{ "--template", offsetof(struct options, template_fd), false, false, 0, FD_MAX },
	{ "--save-template", offsetof(struct options, save_template_fd), false, false, 0, FD_MAX },
	{ "--note-hot", offsetof(struct options, note_fd), false, false, 0, FD_MAX },
	{ "--caller-cgroup", offsetof(struct options, caller_cgroup_fd), false, false, 0, FD_MAX },
	{ "--end-place", offsetof(struct options, end_place_fd), false, false, 0, FD_MAX },
	{ "--volumes", offsetof(struct options, volumes), true, false, 0, 1 },
};

#define N_OPTIONS (sizeof(table) / sizeof(table[0]))

int64_t options_number(const char *name, const char *text, int64_t min, int64_t max)
{
	char *end;
	long long v;

	errno = 0;
	v = text ? strtoll(text, &end, 10) : 0;
	if (!text || !*text || *end || errno || v < min || v > max)
		setup_fail(0, "%s: a number from %lld to %lld is needed", name, (long long)min,
			   (long long)max);
	return v;
}

void options_parse(struct options *o, int argc, char **argv)
{
	bool given[N_OPTIONS] = { false };
	size_t k;

	memset(o, 0, sizeof(*o));
	o->console_fd = -1;
	o->control_fd = -1;
	o->net_ns_fd = -1;
	o->confined_fd = -1;
	o->template_fd = -1;
	o->save_template_fd = -1;
	o->note_fd = -1;
	o->caller_cgroup_fd = -1;
	o->end_place_fd = -1;
	o->boot_timeout = 30000;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		for (k = 0; k < N_OPTIONS && strcmp(argv[i], table[k].name) != 0; k++)
			;
		if (k == N_OPTIONS && (options_take_net(o, argv[i], value) ||
				       options_take_block(o, argv[i], value))) {
			i++;
			continue;
		}
		if (k == N_OPTIONS)
			setup_fail(0, "unknown option %s", argv[i]);
		given[k] = true;
		*(int64_t *)(void *)((char *)o + table[k].offset) =
			table[k].is_switch ? 1
					   : options_number(argv[i], value, table[k].min, table[k].max);
		i += !table[k].is_switch;
	}
	for (k = 0; k < N_OPTIONS; k++) {
		if (table[k].required && !given[k])
			setup_fail(0, "option %s is needed", table[k].name);
	}
	if (o->memory % (1 << 20))
		setup_fail(0, "--memory: a multiple of 1 MiB is needed");
	options_check_net(o);
}
