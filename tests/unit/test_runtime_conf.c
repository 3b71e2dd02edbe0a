/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of runtime/conf.c: nacre.conf. */
/* SOURCES: runtime/conf.c runtime/rootless.c runtime/subid.c runtime/size.c runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/conf.h"

static struct arena arena;
static struct failure failure;

static int read_text(struct conf *conf, const char *text)
{
	char *copy = strdup(text);
	int err;

	failure.text[0] = '\0';
	err = conf_read_text(conf, copy, "file", &arena, &failure);
	free(copy);
	return err;
}

static void test_all_keys(void **state)
{
	struct conf conf = { 0 };

	(void)state;
	assert_int_equal(read_text(&conf, "# nothing\n\n boot_timeout = 60 # seconds\nmemory=1G\n"
					  "cpus = 2\nkernel = /boot/k\nallow_annotations = nacre.block  nacre.cpus\n"),
			 0);
	assert_int_equal(conf.boot_timeout_s, 60);
	assert_int_equal(conf.memory, 1 << 30);
	assert_int_equal(conf.cpus, 2);
	assert_string_equal(conf.kernel, "/boot/k");
	assert_int_equal(conf.allow_annotations.n, 2);
	assert_string_equal(conf.allow_annotations.v[1], "nacre.cpus");
	/* A later file goes before an earlier one. */
	assert_int_equal(read_text(&conf, "cpus = 3\nallow_annotations ="), 0);
	assert_int_equal(conf.cpus, 3);
	assert_int_equal(conf.allow_annotations.n, 0);
	assert_false(conf.vhost_net);
	assert_int_equal(read_text(&conf, "vhost_net = on"), 0);
	assert_true(conf.vhost_net);
	assert_int_equal(read_text(&conf, "vhost_net = off"), 0);
	assert_false(conf.vhost_net);
}

static void expect(const char *text, const char *part)
{
	struct conf conf = { 0 };

	assert_int_not_equal(read_text(&conf, text), 0);
	assert_non_null(strstr(failure.text, part));
}

static void test_mistakes(void **state)
{
	(void)state;
	expect("\nnonsense", "file:2: expected KEY = VALUE");
	expect("no_such = 1", "no_such: unknown key");
	expect("= 1", "unknown key");
	expect("boot_timeout = 0", "boot_timeout = 0: expected seconds");
	expect("boot_timeout = -1", "expected seconds");
	expect("boot_timeout = 3601", "expected seconds");
	expect("memory = 23M", "memory = 23M: expected 24M to 64G");
	expect("memory = lots", "expected 24M to 64G");
	expect("cpus = 33", "expected 1 to 32");
	expect("cpus =", "expected 1 to 32");
	expect("kernel = relative", "expected an absolute path");
	expect("kernel =", "expected an absolute path");
	expect("allow_annotations = nacre.block other",
	       "allow_annotations = nacre.block other: expected names of annotations, nacre.KEY");
	expect("allow_annotations = nacre.vhost_net", "expected names of annotations");
	expect("allow_annotations = nacre.allow_annotations", "expected names of annotations");
	expect("vhost_net = yes", "vhost_net = yes: expected on or off");
	expect("skip_host_devices = 1", "skip_host_devices = 1: expected on or off");
	expect("net_to_guest_bytes = 0", "expected a number per second");
	expect("net_from_guest_frames = 2T", "expected a number per second");
}

static void test_named_file(void **state)
{
	char path[] = "/tmp/nacre-conf-XXXXXX";
	int fd = mkstemp(path);
	struct conf conf;

	(void)state;
	assert_int_equal(write(fd, "boot_timeout = 5\n", 17), 17);
	close(fd);
	setenv("NACRE_CONFIG", path, 1);
	failure.text[0] = '\0';
	assert_int_equal(conf_read(&conf, &arena, &failure), 0);
	assert_int_equal(conf.boot_timeout_s, 5);
	unlink(path);
	assert_int_not_equal(conf_read(&conf, &arena, &failure), 0); /* named, so it must exist */
	assert_non_null(strstr(failure.text, path));
	unsetenv("NACRE_CONFIG");
	setenv("HOME", "/nonexistent", 1);
	unsetenv("XDG_CONFIG_HOME");
	failure.text[0] = '\0';
	if (access("/etc/nacre/nacre.conf", F_OK) == 0)
		skip();
	assert_int_equal(conf_read(&conf, &arena, &failure), 0);
	assert_int_equal(conf.boot_timeout_s, 30);
}

/* HOME may be left as another user's: what stands there would choose programs that run as the caller. */
static void test_file_of_another_user(void **state)
{
	static const char text[] = "passt = /tmp/theirs\n";
	char home[] = "/tmp/nacre-conf.XXXXXX", path[128];
	struct conf conf;
	int fd;

	(void)state;
	if (geteuid() != 0 || access("/etc/nacre/nacre.conf", F_OK) == 0)
		skip();
	assert_non_null(mkdtemp(home));
	snprintf(path, sizeof(path), "%s/nacre", home);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/nacre/nacre.conf", home);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	setenv("XDG_CONFIG_HOME", home, 1);
	failure.text[0] = '\0';
	assert_int_equal(conf_read(&conf, &arena, &failure), 0);
	assert_string_equal(conf.passt, "/tmp/theirs");
	assert_int_equal(fchown(fd, 1234, 1234), 0);
	assert_int_equal(conf_read(&conf, &arena, &failure), 0);
	assert_null(conf.passt);
	/* whether it may be read or not */
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(chmod(home, 0755), 0);
	assert_int_equal(seteuid(4321), 0);
	assert_int_equal(conf_read(&conf, &arena, &failure), 0);
	assert_int_equal(seteuid(0), 0);
	assert_null(conf.passt);
	close(fd);
	/* a FIFO of theirs is not waited for either */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(chown(path, 1234, 1234), 0);
	alarm(10);
	assert_int_equal(conf_read(&conf, &arena, &failure), 0);
	alarm(0);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(home);
	unsetenv("XDG_CONFIG_HOME");
}

static void test_size_of_a_container(void **state)
{
	const struct conf conf = { .memory = 64 << 20, .cpus = 4 };
	struct container_config config = { .resources.memory_limit = CONFIG_NO_LIMIT };

	(void)state;
	conf_apply_size(&conf, &config);
	assert_int_equal(config.cpus, 4);
	assert_int_equal(config.resources.memory_limit, 64 << 20);
	/* what the configuration says goes before */
	config = (struct container_config){ .resources = { .cpuset_cpus = "0", .memory_limit = 32 << 20 } };
	conf_apply_size(&conf, &config);
	assert_int_equal(config.cpus, 0);
	assert_int_equal(config.resources.memory_limit, 32 << 20);
	config = (struct container_config){ .resources.cpu_quota = 100000 };
	conf_apply_size(&conf, &config);
	assert_int_equal(config.cpus, 0);
	config = (struct container_config){ .cpus = 2 };
	conf_apply_size(&conf, &config);
	assert_int_equal(config.cpus, 2);
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_named_file),
		cmocka_unit_test(test_file_of_another_user),
		cmocka_unit_test(test_size_of_a_container),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
