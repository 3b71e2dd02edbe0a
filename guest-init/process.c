/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a container's process before its exec; see process.h. process_become(), for the
 * first, and process_join(), for the others, are the lists of stages, and their order matters: each
 * says what has to be true before it.
 *
 * The plan has been checked, the image has not: everything in the container's root is hostile.
 * Until exec the process is not dumpable and its memory belongs to the first user namespace, so
 * nothing in the container may look into it.
 */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "blocks.h"
#include "creds.h"
#include "devices.h"
#include "exec_path.h"
#include "home.h"
#include "kernel.h"
#include "mounts.h"
#include "network.h"
#include "notify.h"
#include "reaper.h"
#include "rootpath.h"
#include "setup.h"
#include "start_hooks.h"
#include "sysctl.h"
#include "terminal.h"

/* What is left to know after the pivot. */
struct command {
	char **argv, **envp;
	char file[PATH_MAX];
	char home[PATH_MAX + 8];
	char listen_pid[32];
};

/*
 * The standard descriptors, the set-up channel and the status pipe at their numbers; all others,
 * the connections to the host above all, are closed.
 */
static void take_descriptors(const struct process_start *s)
{
	/* Who joins has no reaper of its own. */
	int last = s->join_fd >= 0 ? s->join_fd : s->status_fd;
	int from[SETUP_FDS_END] = { s->stdio[0], s->stdio[1], s->stdio[2] };
	int high[SETUP_FDS_END];

	memcpy(from + SETUP_PRESERVED_FD, s->fds, sizeof(s->fds));
	from[SETUP_FD] = s->setup_fd;
	from[SETUP_STATUS_FD] = last;
	for (int i = 0; i < SETUP_FDS_END; i++)
		high[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, 64);
	for (int i = 0; i < SETUP_FDS_END; i++) {
		if (high[i] >= 0 && dup3(high[i], i, i < SETUP_FD ? 0 : O_CLOEXEC) < 0)
			_exit(FAILED_NACRE);
		/* Without pipes 0 to 2 stay init's /dev/null. */
		if (from[i] < 0 && i >= SETUP_PRESERVED_FD)
			close(i);
	}
	if (kernel_close_range(SETUP_FDS_END, ~0u) < 0)
		_exit(FAILED_NACRE);
}

/*
 * Signals and scheduling as a program expects them: none blocked, none ignored (init ignores
 * SIGPIPE).
 */
