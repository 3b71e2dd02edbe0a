/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of one verb: everything that is taken from an arena is freed with it. nacre is short-lived
 * and its input is bounded, so running out of memory is not an error to handle: one line, exit 125.
 */
#ifndef NACRE_RUNTIME_ARENA_H
#define NACRE_RUNTIME_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
};

/* `size` zeroed bytes. Never NULL. */
void *arena_take(struct arena *arena, size_t size);

/* A copy of an array with room for more: `n` elements of `size` bytes now, room for `room`. */
void *arena_grow(struct arena *arena, const void *old, size_t n, size_t room, size_t size);

/* As asprintf(). Never NULL. */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void arena_free(struct arena *arena);

/* A growing list of strings; the strings themselves belong to somebody else. */
struct string_list {
	const char **v;
	size_t n, room;
};

void string_list_add(struct arena *arena, struct string_list *list, const char *string);

/* Defines list_add_NAME(arena, list): a zeroed new last element of a { v, n, room } list. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type in a declaration takes no parentheses */
#define ARENA_LIST_ADD(name, list_type, element_type)                                              \
	static inline element_type *name(struct arena *arena, list_type *list)                     \
	{                                                                                          \
		if (list->n == list->room) {                                                       \
			list->room = list->room ? 2 * list->room : 8;                              \
			list->v = arena_grow(arena, list->v, list->n, list->room,                  \
					     sizeof(*list->v));                                    \
		}                                                                                  \
		return &list->v[list->n++];                                                        \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
