/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCES: guest-init/plan_read.c */
/*
 * Unit tests of nacre-init's plan decoder: each record happy, short, long, lying, missing, twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "guest-init/plan_read.h"
#include "test_init_build.h"

static struct plan_process good_process(void)
{
	return (struct plan_process){ .namespaces_lo = le32_of(BUILD_SPACES),
				      .id_count = le32_of(65536) };
}

/* The records that a plan must have, and one of every other kind if `all`. */
static void good(struct build *b, bool all)
{
	struct plan_process p = good_process();
	struct plan_root root = { .flags = le32_of(0) };
	struct plan_rlimit l = { .resource = le32_of(7), .soft = le64_of(1), .hard = le64_of(2) };
	struct plan_device d = { .kind = le32_of('c'), .major = le32_of(1), .minor = le32_of(3) };
	struct le32 group = le32_of(5);
	uint8_t seccomp[16] = { 0, 0, 0, 0, 1 };

	build_begin(b, &p);
	build_string(b, PLAN_ARG, "sh");
	build_string(b, PLAN_CWD, "/");
	build_add(b, PLAN_ROOT, &root, sizeof(root), (char *)NULL);
	if (!all)
		return;
	build_string(b, PLAN_ENV, "A=b");
	build_add(b, PLAN_GROUP, &group, sizeof(group), (char *)NULL);
	build_string(b, PLAN_HOSTNAME, "h");
	build_string(b, PLAN_DOMAINNAME, "d");
	build_mount(b, "/proc", "proc", 0, "");
	build_string(b, PLAN_MASKED, "/m");
	build_string(b, PLAN_READONLY, "/r");
	build_add(b, PLAN_RLIMIT, &l, sizeof(l), (char *)NULL);
	build_add(b, PLAN_SYSCTL, NULL, 0, "net.x", "1", (char *)NULL);
	build_add(b, PLAN_DEVICE, &d, sizeof(d), "/dev/null", (char *)NULL);
	build_add(b, PLAN_CGROUP, NULL, 0, "memory.max", "1", (char *)NULL);
	build_add(b, PLAN_SECCOMP, seccomp, sizeof(seccomp), (char *)NULL);
}

/* Decodes a copy of exactly that length, so that the sanitizer sees a read past the end. */
static int decode(const void *buf, size_t len, const char **why)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct plan p;
	int r;

	memcpy(copy, buf, len);
	r = plan_decode(&p, PLAN_OF_CONTAINER, copy, len, why);
	if (r == 0) {
		struct plan_mount_view v;
		struct cursor body;
		size_t pos = 0;

		/* What was accepted can be walked. */
		while (plan_next_mount(&p, &pos, &v))
			assert_true(v.target[0] == '/');
		for (int t = 1; t < PLAN_TYPE_COUNT; t++) {
			uint32_t n = 0;

			for (pos = 0; plan_next(&p, &pos, (enum plan_type)t, &body);)
				n++;
			assert_int_equal(n, p.count[t]);
		}
	}
	free(copy);
	return r;
}

static void expect_bad(struct build *b, const char *text)
{
	const char *why = NULL;

	build_end(b);
	assert_true(decode(b->buf, b->len, &why) < 0);
	assert_string_equal(why, text);
}

static void test_good(void **state)
{
	static struct build b;
	const char *why;
	struct plan p;
	size_t pos = 0;

	(void)state;
	for (int all = 0; all < 2; all++) {
		good(&b, all != 0);
		build_end(&b);
		assert_int_equal(decode(b.buf, b.len, &why), 0);
		assert_null(why);
	}
	assert_int_equal(plan_decode(&p, PLAN_OF_CONTAINER, b.buf, b.len, &why), 0);
	assert_string_equal(plan_next_string(&p, &pos, PLAN_ARG), "sh");
	assert_null(plan_next_string(&p, &pos, PLAN_ARG));
	assert_string_equal(p.cwd, "/");
	assert_string_equal(p.hostname, "h");
	assert_string_equal(p.domainname, "d");
	assert_string_equal(plan_env(&p, "A"), "b");
	assert_null(plan_env(&p, "AB"));
	assert_null(plan_env(&p, ""));
}

