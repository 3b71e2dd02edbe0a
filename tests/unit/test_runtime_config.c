/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the reader of config.json: what `runc spec` prints is taken whole; each field that is
 * wrong or not carried out is refused by name; and the defaults of `nacre run`.
 */
/* SOURCES: runtime/config.c runtime/json_document.c runtime/config_json.c runtime/config_process.c runtime/environment.c runtime/config_mounts.c */
/* SOURCES: runtime/config_linux.c runtime/config_pod.c runtime/config_resources.c runtime/config_defaults.c */
/* SOURCES: runtime/mount_options.c runtime/json_reader.c runtime/caps.c runtime/devices.c */
/* SOURCES: runtime/mount_data.c runtime/config_seccomp.c runtime/seccomp_default.c */
/* SOURCES: runtime/config_io.c runtime/cpuset.c runtime/config_hooks.c runtime/config_as_json.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson -lcap -lseccomp */
#include "test_config_harness.h"

static void test_spec_is_read(void **state)
{
	struct read r = read_text(spec);
	const struct container_config *c = &r.config;

	(void)state;
	assert_string_equal(r.failure.text, "");
	assert_int_equal(r.err, 0);
	assert_string_equal(c->root_path, BUNDLE "/rootfs");
	assert_true(c->root_readonly);
	assert_int_equal(c->process.args.n, 1);
	assert_int_equal(c->process.env.n, 2);
	assert_int_equal(c->process.caps[CAP_SET_BOUNDING],
			 1ull << 29 | 1ull << 5 | 1ull << 10);
	assert_int_equal(c->process.caps[CAP_SET_INHERITABLE], 0);
	assert_int_equal(c->process.rlimits.n, 1);
	assert_int_equal(c->process.rlimits.v[0].resource, RLIMIT_NOFILE);
	assert_int_equal(c->process.rlimits.v[0].soft, 512);
	assert_true(c->process.no_new_privileges);
	assert_int_equal(c->mounts.n, 4);
	assert_string_equal(c->mounts.v[1].data, "mode=755,size=65536k");
	assert_int_equal(c->mounts.v[1].flags, MS_NOSUID | MS_STRICTATIME);
	assert_string_equal(c->mounts.v[2].type, "cgroup2");
	assert_true(c->mounts.v[3].is_bind);
	assert_true(c->mounts.v[3].recursive);
	assert_string_equal(c->mounts.v[3].source, BUNDLE "/data");
	assert_int_equal(c->mounts.v[3].flags, MS_RDONLY);
	assert_int_equal(c->mounts.v[3].propagation, MS_PRIVATE | MS_REC);
	assert_int_equal(c->masked_paths.n, 1);
	assert_int_equal(config_id_count(c), 65536);
	config_free(&r.config);
}

struct refusal {
	const char *path, *value, *says;
};

static void check_refused(const struct refusal *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct read r = read_with(cases[i].path, cases[i].value);

		assert_true(r.err < 0);
		if (!strstr(r.failure.text, cases[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].path, r.failure.text,
				 cases[i].says);
		assert_true(strncmp(r.failure.text, "config.json: ", 13) == 0);
		config_free(&r.config);
	}
}

static void test_top_level_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "ociVersion", NULL, "\"ociVersion\" is missing" },
		{ "ociVersion", "\"2.0.0\"", "ociVersion: \"2.0.0\": expected 1.x" },
		{ "ociVersion", "1", "ociVersion: \"\": expected 1.x" },
		{ "root", NULL, "\"root\" is missing" },
		{ "root", "[]", "root: expected an object, found an array" },
		{ "root.path", NULL, "root: \"path\" is missing" },
		{ "root.path", "\"\"", "root: path: expected the path of a directory" },
		{ "root.readonly", "\"yes\"", "root.readonly: expected true or false, found a string" },
		{ "process", NULL, "\"process\" is missing" },
		{ "linux", NULL, "\"linux\" is missing" },
		{ "hooks.prestart", "[{\"path\":\"bin/x\"}]", "hooks.prestart[0].path: \"bin/x\": expected an" },
		{ "hooks.startContainer", "[{\"path\":\"x\"}]", "hooks.startContainer[0].path: \"x\": expected an" },
		{ "annotations.a", "1", "annotations: a: expected a string" },
		{ "hostname", "7", "hostname: expected a string, found a number" },
		{ "hostname", "\"0123456789012345678901234567890123456789012345678901234567890123x\"",
		  "hostname: expected at most 64 bytes" },
		{ "windows.x", "1", "windows: expected a Linux container" },
		{ "vm.kernel", "1", "vm: the VM is nacre's own" },
	};

	(void)state;
	check_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_command_without_a_name(void **state)
{
	struct read r = read_with("process.args", "[\"\"]");

	(void)state;
	assert_int_equal(r.err, CONFIG_NOT_FOUND);
	config_free(&r.config);
	r = read_with("process.args", "[]");
	assert_int_equal(r.err, -EINVAL);
	config_free(&r.config);
}

