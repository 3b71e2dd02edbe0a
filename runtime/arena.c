/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of one verb; see arena.h. */
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "report.h"

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) unsigned char bytes[];
};

static void __attribute__((noreturn)) out_of_memory(void)
{
	report_error("out of memory");
	_Exit(125);
}

void *arena_take(struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		out_of_memory();
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		out_of_memory();
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

void *arena_grow(struct arena *arena, const void *old, size_t n, size_t room, size_t size)
{
	size_t bytes;
	void *grown;

	if (room < n || __builtin_mul_overflow(room, size, &bytes))
		out_of_memory();
	grown = arena_take(arena, bytes);
	if (n > 0)
		memcpy(grown, old, n * size);
	return grown;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		out_of_memory();
	text = arena_take(arena, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
}

void string_list_add(struct arena *arena, struct string_list *list, const char *string)
{
	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		list->v = arena_grow(arena, list->v, list->n, list->room, sizeof(*list->v));
	}
	list->v[list->n++] = string;
}
