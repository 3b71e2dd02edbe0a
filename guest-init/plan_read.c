/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan decoder; see plan_read.h. The input is written by `nacre`, which is trusted, and has
 * crossed the VMM: every length and value is checked here all the same, each record type by one row
 * of the table below.
 */
#include "plan_read.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>

#include "kernel.h"
#include "proto.h"

/* <linux/resource.h> numbers them 0 to 15 on every architecture that we run on. */
#define RLIMITS 16

/* More than a VM has network devices. */
#define LINKS_MAX 16

#define NAMESPACES_KNOWN                                                                           \
	((uint32_t)CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |      \
	 CLONE_NEWCGROUP | CLONE_NEWNET | CLONE_NEWTIME)

/* Flags that a mount may ask for; the rest would turn mount(2) into another operation. */
#define MOUNT_FLAGS                                                                                \
	((uint32_t)MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC |    \
	 MS_NOSYMFOLLOW | MS_NOATIME | MS_NODIRATIME | MS_REC | MS_SILENT | MS_POSIXACL |          \
	 MS_RELATIME | MS_I_VERSION | MS_STRICTATIME | MS_LAZYTIME)

#define SECCOMP_FLAGS                                                                              \
	((uint32_t)SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |                           \
	 SECCOMP_FILTER_FLAG_SPEC_ALLOW)

/* What a check of values gets: the fixed part and the strings behind it. */
struct record {
	const void *fixed;
	const char *s[4];
	const uint8_t *tail;
	size_t tail_len;
};

struct rule {
	uint32_t min, max; /* how many of them a plan may have; max 0: any number */
	uint32_t fixed_len;
	uint32_t n_strings;
	bool has_tail; /* bytes may follow that `check` accounts for */
	const char *(*check)(const struct plan *p, const struct record *r);
};

/* What a plan of a process may have. */
#define OF_PROCESS                                                                                 \
	(1u << PLAN_PROCESS | 1u << PLAN_ARG | 1u << PLAN_ENV | 1u << PLAN_CWD |                   \
	 1u << PLAN_GROUP | 1u << PLAN_RLIMIT | 1u << PLAN_SECCOMP | 1u << PLAN_FD |                  \
	 1u << PLAN_LABEL)

#define OF_NETWORK (1u << PLAN_LINK | 1u << PLAN_NETLINK | 1u << PLAN_SYSCTL | 1u << PLAN_RESOLVER)

static bool may_have(const struct plan *p, uint32_t type)
{
	if (p->kind == PLAN_OF_NETWORK)
		return (OF_NETWORK >> type & 1) != 0;
	if (p->kind == PLAN_OF_CONTAINER)
		return type != PLAN_RESOLVER;
	return (OF_PROCESS >> type & 1) != 0;
}

static bool is_propagation(uint32_t v)
{
	uint32_t kind = v & ~(uint32_t)MS_REC;

	return v == 0 || kind == MS_SHARED || kind == MS_SLAVE || kind == MS_PRIVATE ||
	       kind == MS_UNBINDABLE;
}

static const char *check_process(const struct plan *p, const struct record *r)
{
	const struct plan_process *x = r->fixed;
	uint32_t known = PLAN_TERMINAL | PLAN_NO_NEW_PRIVS | PLAN_INIT_REAPER |
			 PLAN_PLAIN_LINES;
	uint32_t ids = le32_get(x->id_count), ns = le32_get(x->namespaces_lo);
	int32_t oom = (int32_t)le32_get(x->oom_score_adj);

	if (p->kind == PLAN_OF_PROCESS)
		known &= ~(uint32_t)PLAN_INIT_REAPER;
	if ((le32_get(x->flags) & ~known) != 0 || le32_get(x->zero) != 0)
		return "process: unknown flags";
	/* The id 2^32 - 1 means "none" to the kernel and must not be reached. */
	if (ids == 0 || ids >= PLAN_ID_BASE)
		return "process: id_count out of range";
	if (le32_get(x->uid) >= ids || le32_get(x->gid) >= ids)
		return "process: user or group outside the container's ids";
	if ((ns & ~NAMESPACES_KNOWN) != 0)
		return "process: unknown namespaces";
	if (p->kind == PLAN_OF_PROCESS && ns != 0)
		return "process: new namespaces for one that joins";
	if (p->kind == PLAN_OF_CONTAINER && ((ns & CLONE_NEWPID) == 0 || (ns & CLONE_NEWNS) == 0))
		return "process: without a pid or mount namespace of its own";
	if (le32_get(x->umask) > 0777)
		return "process: umask out of range";
	if (oom < -1000 || oom > 1000)
		return "process: oom_score_adj out of range";
	return NULL;
}