static void test_process_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "process.args", "[]", "process.args: expected a command" },
		{ "process.args", "[\"\"]", "process.args: expected a command: exec: \"\": executable file not found in $PATH" },
		{ "process.args", "\"sh\"", "process.args: expected an array of strings, found a str" },
		{ "process.args.+", "1", "process.args[1]: expected a string" },
		{ "process.cwd", "\"tmp\"", "process.cwd: \"tmp\": expected an absolute path" },
		{ "process.cwd", NULL, "process: \"cwd\" is missing" },
		{ "process.env.+", "\"novalue\"", "process.env[2]: \"novalue\": expected NAME=VALUE" },
		{ "process.env.+", "\"=x\"", "process.env[2]: \"=x\": expected NAME=VALUE" },
		{ "process.user.uid", "-1", "process.user.uid: -1: expected 0 to" },
		{ "process.user.uid", "1.5", "process.user.uid: expected a whole number" },
		{ "process.user.uid", "\"root\"", "process.user.uid: expected a number" },
		{ "process.user.uid", "1879048192", "process.user.uid: 1879048192: expected an id of the "
		  "container's user namespace (below 1879048192)" },
		{ "process.user.gid", "4294967294", "process.user.gid: 4294967294: expected an id" },
		{ "process.user.additionalGids", "[0,1879048192]",
		  "process.user.additionalGids[1]: 1879048192" },
		{ "process.user.additionalGids", "[\"x\"]", "process.user.additionalGids[0]: expected a" },
		{ "process.user.umask", "512", "process.user.umask: 512: expected 0 to 511" },
		{ "process.oomScoreAdj", "1001", "process.oomScoreAdj: 1001: expected -1000 to 1000" },
		{ "process.rlimits.0.type", "\"RLIMIT_X\"", "process.rlimits[0]: type: \"RLIMIT_X\"" },
		{ "process.rlimits.0.soft", "2048", "process.rlimits[0]: soft: 2048: expected at most \"hard\", 1024" },
		{ "process.rlimits.0.hard", "1073741817", "process.rlimits[0]: hard: 1073741817: expected at most 1073741816" },
		{ "process.rlimits.0.soft", "-1", "process.rlimits[0].soft: -1: expected 0" },
		{ "process.rlimits.+", "{\"type\":\"RLIMIT_NOFILE\",\"soft\":1,\"hard\":1}",
		  "process.rlimits[1]: type: RLIMIT_NOFILE is given twice" },
		{ "process.capabilities.bounding", "[1]",
		  "process.capabilities.bounding[0]: expected a string" },
		{ "process.scheduler.policy", "\"SCHED_FIFO\"", "process.scheduler: not supported" },
		{ "process.ioPriority.class", "\"IOPRIO_CLASS_RT\"", "process.ioPriority: not supported" },
		{ "process.execCPUAffinity.initial", "\"0\"", "process.execCPUAffinity: not supported" },
		{ "process.consoleSize", "{\"height\":1,\"width\":65536}",
		  "process.consoleSize.width: 65536: expected 0 to 65535" },
	};

	(void)state;
	check_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_mounts_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "mounts.0.destination", "\"\"", "mounts[0]: destination: \"\": expected a path" },
		{ "mounts.0.destination", "\"//\"", "mounts[0]: destination: \"//\": expected a path below" },
		{ "mounts.0.type", "\"nfs\"", "mounts[0]: type: \"nfs\": expected bind, proc" },
		{ "mounts.0.type", NULL, "mounts[0]: type: expected a file system" },
		{ "mounts.0", "{\"destination\":\"/a\",\"type\":\"overlay\",\"options\":[\"lowerdir=/a\",\"upper=/b\"]}",
		  "mounts[0]: options: \"upper=/b\": unknown option of overlay" },
		{ "mounts.1.options.+", "\"\"", "mounts[1]: options[4]: \"\": expected one option" },
		{ "mounts.1.options.+", "\"a,b\"", "mounts[1]: options[4]: \"a,b\": expected one" },
		{ "mounts.3.options.+", "\"tmpcopyup\"", "mounts[3]: options: tmpcopyup: expected only" },
		{ "mounts.3.options.+", "\"size=1\"", "mounts[3]: options[3]: \"size=1\": unknown" },
		{ "mounts.1.options.+", "\"context=x\"", "mounts[1]: options: \"context=x\": unknown option of tmpfs" },
		{ "mounts.1.options.+", "\"siz=1\"", "mounts[1]: options: \"siz=1\": unknown option of tmpfs" },
		{ "mounts.0.options", "[\"hidepid=2\",\"none\"]", "mounts[0]: options: \"none\": unknown option of proc" },
		{ "mounts.3.options.+", "\"rshared\"", "mounts[3]: options[3]: \"rshared\": mounts made" },
		{ "mounts.3.source", "\"\"", "mounts[3]: source: expected the path" },
		{ "mounts.3.uidMappings", "[{\"containerID\":1}]", "mounts[3].uidMappings[0]: \"hostID\" is missing" },
		{ "mounts.3.uidMappings", "[{\"containerID\":1,\"hostID\":2,\"size\":3}]", "mounts[3]: uidMappings: expected them together" },
		{ "mounts.1.options.+", "\"idmap\"", "mounts[1]: uidMappings: expected of a bind mount" },
	};

	(void)state;
	check_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

