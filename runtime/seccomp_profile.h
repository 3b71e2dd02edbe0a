/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp profile: what config.json "linux.seccomp" says (OCI runtime-spec 1.2 config-linux.md
 * "Seccomp"), or the default. Actions and comparisons are libseccomp's numbers.
 */
#ifndef NACRE_RUNTIME_SECCOMP_PROFILE_H
#define NACRE_RUNTIME_SECCOMP_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

/* Arguments of a system call. */
#define SECCOMP_ARGS_MAX 6u

struct seccomp_arg {
	uint32_t index; /* 0 to 5 */
	uint32_t op;	/* enum scmp_compare; with SCMP_CMP_MASKED_EQ `value` is the mask */
	uint64_t value, value_two;
};

struct seccomp_args {
	struct seccomp_arg *v;
	size_t n, room;
};

struct seccomp_rule {
	struct string_list names; /* those that libseccomp does not know are passed over */
	uint32_t action;	  /* SCMP_ACT_*, its errno included */
	struct seccomp_args args; /* all must hold; see seccomp_compile.c for several on one */
};

struct seccomp_rules {
	struct seccomp_rule *v;
	size_t n, room;
};

struct seccomp_profile {
	uint32_t default_action;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	struct seccomp_rules rules;
	bool is_default;   /* as seccomp_default() made it, ... */
	uint64_t bounding; /* ... for these capabilities */
};

ARENA_LIST_ADD(seccomp_add_arg, struct seccomp_args, struct seccomp_arg)
ARENA_LIST_ADD(seccomp_add_rule, struct seccomp_rules, struct seccomp_rule)

/*
 * The profile of a container that brings none (runtime/seccomp-default.profile), as wide as the
 * capabilities in `bounding` make it.
 */
struct seccomp_profile *seccomp_default(struct arena *arena, uint64_t bounding);

#endif
