/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a JSON document by tables: one row per member of an object says its type, its bounds and
 * where it goes. Knows the path of what it reads, so that every message names the field. A member
 * that no row names is ignored with a warning; one that is known but not carried out is refused.
 * Input: config.json, written by an engine or a user; trusted as far as its author may run
 * containers.
 */
#ifndef NACRE_RUNTIME_JSON_READER_H
#define NACRE_RUNTIME_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "arena.h"
#include "failure.h"

struct json_reader {
	const char *file; /* for messages */
	struct arena *arena;
	struct failure *failure;
	void *config;	  /* whatever the read functions work for */
	bool quiet;	  /* without warnings */
	char path[512];
	size_t path_len;
};

typedef int json_read_fn(struct json_reader *reader, json_t *value, void *to);

enum json_kind {
	JSON_KIND_BOOL,	    /* bool */
	JSON_KIND_INT64,    /* int64_t, min to max */
	JSON_KIND_UINT64,   /* uint64_t, 0 to 2^64 - 1 */
	JSON_KIND_UINT32,   /* uint32_t, min to max */
	JSON_KIND_STRING,   /* const char * */
	JSON_KIND_ABSOLUTE, /* const char *, begins with "/" */
	JSON_KIND_STRINGS,  /* struct string_list */
	JSON_KIND_PATHS,    /* struct string_list of absolute paths */
	JSON_KIND_OBJECT,   /* read() gets an object and the field */
	JSON_KIND_ARRAY,    /* read() gets each element and the field */
	JSON_KIND_ACCEPTED, /* known, without effect here */
	JSON_KIND_WARNED,   /* known, not applied: a warning */
	JSON_KIND_REFUSED,  /* known, not carried out: an error unless it says nothing */
	JSON_KIND_REFUSED_0, /* the same, where 0 asks for something, or a member with nothing in it */
};

struct json_member {
	const char *name;
	enum json_kind kind;
	bool required;
	size_t offset;
	json_read_fn *read;
	int64_t min, max;
	const char *why; /* JSON_KIND_REFUSED, JSON_KIND_REFUSED_0, JSON_KIND_WARNED */
};

/* Reads an object by its table into the structure at `to`. 0, or -EINVAL with the failure set. */
int json_read_object(struct json_reader *reader, json_t *value, const struct json_member *table,
		     size_t n, void *to);

/* Reads an array of strings. 0, or -EINVAL with the failure set. */
int json_read_strings(struct json_reader *reader, json_t *value, struct string_list *to);

/* Reads a whole number from min to max. 0, or -EINVAL with the failure set. */
int json_read_int(struct json_reader *reader, json_t *value, int64_t min, int64_t max, int64_t *to);

/* Sets the failure to "FILE: PATH: text" and returns -EINVAL. */
int json_refuse(struct json_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Warns with "FILE: PATH: text". */
void json_warn(const struct json_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Goes down to a member or, with name NULL, to an element; returns what json_leave() needs. */
size_t json_enter(struct json_reader *reader, const char *name, size_t index);
void json_leave(struct json_reader *reader, size_t mark);

/* True when a value asks for nothing: null, false, 0, "", or holding only such. */
bool json_says_nothing(const json_t *value);

#endif