#define MAP(inside, outside, size) \
	"{\"containerID\":" #inside ",\"hostID\":" #outside ",\"size\":" #size "}"
#define MAPS(inside, outside, size, inside2, outside2, size2) \
	"[" MAP(inside, outside, size) "," MAP(inside2, outside2, size2) "]"

static void test_linux_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "linux.namespaces.0", "{\"type\":\"uts\"}", "linux.namespaces[3]: type: uts is given" },
		{ "linux.namespaces.0", "{\"type\":\"cgroup\"}", "linux.namespaces: expected \"pid\"" },
		{ "linux.namespaces.1", "{\"type\":\"cgroup\"}", "linux.namespaces: expected \"network\"" },
		{ "linux.namespaces.2", "{\"type\":\"cgroup\"}", "linux.namespaces: expected \"ipc\"" },
		{ "linux.namespaces.4", "{\"type\":\"cgroup\"}", "linux.namespaces: expected \"mount\"" },
		{ "linux.namespaces.0.path", "\"/proc/1/ns/pid\"", "linux.namespaces[0]: path: joining" },
		{ "linux.namespaces.+", "{\"type\":\"moon\"}", "linux.namespaces[5]: type: \"moon\"" },
		{ "linux.uidMappings", "[{\"containerID\":0,\"hostID\":1,\"size\":1}]",
		  "expected only with a user namespace" },
		{ "linux.uidMappings", "[{\"containerID\":0,\"hostID\":1,\"size\":0}]",
		  "linux.uidMappings[0].size: 0: expected 1 to" },
		{ "linux.uidMappings", "[{\"containerID\":2147483647,\"hostID\":1,\"size\":1}]",
		  "linux.uidMappings[0]: 1 ids from 2147483647: expected container ids below" },
		{ "linux.uidMappings", "[{\"containerID\":0,\"hostID\":4294967295,\"size\":1}]",
		  "linux.uidMappings[0]: 1 ids from 4294967295: expected host ids below 4294967295" },
		{ "linux.uidMappings", MAPS(0, 1000, 10, 9, 2000, 1),
		  "linux.uidMappings[1]: expected container ids that no mapping before it has: [0] has some" },
		{ "linux.uidMappings", MAPS(9, 1000, 1, 0, 2000, 10), "linux.uidMappings[1]: expected container ids" },
		{ "linux.gidMappings", MAPS(0, 1000, 10, 10, 1009, 1), "linux.gidMappings[1]: expected host ids" },
		{ "linux.gidMappings", MAPS(0, 1009, 10, 10, 1000, 10), "linux.gidMappings[1]: expected host ids" },
		{ "linux.uidMappings", MAPS(0, 4294967294, 1, 0, 0, 1), "linux.uidMappings[1]: expected container ids" },
		{ "mounts.3.uidMappings", MAPS(0, 0, 1, 0, 1, 1), "mounts[3].uidMappings[1]: expected container ids" },
		{ "linux.sysctl", "{\"kernel.core_pattern\":\"x\"}", "kernel.core_pattern: expected a sysctl" },
		{ "linux.sysctl", "{\"kernel/core_pattern\":\"x\"}", "linux.sysctl: kernel/core_pattern: expected a sysctl" },
		{ "linux.sysctl", "{\"net/a//b\":\"x\"}", "linux.sysctl: net/a//b: expected the name" },
		{ "linux.sysctl", "{\"net/../kernel/x\":\"x\"}", "net/../kernel/x: expected the name" },
		{ "linux.sysctl", "{\"/net/ipv4/x\":\"x\"}", "/net/ipv4/x: expected a sysctl" },
		{ "linux.sysctl", "{\"net.a..b\":\"x\"}", "linux.sysctl: net.a..b: expected the name" },
		{ "linux.sysctl", "{\"net.ipv4.x\":1}", "linux.sysctl: net.ipv4.x: expected a string" },
		{ "linux.devices", "[{\"type\":\"b\",\"path\":\"/dev/sda\",\"major\":8,\"minor\":0}]",
		  "linux.devices[0]: /dev/sda (b 8:0): a device of the host" },
		{ "linux.devices", "[{\"type\":\"c\",\"path\":\"null\",\"major\":1,\"minor\":3}]",
		  "linux.devices[0].path: \"null\": expected an absolute path" },
		{ "linux.devices", "[{\"type\":\"p\",\"path\":\"/dev/x\",\"uid\":70000}]",
		  "linux.devices[0]: expected uid and gid" },
		{ "linux.maskedPaths.+", "\"proc\"", "linux.maskedPaths[1]: \"proc\": expected an abs" },
		{ "linux.rootfsPropagation", "\"x\"", "rootfsPropagation: \"x\": expected private" },
		{ "linux.cgroupsPath", "\"a.slice:b\"", "linux.cgroupsPath: \"a.slice:b\": expected" },
		{ "linux.cgroupsPath", "\"a.slice:b:\"", "linux.cgroupsPath: \"a.slice:b:\": expected" },
		{ "linux.cgroupsPath", "\"a:b:c:d\"", "linux.cgroupsPath: \"a:b:c:d\": expected" },
		{ "linux.cgroupsPath", "\"/../x\"", "linux.cgroupsPath: \"/../x\"" },
		{ "linux.timeOffsets.monotonic", "{\"secs\":1}", "linux.timeOffsets: not supported" },
		{ "linux.netDevices", "{\"eth0\":{}}", "linux.netDevices: not supported" },
		{ "linux.netDevices", "{\"eth0\":null}", "linux.netDevices: not supported" },
	};

	(void)state;
	check_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_resources_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "linux.resources.memory.limit", "68719476737", "memory.limit: 68719476737: expected 4K to 64G" },
		{ "linux.resources.memory.limit", "4095", "memory.limit: 4095: expected 4K to 64G" },
		{ "linux.resources.memory", "{\"limit\":50000000,\"swap\":1}", "memory.swap: 1: expected at least" },
		{ "linux.resources.hugepageLimits", "[{\"pageSize\":\"2MB\",\"limit\":1}]", "hugepageLimits[0]: limit: expected 0" },
		{ "linux.resources.memory.swappiness", "10", "memory.swappiness: not in cgroup v2" },
		{ "linux.resources.memory.swappiness", "0", "memory.swappiness: not in cgroup v2" },
		{ "linux.resources.memory.kernel", "1", "memory.kernel: not in cgroup v2" },
		{ "linux.resources.memory.disableOOMKiller", "true", "memory.disableOOMKiller: not in cgroup v2" },
		{ "linux.resources.cpu.realtimePeriod", "1", "cpu.realtimePeriod: not in cgroup v2" },
		{ "linux.resources.network", "{\"classID\":1}", "linux.resources.network: not supported" },
		{ "linux.resources.rdma", "{\"mlx5_1\":{\"hcaHandles\":0}}", "linux.resources.rdma: not supported" },
		{ "linux.resources.cpu.quota", "3200001", "cpu.quota: 3200001: expected at most 32" },
		{ "linux.resources.cpu.period", "1", "cpu.period: 1: expected 1000 to 1000000 us" },
		{ "linux.resources.cpu.burst", "1", "cpu.burst: 1: expected at most" },
		{ "linux.resources.cpu.cpus", "\"3-1\"", "linux.resources.cpu.cpus: \"3-1\": expected" },
		{ "linux.resources.cpu.mems", "\"0,\"", "linux.resources.cpu.mems: \"0,\": expected" },
		{ "linux.resources.blockIO", "{\"weight\":9}", "blockIO.weight: 9: expected 10 to 1000" },
		{ "linux.resources.blockIO", "{\"leafWeight\":9}", "leafWeight: not" },
		{ "linux.resources.unified", "{\"hugetlb.2MB.max\":\"1\"}", "hugetlb.2MB.max: expected" },
		{ "linux.resources.unified", "{\"memory.../x\":\"1\"}", "memory.../x: expected" },
		{ "linux.resources.devices.+", "{\"allow\":true,\"type\":\"x\"}", "type: \"x\": expected a, b or c" },
		{ "linux.resources.devices.+", "{\"allow\":false,\"access\":\"x\"}", "access: \"x\"" },
	};

	(void)state;
	check_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_document_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "config.json: expected JSON: line 1" },
		{ "{", "config.json: expected JSON: line 1" },
		{ "[]", "config.json: expected an object" },
		{ "{\"ociVersion\":\"1.0\",\"ociVersion\":\"1.0\"}", "expected JSON" },
		{ "{\"ociVersion\":\"1.0\\u0000\"}", "expected JSON" },
		{ "{\"ociVersion\":\"1.0\"} x", "expected JSON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct read r = read_text(cases[i].text);

		assert_true(r.err < 0);
		assert_non_null(strstr(r.failure.text, cases[i].says));
		config_free(&r.config);
	}
}

