/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a plan (include/plan.h). plan_decode() checks every record of it once; what it accepted
 * can be walked with plan_next() and taken apart with a cursor that then cannot fail. Everything
 * points into the caller's buffer: no heap, no copy, no state.
 */
#ifndef NACRE_INIT_PLAN_READ_H
#define NACRE_INIT_PLAN_READ_H

#include <stddef.h>
#include <stdint.h>

#include "plan.h"

enum plan_kind {
	PLAN_OF_CONTAINER, /* everything */
	PLAN_OF_NETWORK,   /* plan.h "A plan of a network" */
	PLAN_OF_PROCESS,   /* for one that joins a container: plan.h "A plan of a process" */
};

struct plan {
	enum plan_kind kind;
	const uint8_t *buf;
	size_t len;
	const struct plan_process *process;
	const struct plan_root *root; /* NULL in a plan of a process */
	const char *cwd;
	const char *hostname;   /* NULL: not in the plan */
	const char *domainname; /* NULL: not in the plan */
	const char *label;	/* NULL: not in the plan */
	uint32_t count[PLAN_TYPE_COUNT];
};

/* The strings behind struct plan_mount. */
struct plan_mount_view {
	const struct plan_mount *m;
	const char *target, *type, *source, *data;
};

/*
 * Checks the `len` bytes at `buf`, which must be 8-aligned and outlive *p. 0, or -EBADMSG with *why
 * set to a constant that says what is wrong.
 */
int plan_decode(struct plan *p, enum plan_kind kind, const void *buf, size_t len, const char **why);

/*
 * The next record of `type` at or after *pos (start with 0); its body goes to *body. False at the
 * end. Only on what plan_decode accepted.
 */
bool plan_next(const struct plan *p, size_t *pos, enum plan_type type, struct cursor *body);

/* The only string of the next record of `type`, or NULL at the end. */
const char *plan_next_string(const struct plan *p, size_t *pos, enum plan_type type);

/* The next mount. False at the end. */
bool plan_next_mount(const struct plan *p, size_t *pos, struct plan_mount_view *view);

/* The value of the last PLAN_ENV with this name, or NULL. */
const char *plan_env(const struct plan *p, const char *name);

/* The flags in plan_process.flags, enum plan_process_flags. */
static inline bool plan_has(const struct plan *p, uint32_t flag)
{
	return (le32_get(p->process->flags) & flag) != 0;
}

#endif