static const char *check_env(const struct plan *p, const struct record *r)
{
	const char *eq = strchr(r->s[0], '=');

	(void)p;
	return eq && eq != r->s[0] ? NULL : "env: not of the form NAME=VALUE";
}

static const char *check_absolute(const struct plan *p, const struct record *r)
{
	(void)p;
	return r->s[0][0] == '/' ? NULL : "a path is not absolute";
}

static const char *check_group(const struct plan *p, const struct record *r)
{
	const struct le32 *gid = r->fixed;

	return le32_get(*gid) < le32_get(p->process->id_count)
		       ? NULL
		       : "group outside the container's ids";
}

static const char *check_root(const struct plan *p, const struct record *r)
{
	const struct plan_root *x = r->fixed;

	if (p->count[PLAN_MOUNT] != 0)
		return "root: behind a mount";
	if ((le32_get(x->flags) & ~(uint32_t)PLAN_ROOT_READONLY) != 0)
		return "root: unknown flags";
	return is_propagation(le32_get(x->propagation)) ? NULL : "root: bad propagation";
}

static const char *check_mount(const struct plan *p, const struct record *r)
{
	const struct plan_mount *x = r->fixed;
	uint32_t kind = le32_get(x->kind);

	if (p->count[PLAN_ROOT] == 0)
		return "mount: before the root";
	if (kind != PLAN_MOUNT_FS && kind != PLAN_MOUNT_EXPORT)
		return "mount: unknown kind";
	if ((le32_get(x->flags) & ~MOUNT_FLAGS) != 0)
		return "mount: flags that are not allowed";
	if (le32_get(x->target_is_file) > 1 || le32_get(x->copy_up) > 1)
		return "mount: neither 0 nor 1";
	if (!is_propagation(le32_get(x->propagation)))
		return "mount: bad propagation";
	if (kind == PLAN_MOUNT_FS && r->s[1][0] == 0)
		return "mount: without a type";
	if (le32_get(x->copy_up) && strcmp(r->s[1], "tmpfs") != 0)
		return "mount: copy_up of what is no tmpfs";
	return check_absolute(p, r);
}

static const char *check_rlimit(const struct plan *p, const struct record *r)
{
	const struct plan_rlimit *x = r->fixed;

	(void)p;
	if (le32_get(x->resource) >= RLIMITS || le32_get(x->zero) != 0)
		return "rlimit: unknown resource";
	return le64_get(x->soft) <= le64_get(x->hard) ? NULL : "rlimit: soft above hard";
}

static const char *check_sysctl(const struct plan *p, const struct record *r)
{
	const char *name = r->s[0];

	(void)p;
	/* Dots become slashes: a name without empty parts cannot leave /proc/sys. */
	if (name[0] == 0 || name[0] == '.' || name[0] == '/' || strstr(name, "..") ||
	    strlen(name) > PLAN_SYSCTL_NAME_MAX)
		return "sysctl: bad name";
	for (; *name; name++) {
		if (*name <= ' ' || *name > '~')
			return "sysctl: bad name";
	}
	return NULL;
}

static const char *check_device(const struct plan *p, const struct record *r)
{
	const struct plan_device *x = r->fixed;
	uint32_t kind = le32_get(x->kind), ids = le32_get(p->process->id_count);

	if (kind != PLAN_DEVICE_CHAR && kind != PLAN_DEVICE_BLOCK && kind != PLAN_DEVICE_FIFO)
		return "device: unknown kind";
	if (le32_get(x->mode) > 07777)
		return "device: mode out of range";
	if (le32_get(x->uid) >= ids || le32_get(x->gid) >= ids)
		return "device: user or group outside the container's ids";
	return check_absolute(p, r);
}

