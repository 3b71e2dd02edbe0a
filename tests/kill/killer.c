/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills a program of nacre at one of its system calls, and looks what remains.
 *
 *   killer [--slow N] [--clean COMMAND] [--state DIR] [--outlives yes] SEED COUNT {NAME COMMAND}...
 *
 * Each COMMAND is given to a shell that is traced with everything it starts. A first run counts the
 * system calls of each program: nacre, its children before they become another program,
 * nacre-monitor, nacre-vmm, nacre-fsd. Then, COUNT times, one program and one number are drawn, and
 * that program is stopped at that call and killed. From then on nothing is traced any more, and
 *
 * - the shell has to end within a second (times --slow) of a machine that has nothing else to do, with a status
 *   that is not 0 and a line on standard error, unless all its work was done;
 * - no process remains a second later, no mount, no named socket; but with --outlives, if a nacre was killed that was
 *   to delete its container, the container lives on, and a second after `--clean` none of it may be there;
 * - no file in --state, unless it was a nacre that was killed: then `--clean` has to remove it.
 *
 * Prints a line for each that goes wrong and one for each COMMAND. Needs root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TASKS_MAX  1024
#define TASK_SLOTS (2 * TASKS_MAX)

enum program { SHELL, NACRE, CHILD, MONITOR, VMM, FSD, PROGRAM_COUNT };
static const char *const names[PROGRAM_COUNT] = {
	[SHELL] = "the shell",       [NACRE] = "nacre",   [CHILD] = "a child of nacre",
	[MONITOR] = "nacre-monitor", [VMM] = "nacre-vmm", [FSD] = "nacre-fsd",
};
static const char *const comms[PROGRAM_COUNT] = {
	[NACRE] = "nacre",
	[MONITOR] = "nacre-monitor",
	[VMM] = "nacre-vmm",
	[FSD] = "nacre-fsd",
};

struct task {
	pid_t tid; /* 0: free */
	pid_t tgid;
	enum program program;
};

static struct task tasks[TASK_SLOTS];

/* One run. */
static struct {
	pid_t shell;
	int shell_status;
	bool shell_ended;
	long long killed_at, shell_ended_at; /* turns */
	bool ended_first; /* before anything was killed */
	bool cleaned;
	enum program target;
	unsigned long at; /* 0: only count */
	unsigned long count[PROGRAM_COUNT];
	long killed_call; /* its number, -1: not reached */
	int stderr_fd, stdout_fd;
} now;

static int slow = 1;
static const char *state_dir, *clean_command;
static bool outlives;

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * What has to happen within a time is given it in turns of this program, which sleeps in each: on a machine that
 * has much else to do it waits for a processor as what it watches does.
 */
#define TURN_US 200
static long long turns, turns_per_s;

static void turn(void)
{
	usleep(TURN_US);
	turns++;
}

/* The shortest of some is one that waited for nothing but the clock. */
static void measure_turns(void)
{
	long long best = INT64_MAX;

	for (int i = 0; i < 50; i++) {
		struct timespec a, b;
		long long took;

		clock_gettime(CLOCK_MONOTONIC, &a);
		turn();
		clock_gettime(CLOCK_MONOTONIC, &b);
		took = (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
		best = took < best ? took : best;
	}
	turns_per_s = 1000000000LL / best;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- tasks ---- */

static struct task *task_of(pid_t tid)
{
	for (size_t i = 0; i < TASK_SLOTS; i++) {
		if (tasks[i].tid == tid)
			return &tasks[i];
	}
	return NULL;
}

static pid_t tgid_of(pid_t tid)
{
	char path[64], line[128];
	int tgid = tid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			break;
	}
	if (f)
		fclose(f);
	return tgid;
}

static struct task *add_task(pid_t tid, enum program program)
{
	struct task *t = task_of(tid);

	if (!t)
		t = task_of(0);
	if (!t)
		die("too many tasks");
	*t = (struct task){.tid = tid, .tgid = tgid_of(tid), .program = program};
	return t;
}

/* A task that was made by another. What nacre forks is its child until it becomes another program.
 */
static void on_new_task(const struct task *parent, pid_t tid)
{
	struct task *t = add_task(tid, parent->program);

	if (t->program == NACRE && t->tgid == tid)
		t->program = CHILD;
}

static void on_exec(struct task *t)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", t->tid);
	f = fopen(path, "re");
	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = 0;
	if (f)
		fclose(f);
	t->program = SHELL;
	for (int p = 0; p < PROGRAM_COUNT; p++) {
		if (comms[p] && !strcmp(comms[p], comm))
			t->program = (enum program)p;
	}
}

