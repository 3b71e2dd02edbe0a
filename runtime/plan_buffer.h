/* SPDX-License-Identifier: Apache-2.0 */
/* A plan under construction: records of include/plan.h, appended with checked growth. */
#ifndef NACRE_RUNTIME_PLAN_BUFFER_H
#define NACRE_RUNTIME_PLAN_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest plan: what one MSG_PLAN carries (include/proto.h). */
#define PLAN_BYTES_MAX (1024u * 1024u - 12u)

/*
 * `failed` is set by the first record that does not fit or has no memory, and stays: the caller
 * checks once, at the end.
 */
struct plan_buffer {
	uint8_t *bytes;
	size_t len, room;
	uint32_t n_records;
	bool failed;
};

/* Begins a plan, with room for its header. */
void plan_buffer_begin(struct plan_buffer *plan);

/* Appends a record: a fixed part (may be NULL with length 0) and then strings up to a NULL. */
void plan_buffer_add(struct plan_buffer *plan, uint32_t type, const void *fixed, size_t fixed_len,
		     const char *const strings[]);

/* Appends a record that is one string. */
void plan_buffer_add_string(struct plan_buffer *plan, uint32_t type, const char *string);

/* Appends a record that is two strings. */
void plan_buffer_add_pair(struct plan_buffer *plan, uint32_t type, const char *first,
			  const char *second);

/* Writes the header. Returns 0, or -E2BIG when something did not fit. */
int plan_buffer_end(struct plan_buffer *plan);

void plan_buffer_free(struct plan_buffer *plan);

#endif
