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

/* pipe(7) "Pipe capacity": all that was in it when somebody ended. */
#define PIPE_BYTES 65536u

void lines_read(struct lines *lines)
{
	char buf[1024];
	ssize_t n = 0;

	/* no more at once: whoever writes as fast as we read would keep us from all else, a hook from its timeout */
	for (size_t taken = 0; lines->fd >= 0 && taken <= PIPE_BYTES; taken += (size_t)n) {
		n = read(lines->fd, buf, sizeof(buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			drop_fd(&lines->fd);
			line_end(lines);
			return;
		}
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n')
				line_end(lines);
			else if (lines->len < sizeof(lines->partial) - 1)
				lines->partial[lines->len++] = buf[i];
		}
	}
}
