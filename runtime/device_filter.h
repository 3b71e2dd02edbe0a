/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices a container may open or make: config.json "linux.resources.devices" (OCI
 * runtime-spec 1.2 config-linux.md "Allowed Device list") as the eBPF program that cgroup v2 takes
 * in place of the files of v1.
 */
#ifndef NACRE_RUNTIME_DEVICE_FILTER_H
#define NACRE_RUNTIME_DEVICE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "failure.h"
#include "plan_buffer.h"

/* Docker writes about ten. The verifier walks every path, so that long lists take it long. */
#define DEVICE_RULES_MAX 128u

struct device_rule {
	bool allow;
	char kind;	       /* 'c', 'b', or 'a' for both */
	int64_t major, minor; /* -1: all */
	uint32_t access;       /* BPF_DEVCG_ACC_* of <linux/bpf.h> */
};

struct device_rules {
	struct device_rule *v;
	size_t n, room;
};

ARENA_LIST_ADD(device_add_rule, struct device_rules, struct device_rule)

/*
 * Appends the program for `rules`, the last of which counts most, to the plan. Below them all is
 * denied; above them the default devices are allowed, as in runc. Returns 0, or -E2BIG with the
 * failure set.
 */
int device_filter_compile(const struct device_rules *rules, struct plan_buffer *plan,
			  struct failure *failure);

#endif
