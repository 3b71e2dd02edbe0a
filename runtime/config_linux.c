/* SPDX-License-Identifier: Apache-2.0 */
/* config.json "linux" (OCI runtime-spec 1.2 config-linux.md), without "resources". */
#include <errno.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/mount.h>

#include "known_words.h"
#include "config_parts.h"
#include "devices.h"
#include "plan.h"

#define AT(field) offsetof(struct container_config, field)
#define N(table)  (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *name;
	uint32_t flag;
} namespaces[] = {
	{ "pid", CLONE_NEWPID },   { "network", CLONE_NEWNET }, { "mount", CLONE_NEWNS },
	{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },	{ "user", CLONE_NEWUSER },
	{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
};

static int read_namespace(struct json_reader *reader, json_t *value, void *to)
{
	struct namespace_json {
		const char *type, *path;
	} read = { .type = NULL };
	static const struct json_member table[] = {
		{ .name = "type", .kind = JSON_KIND_STRING, .required = true,
		  .offset = offsetof(struct namespace_json, type) },
		{ .name = "path", .kind = JSON_KIND_STRING,
		  .offset = offsetof(struct namespace_json, path) },
	};
	struct container_config *config = to;
	int err = json_read_object(reader, value, table, N(table), &read);
	const char *sandbox_id;
	size_t i = 0;

	if (err)
		return err;
	while (i < N(namespaces) && strcmp(namespaces[i].name, read.type) != 0)
		i++;
	if (i == N(namespaces))
		return json_refuse(reader, "type: \"%s\": expected pid, network, mount, ipc, uts, "
				   "user, cgroup or time", read.type);
	if (namespaces[i].flag == CLONE_NEWNET && read.path && read.path[0])
		config->net_ns_path = read.path;
	/* a pod's first member has the VM: it shares them with nobody; CRI-O has made its sandbox's */
	else if (read.path && read.path[0] &&
		 config_pod_role(config->json, &sandbox_id) == POD_NONE)
		return json_refuse(reader, "path: joining a %s namespace of the host is not "
				   "supported yet", read.type);
	if (namespaces[i].flag == CLONE_NEWUSER)
		config->joins_user_ns = read.path && read.path[0];
	/* "MUST generate an error" for duplicates */
	if (config->namespaces & namespaces[i].flag)
		return json_refuse(reader, "type: %s is given twice", read.type);
	config->namespaces |= namespaces[i].flag;
	return 0;
}

static bool ranges_overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

/* user_namespaces(7): "Since Linux 4.15, the limit is 340 lines." */
#define ID_MAPS_MAX 340u

/* user_namespaces(7): "The range of user IDs (group IDs) specified in each line cannot overlap". */
static int check_new_map(struct json_reader *reader, const struct config_id_maps *maps,
			 const struct config_id_map *map)
{
	if (maps->n == ID_MAPS_MAX)
		return json_refuse(reader, "expected at most %u mappings", ID_MAPS_MAX);
	for (size_t i = 0; i < maps->n; i++) {
		const struct config_id_map *other = &maps->v[i];
		const char *side = NULL;

		if (ranges_overlap(map->container, map->size, other->container, other->size))
			side = "container";
		else if (ranges_overlap(map->host, map->size, other->host, other->size))
			side = "host";
		if (side)
			return json_refuse(reader, "expected %s ids that no mapping before it has: "
					   "[%zu] has some", side, i);
	}
	return 0;
}

int config_read_id_map(struct json_reader *reader, json_t *value, void *to)
{
	struct map_json {
		uint32_t container, host, size;
	} read = { .size = 0 };
	static const struct json_member table[] = {
		{ .name = "containerID", .kind = JSON_KIND_UINT32, .required = true,
		  .max = UINT32_MAX, .offset = offsetof(struct map_json, container) },
		{ .name = "hostID", .kind = JSON_KIND_UINT32, .required = true, .max = UINT32_MAX,
		  .offset = offsetof(struct map_json, host) },
		{ .name = "size", .kind = JSON_KIND_UINT32, .required = true, .min = 1,
		  .max = UINT32_MAX, .offset = offsetof(struct map_json, size) },
	};
	int err = json_read_object(reader, value, table, N(table), &read);
	struct config_id_map map;

	if (err)
		return err;
	/* ids of the container lie in the upper half of the guest's (PLAN_ID_BASE) */
	if (read.container >= UINT32_MAX - PLAN_ID_BASE ||
	    read.size > UINT32_MAX - PLAN_ID_BASE - read.container)
		return json_refuse(reader, "%u ids from %u: expected container ids below %u",
				   read.size, read.container, UINT32_MAX - PLAN_ID_BASE);
	if (read.size > UINT32_MAX - read.host)
		return json_refuse(reader, "%u ids from %u: expected host ids below %u", read.size,
				   read.host, UINT32_MAX);
	map = (struct config_id_map){
		.container = read.container, .host = read.host, .size = read.size,
	};
	err = check_new_map(reader, to, &map);
	if (!err)
		*config_add_id_map(reader->arena, to) = map;
	return err;
}

/* Sysctls that belong to a namespace of the container's, as runc and crun take them. */
static bool sysctl_is_own(const char *name)
{
	static const char *const own[] = { "net.", "fs.mqueue.", "kernel.shm_rmid_forced",
					   "kernel.shmmax", "kernel.shmmni", "kernel.shmall",
					   "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",
					   "kernel.sem",
					   "kernel.domainname" };
	for (size_t i = 0; i < N(own); i++) {
		size_t len = strlen(own[i]);

		if (own[i][len - 1] == '.' ? strncmp(name, own[i], len) == 0
					   : strcmp(name, own[i]) == 0)
			return true;
	}
	return false;
}

/* sysctl(8), and runc: either separator will do; where the first one is "/", a "." is part of a name. */
static const char *with_dots(struct arena *arena, const char *name)
{
	char *dotted;

	if (name[strcspn(name, "./")] != '/')
		return name;
	dotted = arena_printf(arena, "%s", name);
	for (char *c = dotted; *c; c++) {
		if (*c == '/')
			*c = '.';
		else if (*c == '.')
			*c = '/';
	}
	return dotted;
}

static int read_sysctl(struct json_reader *reader, json_t *value, void *to)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-./@:";
	struct container_config *config = to;

	for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
		const char *asked = json_object_iter_key(at);
		const char *name = with_dots(reader->arena, asked);
		json_t *setting = json_object_iter_value(at);

		if (!json_is_string(setting))
			return json_refuse(reader, "%s: expected a string", asked);
		if (name[strspn(name, letters)] || strstr(name, "..") || strstr(name, "//") ||
		    strlen(name) > PLAN_SYSCTL_NAME_MAX)
			return json_refuse(reader, "%s: expected the name of a sysctl", asked);
		if (!sysctl_is_own(name))
			return json_refuse(reader, "%s: expected a sysctl of the container's own "
					   "namespaces (net.*, fs.mqueue.*, kernel.shm*...)", asked);
		*config_add_pair(reader->arena, &config->sysctls) = (struct config_pair){
			.name = name, .value = json_string_value(setting),
		};
	}
	return 0;
}

