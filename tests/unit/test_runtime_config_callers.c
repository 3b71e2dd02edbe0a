/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what callers of other runtimes write into config.json and expect to be carried out. */
/* SOURCES: runtime/config.c runtime/json_document.c runtime/config_json.c runtime/config_process.c runtime/environment.c runtime/config_mounts.c */
/* SOURCES: runtime/config_linux.c runtime/config_pod.c runtime/config_resources.c runtime/config_defaults.c */
/* SOURCES: runtime/mount_options.c runtime/json_reader.c runtime/caps.c runtime/devices.c */
/* SOURCES: runtime/mount_data.c runtime/config_seccomp.c runtime/seccomp_default.c */
/* SOURCES: runtime/config_io.c runtime/cpuset.c runtime/config_hooks.c runtime/config_as_json.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson -lcap -lseccomp */
#include "test_config_harness.h"

/* A pod's member that joins a user namespace has its mappings: the host's own ids are not meant. */
static void test_joined_user_namespace(void **state)
{
	static const char pod[] = "{\"io.kubernetes.cri.container-type\":\"container\","
				  "\"io.kubernetes.cri.sandbox-id\":\"s\"}";
	char text[sizeof(spec) + 256];
	const char *at = strstr(spec, "{\"type\":\"pid\"}");
	struct read r;

	(void)state;
	snprintf(text, sizeof(text), "{\"annotations\":%s,%.*s{\"type\":\"user\",\"path\":"
		 "\"/proc/5/ns/user\"},%s", pod, (int)(at - spec) - 1, spec + 1, at);
	r = read_text(text);
	assert_int_equal(r.err, -EINVAL);
	assert_non_null(strstr(r.failure.text, "with a user namespace that is joined"));
	config_free(&r.config);
}

/* Any limit of a page or more: what the VM needs comes on top of it. */
static void test_memory_limit_low(void **state)
{
	static const char *const limits[] = { "4096", "5242880", "15728640" };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct read r = read_with("linux.resources.memory.limit", limits[i]);

		assert_string_equal(r.failure.text, "");
		assert_int_equal(r.config.resources.memory_limit, atoll(limits[i]));
		config_free(&r.config);
	}
}

/* --config: a file of the caller's in place of the bundle's, whose name the messages have. */
static void test_another_file(void **state)
{
	char dir[] = "/tmp/nacre-config-XXXXXX", path[64];
	struct container_config config;
	struct failure failure = { .text = "" };
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/other.json", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(spec, f);
	fclose(f);
	config_init(&config);
	config.config_file = path;
	assert_int_equal(config_read_bundle(&config, dir, &failure), 0);
	assert_string_equal(failure.text, "");
	assert_string_equal(config.bundle, dir);
	assert_memory_equal(config.root_path, dir, strlen(dir));
	config_free(&config);
	/* the name that every bundle has is the bundle's */
	config_init(&config);
	config.config_file = "config.json";
	assert_int_equal(config_read_bundle(&config, dir, &failure), -ENOENT);
	assert_non_null(strstr(failure.text, dir));
	config_free(&config);
	failure.text[0] = '\0';
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[]", f);
	fclose(f);
	config_init(&config);
	config.config_file = path;
	assert_int_equal(config_read_bundle(&config, dir, &failure), -EINVAL);
	assert_non_null(strstr(failure.text, "other.json: expected an object"));
	config_free(&config);
	unlink(path);
	rmdir(dir);
}

/* As an engine writes a privileged container, with nacre.conf's skip_host_devices, and in a stored one. */
static void test_host_devices_left_out(void **state)
{
	static const char list[] =
		"\"devices\":[{\"type\":\"b\",\"path\":\"/dev/sda\",\"major\":8,\"minor\":0},"
		"{\"type\":\"c\",\"path\":\"/dev/fuse\",\"major\":10,\"minor\":229},"
		"{\"type\":\"c\",\"path\":\"/dev/kvm\",\"major\":10,\"minor\":232}],";
	const char *at = strstr(spec, "\"maskedPaths\"");
	char text[sizeof(spec) + sizeof(list)];

	(void)state;
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - spec), spec, list, at);
	for (int stored = 0; stored < 2; stored++) {
		struct read r = { .err = 0 };

		config_init(&r.config);
		r.config.skip_host_devices = !stored;
		r.config.is_stored = stored;
		r.err = config_read_text(&r.config, text, strlen(text), BUNDLE, &r.failure);
		assert_string_equal(r.failure.text, "");
		assert_int_equal(r.config.devices.n, 1);
		assert_string_equal(r.config.devices.v[0].path, "/dev/fuse");
		assert_int_equal(r.config.n_skipped_devices, 2);
		config_free(&r.config);
	}
}

/* What a guest has another way. */
static void test_kinds_of_tmpfs(void **state)
{
	struct read r = read_with("mounts.1.options.+", "\"noswap\"");

	(void)state;
	assert_string_equal(r.failure.text, "");
	assert_string_equal(r.config.mounts.v[1].data, "mode=755,size=65536k");
	config_free(&r.config);
	r = read_with("mounts.1.type", "\"ramfs\"");
	assert_string_equal(r.failure.text, "");
	assert_string_equal(r.config.mounts.v[1].type, "tmpfs");
	config_free(&r.config);
}

/* "ro" says nothing of the mounts below; "rro" does. "bind" takes nothing back of "rbind". */
static void test_recursive_options(void **state)
{
	struct read r = read_with("mounts.3.options", "[\"rbind\",\"ro\"]");

	(void)state;
	assert_int_equal(r.config.mounts.v[3].flags, MS_RDONLY);
	assert_false(r.config.mounts.v[3].readonly_below);
	config_free(&r.config);
	r = read_with("mounts.3.options", "[\"rbind\",\"rro\"]");
	assert_int_equal(r.config.mounts.v[3].flags, MS_RDONLY);
	assert_true(r.config.mounts.v[3].readonly_below);
	config_free(&r.config);
	r = read_with("mounts.3.options", "[\"rbind\",\"bind\"]");
	assert_true(r.config.mounts.v[3].recursive);
	config_free(&r.config);
	r = read_with("mounts.3.options", "[\"bind\"]");
	assert_false(r.config.mounts.v[3].recursive);
	config_free(&r.config);
}

static void test_two_domain_names(void **state)
{
	struct read r = read_with("linux.sysctl", "{\"kernel.domainname\":\"a\"}");

	(void)state;
	assert_int_equal(r.err, 0);
	r.config.domainname = "a";
	assert_int_equal(config_check(&r.config, &r.failure), 0);
	r.config.domainname = "b";
	assert_int_equal(config_check(&r.config, &r.failure), -EINVAL);
	assert_string_equal(r.failure.text, "linux.sysctl: kernel.domainname: \"a\": expected the same as "
					    "domainname, \"b\"");
	config_free(&r.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joined_user_namespace),
		cmocka_unit_test(test_memory_limit_low),
		cmocka_unit_test(test_another_file),
		cmocka_unit_test(test_host_devices_left_out),
		cmocka_unit_test(test_kinds_of_tmpfs),
		cmocka_unit_test(test_recursive_options),
		cmocka_unit_test(test_two_domain_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