/* Cut anywhere, with and without a header that knows: never accepted, never read past. */
static void test_truncated(void **state)
{
	static struct build b;
	const char *why;

	(void)state;
	good(&b, true);
	build_end(&b);
	for (size_t len = 0; len < b.len; len++) {
		struct plan_header h;

		assert_true(decode(b.buf, len, &why) < 0);
		if (len < sizeof(h))
			continue;
		memcpy(&h, b.buf, sizeof(h));
		h.total_len = le32_of((uint32_t)len);
		memcpy(b.buf, &h, sizeof(h));
		assert_true(decode(b.buf, len, &why) < 0);
		build_end(&b);
	}
}

static void test_header(void **state)
{
	static struct build b;
	const size_t fields[] = { 0, 4, 6, 8, 12 };
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		for (int delta = -1; delta <= 1; delta += 2) {
			good(&b, true);
			build_end(&b);
			b.buf[fields[i]] = (uint8_t)(b.buf[fields[i]] + delta);
			assert_true(decode(b.buf, b.len, &why) < 0);
		}
	}
	good(&b, true);
	build_end(&b);
	b.len += 8; /* bytes behind the last record, which the header counts */
	memset(b.buf + b.len - 8, 0, 8);
	expect_bad(&b, "bytes behind the last record");
}