/*
 * A privileged container is given all devices of the host, whether it wants them or not: nacre.conf says
 * whether the VM does without.
 */
static int leave_out_device(struct json_reader *reader, const struct config_device *device)
{
	struct container_config *config = reader->config;

	if (!config->skip_host_devices && !config->is_stored)
		return json_refuse(reader, "%s (%c %u:%u): a device of the host cannot exist in "
				   "the VM", device->path, device->kind, device->major, device->minor);
	if (config->n_skipped_devices++ == 0)
		json_warn(reader, "%s (%c %u:%u): a device of the host cannot exist in the VM: it and "
			  "others of its kind are left out (skip_host_devices)", device->path,
			  device->kind, device->major, device->minor);
	return 0;
}

static int read_device(struct json_reader *reader, json_t *value, void *to)
{
	struct device_json {
		const char *type, *path;
		uint32_t major, minor, mode, uid, gid;
	} read = { .mode = 0666 };
	static const struct json_member table[] = {
		{ .name = "type", .kind = JSON_KIND_STRING, .required = true,
		  .offset = offsetof(struct device_json, type) },
		{ .name = "path", .kind = JSON_KIND_ABSOLUTE, .required = true,
		  .offset = offsetof(struct device_json, path) },
		{ .name = "major", .kind = JSON_KIND_UINT32, .max = 0xfff,
		  .offset = offsetof(struct device_json, major) },
		{ .name = "minor", .kind = JSON_KIND_UINT32, .max = 0xfffff,
		  .offset = offsetof(struct device_json, minor) },
		{ .name = "fileMode", .kind = JSON_KIND_UINT32, .max = UINT32_MAX,
		  .offset = offsetof(struct device_json, mode) },
		{ .name = "uid", .kind = JSON_KIND_UINT32, .max = UINT32_MAX,
		  .offset = offsetof(struct device_json, uid) },
		{ .name = "gid", .kind = JSON_KIND_UINT32, .max = UINT32_MAX,
		  .offset = offsetof(struct device_json, gid) },
	};
	struct container_config *config = to;
	int err = json_read_object(reader, value, table, N(table), &read);
	struct config_device device;
	char kind;

	if (err)
		return err;
	kind = strcmp(read.type, "u") == 0 ? 'c' : read.type[0];
	if (strlen(read.type) != 1 || !strchr("cbp", kind))
		return json_refuse(reader, "type: \"%s\": expected c, b, u or p", read.type);
	device = (struct config_device){
		.path = read.path, .kind = kind, .major = read.major, .minor = read.minor,
		.mode = read.mode & 07777, .uid = read.uid, .gid = read.gid,
	};
	if (kind != PLAN_DEVICE_FIFO && !device_is_in_guest(kind, read.major, read.minor))
		return leave_out_device(reader, &device);
	*config_add_device(reader->arena, &config->devices) = device;
	return 0;
}