static bool killed(void)
{
	return now.killed_call >= 0;
}

/* At the entry of a system call. */
static void on_call(struct task *t)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (++now.count[t->program] != now.at || t->program != now.target)
		return;
	now.killed_call = (long)info.entry.nr;
	now.killed_at = turns;
	kill(t->tgid, SIGKILL);
}

static void resume(pid_t tid, int sig)
{
	const struct task *t = task_of(tid);
	bool watch = t && t->program != SHELL && !killed() && (!now.at || t->program == now.target);

	/* ESRCH: it was killed meanwhile, and will be waited for. */
	(void)ptrace(watch ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0L, (long)sig);
}

static void on_stop(pid_t tid, int status)
{
	struct task *t = task_of(tid);
	int sig = WSTOPSIG(status), event = status >> 16;
	unsigned long message = 0;

	if (!t) {
		/* Seen before its parent's event: the parent will say what it is. */
		t = add_task(tid, SHELL);
		return;
	}
	if (event) {
		ptrace(PTRACE_GETEVENTMSG, tid, 0L, &message);
		if (event == PTRACE_EVENT_EXEC) {
			on_exec(t);
		} else if (event != PTRACE_EVENT_STOP && event != PTRACE_EVENT_EXIT) {
			bool waits = task_of((pid_t)message) != NULL;

			on_new_task(t, (pid_t)message);
			if (waits)
				resume((pid_t)message, 0);
		}
		sig = 0;
	} else if (sig == (SIGTRAP | 0x80)) {
		on_call(t);
		sig = 0;
	} else if (sig == SIGSTOP) {
		sig = 0; /* how a new task begins */
	}
	resume(tid, sig);
}

static void on_end(pid_t tid, int status)
{
	struct task *t = task_of(tid);

	if (t)
		t->tid = 0;
	if (tid != now.shell)
		return;
	now.shell_ended = true;
	now.shell_ended_at = turns;
	now.ended_first = !killed();
	now.shell_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- what remains ---- */

/* Mounts, named sockets: sorted lines that are the same before and after. */
static char *inventory(void)
{
	FILE *p = popen("cut -d' ' -f3- /proc/self/mountinfo | sort; "
			"awk 'NF > 7 { print \"socket\", $8 }' /proc/net/unix | sort",
			"re");
	size_t room = 1 << 20, len;
	char *text = malloc(room);

	if (!p || !text)
		die("inventory");
	len = fread(text, 1, room - 1, p);
	text[len] = 0;
	pclose(p);
	return text;
}

static bool state_is_empty(void)
{
	DIR *d = state_dir ? opendir(state_dir) : NULL;
	struct dirent *e;
	bool empty = true;

	while (d && (e = readdir(d)))
		empty = empty && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."));
	if (d)
		closedir(d);
	return empty;
}

/* ---- one run ---- */

static void start(const char *command)
{
	now.stderr_fd = memfd_create("stderr", MFD_CLOEXEC);
	now.stdout_fd = memfd_create("stdout", MFD_CLOEXEC);
	now.killed_call = -1;
	now.shell = fork();
	if (now.shell < 0)
		die("fork");
	if (now.shell == 0) {
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
		dup2(now.stdout_fd, STDOUT_FILENO);
		dup2(now.stderr_fd, STDERR_FILENO);
		ptrace(PTRACE_TRACEME, 0, 0L, 0L);
		raise(SIGSTOP);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	waitpid(now.shell, NULL, 0);
	ptrace(PTRACE_SETOPTIONS, now.shell, 0L,
	       (long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		      PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL));
	add_task(now.shell, SHELL);
	resume(now.shell, 0);
}

/* Kills what is left and names it. */
static void clear_left(char *left, size_t size)
{
	size_t len = 0;
	pid_t pid;
	int status;

	for (size_t i = 0; i < TASK_SLOTS; i++) {
		struct task *t = &tasks[i];

		if (!t->tid || t->tid != t->tgid)
			continue;
		len += (size_t)snprintf(left + len, len < size ? size - len : 0, " %s(%d)",
					names[t->program], t->tid);
		kill(t->tid, SIGKILL);
	}
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid > 0 && (WIFEXITED(status) || WIFSIGNALED(status)))
			on_end(pid, status);
	}
	memset(tasks, 0, sizeof(tasks));
}