static const char *check_cgroup(const struct plan *p, const struct record *r)
{
	const char *name = r->s[0];

	(void)p;
	/* A file of one directory: cgroup v2 has no names that begin with a dot. */
	if (name[0] == 0 || name[0] == '.' || strchr(name, '/') || strlen(name) > PLAN_CGROUP_NAME_MAX)
		return "cgroup: bad file name";
	return NULL;
}

static const char *check_seccomp(const struct plan *p, const struct record *r)
{
	const struct plan_seccomp *x = r->fixed;
	uint32_t n = le32_get(x->n_insns);

	(void)p;
	if ((le32_get(x->flags) & ~SECCOMP_FLAGS) != 0)
		return "seccomp: flags that are not allowed";
	if (n == 0 || n > BPF_MAXINSNS || r->tail_len != n * sizeof(struct sock_filter))
		return "seccomp: length of the filter";
	return NULL;
}

static const char *check_device_filter(const struct plan *p, const struct record *r)
{
	(void)p;
	if (r->tail_len == 0 || r->tail_len % sizeof(struct bpf_insn) != 0 ||
	    r->tail_len / sizeof(struct bpf_insn) > PLAN_DEVICE_FILTER_MAX)
		return "device filter: length";
	return NULL;
}

static const char *check_link(const struct plan *p, const struct record *r)
{
	const struct plan_link *x = r->fixed;
	uint32_t index = le32_get(x->index), flags = le32_get(x->flags);
	size_t len = strlen(r->s[0]);

	if (p->count[PLAN_NETLINK] != 0)
		return "link: behind an address or route";
	if (index < 2 || index > INT32_MAX)
		return "link: index out of range";
	if (flags & ~((uint32_t)IFF_UP | IFF_NOARP | IFF_ALLMULTI | IFF_PROMISC))
		return "link: unknown flags";
	if (len == 0 || len > PLAN_LINK_NAME_MAX || strchr(r->s[0], '/') ||
	    strcmp(r->s[0], ".") == 0 || strcmp(r->s[0], "..") == 0)
		return "link: bad name";
	return NULL;
}

static const char *check_netlink(const struct plan *p, const struct record *r)
{
	const struct plan_netlink *x = r->fixed;

	(void)p;
	switch (le16_get(x->type)) {
	case RTM_NEWADDR:
	case RTM_NEWROUTE:
	case RTM_NEWRULE:
	case RTM_NEWNEIGH:
		break;
	default:
		return "netlink: a message that is not allowed";
	}
	if (le16_get(x->zero) != 0 || r->tail_len < sizeof(struct ifaddrmsg) ||
	    r->tail_len > PLAN_NETLINK_MAX)
		return "netlink: length of the message";
	return NULL;
}

static const char *check_block(const struct plan *p, const struct record *r)
{
	const struct plan_block *x = r->fixed;

	return le32_get(x->index) < PLAN_BLOCKS_MAX ? check_absolute(p, r)
						    : "block: index out of range";
}

static const char *check_hook(const struct plan *p, const struct record *r)
{
	const struct plan_hook *x = r->fixed;
	struct cursor strings = cursor_over(r->tail, r->tail_len);
	/* each string has its NUL: more than fit end the loop as too short */
	uint64_t n = (uint64_t)le32_get(x->n_args) + le32_get(x->n_env);

	if (p->count[PLAN_HOOK_STATE] == 0)
		return "hook: before the state that it is told";
	if (le32_get(x->n_args) == 0)
		return "hook: without arguments";
	if (le32_get(x->inherits) > 1 || (le32_get(x->inherits) && le32_get(x->n_env)))
		return "hook: two environments";
	for (uint64_t i = 0; i < n && !strings.failed; i++)
		cursor_take_string(&strings);
	if (strings.failed || strings.left != 0)
		return "hook: number of strings";
	return check_absolute(p, r);
}

static const char *check_hook_state(const struct plan *p, const struct record *r)
{
	(void)p;
	/* the pid is put behind the brace, and a comma behind that */
	return strncmp(r->s[0], "{\"", 2) == 0 ? NULL : "hook: state is not an object";
}

static const char *check_fd(const struct plan *p, const struct record *r)
{
	const struct plan_fd *x = r->fixed;
	uint32_t kind = le32_get(x->kind);

	(void)p;
	return kind >= PLAN_FD_READ && kind <= PLAN_FD_BOTH ? NULL : "descriptor: unknown kind";
}

