/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of nacre ps: options of ps(1), columns, what a hostile guest writes, and containers that have no
 * processes.
 */
/* SOURCES: runtime/verb_ps.c runtime/existing.c runtime/options.c runtime/size.c */
/* SOURCES: runtime/ps_columns.c runtime/ps_options.c runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/child.h"
#include "runtime/ps_options.h"
#include "runtime/query.h"
#include "runtime/verbs.h"

#define NOW 1700000000 /* 2023-11-14 22:13:20 UTC */

static struct msg_process process(void)
{
	struct msg_process p = {
		.pid = le32_of(7),
		.parent = le32_of(1),
		.uid = le32_of(33),
		.tty = le32_of(0x8801), /* 136,1 */
		.started = le64_of(NOW - 200),
		.cpu_ms = le64_of(65500),
		.resident = le64_of(2048 * 1024),
		.virtual_size = le64_of(4400 * 1024),
	};

	memcpy(p.stat, "Ss+", 3);
	memcpy(p.comm, "httpd", 5);
	memcpy(p.command, "httpd -f -p 80", 14);
	return p;
}

/* The table of the one process, in a buffer of its own; NULL with the failure set when refused. */
static char *table_of(const struct msg_process *p, const char *words, struct failure *failure)
{
	struct arena arena = { .blocks = NULL };
	struct ps_table table = { .memory = 64 * 1024 * 1024, .now = NOW };
	char copy[256], *save = NULL, *argv[32], *text = NULL;
	size_t len;
	int argc = 0;
	FILE *out;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save))
		argv[argc++] = w;
	*failure = (struct failure){ .text = "" };
	if (ps_options_read(&table, argc, argv, &arena, failure) == 0) {
		out = open_memstream(&text, &len);
		ps_table_print_head(&table, out);
		ps_table_print(&table, p, out);
		fclose(out);
	}
	arena_free(&arena);
	return text;
}

static void expect_table(const struct msg_process *p, const char *words, const char *wanted)
{
	struct failure failure;
	char *text = table_of(p, words, &failure);

	assert_string_equal(failure.text, "");
	assert_string_equal(text, wanted);
	free(text);
}

static void expect_refused(const char *words, const char *why)
{
	const struct msg_process p = process();
	struct failure failure;

	assert_null(table_of(&p, words, &failure));
	assert_non_null(strstr(failure.text, why));
}

static void test_formats(void **state)
{
	const struct msg_process p = process();
	static const char full[] =
		"UID          PID    PPID  C STIME TTY          TIME CMD\n"
		"33             7       1 32 22:10 pts/1    00:01:05 httpd -f -p 80\n";

	(void)state;
	expect_table(&p, "", full);
	expect_table(&p, "-ef", full);
	expect_table(&p, "-e|-f", full);
	expect_table(&p, "-a", "    PID TTY          TIME CMD\n"
			       "      7 pts/1    00:01:05 httpd\n");
	expect_table(&p, "-e|-x", "    PID TTY      STAT   TIME COMMAND\n"
				  "      7 pts/1    Ss+    1:05 httpd -f -p 80\n");
	expect_table(&p, "aux",
		     "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
		     "33             7 32.7  3.1   4400  2048 pts/1    Ss+  22:10   1:05 httpd -f -p 80\n");
	expect_table(&p, "ax", "    PID TTY      STAT   TIME COMMAND\n"
			       "      7 pts/1    Ss+    1:05 httpd -f -p 80\n");
}

static void test_columns(void **state)
{
	const struct msg_process p = process();

	(void)state;
	expect_table(&p, "-o|pid,comm", "    PID COMMAND\n      7 httpd\n");
	expect_table(&p, "-eopid,args", "    PID COMMAND\n      7 httpd -f -p 80\n");
	expect_table(&p, "-eo|pid user|-o|s", "    PID USER     S\n      7 33       S\n");
	expect_table(&p, "o|pid", "    PID\n      7\n");
	expect_table(&p, "--format=pid,etime,etimes",
		     "    PID     ELAPSED ELAPSED\n      7       03:20     200\n");
	expect_table(&p, "--format|ppid,stat", "   PPID STAT\n      1 Ss+\n");
}

static void test_headings(void **state)
{
	const struct msg_process p = process();

	(void)state;
	expect_table(&p, "-o|pid=|-o|comm=", "      7 httpd\n");
	expect_table(&p, "-o|pid=NUMBER OF IT", "NUMBER OF IT\n           7\n");
	expect_table(&p, "-o|pid,comm|--no-headers", "      7 httpd\n");
	expect_table(&p, "-o|tty=A LONG ONE|-o|s", "A LONG ONE S\npts/1      S\n");
}

static void test_what_is_refused(void **state)
{
	(void)state;
	expect_refused("-o|pid,frob", "\"frob\"");
	expect_refused("-o|pid,commx", "\"commx\"");
	expect_refused("-o", "expected a list of columns");
	expect_refused("-z", "option \"z\"");
	expect_refused("-efz", "-efz");
	expect_refused("--sort=pid", "\"--sort=pid\"");
	expect_refused("-", "\"-\"");
	expect_refused("1", "option \"1\"");
	expect_refused("-o|pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,"
		       "pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid", "at most 32");
}