/* A container whose state is there may live on without the nacre that was killed. True: it was deleted now. */
static bool delete_what_lives(void)
{
	if (!outlives || now.cleaned || !killed() || now.target != NACRE || state_is_empty())
		return false;
	now.cleaned = true;
	if (system(clean_command) != 0)
		return false;
	now.shell_ended_at = turns;
	return true;
}

/* Follows all tasks until none is there, or time is up. NULL or what is wrong. */
static const char *follow(long long limit_ms)
{
	static char text[512];
	const long long began = now_ms();
	int status;

	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid < 0 && errno == ECHILD)
			return NULL;
		if (tid > 0 && WIFSTOPPED(status))
			on_stop(tid, status);
		else if (tid > 0)
			on_end(tid, status);
		if (tid > 0)
			continue;
		if (killed() && !now.shell_ended &&
		    turns - now.killed_at > turns_per_s * slow + turns_per_s / 2) {
			clear_left(text, sizeof(text));
			return "the caller does not end within a second";
		}
		if (now.shell_ended && turns - (killed() && now.killed_at > now.shell_ended_at
							? now.killed_at
							: now.shell_ended_at) >
					       turns_per_s * slow + turns_per_s / 2 &&
		    !delete_what_lives()) {
			size_t len = (size_t)snprintf(text, sizeof(text), "left:");

			clear_left(text + len, sizeof(text) - len);
			return text;
		}
		if (now_ms() - began > limit_ms) {
			clear_left(text, sizeof(text));
			return "no end";
		}
		turn();
	}
}

/* Whether the caller got a status and a reason. */
static const char *judge_caller(int usual_status, const char *usual_output)
{
	static char text[600];
	char err[400] = "", out[256] = "";
	ssize_t n = pread(now.stderr_fd, err, sizeof(err) - 1, 0);

	(void)!pread(now.stdout_fd, out, sizeof(out) - 1, 0);
	if (now.killed_call < 0 || now.ended_first)
		return NULL;
	if (now.shell_status == usual_status && !strcmp(out, usual_output))
		return NULL; /* its work was done already, or it ends with an error anyway */
	if (now.shell_status == 0) {
		snprintf(text, sizeof(text), "status 0 with the output \"%.100s\"", out);
		return text;
	}
	/*
	 * A nacre that was killed cannot say why; the shell has its status, 137. The same status says
	 * all of a monitor whose process ran already: its pid is the container's, and `kill -9` of it
	 * is how a container is killed.
	 */
	if (now.target == MONITOR && now.shell_status == 128 + SIGKILL)
		return NULL;
	if (now.target != NACRE && n <= 0) {
		snprintf(text, sizeof(text), "status %d without a reason", now.shell_status);
		return text;
	}
	return NULL;
}

static const char *judge(const char *before, int usual_status, const char *usual_output)
{
	const char *wrong = judge_caller(usual_status, usual_output);
	char *after;
	bool same;

	if (!wrong && !state_is_empty() && (now.target != NACRE || !killed()))
		wrong = "state is left";
	if (clean_command && !state_is_empty() && system(clean_command) != 0 && !wrong)
		wrong = "the clean-up fails";
	if (!wrong && !state_is_empty())
		wrong = "state is left after the clean-up";
	after = inventory();
	same = !strcmp(before, after);
	free(after);
	if (!wrong && !same)
		wrong = "mounts or named sockets are others than before";
	return wrong;
}

