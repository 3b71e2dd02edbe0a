/* SPDX-License-Identifier: Apache-2.0 */
/* What a companion writes to its standard error; see lines.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "lines.h"
#include "report.h"

int lines_open(struct lines *lines)
{
	int ends[2];

	*lines = (struct lines){ .fd = -1 };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	lines->fd = ends[0];
	return ends[1];
}

static void line_end(struct lines *lines)
{
	if (lines->len == 0)
		return;
	memcpy(lines->last, lines->partial, lines->len);
	lines->last[lines->len] = '\0';
	lines->len = 0;
	report_debug("%s", lines->last);
}

void lines_read(struct lines *lines)
{
	char buf[1024];
	ssize_t n;

	while (lines->fd >= 0) {
		n = read(lines->fd, buf, sizeof(buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			drop_fd(&lines->fd);
			break;
		}
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n')
				line_end(lines);
			else if (lines->len < sizeof(lines->partial) - 1)
				lines->partial[lines->len++] = buf[i];
		}
	}
	line_end(lines);
}
