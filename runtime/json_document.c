/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as engines write it; see json_document.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "json_document.h"

json_t *json_document_parse(const char *text, size_t len, json_error_t *error)
{
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, error);

	if (!json && json_error_code(error) == json_error_numeric_overflow)
		json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
				  error);
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
