/* SPDX-License-Identifier: Apache-2.0 */
/* nacre doctor: what this host has and lacks, one line each, and what to do about it. */
#include <stdio.h>

#include "doctor.h"
#include "existing.h"

struct doctor_options {
	bool help;
};

static const struct option_row rows[] = {
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG,
	  .offset = offsetof(struct doctor_options, help), .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre doctor: what this host has and lacks. Ends with 1 when containers cannot run",
	.usage = "nacre doctor",
	.table = &table,
	.help_offset = offsetof(struct doctor_options, help),
};

static doctor_fn *const looks[] = {
	doctor_kvm,	   doctor_installation, doctor_cgroup, doctor_moves,	doctor_ends,	doctor_delegation,
	doctor_userns,	   doctor_subids,	doctor_net,    doctor_landlock, doctor_selinux, doctor_apparmor,
};

static const char *const marks[FINDING_COUNT] = {
	[FINDING_OK] = "ok",
	[FINDING_LESS] = "less",
	[FINDING_MISSING] = "MISSING",
};

int verb_doctor(const struct global_options *global, int argc, char *argv[])
{
	struct doctor_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	bool missing = false;

	for (size_t i = 0; at > 0 && i < sizeof(looks) / sizeof(looks[0]); i++) {
		struct finding finding = looks[i](global->arena);

		printf("%-8s %s%s%s\n", marks[finding.kind], finding.text,
		       finding.advice ? ": " : "", finding.advice ? finding.advice : "");
		missing = missing || finding.kind == FINDING_MISSING;
	}
	return existing_end(&state, &failure) || missing ? 1 : 0;
}
