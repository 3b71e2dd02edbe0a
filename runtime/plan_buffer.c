/* SPDX-License-Identifier: Apache-2.0 */
/* A plan under construction; see plan_buffer.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "plan_buffer.h"
#include "proto.h"

static_assert(PLAN_BYTES_MAX == PROTO_MSG_MAX - sizeof(struct msg_header), "fits one MSG_PLAN");
static_assert(sizeof(struct plan_header) % PLAN_ALIGN == 0, "records begin aligned");

/* Appends bytes; NULL stands for zeroes. */
static void append(struct plan_buffer *plan, const void *bytes, size_t len)
{
	size_t room = plan->room;
	uint8_t *grown;

	if (plan->failed)
		return;
	if (!range_fits(plan->len, len, PLAN_BYTES_MAX)) {
		plan->failed = true;
		return;
	}
	while (room - plan->len < len)
		room = room ? 2 * room : 4096;
	if (room != plan->room) {
		grown = realloc(plan->bytes, room);
		if (!grown) {
			plan->failed = true;
			return;
		}
		plan->bytes = grown;
		plan->room = room;
	}
	if (bytes && len > 0)
		memcpy(plan->bytes + plan->len, bytes, len);
	else
		memset(plan->bytes + plan->len, 0, len);
	plan->len += len;
}

void plan_buffer_begin(struct plan_buffer *plan)
{
	*plan = (struct plan_buffer){ .bytes = NULL };
	append(plan, NULL, sizeof(struct plan_header));
}

void plan_buffer_add(struct plan_buffer *plan, uint32_t type, const void *fixed, size_t fixed_len,
		     const char *const strings[])
{
	struct plan_record record = { .type = le32_of(type) };
	size_t len = fixed_len;

	for (size_t i = 0; strings && strings[i]; i++)
		len += strlen(strings[i]) + 1; /* both lie in memory: cannot wrap */
	if (len > PLAN_BYTES_MAX) {
		plan->failed = true;
		return;
	}
	record.len = le32_of((uint32_t)len);
	append(plan, &record, sizeof(record));
	append(plan, fixed, fixed_len);
	for (size_t i = 0; strings && strings[i]; i++)
		append(plan, strings[i], strlen(strings[i]) + 1);
	append(plan, NULL, (PLAN_ALIGN - len % PLAN_ALIGN) % PLAN_ALIGN);
	plan->n_records++;
}

void plan_buffer_add_string(struct plan_buffer *plan, uint32_t type, const char *string)
{
	plan_buffer_add(plan, type, NULL, 0, (const char *const[]){ string, NULL });
}

void plan_buffer_add_pair(struct plan_buffer *plan, uint32_t type, const char *first,
			  const char *second)
{
	plan_buffer_add(plan, type, NULL, 0, (const char *const[]){ first, second, NULL });
}

int plan_buffer_end(struct plan_buffer *plan)
{
	struct plan_header header;

	if (plan->failed)
		return -E2BIG;
	header = (struct plan_header){
		.magic = le32_of(PLAN_MAGIC),
		.version = le16_of(PLAN_VERSION),
		.total_len = le32_of((uint32_t)plan->len),
		.n_records = le32_of(plan->n_records),
	};
	memcpy(plan->bytes, &header, sizeof(header));
	return 0;
}

void plan_buffer_free(struct plan_buffer *plan)
{
	free(plan->bytes);
	*plan = (struct plan_buffer){ .bytes = NULL };
}