static uint64_t random_state;

static unsigned long draw(unsigned long below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned long)(random_state >> 33) % below;
}

static void reset_run(void)
{
	if (now.stderr_fd > 0)
		close(now.stderr_fd);
	if (now.stdout_fd > 0)
		close(now.stdout_fd);
	memset(&now, 0, sizeof(now));
}

/* COUNT kills of one command. True when nothing went wrong. */
static bool try_command(const char *name, const char *command, unsigned long count)
{
	unsigned long usual[PROGRAM_COUNT], reached[PROGRAM_COUNT] = {0}, n_wrong = 0;
	char usual_output[256] = "", err[300] = "";
	char *before = inventory();
	int usual_status;
	const char *wrong;

	reset_run();
	start(command);
	wrong = follow(60000LL * slow);
	memcpy(usual, now.count, sizeof(usual));
	usual_status = now.shell_status;
	(void)!pread(now.stdout_fd, usual_output, sizeof(usual_output) - 1, 0);
	(void)!pread(now.stderr_fd, err, sizeof(err) - 1, 0);
	for (int p = NACRE; p < PROGRAM_COUNT && !wrong; p++) {
		if (!usual[p])
			wrong = "not every program was started";
	}
	if (wrong) {
		printf("not ok kill: %s: without a kill: %s: %s\n", name, wrong, err);
		return false;
	}
	printf("# %s: status %d; system calls: %lu nacre, %lu its children, %lu monitor, %lu vmm, "
	       "%lu fsd\n",
	       name, usual_status, usual[NACRE], usual[CHILD], usual[MONITOR], usual[VMM],
	       usual[FSD]);
	for (unsigned long i = 0; i < count; i++) {
		enum program target = (enum program)(NACRE + draw(PROGRAM_COUNT - NACRE));
		unsigned long at = usual[target] ? 1 + draw(usual[target]) : 1;

		/* Half of them in the first calls, where more is made than in the long run behind.
		 */
		if (draw(2) && at > 400)
			at = 1 + at % 400;
		reset_run();
		now.target = target;
		now.at = at;
		start(command);
		wrong = follow(60000LL * slow);
		if (killed())
			reached[target]++;
		if (!wrong)
			wrong = judge(before, usual_status, usual_output);
		if (!wrong)
			continue;
		n_wrong++;
		memset(err, 0, sizeof(err));
		(void)!pread(now.stderr_fd, err, sizeof(err) - 1, 0);
		printf("# %s killed at its system call %lu (number %ld), status %d: %s; it said: "
		       "%s\n",
		       names[target], at, now.killed_call, now.shell_status, wrong, err);
		if (clean_command)
			(void)!system(clean_command);
		free(before);
		before = inventory();
	}
	printf("%s kill: %s: %lu of %lu runs went wrong; killed: %lu nacre, %lu its children, %lu "
	       "monitor, %lu vmm, %lu fsd\n",
	       n_wrong ? "not ok" : "ok", name, n_wrong, count, reached[NACRE], reached[CHILD],
	       reached[MONITOR], reached[VMM], reached[FSD]);
	free(before);
	return n_wrong == 0;
}

int main(int argc, char **argv)
{
	bool good = true;
	int i = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
		if (!strcmp(argv[i], "--slow"))
			slow = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--clean"))
			clean_command = argv[i + 1];
		else if (!strcmp(argv[i], "--state"))
			state_dir = argv[i + 1];
		else if (!strcmp(argv[i], "--outlives"))
			outlives = !strcmp(argv[i + 1], "yes");
	}
	if (argc - i < 4 || (argc - i) % 2) {
		fputs("usage: killer [--slow N] [--clean COMMAND] [--state DIR] [--outlives yes] SEED COUNT {NAME "
		      "COMMAND}...\n",
		      stderr);
		return 2;
	}
	random_state = strtoul(argv[i], NULL, 10);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	measure_turns();
	for (int c = i + 2; c < argc; c += 2)
		good = try_command(argv[c], argv[c + 1], strtoul(argv[i + 1], NULL, 10)) && good;
	return !good;
}
