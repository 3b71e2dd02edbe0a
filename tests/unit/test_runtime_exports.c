/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what is shared with a VM: volumes with other owners, and volumes that are refused. Needs root. */
/* SOURCES: runtime/exports.c runtime/userns.c runtime/mount_points.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/config.c runtime/cpuset.c runtime/report.c */
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

#include "runtime/exports.h"

static char place[] = "/var/tmp/nacre-exports.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	if (!mkdtemp(place) || chdir(place) < 0 || mkdir("root", 0755) < 0 ||
	    mkdir("volume", 0755) < 0 || close(creat("volume/file", 0644)) < 0 ||
	    chown("volume/file", 1000, 2000) < 0)
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", place);
	return geteuid() != 0 || chdir("/") < 0 ? 0 : system(command);
}

struct opened {
	struct container_config config;
	struct exports exports;
	struct failure failure;
	struct config_mount *mount;
	int err;
};

static void begin(struct opened *o, const char *source)
{
	*o = (struct opened){ .exports = { .root_fd = -1 } };
	config_init(&o->config);
	o->config.root_path = arena_printf(&o->config.arena, "%s/root", place);
	o->mount = config_add_mount(&o->config.arena, &o->config.mounts);
	*o->mount = (struct config_mount){
		.destination = "/v", .type = "bind", .data = "", .is_bind = true,
		.source = source[0] == '/' ? source : arena_printf(&o->config.arena, "%s/%s", place,
								   source),
		.named = "mounts[0]",
	};
}

static void end(struct opened *o)
{
	exports_close(&o->exports);
	config_free(&o->config);
}

static void map_add(struct opened *o, struct config_id_maps *maps, uint32_t container, uint32_t host)
{
	*config_add_id_map(&o->config.arena, maps) =
		(struct config_id_map){ .container = container, .host = host, .size = 10 };
}

static void test_owners_are_mapped(void **state)
{
	struct opened o;
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	begin(&o, "volume");
	o.mount->idmapped = true;
	map_add(&o, &o.mount->uid_maps, 1000, 5000);
	map_add(&o, &o.mount->gid_maps, 2000, 7000);
	if (exports_open(&o.exports, &o.config, &o.failure) != 0) {
		/* a file system of the tests' machine may not know how */
		assert_non_null(strstr(o.failure.text, "idmap: refused by the kernel"));
		end(&o);
		skip();
	}
	assert_int_equal(fstatat(o.exports.volume_fds[0], "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 5000);
	assert_int_equal(st.st_gid, 7000);
	assert_int_equal(stat("volume/file", &st), 0); /* as it was, on the host */
	assert_int_equal(st.st_uid, 1000);
	end(&o);

	/* without mappings of its own: the container's */
	begin(&o, "volume");
	o.mount->idmapped = true;
	map_add(&o, &o.config.uid_maps, 1000, 6000);
	map_add(&o, &o.config.gid_maps, 2000, 6000);
	assert_int_equal(exports_open(&o.exports, &o.config, &o.failure), 0);
	assert_int_equal(fstatat(o.exports.volume_fds[0], "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 6000);
	end(&o);
}

static void expect_refused(const char *source, bool idmapped, const char *says)
{
	struct opened o;

	begin(&o, source);
	o.mount->idmapped = idmapped;
	assert_true(exports_open(&o.exports, &o.config, &o.failure) < 0);
	if (!strstr(o.failure.text, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", source, o.failure.text, says);
	end(&o);
}

static void test_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	expect_refused("volume", true, "idmap: expected uidMappings and gidMappings");
	expect_refused("nothing", false, "nothing: expected a directory or a file");
	expect_refused("/proc", false, "cannot be shared with a VM");
	expect_refused("/sys", false, "cannot be shared with a VM");
	expect_refused("/dev/pts", false, "cannot be shared with a VM");
	expect_refused("/dev/null", false, "devices of the host cannot be shared");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owners_are_mapped),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