/* Bytes that would drive a terminal, no NUL, and numbers that no kernel has. */
static void test_a_hostile_guest(void **state)
{
	struct failure failure;
	struct msg_process p;
	char *text;

	(void)state;
	memset(&p, 0xff, sizeof(p));
	text = table_of(&p, "-o|pid,ppid,uid,tty,stat,s,rss,vsz,%cpu,c,%mem,time,bsdtime,etime,etimes,"
			"stime,start_time,comm,args", &failure);
	assert_non_null(text);
	for (const char *at = text; *at; at++)
		assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
	free(text);
	memset(&p, 0, sizeof(p));
	expect_table(&p, "-o|pid,tty,%cpu,etime|-o|comm",
		     "    PID TT       %CPU     ELAPSED COMMAND\n"
		     "      0 ?         0.0 19675-22:13:20 ?\n");
	p.started = le64_of(NOW + 5); /* its clock is ahead */
	p.cpu_ms = le64_of(5);
	memcpy(p.command, "\033[2Jx", 5);
	expect_table(&p, "-o|%cpu,etimes,args", "%CPU ELAPSED COMMAND\n 0.0       0 ?[2Jx\n");
}

/* A container of that status, with a VM or without; its guest does not answer. */
static struct {
	enum state_status status;
	pid_t vmm;
	bool asked, drips; /* it does, one process at a time */
} container;

int state_open(struct state *state, const char *root, const char *id, struct arena *arena,
	       struct failure *failure)
{
	(void)arena;
	(void)failure;
	*state = (struct state)STATE_NONE;
	state->root = root;
	state->id = id;
	state->vmm.pid = container.vmm;
	return 0;
}

enum state_status state_status(const struct state *state)
{
	(void)state;
	return container.status;
}

const char *state_status_name(enum state_status status)
{
	(void)status;
	return "of another status";
}

void state_close(struct state *state)
{
	(void)state;
}

int query_open(struct query *query, const struct state *state, struct failure *failure)
{
	container.asked = true;
	query->id = state->id;
	return container.drips ? 0 : failure_set(failure, -ETIMEDOUT, "%s: no answer", state->id);
}

int query_send(struct query *query, enum msg_type type, const void *body, size_t len,
	       struct failure *failure)
{
	(void)query;
	(void)type;
	(void)body;
	(void)len;
	(void)failure;
	return container.drips ? 0 : -ETIMEDOUT;
}

static int64_t clock_ms;

int64_t child_now_ms(void)
{
	return clock_ms;
}

/* One process, as late as it may come. */
int query_receive(struct query *query, int ms, struct failure *failure)
{
	const struct msg_process p = process();

	if (!container.drips || ms <= 0)
		return failure_set(failure, -ETIMEDOUT, "%s: no answer", query->id);
	clock_ms += ms - 1;
	query->type = MSG_PROCESSES;
	query->body_len = sizeof(p);
	memcpy(query->body, &p, sizeof(p));
	return 0;
}

void query_close(struct query *query)
{
	(void)query;
}

/* What `nacre ps` prints. Its status is in *result. */
static const char *printed(const char *format, int *result)
{
	static char text[256];
	struct arena arena = { .blocks = NULL };
	struct global_options global = { .root = "/r", .arena = &arena };
	char words[][16] = { "ps", "--format", "", "id" };
	char *argv[] = { words[0], words[1], words[2], words[3], NULL };
	FILE *file = tmpfile();
	int kept = dup(STDOUT_FILENO);

	assert_non_null(file);
	strcpy(words[2], format);
	container.asked = false;
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	*result = verb_ps(&global, 4, argv);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	arena_free(&arena);
	return text;
}

static void test_no_processes(void **state)
{
	static const struct {
		enum state_status status;
		pid_t vmm;
		bool answered, asked;
	} cases[] = {
		{ STATE_STOPPED, 7, true, false },   { STATE_STOPPED, 0, true, false },
		{ STATE_CREATED, 0, true, false },   { STATE_RUNNING, 0, true, false },
		{ STATE_PAUSED, 0, true, false },    { STATE_CREATING, 0, false, false },
		{ STATE_PAUSED, 7, false, false },   { STATE_RUNNING, 7, false, true },
	};
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		container.status = cases[i].status;
		container.vmm = cases[i].vmm;
		assert_string_equal(printed("json", &status), cases[i].answered ? "[]\n" : "");
		assert_int_equal(status, cases[i].answered ? 0 : 1);
		assert_int_equal(container.asked, cases[i].asked);
		if (cases[i].answered) {
			const char *head = printed("table", &status);

			assert_int_equal(strncmp(head, "UID ", 4), 0);
			assert_ptr_equal(strchr(head, '\n'), head + strlen(head) - 1);
			assert_int_equal(status, 0);
		}
	}
}

/* A list that has no end is none, and nobody waits for it. */
static void test_a_list_without_end(void **state)
{
	int status;

	(void)state;
	container.status = STATE_RUNNING;
	container.vmm = 1;
	container.drips = true;
	clock_ms = 0;
	(void)printed("json", &status);
	container.drips = false;
	assert_int_equal(status, 1);
	assert_in_range(clock_ms, 1, 120000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_headings),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_a_hostile_guest),
		cmocka_unit_test(test_no_processes),
		cmocka_unit_test(test_a_list_without_end),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
