/* SPDX-License-Identifier: Apache-2.0 */
/* Builds plans (include/plan.h) for the tests of nacre-init. */
#ifndef NACRE_TEST_INIT_BUILD_H
#define NACRE_TEST_INIT_BUILD_H

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "plan.h"

struct build {
	size_t len;
	uint32_t n;
	_Alignas(8) uint8_t buf[65536];
};

static inline void build_raw(struct build *b, const void *data, size_t len)
{
	memcpy(b->buf + b->len, data, len);
	b->len += len;
}

/* One record: a fixed part and then strings up to NULL. */
static inline void build_add(struct build *b, uint32_t type, const void *fixed, size_t fixed_len,
			     ...)
{
	struct plan_record head = { .type = le32_of(type) };
	size_t at = b->len, pad;
	const char *s;
	va_list ap;

	build_raw(b, &head, sizeof(head));
	if (fixed_len > 0)
		build_raw(b, fixed, fixed_len);
	va_start(ap, fixed_len);
	while ((s = va_arg(ap, const char *)))
		build_raw(b, s, strlen(s) + 1);
	va_end(ap);
	head.len = le32_of((uint32_t)(b->len - at - sizeof(head)));
	memcpy(b->buf + at, &head, sizeof(head));
	pad = (PLAN_ALIGN - b->len % PLAN_ALIGN) % PLAN_ALIGN;
	memset(b->buf + b->len, 0, pad);
	b->len += pad;
	b->n++;
}

#define build_string(b, type, s) build_add(b, type, NULL, 0, (const char *)(s), (char *)NULL)

/* The header, last. */
static inline void build_end(struct build *b)
{
	struct plan_header h = {
		.magic = le32_of(PLAN_MAGIC),
		.version = le16_of(PLAN_VERSION),
		.total_len = le32_of((uint32_t)b->len),
		.n_records = le32_of(b->n),
	};

	memcpy(b->buf, &h, sizeof(h));
}

static inline void build_begin(struct build *b, const struct plan_process *p)
{
	memset(b, 0, sizeof(*b));
	b->len = sizeof(struct plan_header);
	if (p) /* a plan of a network has none */
		build_add(b, PLAN_PROCESS, p, sizeof(*p), (char *)NULL);
}

static inline void build_mount(struct build *b, const char *target, const char *type,
			       uint32_t flags, const char *data)
{
	struct plan_mount m = { .kind = le32_of(PLAN_MOUNT_FS), .flags = le32_of(flags) };

	build_add(b, PLAN_MOUNT, &m, sizeof(m), target, type, type, data, (char *)NULL);
}

/* CLONE_NEW* of a usual container; the numbers are the kernel's. */
#define BUILD_SPACES                                                                               \
	(0x20000000u | 0x00020000u | 0x04000000u | 0x08000000u | 0x02000000u | 0x40000000u)

#endif
