/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the search for a container's resolv.conf and of its reading: what is mounted where, trees that
 * would lead elsewhere, files that are none, and who listens in a network namespace. The last needs root.
 */
/* SOURCES: runtime/net_resolver.c runtime/resolve.c runtime/net_socket.c runtime/visit.c runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -lmnl -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/net_resolver.h"
#include "runtime/net_socket.h"

static char dir[] = "/tmp/nacre-resolver.XXXXXX";

/* As "ROOT|PATH", of a configuration with these mounts. */
static const char *found(size_t n, const struct config_mount *mounts)
{
	static char text[256];
	struct arena arena = { 0 };
	struct container_config config = { .root_path = "/image" };
	struct net_resolv_conf file;

	for (size_t i = 0; i < n; i++)
		*config_add_mount(&arena, &config.mounts) = mounts[i];
	file = net_resolv_conf_of(&config, &arena);
	snprintf(text, sizeof(text), "%s|%s", file.root ? file.root : "", file.path ? file.path : "");
	arena_free(&arena);
	return text;
}

#define BIND(at, from) { .destination = (at), .source = (from), .type = "bind", .is_bind = true }

#define expect_found(result, ...)                                                                  \
	do {                                                                                       \
		const struct config_mount mounts[] = { __VA_ARGS__ };                              \
		assert_string_equal(found(sizeof(mounts) / sizeof(mounts[0]), mounts), result);    \
	} while (0)

