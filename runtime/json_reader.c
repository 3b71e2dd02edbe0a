/* SPDX-License-Identifier: Apache-2.0 */
/* JSON by tables; see json_reader.h. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_reader.h"
#include "report.h"

int json_refuse(struct json_reader *reader, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return failure_set(reader->failure, -EINVAL, "%s: %s%s%s", reader->file, reader->path,
			   reader->path_len ? ": " : "", text);
}

void json_warn(const struct json_reader *reader, const char *format, ...)
{
	char text[512];
	va_list args;

	if (reader->quiet)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report_warning("%s: %s%s%s", reader->file, reader->path, reader->path_len ? ": " : "",
		       text);
}

size_t json_enter(struct json_reader *reader, const char *name, size_t index)
{
	size_t mark = reader->path_len;
	size_t room = sizeof(reader->path) - mark;
	int n;

	if (name)
		n = snprintf(reader->path + mark, room, "%s%s", mark ? "." : "", name);
	else
		n = snprintf(reader->path + mark, room, "[%zu]", index);
	reader->path_len = (size_t)n < room ? mark + (size_t)n : sizeof(reader->path) - 1;
	return mark;
}

void json_leave(struct json_reader *reader, size_t mark)
{
	reader->path_len = mark;
	reader->path[mark] = '\0';
}

bool json_says_nothing(const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_NULL:
	case JSON_FALSE:
		return true;
	case JSON_TRUE:
		return false;
	case JSON_INTEGER:
		return json_integer_value(value) == 0;
	case JSON_REAL:
		return fpclassify(json_real_value(value)) == FP_ZERO;
	case JSON_STRING:
		return json_string_length(value) == 0;
	case JSON_ARRAY:
		for (i = 0; i < json_array_size(value); i++) {
			if (!json_says_nothing(json_array_get(value, i)))
				return false;
		}
		return true;
	case JSON_OBJECT:
		break;
	}
	for (void *at = json_object_iter((json_t *)(uintptr_t)value); at;
	     at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
		key = json_object_iter_key(at);
		member = json_object_iter_value(at);
		if (key && !json_says_nothing(member))
			return false;
	}
	return true;
}

static const char *type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",  [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",   [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};

	return names[json_typeof(value)];
}

static int refuse_type(struct json_reader *reader, const char *expected, const json_t *value)
{
	return json_refuse(reader, "expected %s, found %s", expected, type_name(value));
}

/*
 * Numbers. Engines written in Go print 2^64 - 1 for "no limit", which jansson cannot hold as an
 * integer; it is read as the real 2^64 then (json_document.h).
 */
int json_read_int(struct json_reader *reader, json_t *value, int64_t min, int64_t max, int64_t *to)
{
	int64_t number;

	if (json_is_integer(value)) {
		number = json_integer_value(value);
	} else if (json_is_real(value)) {
		double real = json_real_value(value);

		if (real != trunc(real))
			return json_refuse(reader, "expected a whole number");
		if (real >= 0x1p63)
			number = INT64_MAX;
		else if (real <= -0x1p63)
			number = INT64_MIN;
		else
			number = (int64_t)real;
	} else {
		return refuse_type(reader, "a number", value);
	}
	if (number < min || number > max)
		return json_refuse(reader, "%lld: expected %lld to %lld", (long long)number,
				   (long long)min, (long long)max);
	*to = number;
	return 0;
}

static int read_uint64(struct json_reader *reader, json_t *value, uint64_t *to)
{
	int64_t number = 0;
	int err;

	if (json_is_real(value) && json_real_value(value) >= 0x1p63) {
		double real = json_real_value(value);

		if (real > 0x1p64)
			return json_refuse(reader, "expected at most %llu",
					   (unsigned long long)UINT64_MAX);
		*to = real < 0x1p64 ? (uint64_t)real : UINT64_MAX;
		return 0;
	}
	err = json_read_int(reader, value, 0, INT64_MAX, &number);
	if (!err)
		*to = (uint64_t)number;
	return err;
}

static int read_string(struct json_reader *reader, json_t *value, bool absolute, const char **to)
{
	if (!json_is_string(value))
		return refuse_type(reader, "a string", value);
	*to = json_string_value(value);
	if (absolute && **to != '/')
		return json_refuse(reader, "\"%s\": expected an absolute path", *to);
	return 0;
}