static const struct rule rules[PLAN_TYPE_COUNT] = {
	[PLAN_PROCESS] = { 1, 1, sizeof(struct plan_process), 0, false, check_process },
	[PLAN_ARG] = { 1, 0, 0, 1, false, NULL },
	[PLAN_ENV] = { 0, 0, 0, 1, false, check_env },
	[PLAN_CWD] = { 1, 1, 0, 1, false, check_absolute },
	[PLAN_GROUP] = { 0, 65536, sizeof(struct le32), 0, false, check_group },
	[PLAN_HOSTNAME] = { 0, 1, 0, 1, false, NULL },
	[PLAN_DOMAINNAME] = { 0, 1, 0, 1, false, NULL },
	[PLAN_ROOT] = { 1, 1, sizeof(struct plan_root), 0, false, check_root },
	[PLAN_MOUNT] = { 0, 0, sizeof(struct plan_mount), 4, false, check_mount },
	[PLAN_MASKED] = { 0, 0, 0, 1, false, check_absolute },
	[PLAN_READONLY] = { 0, 0, 0, 1, false, check_absolute },
	[PLAN_RLIMIT] = { 0, RLIMITS, sizeof(struct plan_rlimit), 0, false, check_rlimit },
	[PLAN_SYSCTL] = { 0, 0, 0, 2, false, check_sysctl },
	[PLAN_DEVICE] = { 0, 0, sizeof(struct plan_device), 1, false, check_device },
	[PLAN_CGROUP] = { 0, 0, 0, 2, false, check_cgroup },
	[PLAN_SECCOMP] = { 0, 16, sizeof(struct plan_seccomp), 0, true, check_seccomp },
	[PLAN_DEVICE_FILTER] = { 0, 1, 0, 0, true, check_device_filter },
	[PLAN_LINK] = { 0, LINKS_MAX, sizeof(struct plan_link), 1, false, check_link },
	[PLAN_BLOCK] = { 0, PLAN_BLOCKS_MAX, sizeof(struct plan_block), 1, false, check_block },
	[PLAN_FD] = { 0, PROTO_PRESERVED_MAX, sizeof(struct plan_fd), 0, false, check_fd },
	[PLAN_NOTIFY] = { 0, 1, 0, 1, false, check_absolute },
	[PLAN_HOOK] = { 0, 0, sizeof(struct plan_hook), 1, true, check_hook },
	[PLAN_HOOK_STATE] = { 0, 1, 0, 1, false, check_hook_state },
	[PLAN_LABEL] = { 0, 1, 0, 1, false, NULL },
	[PLAN_RESOLVER] = { 0, 1, 0, 0, false, NULL },
	[PLAN_NETLINK] = { 0, 65536, sizeof(struct plan_netlink), 0, true, check_netlink },
};

/* Keeps what there is one of. */
static void remember(struct plan *p, uint32_t type, const struct record *r)
{
	switch (type) {
	case PLAN_PROCESS:
		p->process = r->fixed;
		break;
	case PLAN_ROOT:
		p->root = r->fixed;
		break;
	case PLAN_CWD:
		p->cwd = r->s[0];
		break;
	case PLAN_HOSTNAME:
		p->hostname = r->s[0];
		break;
	case PLAN_DOMAINNAME:
		p->domainname = r->s[0];
		break;
	case PLAN_LABEL:
		p->label = r->s[0];
		break;
	default:
		break;
	}
}

/* One record's body against its row. NULL or what is wrong. */
static const char *check_record(struct plan *p, uint32_t type, struct cursor body)
{
	const struct rule *rule = &rules[type];
	struct record r = { .tail_len = 0 };
	const char *why;

	if (!may_have(p, type))
		return "a record that a plan of this kind cannot have";
	r.fixed = cursor_take(&body, rule->fixed_len);
	for (uint32_t i = 0; i < rule->n_strings; i++)
		r.s[i] = cursor_take_string(&body);
	if (body.failed)
		return "a record is too short";
	if (body.left != 0 && !rule->has_tail)
		return "a record is too long";
	r.tail = body.p;
	r.tail_len = body.left;
	if (rule->max != 0 && p->count[type] >= rule->max)
		return "too many records of one type";
	why = rule->check ? rule->check(p, &r) : NULL;
	if (why)
		return why;
	p->count[type]++;
	remember(p, type, &r);
	return NULL;
}