static int read_uid_map(struct json_reader *reader, json_t *value, void *to)
{
	struct container_config *config = to;

	return config_read_id_map(reader, value, &config->uid_maps);
}

static int read_gid_map(struct json_reader *reader, json_t *value, void *to)
{
	struct container_config *config = to;

	return config_read_id_map(reader, value, &config->gid_maps);
}

static int read_propagation(struct json_reader *reader, const char *name, uint32_t *to)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} known[] = {
		{ "private", MS_PRIVATE },	   { "rprivate", MS_PRIVATE | MS_REC },
		{ "slave", MS_SLAVE },		   { "rslave", MS_SLAVE | MS_REC },
		{ "shared", MS_SHARED },	   { "rshared", MS_SHARED | MS_REC },
		{ "unbindable", MS_UNBINDABLE },   { "runbindable", MS_UNBINDABLE | MS_REC },
	};

	for (size_t i = 0; i < N(known); i++) {
		if (strcmp(known[i].name, name) == 0) {
			*to = known[i].flags;
			return 0;
		}
	}
	return json_refuse(reader, "rootfsPropagation: \"%s\": expected private, slave, shared or "
			   "unbindable, or one of them with r before it", name);
}

int config_read_linux(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "namespaces", .kind = JSON_KIND_ARRAY, .read = read_namespace },
		{ .name = "uidMappings", .kind = JSON_KIND_ARRAY, .read = read_uid_map },
		{ .name = "gidMappings", .kind = JSON_KIND_ARRAY, .read = read_gid_map },
		{ .name = "devices", .kind = JSON_KIND_ARRAY, .read = read_device },
		{ .name = "cgroupsPath", .kind = JSON_KIND_STRING, .offset = AT(cgroups_path) },
		{ .name = "resources", .kind = JSON_KIND_OBJECT, .read = config_read_resources },
		{ .name = "sysctl", .kind = JSON_KIND_OBJECT, .read = read_sysctl },
		{ .name = "maskedPaths", .kind = JSON_KIND_PATHS, .offset = AT(masked_paths) },
		{ .name = "readonlyPaths", .kind = JSON_KIND_PATHS, .offset = AT(readonly_paths) },
		{ .name = "rootfsPropagation", .kind = JSON_KIND_ACCEPTED }, /* below */
		{ .name = "mountLabel", .kind = JSON_KIND_WARNED, .why = "not applied" },
		{ .name = "seccomp", .kind = JSON_KIND_OBJECT, .read = config_read_seccomp },
		{ .name = "intelRdt", .kind = JSON_KIND_REFUSED },
		{ .name = "memoryPolicy", .kind = JSON_KIND_REFUSED },
		{ .name = "netDevices", .kind = JSON_KIND_REFUSED_0 },
		{ .name = "personality", .kind = JSON_KIND_REFUSED },
		{ .name = "timeOffsets", .kind = JSON_KIND_REFUSED },
	};
	struct container_config *config = to;
	json_t *propagation = json_object_get(value, "rootfsPropagation");
	int err = json_read_object(reader, value, table, N(table), config);

	if (err || !propagation || json_says_nothing(propagation))
		return err;
	if (!json_is_string(propagation))
		return json_refuse(reader, "rootfsPropagation: expected a string");
	return read_propagation(reader, json_string_value(propagation), &config->root_propagation);
}

const char *known_namespace(size_t i)
{
	return i < N(namespaces) ? namespaces[i].name : NULL;
}

uint32_t known_namespace_flag(size_t i)
{
	return namespaces[i].flag;
}
