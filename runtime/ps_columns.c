/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of ps(1); see ps_columns.h. */
#include "ps_columns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest_text.h"

/* Room for a column's text with its NUL: arguments are the longest. */
#define TEXT_MAX (PROTO_COMMAND_MAX + 1)

#define DAY_S 86400

typedef void text_fn(const struct ps_table *table, const struct msg_process *process,
		     char text[TEXT_MAX]);

struct ps_column {
	const char *name, *heading;
	int width; /* negative: to the left */
	text_fn *text;
};

static void text_copy(char to[TEXT_MAX], const uint8_t *from, size_t max)
{
	if (guest_text_copy(to, from, max) == 0)
		snprintf(to, TEXT_MAX, "?");
}

static void args_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	text_copy(text, process->command, PROTO_COMMAND_MAX);
}

static void comm_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	text_copy(text, process->comm, PROTO_COMM_MAX);
}

static void stat_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	text_copy(text, process->stat, PROTO_STAT_MAX);
}

static void state_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	text_copy(text, process->stat, 1);
}

static void pid_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	snprintf(text, TEXT_MAX, "%" PRIu32, le32_get(process->pid));
}

static void ppid_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	snprintf(text, TEXT_MAX, "%" PRIu32, le32_get(process->parent));
}

static void uid_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	snprintf(text, TEXT_MAX, "%" PRIu32, le32_get(process->uid));
}

static void rss_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	snprintf(text, TEXT_MAX, "%" PRIu64, le64_get(process->resident) / 1024);
}

static void vsz_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	snprintf(text, TEXT_MAX, "%" PRIu64, le64_get(process->virtual_size) / 1024);
}

/* Of proc(5)'s tty_nr: minor in bits 31 to 20 and 7 to 0, major in 15 to 8. */
static void tty_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	uint32_t tty = le32_get(process->tty), major = tty >> 8 & 0xff;
	uint32_t minor = (tty >> 12 & 0xfff00) | (tty & 0xff);

	(void)table;
	if (tty == 0)
		snprintf(text, TEXT_MAX, "?");
	else if (major >= 136 && major <= 143) /* Documentation/admin-guide/devices.txt */
		snprintf(text, TEXT_MAX, "pts/%" PRIu32, (major - 136) * 256 + minor);
	else if (major == 5 && minor == 1)
		snprintf(text, TEXT_MAX, "console");
	else
		snprintf(text, TEXT_MAX, "%" PRIu32 ",%" PRIu32, major, minor);
}

/* Seconds since the process began; 0 for one from the future: the guest's clock is its own. */
static uint64_t age_s(const struct ps_table *table, const struct msg_process *process)
{
	uint64_t now = (uint64_t)table->now, started = le64_get(process->started);

	return started < now ? now - started : 0;
}

/* a / b in thousandths, at most 9999. */
static unsigned int permille(uint64_t a, uint64_t b)
{
	if (b == 0 || a == 0)
		return 0;
	return a / b >= 9 ? 9999 : (unsigned int)((double)a * 1000 / (double)b);
}

static void pcpu_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	uint64_t age = age_s(table, process);
	/* ages come from the guest: none is so long */
	unsigned int share = age <= UINT32_MAX ? permille(le64_get(process->cpu_ms), age * 1000) : 0;

	snprintf(text, TEXT_MAX, "%u.%u", share / 10, share % 10);
}

static void c_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	pcpu_text(table, process, text);
	*strchr(text, '.') = '\0';
}

static void pmem_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	unsigned int share = permille(le64_get(process->resident), table->memory);

	snprintf(text, TEXT_MAX, "%u.%u", share / 10, share % 10);
}

static void hours_text(uint64_t seconds, char *text)
{
	uint64_t days = seconds / DAY_S, hours = seconds / 3600 % 24;
	char front[32] = "";

	if (days > 0)
		snprintf(front, sizeof(front), "%" PRIu64 "-", days);
	snprintf(text, TEXT_MAX, "%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, front, hours,
		 seconds / 60 % 60, seconds % 60);
}

static void time_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	(void)table;
	hours_text(le64_get(process->cpu_ms) / 1000, text);
}

static void bsdtime_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	uint64_t seconds = le64_get(process->cpu_ms) / 1000;

	(void)table;
	snprintf(text, TEXT_MAX, "%" PRIu64 ":%02" PRIu64, seconds / 60, seconds % 60);
}

static void etime_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	uint64_t age = age_s(table, process);

	if (age >= 3600)
		hours_text(age, text);
	else
		snprintf(text, TEXT_MAX, "%02" PRIu64 ":%02" PRIu64, age / 60, age % 60);
}

static void etimes_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	snprintf(text, TEXT_MAX, "%" PRIu64, age_s(table, process));
}

