/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for the user; see report.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "failure.h"
#include "report.h"

#define TEXT_MAX     2048
/* In JSON a quote or a backslash takes two bytes; what stands around the text is less than 128. */
#define LINE_MAX_LEN (2 * TEXT_MAX + 128)
#define KEPT_MAX     16384

static struct {
	int fd; /* of --log, or standard error */
	bool to_file;
	enum report_format format;
	bool debug;
	bool settled, failed, silent;
	char kept[KEPT_MAX]; /* warnings that wait for report_settle() */
	size_t kept_len;
} report = { .fd = STDERR_FILENO };

int report_open(const char *file, enum report_format format, bool debug)
{
	report.format = format;
	report.debug = debug;
	if (!file)
		return 0;
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return -errno;
	report.fd = fd;
	report.to_file = true;
	return 0;
}

void report_silence(void)
{
	report.silent = !report.debug;
}

bool report_is_debug(void)
{
	return report.debug;
}

static void line_write_to(int fd, const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody is left to tell */
		line += n;
		len -= (size_t)n;
	}
}

static void line_write(const char *line, size_t len)
{
	line_write_to(report.fd, line, len);
}

static size_t line_as_text(char *line, const char *level, const char *text)
{
	const char *mark = strcmp(level, "error") == 0 ? "" : level;
	int n = snprintf(line, LINE_MAX_LEN, "nacre: %s%s%s\n", mark, *mark ? ": " : "", text);

	if (n < LINE_MAX_LEN)
		return (size_t)n;
	line[LINE_MAX_LEN - 2] = '\n';
	return LINE_MAX_LEN - 1;
}

static size_t line_as_json(char *line, const char *level, const char *text)
{
	char when[32];
	time_t now = time(NULL);
	struct tm utc;
	size_t len;

	gmtime_r(&now, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	json_t *object = json_pack("{s:s, s:s, s:s}", "level", level, "msg", text, "time", when);
	len = json_dumpb(object, line, LINE_MAX_LEN - 1, JSON_COMPACT);
	json_decref(object);
	if (len == 0 || len > LINE_MAX_LEN - 1)
		return 0;
	line[len] = '\n';
	return len + 1;
}

static void report_line(const char *level, const char *format, va_list args)
{
	char text[TEXT_MAX];
	char line[LINE_MAX_LEN];
	size_t len;

	if (report.silent)
		return;
	vsnprintf(text, sizeof(text), format, args);
	line_clean(text);
	/* containerd's shim looks there for why a kill failed; runc writes errors to both, too */
	if (report.to_file && strcmp(level, "error") == 0)
		line_write_to(STDERR_FILENO, line, line_as_text(line, level, text));
	if (report.format == REPORT_JSON)
		len = line_as_json(line, level, text);
	else
		len = line_as_text(line, level, text);
	if (report.to_file && report.format == REPORT_JSON && !report.settled && !report.debug) {
		if (strcmp(level, "error") == 0) {
			report.kept_len = 0;
			report.failed = true;
		} else {
			if (len <= sizeof(report.kept) - report.kept_len) {
				memcpy(report.kept + report.kept_len, line, len);
				report.kept_len += len;
			}
			return;
		}
	}
	line_write(line, len);
}

void report_settle(void)
{
	report.settled = true;
	if (!report.failed && !report.silent)
		line_write(report.kept, report.kept_len);
	report.kept_len = 0;
}

void report_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_line("error", format, args);
	va_end(args);
}

void report_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_line("warning", format, args);
	va_end(args);
}

void report_debug(const char *format, ...)
{
	va_list args;

	if (!report.debug)
		return;
	va_start(args, format);
	report_line("debug", format, args);
	va_end(args);
}
