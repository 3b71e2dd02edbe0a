/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of runtime/annotations.c: what whoever starts a pod may set, and what not. */
/* SOURCES: runtime/annotations.c runtime/conf.c runtime/rootless.c runtime/subid.c runtime/size.c runtime/blocks.c runtime/spawn.c runtime/oom_score.c runtime/visit.c */
/* SOURCES: runtime/config.c runtime/json_document.c runtime/config_json.c runtime/config_process.c runtime/environment.c runtime/config_mounts.c */
/* SOURCES: runtime/config_linux.c runtime/config_pod.c runtime/config_resources.c runtime/config_defaults.c */
/* SOURCES: runtime/mount_options.c runtime/json_reader.c runtime/caps.c runtime/devices.c */
/* SOURCES: runtime/mount_data.c runtime/config_seccomp.c runtime/seccomp_default.c */
/* SOURCES: runtime/config_io.c runtime/cpuset.c runtime/config_hooks.c runtime/config_as_json.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson -lcap -lseccomp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "runtime/annotations.h"

struct applied {
	struct container_config config;
	struct conf conf;
	struct failure failure;
	int err;
};

static struct applied *apply(const char *allowed, const char *annotations)
{
	struct applied *applied = calloc(1, sizeof(*applied));
	char *text = strdup(allowed);

	assert_non_null(applied);
	config_init(&applied->config);
	assert_int_equal(conf_read_text(&applied->conf, text, "file", &applied->config.arena,
					&applied->failure), 0);
	free(text);
	applied->config.json = json_pack("{s:o}", "annotations", json_loads(annotations, 0, NULL));
	applied->err = annotations_apply(&applied->config, &applied->conf, &applied->failure);
	return applied;
}

static void end(struct applied *applied)
{
	config_free(&applied->config);
	free(applied);
}

#define ALL "allow_annotations = nacre.cpus nacre.memory nacre.kernel nacre.block nacre.net_to_guest_bytes\n"

static void test_they_go_before_the_file(void **state)
{
	struct applied *applied = apply("cpus = 2\nmemory = 1G\n" ALL,
					"{\"nacre.cpus\":\"3\",\"nacre.kernel\":\"/k\","
					"\"nacre.net_to_guest_bytes\":\"1M\",\"other.cpus\":\"9\","
					"\"nacre.block\":\"/a:/dev/a,/b:/dev/b:ro\"}");

	(void)state;
	assert_int_equal(applied->err, 0);
	assert_int_equal(applied->conf.cpus, 3);
	assert_int_equal(applied->conf.memory, 1 << 30);
	assert_string_equal(applied->conf.kernel, "/k");
	assert_int_equal(applied->conf.net_to_guest_bytes, 1 << 20);
	assert_int_equal(applied->config.blocks.n, 2);
	end(applied);
}

static void test_what_is_not_listed_does_nothing(void **state)
{
	const char *annotations = "{\"nacre.cpus\":\"3\",\"nacre.block\":\"/a:/dev/a\",\"nacre.vhost_net\":\"on\","
				  "\"nacre.allow_annotations\":\"nacre.cpus\",\"nacre.\":\"1\",\"nacre.x\":\"1\"}";
	struct applied *applied = apply("cpus = 2\nallow_annotations = nacre.memory\n", annotations);

	(void)state;
	assert_int_equal(applied->err, 0);
	assert_int_equal(applied->conf.cpus, 2);
	assert_int_equal(applied->config.blocks.n, 0);
	assert_false(applied->conf.vhost_net);
	assert_false(conf_allows(&applied->conf, "nacre.cpus"));
	end(applied);
}

static void test_a_wrong_value_is_named(void **state)
{
	struct applied *applied = apply(ALL, "{\"nacre.memory\":\"1\"}");

	(void)state;
	assert_int_equal(applied->err, -EINVAL);
	assert_non_null(strstr(applied->failure.text, "annotations: nacre.memory: 1: expected 24M to 64G"));
	end(applied);
	applied = apply(ALL, "{\"nacre.block\":\"/a\"}");
	assert_int_equal(applied->err, -EINVAL);
	assert_non_null(strstr(applied->failure.text, "annotation nacre.block /a: expected FILE:GUEST"));
	end(applied);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_they_go_before_the_file),
		cmocka_unit_test(test_what_is_not_listed_does_nothing),
		cmocka_unit_test(test_a_wrong_value_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
