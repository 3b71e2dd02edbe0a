/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts below a directory of the host; see exports.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exports.h"

/* proc_pid_mountinfo(5): blanks, tabs, newlines and backslashes are three octal digits behind a backslash. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The fifth field of a line: where it is mounted. NULL for a line without one. */
static char *mount_point_of(char *line)
{
	char *point = line;

	for (int field = 0; field < 4 && point; field++) {
		point = strchr(point, ' ');
		point = point ? point + 1 : NULL;
	}
	if (point)
		point[strcspn(point, " ")] = '\0';
	return point;
}

bool mounts_below(const char *path)
{
	char real[PATH_MAX];
	char *line = NULL;
	size_t room = 0, len;
	bool found = false;
	FILE *f = realpath(path, real) ? fopen("/proc/self/mountinfo", "re") : NULL;

	if (!f)
		return false;
	len = strcmp(real, "/") == 0 ? 0 : strlen(real);
	while (!found && getline(&line, &room, f) > 0) {
		char *point = mount_point_of(line);

		if (!point)
			continue;
		unescape(point);
		found = strncmp(point, real, len) == 0 && point[len] == '/' && point[len + 1];
	}
	free(line);
	fclose(f);
	return found;
}