/* Namespaces that were made before are a pod's, or nothing that a VM could join. */
static void test_namespaces_of_a_pod(void **state)
{
	static const struct {
		const char *annotations;
		bool taken;
	} cases[] = {
		{ "{\"io.kubernetes.cri-o.ContainerType\":\"sandbox\"}", true },
		{ "{\"io.kubernetes.cri-o.ContainerType\":\"container\","
		  "\"io.kubernetes.cri-o.SandboxID\":\"pod\"}", true },
		{ "{\"io.kubernetes.cri-o.ContainerType\":\"container\"}", false },
		{ "{}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *root = json_loads(spec, 0, NULL);
		struct read r;
		char *text;

		json_object_set_new(root, "annotations", json_loads(cases[i].annotations, 0, NULL));
		json_object_set_new(json_object_get(root, "linux"), "namespaces",
				    json_loads("[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"uts\"},{\"type\":\"network\"},"
					       "{\"type\":\"ipc\",\"path\":\"/run/ipcns/x\"}]", 0,
					       NULL));
		text = json_dumps(root, 0);
		r = read_text(text);
		free(text);
		json_decref(root);
		if ((r.err == 0) != cases[i].taken)
			fail_msg("%s: %s", cases[i].annotations, r.failure.text);
		if (!cases[i].taken)
			assert_non_null(strstr(r.failure.text, "joining a ipc namespace"));
		config_free(&r.config);
	}
}

/* What getenv() finds is what was asked for last. */
static void test_environment(void **state)
{
	struct read r = read_with("process.env", "[\"A=1\",\"HOME=/h\",\"AB=2\",\"A=3\",\"BA=4\","
						 "\"HOME=\",\"A=\",\"AB=\"]");
	const struct string_list *env = &r.config.process.env;

	(void)state;
	assert_int_equal(r.err, 0);
	assert_int_equal(env->n, 3);
	assert_string_equal(env->v[0], "BA=4");
	assert_string_equal(env->v[1], "A=");
	assert_string_equal(env->v[2], "AB=");
	config_free(&r.config);
	r = read_with("process.env", "[\"HOME=\",\"HOME=/h\"]");
	assert_int_equal(r.config.process.env.n, 1);
	assert_string_equal(r.config.process.env.v[0], "HOME=/h");
	config_free(&r.config);
}

/* What engines write without meaning anything by it is taken. */
static void test_leniency(void **state)
{
	static const struct {
		const char *path, *value;
	} cases[] = {
		{ "ociVersion", "\"1.9.7\"" },
		{ "hooks", "{}" },
		{ "hooks", "{\"prestart\":[]}" },
		{ "process.apparmorProfile", "\"docker-default\"" },
		{ "process.selinuxLabel", "\"system_u:system_r:container_t:s0:c1,c2\"" },
		{ "process.capabilities.bounding.+", "\"CAP_TELEPORT\"" },
		{ "process.capabilities.inheritable", "null" },
		{ "unknown", "{\"a\":[1]}" },
		{ "process.user", NULL },
		{ "process.user", "{}" },
		{ "process.user.additionalGids", "null" },
		{ "linux.resources.blockIO", "{\"weight\":0}" },
		{ "linux.resources.memory", "{}" },
		{ "linux.resources.memory.swappiness", "null" },
		{ "linux.resources.memory.kernel", "0" },
		{ "linux.resources.cpu.realtimePeriod", "0" },
		{ "linux.resources.rdma", "{}" },
		{ "linux.netDevices", "{}" },
		{ "linux.netDevices", "null" },
		{ "linux.intelRdt", "{}" },
		{ "linux.resources.memory.disableOOMKiller", "false" },
		{ "linux.resources.hugepageLimits", "[{\"pageSize\":\"2MB\",\"limit\":0}]" },
		{ "linux.resources.cpu", "{\"period\":0,\"quota\":0,\"shares\":2}" },
		{ "linux.resources.cpu.quota", "-9999" }, /* as -1 */
		{ "linux.resources.unified", "{\"memory.swap.max\":\"0\"}" },
		{ "mounts.+", "{\"destination\":\"tmp\",\"type\":\"tmpfs\",\"options\":[\"rsuid\",\"rnorelatime\"]}" },
		{ "mounts.+", "{\"destination\":\"/a\",\"type\":\"overlay\",\"options\":[\"lowerdir=/a:/b\",\"private\"]}" },
		{ "linux.resources.pids.limit", "-1" },
		{ "linux.seccomp", "null" },
		{ "linux.namespaces.1.path", "\"\"" },
		{ "linux.cgroupsPath", "\"/a/b\"" },
		{ "linux.resources.devices.+",
		  "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rwm\"}" },
		{ "linux.resources.devices.+", "{\"allow\":true}" },
		{ "linux.devices", "[{\"type\":\"c\",\"path\":\"/dev/n\",\"major\":1,\"minor\":3}]" },
		{ "linux.sysctl", "{\"net.ipv4.ip_forward\":\"1\",\"kernel.sem\":\"1 2 3 4\",\"kernel.domainname\":\"d\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct read r = read_with(cases[i].path, cases[i].value);

		if (r.err)
			fail_msg("%s: %s", cases[i].path, r.failure.text);
		config_free(&r.config);
	}
}

static void test_sysctls_with_slashes(void **state)
{
	static const struct {
		const char *asked, *name;
	} cases[] = {
		{ "net/ipv4/ip_forward", "net.ipv4.ip_forward" },
		{ "kernel/shmmax", "kernel.shmmax" },
		{ "net/ipv4/conf/eth0.1/forwarding", "net.ipv4.conf.eth0/1.forwarding" },
		{ "net.ipv4.conf.eth0/1.forwarding", "net.ipv4.conf.eth0/1.forwarding" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char value[64];
		struct read r;

		snprintf(value, sizeof(value), "{\"%s\":\"1\"}", cases[i].asked);
		r = read_with("linux.sysctl", value);
		assert_string_equal(r.failure.text, "");
		assert_int_equal(r.config.sysctls.n, 1);
		assert_string_equal(r.config.sysctls.v[0].name, cases[i].name);
		assert_string_equal(r.config.sysctls.v[0].value, "1");
		config_free(&r.config);
	}
}

/* json_dumps() cannot print it: the number is put into the text. */
static void test_infinite_limit(void **state)
{
	char text[sizeof(spec) + 32];
	const char *at = strstr(spec, "NOFILE\",\"hard\":1024,\"soft\":512");
	struct read r;

	(void)state;
	snprintf(text, sizeof(text), "%.*sSTACK\",\"hard\":18446744073709551615%s", (int)(at - spec), spec,
		 strchr(at, ',') + strlen(",\"hard\":1024"));
	r = read_text(text);
	assert_string_equal(r.failure.text, "");
	assert_true(r.config.process.rlimits.v[0].hard == UINT64_MAX);
	assert_int_equal(r.config.process.rlimits.v[0].soft, 512);
	config_free(&r.config);
}

/* The number takes the place of the hard limit of a file size of 1024 in the text. */
static struct read read_with_number(const char *number)
{
	char text[sizeof(spec) + 64];
	const char *at = strstr(spec, "NOFILE\",\"hard\":1024,\"soft\":512");

	snprintf(text, sizeof(text), "%.*sFSIZE\",\"hard\":%s,\"soft\":9007199559996025%s",
		 (int)(at - spec), spec, number,
		 at + strlen("NOFILE\",\"hard\":1024,\"soft\":512"));
	return read_text(text);
}

/* A number that jansson's integers do not take changes no other, and is itself or refused. */
static void test_large_numbers(void **state)
{
	static const char *const good[] = {
		"18446744073709551615", "9223372036854775808", "18446744073709549568",
		"9223372036854775807", "9007199559996026",
	};
	static const char *const bad[] = {
		"18446744073709551614", "9223372036854775809", "18446744073709551616",
		"99999999999999999999", "-9223372036854775809", "1e300",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct read r = read_with_number(good[i]);

		assert_string_equal(r.failure.text, "");
		assert_true(r.config.process.rlimits.v[0].hard == strtoull(good[i], NULL, 10));
		assert_true(r.config.process.rlimits.v[0].soft == UINT64_C(9007199559996025));
		config_free(&r.config);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct read r = read_with_number(bad[i]);

		assert_int_equal(r.err, -EINVAL);
		assert_true(strstr(r.failure.text, "too big") || strstr(r.failure.text, "too negative") ||
			    strstr(r.failure.text, "hard: expected at most 18446744073709551615"));
		config_free(&r.config);
	}
}

/* What looks like such a number in a string is none. */
static void test_large_numbers_in_strings(void **state)
{
	static const char text[] = "{\"s\":\"\\\"18446744073709551615\",\"n\":[18446744073709551615,"
				   "18446744073709551615]}";
	json_error_t error;
	json_t *json = json_document_parse(text, strlen(text), &error);

	(void)state;
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "s")), "\"18446744073709551615");
	assert_true(json_real_value(json_array_get(json_object_get(json, "n"), 1)) >= 0x1p64);
	json_decref(json);
}