static void reset_signals(void)
{
	sigset_t none;

	(void)kernel_sched_policy(SCHED_NORMAL);
	for (int signo = 1; signo <= 64; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Names, network, cgroup: what belongs to a namespace and needs nothing mounted of the container's.
 */
static void set_up_namespaces(const struct plan *p)
{
	uint32_t has = le32_get(p->process->namespaces_lo);

	/*
	 * Not in clone3: the root of a new cgroup namespace is the cgroup of who makes it, and with
	 * CLONE_INTO_CGROUP that is still init's (kernel 6.1, copy_cgroup_ns).
	 */
	if ((has & CLONE_NEWCGROUP) && syscall(SYS_unshare, CLONE_NEWCGROUP) < 0)
		setup_fail(errno, "cgroup namespace");
	if (has & CLONE_NEWNET)
		network_set_up(p);
	sysctl_write_network(p);
	if ((p->hostname || p->domainname) && !(has & CLONE_NEWUTS))
		setup_fail(0, "hostname: without a UTS namespace of the container");
	if (p->hostname && sethostname(p->hostname, strlen(p->hostname)) < 0)
		setup_fail(errno, "hostname %s", p->hostname);
	if (p->domainname && setdomainname(p->domainname, strlen(p->domainname)) < 0)
		setup_fail(errno, "domainname %s", p->domainname);
}

/* The file systems. *slave is the terminal, -1 without; returns its master or -1. */
static int set_up_mounts(const struct plan *p, uint32_t number, int *slave)
{
	int root = mounts_root(number), master = -1, cwd;
	bool devices = devices_wanted(p);

	*slave = -1;
	mounts_make(root, p, number);
	if (devices)
		devices_make(root, p, number);
	blocks_make(root, p);
	notify_bind(root, p, number);
	if (plan_has(p, PLAN_TERMINAL))
		master = terminal_open(root, p, devices, slave);
	/* As runc: a working directory that is missing is made, by root. */
	cwd = rootpath_make(root, p->cwd, false, NULL);
	if (cwd < 0)
		setup_fail(-cwd, "cwd %s", p->cwd);
	close(cwd);
	mounts_restrict(root, p);
	mounts_pivot(root, p);
	close(root);
	return master;
}

/* All strings of one type as a vector for execve, with room for two more. */
static char **vector(const struct plan *p, enum plan_type type)
{
	char **v = calloc((size_t)p->count[type] + 3, sizeof(*v));
	const char *s;
	size_t pos = 0, i = 0;

	if (!v)
		setup_fail(ENOMEM, "arguments");
	while ((s = plan_next_string(p, &pos, type)))
		v[i++] = strdup(s);
	for (size_t j = 0; j < i; j++) {
		if (!v[j])
			setup_fail(ENOMEM, "arguments");
	}
	return v;
}

/*
 * Arguments and environment; HOME from the image's /etc/passwd if the plan has none, as runc does,
 * and whom the descriptors of LISTEN_FDS are for: sd_listen_fds(3).
 */
static void prepare_command(const struct plan *p, struct command *c)
{
	size_t n = p->count[PLAN_ENV];

	c->argv = vector(p, PLAN_ARG);
	c->envp = vector(p, PLAN_ENV);
	if (plan_env(p, "LISTEN_FDS") && !plan_env(p, "LISTEN_PID"))
		c->envp[n++] = c->listen_pid; /* filled in by who executes it */
	if (plan_env(p, "HOME"))
		return;
	memcpy(c->home, "HOME=", 5);
	home_find("/etc/passwd", le32_get(p->process->uid), c->home + 5);
	c->envp[n++] = c->home;
}

/* True if the directory is entered; false if that has to be tried again as the plan's user. */
static bool enter_cwd(const char *cwd, bool last_try)
{
	if (chdir(cwd) == 0)
		return true;
	if (last_try || (errno != EACCES && errno != EPERM))
		setup_fail(errno, "chdir to cwd (\"%s\")", cwd);
	return false;
}

static void find_command(const struct plan *p, struct command *c)
{
	struct report r;
	int err = exec_path_find(c->argv[0], plan_env(p, "PATH"), c->file, &r);

	if (err < 0)
		setup_fail_code(r.code, 0, "%s", r.text);
}

static _Noreturn void execute(const struct command *c)
{
	struct report r;

	execve(c->file, c->argv, c->envp);
	exec_path_failed(c->file, errno, &r);
	setup_fail_code(r.code, 0, "%s", r.text);
}

/*
 * In the image, as root: arguments, environment, working directory. Then the user, capabilities and
 * no_new_privs; and as that user the command is looked for.
 */
static void become_user(const struct plan *p, struct command *command)
{
	bool inside;

	prepare_command(p, command);
	inside = enter_cwd(p->cwd, false);
	umask((mode_t)le32_get(p->process->umask));
	creds_apply(p);
	if (!inside)
		enter_cwd(p->cwd, true);
	find_command(p, command);
}

/*
 * A session of its own, with the terminal if there is one; held until START, while init sets
 * limits; then the hooks. Seccomp at last: what remains is one execve. All other descriptors are
 * close-on-exec.
 */
static _Noreturn void hold_and_execute(const struct plan *p, struct command *command,
				       int master, int slave)
{
	if (setsid() < 0)
		setup_fail(errno, "setsid");
	if (slave >= 0)
		terminal_take(slave);
	setup_held(master);
	if (master >= 0)
		close(master);
	setup_wait(SETUP_START);
	start_hooks_run(p, command->envp);
	snprintf(command->listen_pid, sizeof(command->listen_pid), "LISTEN_PID=%d", getpid());
	creds_seccomp(p);
	execute(command);
}

void process_become(const struct process_start *start)
{
	const struct plan *p = start->plan;
	static struct command command;
	int master, slave;

	/* 1. Nothing of init's is open; not even init's signals are set up. The label, through init's /proc. */
	take_descriptors(start);
	reset_signals();
	creds_label(p);
	/* 2. The ids are mapped: root of the user namespace, which owns all the others. */
	setup_wait(SETUP_GO);
	creds_become_root();
	/* 3. Init's /proc is still there: parameters, names, interfaces. */
	set_up_namespaces(p);
	/* 4. The container's file systems; behind it, nothing of init's can be named. */
	umask(022);
	master = set_up_mounts(p, start->number, &slave);
	/* 5. In the image: what is read of it, with bounds; then the user and capabilities. */
	become_user(p, &command);
	/* 6. The terminal of a session of its own; with a reaper that stays behind as PID 1. */
	if (plan_has(p, PLAN_INIT_REAPER))
		reaper_split();
	hold_and_execute(p, &command, master, slave);
}

void process_join(const struct process_start *start)
{
	const struct plan *p = start->plan;
	static struct command command;
	int master = -1, slave = -1, root;

	/* 1. Nothing of init's is open before anything of the container's can be met. The label as above. */
	take_descriptors(start);
	reset_signals();
	creds_label(p);
	/* 2. The namespaces, that of users among them: root in it. The pid namespace was the clone's. */
	if (kernel_setns(SETUP_JOIN_FD, start->namespaces & ~(uint32_t)CLONE_NEWPID) < 0)
		setup_fail(errno, "namespaces of the container");
	close(SETUP_JOIN_FD);
	creds_become_root();
	/* 3. Its root is ours now; the terminal is of its devpts. */
	umask(022);
	if (plan_has(p, PLAN_TERMINAL)) {
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		master = root < 0 ? -1 : terminal_open(root, p, false, &slave);
		close(root);
	}
	/* 4. The user and capabilities; held and executed as the first process was. */
	become_user(p, &command);
	hold_and_execute(p, &command, master, slave);
}