static void test_where_it_is(void **unused)
{
	(void)unused;
	assert_string_equal(found(0, NULL), "/image|/etc/resolv.conf");
	expect_found("|/a", BIND("/etc/resolv.conf", "/a"));
	expect_found("|/a", BIND("//etc/./resolv.conf", "/a"));
	expect_found("|/a", BIND("/./etc//resolv.conf/", "/a"));
	expect_found("|/a", BIND("/etc/resolv.conf/.", "/a"));
	expect_found("/a|resolv.conf", BIND("/etc", "/a"));
	expect_found("/a|resolv.conf", BIND("/etc/./", "/a"));
	/* others */
	expect_found("/image|/etc/resolv.conf", BIND("/etc/resolv.conf.d", "/a"), BIND("/etcetera", "/b"),
		     BIND("/etc/resolv", "/c"), BIND("/etc/resolv.conf/x", "/d"), BIND("/.etc", "/e"));
	/* the last one covers those before it */
	expect_found("|/b", BIND("/etc", "/a"), BIND("/etc/resolv.conf", "/b"));
	expect_found("/a|resolv.conf", BIND("/etc/resolv.conf", "/b"), BIND("/etc", "/a"));
	/* made by the guest */
	expect_found("|", { .destination = "/etc", .type = "tmpfs" });
	expect_found("|", { .destination = "/etc", .type = "overlay", .source = "overlay", .is_bind = true });
	expect_found("|/b", { .destination = "/etc", .type = "tmpfs" }, BIND("/etc/resolv.conf", "/b"));
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

/* "inside" for Docker's, then the others. */
static const char *read_as_text(const char *root, const char *path)
{
	static char text[128];
	struct net_resolvers r;
	size_t len;

	net_resolvers_read(&r, &(struct net_resolv_conf){ root, path });
	len = (size_t)snprintf(text, sizeof(text), "%s", r.is_inside ? "inside" : "");
	for (unsigned int i = 0; i < r.n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %u.%u.%u.%u", r.other[i][0],
					r.other[i][1], r.other[i][2], r.other[i][3]);
	return text;
}

static void test_what_it_names(void **unused)
{
	static const struct {
		const char *text, *names;
	} cases[] = {
		{ "nameserver 127.0.0.11\n", "inside" },
		{ "search x\nnameserver\t 127.0.0.11 \noptions ndots:0", "inside" },
		{ "nameserver 127.0.0.11\r\n", "inside" },
		{ "nameserver 127.0.0.11", "inside" },
		{ " nameserver 127.0.0.11\n", "" },
		{ "#nameserver 127.0.0.11\n", "" },
		{ "nameserver127.0.0.11\n", "" },
		{ "nameserver 127.0.0.111\nnameserver 127.0.0.1x\nnameserver 300.0.0.1\n", " 127.0.0.111" },
		{ "nameserver 192.0.2.1\nnameserver ::1\n", "" },
		{ "nameserver 127.0.0.53\nnameserver 127.0.0.11\nnameserver 127.0.0.1\n", "inside 127.0.0.53 127.0.0.1" },
		{ "nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\nnameserver 127.0.0.4\n",
		  " 127.0.0.1 127.0.0.2 127.0.0.3" },
		{ "nameserver 127.0.0.1111111111111111111111111\nnameserver\n", "" },
		{ "", "" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file("resolv.conf", cases[i].text);
		assert_string_equal(read_as_text(dir, "resolv.conf"), cases[i].names);
	}
}

/* A file in the tree, a link out of it, what is no file, what is too long. */
static void test_hostile_trees(void **unused)
{
	char path[160];
	FILE *f;

	(void)unused;
	write_file("resolv.conf", "nameserver 127.0.0.11\n");
	snprintf(path, sizeof(path), "mkdir -p %s/image/etc %s/image/run && cd %s/image/etc", dir, dir, dir);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/image", dir);
	assert_string_equal(read_as_text(path, "/etc/resolv.conf"), "");
	assert_int_equal(symlink("../run/resolv.conf", strcat(path, "/etc/resolv.conf")), 0);
	path[strlen(dir) + strlen("/image")] = '\0';
	assert_string_equal(read_as_text(path, "/etc/resolv.conf"), "");
	write_file("image/run/resolv.conf", "nameserver 127.0.0.11\n");
	assert_string_equal(read_as_text(path, "/etc/resolv.conf"), "inside");

	/* out of the tree, by a relative link, an absolute one, and one of the kernel's */
	snprintf(path, sizeof(path), "cd %s/image && ln -sf ../../resolv.conf etc/resolv.conf", dir);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/image", dir);
	assert_string_equal(read_as_text(path, "/etc/resolv.conf"), "");
	snprintf(path, sizeof(path), "cd %s/image && ln -sf %s/resolv.conf etc/resolv.conf", dir, dir);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/image", dir);
	assert_string_equal(read_as_text(path, "/etc/resolv.conf"), "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
	assert_string_equal(read_as_text("/proc", path + strlen("/proc")), "");

	/* nobody ever writes to the FIFO */
	snprintf(path, sizeof(path), "cd %s/image && rm etc/resolv.conf && mkfifo etc/resolv.conf", dir);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/image", dir);
	assert_string_equal(read_as_text(path, "/etc/resolv.conf"), "");
	assert_string_equal(read_as_text("/dev", "zero"), "");
	assert_string_equal(read_as_text("/", "/"), "");
	assert_string_equal(read_as_text("/no/such/directory", "x"), "");
	assert_string_equal(read_as_text(NULL, NULL), "");

	snprintf(path, sizeof(path), "%s/resolv.conf", dir);
	assert_string_equal(read_as_text(NULL, path), "inside");
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 4096; i++)
		assert_true(fputs("#\n", f) >= 0);
	assert_true(fputs("nameserver 127.0.0.11\n", f) >= 0);
	fclose(f);
	assert_string_equal(read_as_text(NULL, path), "");
}

/* A socket at an address of loopback and port 53, in the namespace. */
static int listen_there(void *ctx)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (system("ip link set lo up") != 0)
		return -1;
	memcpy(&at.sin_addr, ctx, sizeof(at.sin_addr));
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -1 : fd;
}

static void test_who_listens(void **unused)
{
	struct net_resolvers asked = { .n = 3, .other = { { 127, 0, 0, 1 }, { 127, 0, 0, 53 }, { 127, 1, 2, 3 } } };
	struct net_resolvers r = asked;
	struct failure failure = { .text = "" };
	int ns_fd, fd;

	(void)unused;
	if (geteuid() != 0 || system("ip -V > /dev/null 2>&1") != 0)
		skip();
	ns_fd = net_namespace_make(&failure);
	assert_true(ns_fd >= 0);
	assert_int_equal(net_within(ns_fd, net_resolvers_listening, &r, &failure), 0);
	assert_int_equal(r.n, 0);
	fd = net_within(ns_fd, listen_there, (uint8_t[]){ 127, 0, 0, 53 }, &failure);
	assert_true(fd >= 0);
	r = asked;
	assert_int_equal(net_within(ns_fd, net_resolvers_listening, &r, &failure), 0);
	assert_int_equal(r.n, 1);
	assert_memory_equal(r.other[0], ((uint8_t[]){ 127, 0, 0, 53 }), 4);
	close(fd);
	fd = net_within(ns_fd, listen_there, (uint8_t[]){ 0, 0, 0, 0 }, &failure);
	assert_true(fd >= 0);
	r = asked;
	assert_int_equal(net_within(ns_fd, net_resolvers_listening, &r, &failure), 0);
	assert_int_equal(r.n, 3);
	close(fd);
	close(ns_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_it_is),
		cmocka_unit_test(test_what_it_names),
		cmocka_unit_test(test_hostile_trees),
		cmocka_unit_test(test_who_listens),
	};
	char command[64];
	int status;

	if (!mkdtemp(dir))
		return 1;
	status = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0 ? 1 : status;
}