/* Every length field one up, one down, huge; every padding byte set. */
static void test_lying_lengths(void **state)
{
	static const uint32_t lies[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
	static struct build b;
	const char *why;
	size_t at;

	(void)state;
	good(&b, true);
	build_end(&b);
	for (at = sizeof(struct plan_header); at < b.len;) {
		struct plan_record r, lie;
		uint32_t len;

		memcpy(&r, b.buf + at, sizeof(r));
		lie = r;
		len = le32_get(r.len);
		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			lie.len = le32_of(lies[i]);
			memcpy(b.buf + at, &lie, sizeof(lie));
			assert_true(decode(b.buf, b.len, &why) < 0);
		}
		lie.len = le32_of(len - 1);
		memcpy(b.buf + at, &lie, sizeof(lie));
		assert_true(decode(b.buf, b.len, &why) < 0);
		lie.len = le32_of(len + 1);
		memcpy(b.buf + at, &lie, sizeof(lie));
		assert_true(decode(b.buf, b.len, &why) < 0);
		memcpy(b.buf + at, &r, sizeof(r));
		for (size_t i = len; i % PLAN_ALIGN != 0; i++) {
			b.buf[at + sizeof(r) + i] = 1;
			assert_true(decode(b.buf, b.len, &why) < 0);
			b.buf[at + sizeof(r) + i] = 0;
		}
		at += sizeof(r) + (len + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
	}
	assert_int_equal(at, b.len);
	assert_int_equal(decode(b.buf, b.len, &why), 0);
}

static void test_missing_and_double(void **state)
{
	static struct build b;
	struct plan_process p = good_process();
	struct plan_root root = { .flags = le32_of(0) };

	(void)state;
	for (int missing = 0; missing < 3; missing++) {
		build_begin(&b, &p);
		if (missing != 0)
			build_string(&b, PLAN_ARG, "sh");
		if (missing != 1)
			build_string(&b, PLAN_CWD, "/");
		if (missing != 2)
			build_add(&b, PLAN_ROOT, &root, sizeof(root), (char *)NULL);
		expect_bad(&b, "a record is missing");
	}
	good(&b, true);
	build_string(&b, PLAN_CWD, "/");
	expect_bad(&b, "too many records of one type");
	good(&b, true);
	build_string(&b, PLAN_HOSTNAME, "again");
	expect_bad(&b, "too many records of one type");
	good(&b, true);
	build_add(&b, PLAN_PROCESS, &p, sizeof(p), (char *)NULL);
	expect_bad(&b, "process: not the first record, or not the only one");
	good(&b, false);
	build_string(&b, PLAN_TYPE_COUNT, "x");
	expect_bad(&b, "unknown record type");
	good(&b, false);
	build_string(&b, 0, "x");
	expect_bad(&b, "unknown record type");
	build_begin(&b, &p);
	build_mount(&b, "/x", "tmpfs", 0, "");
	expect_bad(&b, "mount: before the root");
	good(&b, false);
	build_mount(&b, "/x", "tmpfs", 0, "");
	build_add(&b, PLAN_ROOT, &root, sizeof(root), (char *)NULL);
	expect_bad(&b, "too many records of one type");
}

static void bad_process(struct plan_process p, const char *text)
{
	static struct build b;

	build_begin(&b, &p);
	expect_bad(&b, text);
}

static void test_process_values(void **state)
{
	struct plan_process p;

	(void)state;
	p = good_process();
	p.flags = le32_of(16);
	bad_process(p, "process: unknown flags");
	p = good_process();
	p.id_count = le32_of(0);
	bad_process(p, "process: id_count out of range");
	p.id_count = le32_of(PLAN_ID_BASE);
	bad_process(p, "process: id_count out of range");
	p = good_process();
	p.uid = le32_of(65536);
	bad_process(p, "process: user or group outside the container's ids");
	p = good_process();
	p.gid = le32_of(0xffffffff);
	bad_process(p, "process: user or group outside the container's ids");
	p = good_process();
	p.namespaces_lo = le32_of(BUILD_SPACES | 0x80000000u);
	bad_process(p, "process: unknown namespaces");
	p.namespaces_lo = le32_of(BUILD_SPACES & ~0x20000000u);
	bad_process(p, "process: without a pid or mount namespace of its own");
	p = good_process();
	p.umask = le32_of(01000);
	bad_process(p, "process: umask out of range");
	p = good_process();
	p.oom_score_adj = le32_of((uint32_t)-1001);
	bad_process(p, "process: oom_score_adj out of range");
}

static void bad_string(uint32_t type, const char *s, const char *text)
{
	static struct build b;

	good(&b, false);
	build_string(&b, type, s);
	expect_bad(&b, text);
}

static void bad_pair(uint32_t type, const char *s, const char *text)
{
	static struct build b;

	good(&b, false);
	build_add(&b, type, NULL, 0, s, "1", (char *)NULL);
	expect_bad(&b, text);
}

static void test_string_values(void **state)
{
	static struct build b;

	(void)state;
	bad_string(PLAN_ENV, "A", "env: not of the form NAME=VALUE");
	bad_string(PLAN_ENV, "=A", "env: not of the form NAME=VALUE");
	bad_string(PLAN_MASKED, "proc", "a path is not absolute");
	bad_string(PLAN_READONLY, "", "a path is not absolute");
	bad_pair(PLAN_SYSCTL, "net..x", "sysctl: bad name");
	bad_pair(PLAN_SYSCTL, "/net", "sysctl: bad name");
	bad_pair(PLAN_SYSCTL, "net.a\n", "sysctl: bad name");
	bad_pair(PLAN_SYSCTL, "", "sysctl: bad name");
	bad_pair(PLAN_CGROUP, "../x", "cgroup: bad file name");
	bad_pair(PLAN_CGROUP, "a/b", "cgroup: bad file name");
	good(&b, false);
	build_add(&b, PLAN_SYSCTL, NULL, 0, "net.x", (char *)NULL);
	expect_bad(&b, "a record is too short");
	good(&b, false);
	build_add(&b, PLAN_SYSCTL, NULL, 0, "net.x", "1", "2", (char *)NULL);
	expect_bad(&b, "a record is too long");
	good(&b, false);
	build_add(&b, PLAN_ARG, "abc", 3, (char *)NULL); /* no NUL */
	expect_bad(&b, "a record is too short");
}

static void bad_mount(struct plan_mount m, const char *target, const char *type, const char *text)
{
	static struct build b;

	good(&b, false);
	build_add(&b, PLAN_MOUNT, &m, sizeof(m), target, type, "s", "", (char *)NULL);
	expect_bad(&b, text);
}

static void test_fixed_values(void **state)
{
	struct plan_mount m = { .kind = le32_of(PLAN_MOUNT_FS) };
	struct plan_rlimit l = { .resource = le32_of(16) };
	struct plan_device d = { .kind = le32_of('x') };
	struct plan_seccomp s = { .n_insns = le32_of(2) };
	struct le32 group = le32_of(65536);
	static struct build b;

	(void)state;
	bad_mount(m, "x", "tmpfs", "a path is not absolute");
	bad_mount(m, "/x", "", "mount: without a type");
	m.flags = le32_of(0x1000); /* MS_BIND */
	bad_mount(m, "/x", "tmpfs", "mount: flags that are not allowed");
	m.flags = le32_of(0x20); /* MS_REMOUNT */
	bad_mount(m, "/x", "tmpfs", "mount: flags that are not allowed");
	m.flags = le32_of(0);
	m.propagation = le32_of(1u << 19 | 1u << 18);
	bad_mount(m, "/x", "tmpfs", "mount: bad propagation");
	m.propagation = le32_of(0);
	m.kind = le32_of(3);
	bad_mount(m, "/x", "tmpfs", "mount: unknown kind");
	m.kind = le32_of(PLAN_MOUNT_EXPORT);
	m.target_is_file = le32_of(2);
	bad_mount(m, "/x", "", "mount: neither 0 nor 1");
	m.target_is_file = le32_of(0);
	m.copy_up = le32_of(2);
	bad_mount(m, "/x", "", "mount: neither 0 nor 1");
	m.copy_up = le32_of(1);
	bad_mount(m, "/x", "", "mount: copy_up of what is no tmpfs");

	good(&b, false);
	build_add(&b, PLAN_RLIMIT, &l, sizeof(l), (char *)NULL);
	expect_bad(&b, "rlimit: unknown resource");
	l.resource = le32_of(0);
	l.soft = le64_of(1);
	good(&b, false);
	build_add(&b, PLAN_RLIMIT, &l, sizeof(l), (char *)NULL);
	expect_bad(&b, "rlimit: soft above hard");
	good(&b, false);
	build_add(&b, PLAN_DEVICE, &d, sizeof(d), "/dev/x", (char *)NULL);
	expect_bad(&b, "device: unknown kind");
	good(&b, false);
	build_add(&b, PLAN_GROUP, &group, sizeof(group), (char *)NULL);
	expect_bad(&b, "group outside the container's ids");
	good(&b, false);
	build_add(&b, PLAN_SECCOMP, &s, sizeof(s), "1234567", (char *)NULL); /* one of two */
	expect_bad(&b, "seccomp: length of the filter");
	s.n_insns = le32_of(0x20000001); /* times 8 wraps to 8 */
	good(&b, false);
	build_add(&b, PLAN_SECCOMP, &s, sizeof(s), "1234567", (char *)NULL);
	expect_bad(&b, "seccomp: length of the filter");
	s.n_insns = le32_of(1);
	s.flags = le32_of(8); /* SECCOMP_FILTER_FLAG_NEW_LISTENER */
	good(&b, false);
	build_add(&b, PLAN_SECCOMP, &s, sizeof(s), "1234567", (char *)NULL);
	expect_bad(&b, "seccomp: flags that are not allowed");
}

/* One byte after the other set to random values: whatever happens, it is in bounds. */
static void test_mutations(void **state)
{
	static struct build b, c;
	uint32_t seed = 1;
	const char *why;

	(void)state;
	good(&b, true);
	build_end(&b);
	for (int i = 0; i < 200000; i++) {
		c.len = b.len;
		memcpy(c.buf, b.buf, b.len);
		for (int j = 0; j < 3; j++) {
			seed = seed * 1664525u + 1013904223u;
			c.buf[(seed >> 8) % c.len] = (uint8_t)(seed >> 24);
		}
		(void)decode(c.buf, c.len, &why);
	}
}

/* A plan of a process has the process' records and no other, and makes no namespaces. */
static void test_of_process(void **state)
{
	static const uint32_t not_allowed[] = { PLAN_HOSTNAME, PLAN_DOMAINNAME, PLAN_MASKED,
						PLAN_READONLY };
	struct plan_process process = good_process();
	struct plan_root root = { .flags = le32_of(0) };
	static struct build b;
	const char *why;
	struct plan p;

	(void)state;
	process.namespaces_lo = le32_of(0);
	for (size_t i = 0; i < 4 + sizeof(not_allowed) / sizeof(not_allowed[0]); i++) {
		struct plan_process x = process;

		if (i == 2)
			x.namespaces_lo = le32_of(0x40000000); /* CLONE_NEWNET */
		if (i == 3)
			x.flags = le32_of(PLAN_INIT_REAPER);
		build_begin(&b, &x);
		build_string(&b, PLAN_ARG, "sh");
		build_string(&b, PLAN_CWD, "/");
		if (i == 1)
			build_add(&b, PLAN_ROOT, &root, sizeof(root), (char *)NULL);
		if (i >= 4)
			build_string(&b, not_allowed[i - 4], "/x");
		build_end(&b);
		if (i == 0) {
			assert_int_equal(plan_decode(&p, PLAN_OF_PROCESS, b.buf, b.len, &why), 0);
			assert_null(p.root);
			/* It is no plan of a container. */
			assert_true(plan_decode(&p, PLAN_OF_CONTAINER, b.buf, b.len, &why) < 0);
		} else {
			assert_true(plan_decode(&p, PLAN_OF_PROCESS, b.buf, b.len, &why) < 0);
			assert_non_null(why);
		}
	}
}

struct netlink_record {
	struct plan_netlink head;
	struct rtmsg body;
};

static struct plan_link good_link(void)
{
	return (struct plan_link){ .index = le32_of(2), .mtu = le32_of(1500),
				   .flags = le32_of(IFF_UP) };
}

static void expect_bad_link(const struct plan_link *link, const char *name, const char *text)
{
	static struct build b;

	good(&b, false);
	build_add(&b, PLAN_LINK, link, sizeof(*link), name, (char *)NULL);
	expect_bad(&b, text);
}

static void test_links(void **state)
{
	static struct build b;
	struct plan_link link = good_link();
	struct netlink_record m = { .head.type = le16_of(RTM_NEWROUTE) };
	struct plan_block block = { .index = le32_of(PLAN_BLOCKS_MAX) };
	const char *why;

	(void)state;
	good(&b, false);
	build_add(&b, PLAN_LINK, &link, sizeof(link), "eth0", (char *)NULL);
	build_add(&b, PLAN_NETLINK, &m, sizeof(m), (char *)NULL);
	build_end(&b);
	assert_int_equal(decode(b.buf, b.len, &why), 0);

	expect_bad_link(&link, "", "link: bad name");
	expect_bad_link(&link, "a name of sixteen", "link: bad name");
	expect_bad_link(&link, "a/b", "link: bad name");
	expect_bad_link(&link, "..", "link: bad name");
	link.index = le32_of(1);
	expect_bad_link(&link, "eth0", "link: index out of range");
	link.index = le32_of(0x80000000u);
	expect_bad_link(&link, "eth0", "link: index out of range");
	link = good_link();
	link.flags = le32_of(IFF_LOOPBACK);
	expect_bad_link(&link, "eth0", "link: unknown flags");

	link = good_link();
	good(&b, false);
	build_add(&b, PLAN_NETLINK, &m, sizeof(m), (char *)NULL);
	build_add(&b, PLAN_LINK, &link, sizeof(link), "eth0", (char *)NULL);
	expect_bad(&b, "link: behind an address or route");
	m.head.type = le16_of(RTM_DELLINK);
	good(&b, false);
	build_add(&b, PLAN_NETLINK, &m, sizeof(m), (char *)NULL);
	expect_bad(&b, "netlink: a message that is not allowed");
	m.head.type = le16_of(RTM_NEWADDR);
	good(&b, false);
	build_add(&b, PLAN_NETLINK, &m, sizeof(m.head) + 7, (char *)NULL);
	expect_bad(&b, "netlink: length of the message");
	good(&b, false);
	build_add(&b, PLAN_BLOCK, &block, sizeof(block), "/dev/x", (char *)NULL);
	expect_bad(&b, "block: index out of range");
}

/* What comes with MSG_START: interfaces and their settings, nothing of a process. */
static void test_plan_of_a_network(void **state)
{
	static struct build b;
	struct plan_link link = good_link();
	struct netlink_record m = { .head.type = le16_of(RTM_NEWADDR) };
	struct plan_process process = { .id_count = le32_of(1) };
	const char *why;
	struct plan p;

	(void)state;
	build_begin(&b, NULL);
	build_add(&b, PLAN_LINK, &link, sizeof(link), "eth0", (char *)NULL);
	build_add(&b, PLAN_SYSCTL, NULL, 0, "net.ipv6.conf.eth0.accept_ra", "0", (char *)NULL);
	build_add(&b, PLAN_NETLINK, &m, sizeof(m), (char *)NULL);
	build_end(&b);
	assert_int_equal(plan_decode(&p, PLAN_OF_NETWORK, b.buf, b.len, &why), 0);
	assert_int_not_equal(plan_decode(&p, PLAN_OF_CONTAINER, b.buf, b.len, &why), 0);
	build_begin(&b, NULL);
	build_add(&b, PLAN_ARG, NULL, 0, "sh", (char *)NULL);
	build_end(&b);
	assert_int_not_equal(plan_decode(&p, PLAN_OF_NETWORK, b.buf, b.len, &why), 0);
	assert_string_equal(why, "a record that a plan of this kind cannot have");
	build_begin(&b, &process);
	build_end(&b);
	assert_int_not_equal(plan_decode(&p, PLAN_OF_NETWORK, b.buf, b.len, &why), 0);
}

static void good_hook(struct build *b, const struct plan_hook *hook)
{
	good(b, false);
	build_string(b, PLAN_HOOK_STATE, "{\"id\":\"x\"}");
	build_add(b, PLAN_HOOK, hook, sizeof(*hook), "/h", "h", "A=b", (char *)NULL);
}

static void test_hooks(void **state)
{
	static struct build b;
	struct plan_hook hook = { .n_args = le32_of(1), .n_env = le32_of(1) };
	const char *why;

	(void)state;
	good_hook(&b, &hook);
	build_end(&b);
	assert_int_equal(decode(b.buf, b.len, &why), 0);
	hook.inherits = le32_of(1);
	good_hook(&b, &hook);
	expect_bad(&b, "hook: two environments");
	hook.inherits = le32_of(0);
	hook.n_args = le32_of(2);
	good_hook(&b, &hook);
	expect_bad(&b, "hook: number of strings");
	hook.inherits = le32_of(2);
	hook.n_env = le32_of(0);
	good_hook(&b, &hook);
	expect_bad(&b, "hook: two environments");
	hook.inherits = le32_of(1);
	good_hook(&b, &hook);
	build_end(&b);
	assert_int_equal(decode(b.buf, b.len, &why), 0);
	hook.inherits = le32_of(0);
	good_hook(&b, &hook);
	build_end(&b);
	assert_int_equal(decode(b.buf, b.len, &why), 0);
	hook.n_args = le32_of(1);
	good_hook(&b, &hook);
	expect_bad(&b, "hook: number of strings");
	hook.n_args = le32_of(~0u);
	hook.n_env = le32_of(~0u);
	good_hook(&b, &hook);
	expect_bad(&b, "hook: number of strings");
	hook.n_args = le32_of(0);
	hook.n_env = le32_of(2);
	good_hook(&b, &hook);
	expect_bad(&b, "hook: without arguments");
	good(&b, false);
	build_add(&b, PLAN_HOOK, &hook, sizeof(hook), "/h", (char *)NULL);
	expect_bad(&b, "hook: before the state that it is told");
	good(&b, false);
	build_string(&b, PLAN_HOOK_STATE, "{}");
	expect_bad(&b, "hook: state is not an object");
	good(&b, false);
	build_string(&b, PLAN_HOOK_STATE, "{\"");
	hook.n_args = le32_of(1);
	hook.n_env = le32_of(0);
	build_add(&b, PLAN_HOOK, &hook, sizeof(hook), "h", "h", (char *)NULL);
	expect_bad(&b, "a path is not absolute");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_of_process),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_lying_lengths),
		cmocka_unit_test(test_missing_and_double),
		cmocka_unit_test(test_process_values),
		cmocka_unit_test(test_string_values),
		cmocka_unit_test(test_fixed_values),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_plan_of_a_network),
		cmocka_unit_test(test_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