/* Without a user namespace there are 65536 ids, or as many as process.user takes. */
static void test_high_ids(void **state)
{
	static const struct {
		const char *path, *value;
		uint32_t count;
	} cases[] = {
		{ "process.user.uid", "65535", 65536 },
		{ "process.user.uid", "65536", 65537 },
		{ "process.user.gid", "1000660000", 1000660001 },
		{ "process.user.additionalGids", "[70000,3]", 70001 },
		{ "process.user.uid", "1879048191", 1879048192 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct read r = read_with(cases[i].path, cases[i].value);

		assert_string_equal(r.failure.text, "");
		assert_int_equal(config_id_count(&r.config), cases[i].count);
		config_free(&r.config);
	}
}

/* As many as the kernel takes. */
static void test_many_mappings(void **state)
{
	(void)state;
	for (int n = 340; n <= 341; n++) {
		json_t *maps = json_array();
		struct read r;
		char *text;

		for (int i = 0; i < n; i++)
			json_array_append_new(maps, json_pack("{s:i, s:i, s:i}", "containerID", i, "hostID",
							      1000 + 2 * i, "size", 1));
		text = json_dumps(maps, 0);
		r = read_with("mounts.3.gidMappings", text);
		assert_non_null(strstr(r.failure.text, n == 340 ? "uidMappings: expected them together" :
				       "gidMappings[340]: expected at most 340 mappings"));
		config_free(&r.config);
		free(text);
		json_decref(maps);
	}
}

static void test_user_namespace(void **state)
{
	char text[sizeof(spec) + 256];
	const char *at = strstr(spec, "{\"type\":\"pid\"}");
	struct read r;

	(void)state;
	snprintf(text, sizeof(text), "%.*s{\"type\":\"user\"},%s", (int)(at - spec), spec, at);
	at = strstr(text, "\"maskedPaths\"");
	assert_non_null(at);
	{
		char whole[sizeof(text) + 256];

		snprintf(whole, sizeof(whole),
			 "%.*s\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":1000}],"
			 "\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":10},"
			 "{\"containerID\":2000,\"hostID\":200000,\"size\":5},"
			 "{\"containerID\":10,\"hostID\":100010,\"size\":5}],%s",
			 (int)(at - text), text, at);
		r = read_text(whole);
	}
	assert_string_equal(r.failure.text, "");
	assert_int_equal(config_id_count(&r.config), 2005);
	assert_int_equal(r.config.gid_maps.n, 3);
	assert_int_equal(r.config.gid_maps.v[1].host, 200000);
	config_free(&r.config);

	/* without mappings: as without a user namespace; with one of them it is a mistake */
	r = read_text(text);
	assert_string_equal(r.failure.text, "");
	assert_int_equal(config_id_count(&r.config), CONFIG_ID_COUNT);
	assert_int_equal(r.config.uid_maps.n, 0);
	config_free(&r.config);
	{
		char whole[sizeof(text) + 256];

		snprintf(whole, sizeof(whole),
			 "%.*s\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}],%s",
			 (int)(at - text), text, at);
		r = read_text(whole);
	}
	assert_int_equal(r.err, -EINVAL);
	assert_non_null(strstr(r.failure.text, "expected both with a user namespace, or neither"));
	config_free(&r.config);
}

