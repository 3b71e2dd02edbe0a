/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan's decoder in the guest. What it accepts is walked as nacre-init walks it: no walk may
 * fail behind a decoder that said yes.
 */
/* SOURCES: guest-init/plan_read.c */
#include "fuzz.h"
#include "guest-init/plan_read.h"

static void walk(const struct plan *p)
{
	struct plan_mount_view view;
	size_t sum = 0;

	if (p->kind == PLAN_OF_NETWORK) {
		CLAIM(!p->process && p->count[PLAN_ARG] == 0);
	} else {
		CLAIM(p->process && p->cwd && p->cwd[0] == '/');
		CLAIM(p->count[PLAN_ARG] >= 1);
	}
	CLAIM((p->root != NULL) == (p->kind == PLAN_OF_CONTAINER));
	for (uint32_t t = 1; t < PLAN_TYPE_COUNT; t++) {
		struct cursor body;
		uint32_t n = 0;

		for (size_t pos = 0; plan_next(p, &pos, t, &body); n++)
			sum += body.left;
		CLAIM(n == p->count[t]);
	}
	CLAIM(sum <= p->len);
	for (size_t pos = 0; plan_next_mount(p, &pos, &view);) {
		sum += strlen(view.target) + strlen(view.type) + strlen(view.source) +
		       strlen(view.data);
		CLAIM(view.m && view.target[0] == '/');
	}
	for (size_t pos = 0, n = 0; n < p->count[PLAN_ARG]; n++) {
		const char *arg = plan_next_string(p, &pos, PLAN_ARG);

		CLAIM(arg && strlen(arg) < p->len);
	}
	(void)plan_env(p, "PATH");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A block of its own, 8-aligned, so that one byte past it shows. */
	uint8_t *buf = malloc(size ? size : 1);
	struct plan p;
	const char *why;

	memcpy(buf, data, size);
	for (enum plan_kind kind = PLAN_OF_CONTAINER; kind <= PLAN_OF_PROCESS; kind++) {
		if (plan_decode(&p, kind, buf, size, &why) == 0)
			walk(&p);
		else
			CLAIM(why && why[0]);
	}
	free(buf);
	return 0;
}
