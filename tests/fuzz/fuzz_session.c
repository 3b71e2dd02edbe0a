/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control protocol as nacre-init hears it: connections that say anything, in pieces of any
 * size, hellos and tokens of any kind, messages torn, repeated and out of order. What a session
 * would do to the machine (containers, cgroups, the clock) is stood in for here: a container is a
 * number.
 */
/* SOURCES: guest-init/hello.c guest-init/session.c guest-init/birth.c guest-init/orders.c guest-init/clock.c */
/* SOURCES: guest-init/oom.c guest-init/notify.c guest-init/ends.c */
/* SOURCES: guest-init/wire.c guest-init/pump.c guest-init/plan_read.c guest-init/report.c guest-init/resolver.c guest-init/resolver_tcp.c */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "guest-init/cgroup.h"
#include "guest-init/container.h"
#include "guest-init/ends.h"
#include "guest-init/hello.h"
#include "guest-init/machine.h"
#include "guest-init/mounts.h"
#include "guest-init/process_tree.h"
#include "guest-init/processes.h"
#include "guest-init/query.h"
#include "guest-init/rootpath.h"
#include "guest-init/setup.h"

/* The end of a session forks a helper that syncs: here it is over at once. */
static pid_t no_fork(void)
{
	return -1;
}
#define fork no_fork
#include "guest-init/ending.c"
#undef fork

#define N_CONNS 8u

/* ---- loop.h, under the fuzzer's control ---- */

#define WATCHES 512u
static struct watch *watched[WATCHES];
static struct timeout *timeouts;

int loop_watch(struct watch *w, uint32_t events)
{
	w->events = events;
	for (size_t i = 0; !w->armed && i < WATCHES; i++) {
		if (watched[i])
			continue;
		watched[i] = w;
		w->armed = true;
	}
	CLAIM(w->armed);
	return 0;
}

void loop_forget(struct watch *w)
{
	for (size_t i = 0; i < WATCHES; i++) {
		if (watched[i] == w)
			watched[i] = NULL;
	}
	w->armed = false;
}