static void test_defaults(void **state)
{
	struct container_config config;
	struct failure failure = { .text = "" };

	(void)state;
	config_init(&config);
	config.id = "abc";
	config.root_path = "/r";
	config.process.terminal = true;
	string_list_add(&config.arena, &config.process.args, "sh");
	config_set_defaults(&config);
	assert_int_equal(config_check(&config, &failure), 0);
	assert_int_equal(__builtin_popcountll(caps_default()), 14);
	assert_int_equal(config.process.caps[CAP_SET_EFFECTIVE], 0xa80425fb);
	assert_int_equal(config.process.caps[CAP_SET_AMBIENT], 0);
	assert_string_equal(config.hostname, "abc");
	assert_int_equal(config.mounts.n, 7);
	assert_string_equal(config.process.env.v[1], "TERM=xterm");
	config_free(&config);

	config_init(&config);
	config.id = "abc";
	config.process.uid = 1000;
	config_set_defaults(&config);
	assert_int_equal(config.process.caps[CAP_SET_BOUNDING], 0xa80425fb);
	assert_int_equal(config.process.caps[CAP_SET_EFFECTIVE], 0);
	config_free(&config);
}

/* What `nacre spec` writes is taken whole, and says the same as the defaults. */
static void test_as_json(void **state)
{
	struct container_config config;
	struct read r;
	json_t *json;
	char *text;

	(void)state;
	config_init(&config);
	config.id = "x";
	config.root_path = "/";
	string_list_add(&config.arena, &config.process.args, "sh");
	config_set_defaults(&config);
	json = config_as_json(&config);
	text = json_dumps(json, 0);
	r = read_text(text);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.config.mounts.n, config.mounts.n);
	for (size_t i = 0; i < config.mounts.n; i++) {
		assert_int_equal(r.config.mounts.v[i].flags, config.mounts.v[i].flags);
		assert_string_equal(r.config.mounts.v[i].data, config.mounts.v[i].data);
		assert_string_equal(r.config.mounts.v[i].type, config.mounts.v[i].type);
	}
	assert_memory_equal(r.config.process.caps, config.process.caps,
			    sizeof(config.process.caps));
	assert_int_equal(r.config.namespaces, config.namespaces);
	assert_int_equal(r.config.masked_paths.n, config.masked_paths.n);
	assert_int_equal(r.config.process.rlimits.v[0].hard, config.process.rlimits.v[0].hard);
	free(text);
	json_decref(json);
	config_free(&config);
	config_free(&r.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec_is_read),
		cmocka_unit_test(test_top_level_refused),
		cmocka_unit_test(test_process_refused),
		cmocka_unit_test(test_command_without_a_name),
		cmocka_unit_test(test_mounts_refused),
		cmocka_unit_test(test_linux_refused),
		cmocka_unit_test(test_resources_refused),
		cmocka_unit_test(test_document_refused),
		cmocka_unit_test(test_leniency),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_namespaces_of_a_pod),
		cmocka_unit_test(test_sysctls_with_slashes),
		cmocka_unit_test(test_infinite_limit),
		cmocka_unit_test(test_large_numbers),
		cmocka_unit_test(test_large_numbers_in_strings),
		cmocka_unit_test(test_high_ids),
		cmocka_unit_test(test_many_mappings),
		cmocka_unit_test(test_user_namespace),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