static int read_string_list(struct json_reader *reader, json_t *value, bool absolute,
			    struct string_list *to)
{
	if (!json_is_array(value))
		return refuse_type(reader, "an array of strings", value);
	for (size_t i = 0; i < json_array_size(value); i++) {
		size_t mark = json_enter(reader, NULL, i);
		const char *string = NULL;
		int err = read_string(reader, json_array_get(value, i), absolute, &string);

		if (err)
			return err;
		string_list_add(reader->arena, to, string);
		json_leave(reader, mark);
	}
	return 0;
}

int json_read_strings(struct json_reader *reader, json_t *value, struct string_list *to)
{
	return read_string_list(reader, value, false, to);
}

static int read_array(struct json_reader *reader, json_t *value, json_read_fn *read, void *to)
{
	if (!json_is_array(value))
		return refuse_type(reader, "an array", value);
	for (size_t i = 0; i < json_array_size(value); i++) {
		size_t mark = json_enter(reader, NULL, i);
		int err = read(reader, json_array_get(value, i), to);

		if (err)
			return err;
		json_leave(reader, mark);
	}
	return 0;
}

static int read_member(struct json_reader *reader, json_t *value, const struct json_member *row,
		       void *to)
{
	int64_t number = 0;
	int err;

	switch (row->kind) {
	case JSON_KIND_BOOL:
		if (!json_is_boolean(value))
			return refuse_type(reader, "true or false", value);
		*(bool *)to = json_is_true(value);
		return 0;
	case JSON_KIND_INT64:
		return json_read_int(reader, value, row->min, row->max, to);
	case JSON_KIND_UINT64:
		return read_uint64(reader, value, to);
	case JSON_KIND_UINT32:
		err = json_read_int(reader, value, row->min, row->max, &number);
		if (!err)
			*(uint32_t *)to = (uint32_t)number;
		return err;
	case JSON_KIND_STRING:
	case JSON_KIND_ABSOLUTE:
		return read_string(reader, value, row->kind == JSON_KIND_ABSOLUTE, to);
	case JSON_KIND_STRINGS:
	case JSON_KIND_PATHS:
		return read_string_list(reader, value, row->kind == JSON_KIND_PATHS, to);
	case JSON_KIND_OBJECT:
		if (!json_is_object(value))
			return refuse_type(reader, "an object", value);
		return row->read(reader, value, to);
	case JSON_KIND_ARRAY:
		return read_array(reader, value, row->read, to);
	case JSON_KIND_ACCEPTED:
		return 0;
	case JSON_KIND_WARNED:
		if (!json_says_nothing(value))
			json_warn(reader, "%s", row->why);
		return 0;
	case JSON_KIND_REFUSED:
	case JSON_KIND_REFUSED_0:
		if (row->kind == JSON_KIND_REFUSED_0 ? !json_is_object(value) || json_object_size(value) > 0
						     : !json_says_nothing(value))
			return json_refuse(reader, "%s", row->why ? row->why : "not supported yet");
		return 0;
	}
	return -EINVAL;
}

static const struct json_member *row_find(const struct json_member *table, size_t n,
					  const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

int json_read_object(struct json_reader *reader, json_t *value, const struct json_member *table,
		     size_t n, void *to)
{
	if (!json_is_object(value))
		return refuse_type(reader, "an object", value);
	for (size_t i = 0; i < n; i++) {
		json_t *member = json_object_get(value, table[i].name);

		if (table[i].required && (!member || json_is_null(member)))
			return json_refuse(reader, "\"%s\" is missing", table[i].name);
	}
	for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
		const char *name = json_object_iter_key(at);
		json_t *member = json_object_iter_value(at);
		const struct json_member *row = row_find(table, n, name);
		size_t mark = json_enter(reader, name, 0);

		/* Go prints null for a pointer or slice that is not set. */
		if (!row)
			json_warn(reader, "unknown property, ignored");
		else if (!json_is_null(member)) {
			int err = read_member(reader, member, row, (char *)to + row->offset);

			if (err)
				return err;
		}
		json_leave(reader, mark);
	}
	return 0;
}