void loop_close(struct watch *w)
{
	loop_forget(w);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

void loop_cancel(struct timeout *t)
{
	for (struct timeout **at = &timeouts; *at; at = &(*at)->next) {
		if (*at == t) {
			*at = t->next;
			break;
		}
	}
	t->set = false;
}

void loop_timeout(struct timeout *t, int ms)
{
	(void)ms;
	loop_cancel(t);
	t->set = true;
	t->next = timeouts;
	timeouts = t;
}

/* One event, as loop_step() does it. False when there was none. */
static bool step(void)
{
	for (size_t i = 0; i < WATCHES; i++) {
		struct watch *w = watched[i];
		struct pollfd p = { .fd = w ? w->fd : -1, .events = w ? (short)w->events : 0 };

		if (!w || poll(&p, 1, 0) != 1)
			continue;
		w->ready(w->owner, (uint32_t)p.revents);
		return true;
	}
	return false;
}

static void settle(void)
{
	for (unsigned int i = 0; step(); i++)
		CLAIM(i < 20000);
}

static void expire(void)
{
	struct timeout *t = timeouts;

	if (!t)
		return;
	loop_cancel(t);
	t->expired(t->owner);
}

/* ---- what the sessions would do to the machine ---- */

static struct container container[CONTAINERS_MAX];
static int setup_peer = -1;

struct container *container_find(uint32_t number)
{
	for (unsigned int i = 0; i < CONTAINERS_MAX; i++) {
		if (container[i].used && container[i].number == number)
			return &container[i];
	}
	return NULL;
}

#define CHILD_FIRST  1000000 /* PID 1 of a container */
#define JOINED_FIRST 2000000
static pid_t last_joined = JOINED_FIRST;

/* Two messages for the host lie in the socket of sd_notify, one of them too long. */
static void make_notify(struct process_ends *ends)
{
	char message[PROTO_NOTIFY_MAX + 1] = "READY=1";
	int pair[2];

	CLAIM(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	(void)send(pair[1], message, sizeof(message), 0);
	(void)send(pair[1], message, sizeof(message) - 1, 0);
	close(pair[1]);
	ends->notify_fd = pair[0];
}

static void make_ends(const struct plan *p, struct process_ends *ends)
{
	int pair[2];

	CLAIM(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	ends_init(ends);
	ends->setup_fd = pair[0];
	if (p->count[PLAN_NOTIFY] > 0)
		make_notify(ends);
	if (setup_peer >= 0)
		close(setup_peer);
	setup_peer = pair[1];
}

struct container *container_make(uint32_t number, const struct plan *p, struct process_ends *ends,
				 struct report *r)
{
	CLAIM(p->process && p->count[PLAN_ARG]);
	for (unsigned int i = 0; i < CONTAINERS_MAX && !container_find(number); i++) {
		struct container *c = &container[i];

		if (c->used)
			continue;
		*c = (struct container){ .used = true, .users = 1, .number = number, .cgroup = -1,
					 .init = CHILD_FIRST + (pid_t)i, .init_fd = -1 };
		make_ends(p, ends);
		return c;
	}
	report_set(r, FAILED_NACRE, EBUSY, "container");
	return NULL;
}

struct container *container_join(uint32_t number, const struct plan *p, struct process_ends *ends,
				 pid_t *child, struct report *r)
{
	struct container *c = container_find(number);

	CLAIM(p->process && p->count[PLAN_ARG] && !p->root && !p->count[PLAN_MOUNT]);
	CLAIM(le32_get(p->process->namespaces_lo) == 0);
	*child = -1;
	if (!c || !c->made || c->init < 0) {
		report_set(r, FAILED_NACRE, 0, "container not running");
		return NULL;
	}
	make_ends(p, ends);
	*child = ++last_joined;
	c->users++;
	return c;
}

void process_tree_kill(pid_t root)
{
	CLAIM(root > JOINED_FIRST && root <= last_joined);
}

int container_finish(const struct container *c, const struct plan *p, pid_t pid, struct report *r)
{
	(void)p;
	(void)pid;
	(void)r;
	CLAIM(c->used);
	return 0;
}

int network_attach(const void *plan, size_t len, pid_t init, int init_fd,
		   int resolver[RESOLVE_TRANSPORT_COUNT], struct report *r)
{
	const uint8_t *bytes = plan;

	(void)init;
	(void)init_fd;
	if (len && bytes[len - 1] & 2) {
		const struct sockaddr_in at = { .sin_family = AF_INET };

		resolver[RESOLVE_DATAGRAM] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		resolver[RESOLVE_STREAM] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		CLAIM(bind(resolver[RESOLVE_STREAM], (const struct sockaddr *)&at, sizeof(at)) == 0);
		CLAIM(listen(resolver[RESOLVE_STREAM], 1) == 0);
	}
	return len && bytes[len - 1] & 1 ? report_set(r, FAILED_NACRE, 0, "network") : 0;
}

void container_kill(const struct container *c)
{
	CLAIM(c->used);
}

void container_leave(struct container *c)
{
	CLAIM(c->used && c->users > 0);
	c->used = --c->users > 0;
}

/* Of making a process, which nobody does here. */
int setup_pair(int ends[2])
{
	(void)ends;
	return -ENOSYS;
}

int rootpath_make(int root, const char *path, bool file, bool *existed)
{
	(void)root;
	(void)path;
	(void)file;
	(void)existed;
	return -ENOSYS;
}

int mounts_bind(int dir, const char *source, int target)
{
	(void)dir;
	(void)source;
	(void)target;
	return -ENOSYS;
}

void setup_fail_code(enum failed_code code, int err, const char *format, ...)
{
	(void)code;
	(void)err;
	(void)format;
	abort();
}

unsigned int processes_signal(uint32_t number, uint32_t pid, int signo, pid_t except)
{
	(void)except;
	CLAIM(container_find(number) && pid == 0 && signo >= 1 && signo <= 64);
	return 1;
}

uint64_t cgroup_number(int dir, const char *file, const char *key)
{
	(void)file;
	(void)key;
	return dir == -2;
}

void query_open(int fd, uint32_t number, const struct msg_hello *hello)
{
	(void)number;
	CLAIM(le16_get(hello->role) == ROLE_QUERY);
	close(fd);
}

void machine_sync(void)
{
}

int setup_tell(int fd, enum setup_type type)
{
	CLAIM(type == SETUP_GO || type == SETUP_START);
	return fd < 0 ? -EBADF : 0; /* closed when the process died before its START */
}

/* A process that takes any signal: one that has ended and that nobody waits for. */
static pid_t stand_in(void)
{
	static pid_t pid;

	if (!pid) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		/* Not before it has given up its copies of our descriptors. */
		waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	}
	return pid;
}

/* The channel carries one byte per message here: HELD, FAILED, or the end. */
int setup_receive(int fd, struct setup_message *m, pid_t *pid, int *passed_fd)
{
	uint8_t what;
	ssize_t n = recv(fd, &what, 1, MSG_DONTWAIT);

	*passed_fd = -1;
	*pid = stand_in();
	if (n < 0)
		return 0;
	if (n == 0)
		return -EPIPE;
	*m = (struct setup_message){ .type = what & 1 ? SETUP_HELD : SETUP_FAILED };
	report_set(&m->report, FAILED_NOT_FOUND, ENOENT, "command");
	return 1;
}

int machine_reseed(const uint8_t *seed, uint32_t len)
{
	volatile uint8_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + seed[i]);
	return 0;
}

int machine_set_clock(uint64_t ns)
{
	return ns ? 0 : -EINVAL;
}

int machine_set_clock_forward(uint64_t ns)
{
	return machine_set_clock(ns);
}

int machine_adjust_clock(uint64_t ns, uint64_t tolerance)
{
	(void)tolerance;
	return machine_set_clock(ns);
}

void machine_log(const char *format, ...)
{
	(void)format;
}

void machine_die(const char *format, ...)
{
	(void)format;
	abort(); /* nothing that a host says is a reason: machine_reseed() above never fails */
}

/* ---- the host ---- */

static int conn[N_CONNS];

static void on_hello_gone(bool broken)
{
	(void)broken;
}

static void open_conn(unsigned int i)
{
	int pair[2];

	if (conn[i] >= 0)
		close(conn[i]);
	CLAIM(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	conn[i] = pair[1];
	if (hello_adopt(pair[0]) < 0)
		close(pair[0]);
}

static void say(int fd, const void *p, size_t len)
{
	(void)send(fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void say_hello(int fd, struct cursor *c)
{
	struct {
		struct msg_header h;
		struct msg_hello hello;
	} m = { .h = { .len = le32_of(sizeof(m)), .type = le16_of(MSG_HELLO) },
		.hello = { .magic = le32_of(PROTO_MAGIC), .version = le16_of(PROTO_VERSION) } };
	uint8_t how = in8(c);

	m.hello.role = le16_of(how & 1 ? ROLE_STREAM : ROLE_CONTROL);
	m.hello.stream = le16_of(how & 1 ? how >> 1 & 3 : 0);
	m.hello.token[0] = how >> 3 & 3;
	if (how & 0x80)
		((uint8_t *)&m)[in8(c) % sizeof(m)] = in8(c);
	say(fd, &m, how & 0x40 ? in8(c) % sizeof(m) : sizeof(m));
}

/* The shortest plan that the decoder takes. */
static size_t good_plan(uint8_t *to, bool joins)
{
	struct {
		struct plan_header h;
		struct plan_record r1;
		struct plan_process process;
		struct plan_record r2;
		char arg[8];
		struct plan_record r3;
		char cwd[8];
		struct plan_record r4;
		struct plan_root root;
		struct plan_record r5;
		char notify[8];
	} p = { .h = { .magic = le32_of(PLAN_MAGIC), .version = le16_of(PLAN_VERSION),
		       .total_len = le32_of(sizeof(p)), .n_records = le32_of(5) },
		.r1 = { le32_of(PLAN_PROCESS), le32_of(sizeof(p.process)) },
		.process = { .id_count = le32_of(65536),
			     .namespaces_lo = le32_of(0x20000000u | 0x00020000u) },
		.r2 = { le32_of(PLAN_ARG), le32_of(2) },
		.arg = "a",
		.r3 = { le32_of(PLAN_CWD), le32_of(2) },
		.cwd = "/",
		.r4 = { le32_of(PLAN_ROOT), le32_of(sizeof(p.root)) },
		.r5 = { le32_of(PLAN_NOTIFY), le32_of(3) },
		.notify = "/n" };

	size_t len = joins ? offsetof(typeof(p), r4) : sizeof(p);

	static_assert(sizeof(p) < 300, "fits");
	if (joins) {
		p.h.total_len = le32_of((uint32_t)len);
		p.h.n_records = le32_of(3);
		p.process.namespaces_lo = le32_of(0);
	}
	memcpy(to, &p, len);
	return len;
}

static void say_message(int fd, struct cursor *c)
{
	static const uint8_t types[] = { MSG_PLAN, MSG_START, MSG_SIGNAL, MSG_WINSIZE, MSG_RESEED,
					 MSG_SET_CLOCK, MSG_PLAN, MSG_EXEC };
	static const uint8_t lens[] = { 0, 0, sizeof(struct msg_signal), sizeof(struct msg_winsize),
					PROTO_RESEED_LEN, sizeof(struct msg_set_clock), 0, 0 };
	struct {
		struct msg_header h;
		uint8_t body[512];
	} m = { 0 };
	uint8_t how = in8(c), kind = how & 7;
	size_t len = lens[kind];

	if (kind == 0 || kind == 7)
		len = good_plan(m.body, kind == 7);
	else
		(void)in_bytes(c, m.body, kind == 6 ? in8(c) : len);
	if (kind == 6)
		len = in8(c);
	m.h.type = le16_of(types[kind]);
	m.h.len = le32_of((uint32_t)(sizeof(m.h) + len));
	if (how & 0x80)
		((uint8_t *)&m)[in16(c) % (sizeof(m.h) + len)] = in8(c);
	if (how & 0x40)
		len = in8(c);
	say(fd, &m, sizeof(m.h) + len);
}

static void host_does(struct cursor *c)
{
	static uint8_t bytes[4096];
	uint8_t op = in8(c);
	unsigned int i = op >> 4 & (N_CONNS - 1);
	uint8_t what;

	switch (op & 15) {
	case 0:
		open_conn(i);
		break;
	case 1:
	case 2:
		say_hello(conn[i], c);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		say_message(conn[i], c);
		break;
	case 7:
		say(conn[i], bytes, in_bytes(c, bytes, in8(c)));
		break;
	case 8:
		(void)recv(conn[i], bytes, sizeof(bytes), MSG_DONTWAIT);
		break;
	case 9:
		shutdown(conn[i], in8(c) % 3);
		break;
	case 10:
		what = in8(c);
		say(setup_peer, &what, 1);
		break;
	case 11:
		if (setup_peer >= 0)
			close(setup_peer);
		setup_peer = -1;
		break;
	case 12:
		expire();
		break;
	case 13:
		what = in8(c);
		session_child_ended((what & 0x80 ? last_joined : CHILD_FIRST) + what % 4, in16(c));
		break;
	default:
		step();
	}
}

/* Everything ends: connections, children, patience. */
static void end_all(void)
{
	for (unsigned int i = 0; i < N_CONNS; i++) {
		if (conn[i] >= 0)
			close(conn[i]);
		conn[i] = -1;
	}
	if (setup_peer >= 0)
		close(setup_peer);
	setup_peer = -1;
	settle();
	for (unsigned int i = 0; i < CONTAINERS_MAX; i++)
		session_child_ended(CHILD_FIRST + (pid_t)i, 0);
	for (; last_joined > JOINED_FIRST; last_joined--)
		session_child_ended(last_joined, 0);
	for (unsigned int i = 0; i < 200 && timeouts; i++) {
		expire();
		settle();
	}
	CLAIM(hello_idle() == 0);
	for (unsigned int i = 0; i < CONTAINERS_MAX; i++)
		CLAIM(!container[i].used);
}

/* Streams whose session never came stay, bounded in number: takes them out. */
static void drop_waiting(void)
{
	static const uint8_t tokens[4][PROTO_TOKEN_LEN] = { { 0 }, { 1 }, { 2 }, { 3 } };
	uint16_t stream;
	int fd;

	for (unsigned int i = 0; i < 4; i++) {
		while ((fd = hello_claim(tokens[i], &stream)) >= 0)
			close(fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);

	signal(SIGPIPE, SIG_IGN);
	memset(conn, -1, sizeof(conn));
	hello_on_change(on_hello_gone);
	while (in_more(&c)) {
		host_does(&c);
		step();
	}
	settle();
	end_all();
	drop_waiting();
	return 0;
}
