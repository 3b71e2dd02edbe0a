/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of verbs whose guest does not do as it is told: it can keep nobody from ending or pausing it. */
/* SOURCES: runtime/verb_kill.c runtime/verb_pause.c runtime/existing.c runtime/options.c runtime/size.c */
/* SOURCES: runtime/process_ref.c runtime/signal_names.c runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/matching.h"
#include "runtime/query.h"
#include "runtime/verbs.h"
#include "runtime/vm_order.h"

/* A container that runs, and a guest that connects and then says nothing. */
static struct {
	struct process_ref monitor;
	bool paused, ordered, ends; /* once it has been told */
	enum state_status status;
} container;

int state_open(struct state *state, const char *root, const char *id, struct arena *arena,
	       struct failure *failure)
{
	(void)arena;
	(void)failure;
	*state = (struct state)STATE_NONE;
	state->root = root;
	state->id = id;
	state->vmm.pid = getpid();
	state->monitor = container.monitor;
	return 0;
}

int state_open_locked(struct state *state, const char *root, const char *id, int ms, struct arena *arena,
		      struct failure *failure)
{
	(void)ms;
	return state_open(state, root, id, arena, failure);
}

enum state_status state_status(const struct state *state)
{
	(void)state;
	return container.status;
}

const char *state_status_name(enum state_status status)
{
	(void)status;
	return "running";
}

int state_write(const struct state *state, struct failure *failure)
{
	(void)failure;
	container.paused = state->paused;
	return 0;
}

void state_close(struct state *state)
{
	(void)state;
}

int matching_ids(const char *root, const char *expression, struct string_list *ids,
		 struct arena *arena, struct failure *failure)
{
	(void)root;
	(void)expression;
	(void)ids;
	(void)arena;
	(void)failure;
	return 0;
}

int query_open(struct query *query, const struct state *state, struct failure *failure)
{
	(void)failure;
	query->id = state->id;
	return 0;
}

int query_order(struct query *query, enum msg_type type, const void *body, size_t len, int ms,
		struct failure *failure)
{
	(void)type;
	(void)body;
	(void)len;
	(void)ms;
	container.status = container.ends ? STATE_STOPPED : STATE_RUNNING;
	return failure_set(failure, -ETIMEDOUT, "%s: the guest does not answer", query->id);
}

void query_close(struct query *query)
{
	(void)query;
}

int vm_order(const struct state *state, enum vm_order_type type, struct failure *failure)
{
	(void)state;
	(void)failure;
	container.ordered = type == VM_ORDER_PAUSE;
	return 0;
}

static int set_up(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	container.monitor = process_ref_of(pid);
	container.status = STATE_RUNNING;
	container.ends = false;
	return container.monitor.pid ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	kill(container.monitor.pid, SIGKILL);
	return waitpid(container.monitor.pid, NULL, 0) == container.monitor.pid ? 0 : -1;
}

static int run_verb(verb_fn *verb, int argc, const char *const *words)
{
	struct arena arena = { .blocks = NULL };
	struct global_options global = { .root = "/r", .arena = &arena };
	char *argv[8];
	int status;

	for (int i = 0; i < argc; i++)
		argv[i] = arena_printf(&arena, "%s", words[i]);
	argv[argc] = NULL;
	status = verb(&global, argc, argv);
	arena_free(&arena);
	return status;
}

static void test_kill_all(void **state)
{
	static const char *const term[] = { "kill", "--all", "c", "TERM" };
	static const char *const one[] = { "kill", "--pid", "7", "c", "KILL" };
	static const char *const all[] = { "kill", "--all", "c", "KILL" };
	siginfo_t info = { .si_pid = 0 };

	(void)state;
	assert_int_equal(run_verb(verb_kill, 4, term), 1);
	assert_int_equal(run_verb(verb_kill, 5, one), 1);
	assert_true(process_ref_is_alive(&container.monitor));
	assert_int_equal(run_verb(verb_kill, 4, all), 0);
	assert_int_equal(waitid(P_PID, (id_t)container.monitor.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(info.si_status, SIGKILL);
}

/* It ends before its guest has said that it does: it is what was asked for. */
static void test_kill_all_ends_it(void **state)
{
	static const char *const all[] = { "kill", "--all", "c", "KILL" };

	(void)state;
	container.ends = true;
	assert_int_equal(run_verb(verb_kill, 4, all), 0);
}

static void test_pause(void **state)
{
	static const char *const words[] = { "pause", "c" };

	(void)state;
	container.ordered = container.paused = false;
	assert_int_equal(run_verb(verb_pause, 2, words), 0);
	assert_true(container.paused);
	assert_true(container.ordered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kill_all_ends_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pause, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
