/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkseccomp: compile the default seccomp profile, for the default capabilities, to the rows of a C
 * table, on standard output (build time only). It is nacre's own code that compiles.
 */
#include <stdio.h>
#include <string.h>

#include "../runtime/caps.h"
#include "../runtime/seccomp_compile.h"
#include "plan.h"

int main(void)
{
	struct arena arena = { 0 };
	struct failure failure = { 0 };
	struct plan_buffer plan;
	struct plan_record record;
	size_t at = sizeof(struct plan_header);

	plan_buffer_begin(&plan);
	if (seccomp_compile(seccomp_default(&arena, caps_default()), &plan, &failure) != 0 ||
	    plan_buffer_end(&plan) != 0) {
		fprintf(stderr, "mkseccomp: %s\n", failure.text);
		return 1;
	}
	for (; at < plan.len; at += (le32_get(record.len) + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN) {
		memcpy(&record, plan.bytes + at, sizeof(record));
		at += sizeof(record);
		printf("\t{ (const uint8_t[]){");
		for (size_t i = 0; i < le32_get(record.len); i++)
			printf("%s%u,", i % 24 ? "" : "\n\t", plan.bytes[at + i]);
		printf(" }, %u },\n", le32_get(record.len));
	}
	plan_buffer_free(&plan);
	arena_free(&arena);
	return 0;
}