/* Hours and minutes, or the day when that was another. */
static void start_text(const struct ps_table *table, const struct msg_process *process, char *text)
{
	time_t started = table->now - (time_t)age_s(table, process);
	struct tm then, now;

	snprintf(text, TEXT_MAX, "?");
	if (!localtime_r(&started, &then) || !localtime_r(&table->now, &now))
		return;
	strftime(text, TEXT_MAX,
		 then.tm_yday == now.tm_yday && then.tm_year == now.tm_year ? "%H:%M" : "%b%d",
		 &then);
}

/* Users have numbers, as a ps without a name for them shows it: names are the container's matter. */
static const struct ps_column columns[] = {
	{ "pid", "PID", 7, pid_text },
	{ "ppid", "PPID", 7, ppid_text },
	{ "uid", "UID", 5, uid_text },
	{ "euid", "EUID", 5, uid_text },
	{ "user", "USER", -8, uid_text },
	{ "euser", "EUSER", -8, uid_text },
	{ "uname", "USER", -8, uid_text },
	{ "uid_full", "UID", -8, uid_text }, /* of -f */
	{ "comm", "COMMAND", -15, comm_text },
	{ "ucmd", "CMD", -15, comm_text },
	{ "ucomm", "COMMAND", -15, comm_text },
	{ "args", "COMMAND", -27, args_text },
	{ "cmd", "CMD", -27, args_text },
	{ "command", "COMMAND", -27, args_text },
	{ "c", "C", 2, c_text },
	{ "%cpu", "%CPU", 4, pcpu_text },
	{ "pcpu", "%CPU", 4, pcpu_text },
	{ "%mem", "%MEM", 4, pmem_text },
	{ "pmem", "%MEM", 4, pmem_text },
	{ "rss", "RSS", 5, rss_text },
	{ "rssize", "RSS", 5, rss_text },
	{ "vsz", "VSZ", 6, vsz_text },
	{ "vsize", "VSZ", 6, vsz_text },
	{ "tty", "TT", -8, tty_text },
	{ "tt", "TT", -8, tty_text },
	{ "tname", "TTY", -8, tty_text },
	{ "stat", "STAT", -4, stat_text },
	{ "s", "S", 1, state_text },
	{ "state", "S", 1, state_text },
	{ "time", "TIME", 8, time_text },
	{ "cputime", "TIME", 8, time_text },
	{ "bsdtime", "TIME", 6, bsdtime_text },
	{ "etime", "ELAPSED", 11, etime_text },
	{ "etimes", "ELAPSED", 7, etimes_text },
	{ "stime", "STIME", 5, start_text },
	{ "start_time", "START", 5, start_text },
};

int ps_table_add(struct ps_table *table, const char *name, size_t len, const char *heading,
		 struct failure *failure)
{
	if (table->n == PS_COLUMNS_MAX)
		return failure_set(failure, -E2BIG, "ps: expected at most %u columns",
				   PS_COLUMNS_MAX);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const struct ps_column *column = &columns[i];

		if (strlen(column->name) != len || memcmp(column->name, name, len) != 0)
			continue;
		table->v[table->n].column = column;
		table->v[table->n++].heading = heading ? heading : column->heading;
		return 0;
	}
	return failure_set(failure, -EINVAL, "ps: column \"%.*s\": expected one of pid, ppid, user, "
			   "uid, comm, args, cmd, c, %%cpu, %%mem, rss, vsz, tty, stat, s, time, etime, "
			   "etimes, stime, start_time", (int)len, name);
}

/* One cell. The last one of a line is not filled up. */
static void cell_print(const struct ps_table *table, size_t i, const char *text, FILE *out)
{
	int width = table->v[i].column->width;

	/* as wide as a heading of the caller's */
	if ((int)strlen(table->v[i].heading) > abs(width))
		width = width < 0 ? -(int)strlen(table->v[i].heading)
				  : (int)strlen(table->v[i].heading);
	if (i + 1 == table->n && width < 0)
		width = 0;
	fprintf(out, "%*s%s", width, text, i + 1 == table->n ? "\n" : " ");
}

void ps_table_print_head(const struct ps_table *table, FILE *out)
{
	bool wanted = false;

	for (size_t i = 0; i < table->n; i++)
		wanted |= table->v[i].heading[0] != '\0';
	for (size_t i = 0; wanted && !table->no_heading && i < table->n; i++)
		cell_print(table, i, table->v[i].heading, out);
}

void ps_table_print(const struct ps_table *table, const struct msg_process *process, FILE *out)
{
	for (size_t i = 0; i < table->n; i++) {
		char text[TEXT_MAX];

		table->v[i].column->text(table, process, text);
		cell_print(table, i, text, out);
	}
}
