/* SPDX-License-Identifier: Apache-2.0 */
/* Home directories; see home.h. */
#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lines and bytes of a passwd file that are looked at. */
#define PASSWD_LINES 65536
#define PASSWD_LINE  1024

/* The field `n` of a line, from 0; NULL if it has fewer. Cuts the line. */
static char *field(char *line, unsigned int n)
{
	char *at = line;

	for (unsigned int i = 0; i < n; i++) {
		at = strchr(at, ':');
		if (!at)
			return NULL;
		at++;
	}
	at[strcspn(at, ":\n")] = 0;
	return at;
}

/* Does the line belong to `uid`? name:password:UID:GID:GECOS:directory:shell, passwd(5). */
static bool take_home(const char *line, uint32_t uid, char home[PATH_MAX])
{
	char copy[PASSWD_LINE], number[16];
	char *at;

	snprintf(copy, sizeof(copy), "%s", line);
	at = field(copy, 2);
	snprintf(number, sizeof(number), "%u", uid);
	if (!at || strcmp(at, number) != 0)
		return false;
	snprintf(copy, sizeof(copy), "%s", line);
	at = field(copy, 5);
	if (!at || at[0] != '/')
		return false;
	snprintf(home, PATH_MAX, "%s", at);
	return true;
}

void home_find(const char *passwd, uint32_t uid, char home[PATH_MAX])
{
	/* O_NONBLOCK: the image may have a FIFO there. */
	int fd = open(passwd, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char line[PASSWD_LINE];
	struct stat st;
	FILE *f = NULL;

	memcpy(home, "/", 2);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		f = fdopen(fd, "r");
	if (!f) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (unsigned int i = 0; i < PASSWD_LINES && fgets(line, sizeof(line), f); i++) {
		if (take_home(line, uid, home))
			break;
	}
	fclose(f);
}
