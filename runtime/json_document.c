/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as engines write it; see json_document.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "json_document.h"

/*
 * True for a number that is too large for jansson's integers, and that a real has as it is: 2^64 - 1 is
 * given back from 2^64 (json_reader.c), others have their last eleven bits zero.
 */
static bool is_for_a_real(const char *digits, size_t len)
{
	uint64_t number = 0;

	if (len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9' ||
		    __builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(digits[i] - '0'), &number))
			return false;
	}
	return number == UINT64_MAX || (number > INT64_MAX && number % 2048 == 0);
}

/* The text with ".0" behind such numbers: *len bytes, or NULL. Where it is no JSON it does not matter. */
static char *with_reals(const char *text, size_t *len)
{
	static const char numeric[] = "+-.0123456789Ee";
	char *to = malloc(*len / 20 * 2 + *len + 2);
	bool in_string = false;
	size_t n = 0;

	for (size_t i = 0; to && i < *len;) {
		size_t end = i;

		while (!in_string && end < *len && text[end] && strchr(numeric, text[end]))
			end++;
		if (end > i) {
			memcpy(to + n, text + i, end - i);
			n += end - i;
			if (is_for_a_real(text + i, end - i)) {
				to[n++] = '.';
				to[n++] = '0';
			}
			i = end;
			continue;
		}
		if (text[i] == '"')
			in_string = !in_string;
		else if (in_string && text[i] == '\\' && i + 1 < *len)
			to[n++] = text[i++];
		to[n++] = text[i++];
	}
	*len = n;
	return to;
}

json_t *json_document_parse(const char *text, size_t len, json_error_t *error)
{
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, error);
	char *copy;

	if (json || json_error_code(error) != json_error_numeric_overflow)
		return json;
	copy = with_reals(text, &len);
	if (copy)
		json = json_loadb(copy, len, JSON_REJECT_DUPLICATES, error);
	free(copy);
	return json;
}

static json_t *refuse(json_error_t *error, const char *why)
{
	*error = (json_error_t){ .line = 1 };
	snprintf(error->text, sizeof(error->text) - 1, "%s", why);
	return NULL;
}

json_t *json_document_read(int fd, json_error_t *error)
{
	char *text = malloc(JSON_DOCUMENT_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;
	json_t *json;

	while (text && len <= JSON_DOCUMENT_MAX && n != 0) {
		n = read(fd, text + len, JSON_DOCUMENT_MAX + 1 - len);
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	if (!text || n < 0)
		json = refuse(error, strerror(errno));
	else if (len > JSON_DOCUMENT_MAX)
		json = refuse(error, "larger than 4 MiB");
	else
		json = json_document_parse(text, len, error);
	free(text);
	return json;
}

json_t *json_document_load(const char *path, json_error_t *error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	autoclose int opened = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (!is_stdin && opened < 0)
		return refuse(error, strerror(errno));
	return json_document_read(is_stdin ? STDIN_FILENO : opened, error);
}