/* Takes one record off the cursor. False, with c->failed as it was, when it does not fit. */
static bool take_record(struct cursor *c, uint32_t *type, struct cursor *body)
{
	const struct plan_record *head = cursor_take(c, sizeof(*head));
	const uint8_t *data, *pad;
	uint32_t len, pad_len;

	if (!head)
		return false;
	*type = le32_get(head->type);
	len = le32_get(head->len);
	pad_len = (PLAN_ALIGN - len % PLAN_ALIGN) % PLAN_ALIGN;
	data = cursor_take(c, len);
	pad = cursor_take(c, pad_len);
	if (!data || !pad)
		return false;
	for (uint32_t i = 0; i < pad_len; i++) {
		if (pad[i] != 0)
			return false;
	}
	*body = cursor_over(data, len);
	return true;
}

static const char *check_header(struct cursor *c, size_t len, uint32_t *n_records)
{
	const struct plan_header *h = cursor_take(c, sizeof(*h));

	if (!h)
		return "shorter than its header";
	if (le32_get(h->magic) != PLAN_MAGIC)
		return "wrong magic";
	if (le16_get(h->version) != PLAN_VERSION)
		return "of another version";
	if (le16_get(h->zero) != 0)
		return "reserved field not zero";
	if (le32_get(h->total_len) != len)
		return "length differs from its header";
	*n_records = le32_get(h->n_records);
	return NULL;
}

static const char *check_records(struct plan *p, struct cursor *c, uint32_t n_records)
{
	for (uint32_t i = 0; i < n_records; i++) {
		struct cursor body;
		uint32_t type;
		const char *why;

		if (!take_record(c, &type, &body))
			return "a record does not fit";
		if (type == 0 || type >= PLAN_TYPE_COUNT)
			return "unknown record type";
		if (p->kind != PLAN_OF_NETWORK && (i == 0) != (type == PLAN_PROCESS))
			return "process: not the first record, or not the only one";
		why = check_record(p, type, body);
		if (why)
			return why;
	}
	return c->left == 0 ? NULL : "bytes behind the last record";
}

int plan_decode(struct plan *p, enum plan_kind kind, const void *buf, size_t len, const char **why)
{
	struct cursor c = cursor_over(buf, len);
	uint32_t n_records = 0;

	*p = (struct plan){ .kind = kind, .buf = buf, .len = len };
	*why = check_header(&c, len, &n_records);
	if (!*why)
		*why = check_records(p, &c, n_records);
	for (uint32_t t = 1; !*why && t < PLAN_TYPE_COUNT; t++) {
		if (may_have(p, t) && p->count[t] < rules[t].min)
			*why = "a record is missing";
	}
	return *why ? -EBADMSG : 0;
}

bool plan_next(const struct plan *p, size_t *pos, enum plan_type type, struct cursor *body)
{
	if (*pos == 0)
		*pos = sizeof(struct plan_header);
	while (*pos < p->len) {
		struct cursor c = cursor_over(p->buf + *pos, p->len - *pos);
		uint32_t found;

		if (!take_record(&c, &found, body))
			return false;
		*pos = p->len - c.left;
		if (found == (uint32_t)type)
			return true;
	}
	return false;
}

const char *plan_next_string(const struct plan *p, size_t *pos, enum plan_type type)
{
	struct cursor body;

	return plan_next(p, pos, type, &body) ? cursor_take_string(&body) : NULL;
}

bool plan_next_mount(const struct plan *p, size_t *pos, struct plan_mount_view *view)
{
	struct cursor body;

	if (!plan_next(p, pos, PLAN_MOUNT, &body))
		return false;
	view->m = cursor_take(&body, sizeof(*view->m));
	view->target = cursor_take_string(&body);
	view->type = cursor_take_string(&body);
	view->source = cursor_take_string(&body);
	view->data = cursor_take_string(&body);
	return !body.failed;
}

const char *plan_env(const struct plan *p, const char *name)
{
	const char *found = NULL, *env;
	size_t len = strlen(name), pos = 0;

	while ((env = plan_next_string(p, &pos, PLAN_ENV))) {
		if (strncmp(env, name, len) == 0 && env[len] == '=')
			found = env + len + 1;
	}
	return found;
}
