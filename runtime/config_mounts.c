/* SPDX-License-Identifier: Apache-2.0 */
/* config.json "mounts" (OCI runtime-spec 1.2 config.md "Mounts"). */
#include <errno.h>
#include <string.h>

#include "config_parts.h"
#include "mount_data.h"
#include "mount_options.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

struct mount_json {
	const char *destination, *type, *source;
	struct string_list options;
	struct config_id_maps uid_maps, gid_maps;
};

static const struct json_member mount_members[] = {
	{ .name = "destination", .kind = JSON_KIND_STRING, .required = true,
	  .offset = offsetof(struct mount_json, destination) },
	{ .name = "type", .kind = JSON_KIND_STRING, .offset = offsetof(struct mount_json, type) },
	{ .name = "source", .kind = JSON_KIND_STRING,
	  .offset = offsetof(struct mount_json, source) },
	{ .name = "options", .kind = JSON_KIND_STRINGS,
	  .offset = offsetof(struct mount_json, options) },
	{ .name = "uidMappings", .kind = JSON_KIND_ARRAY, .read = config_read_id_map,
	  .offset = offsetof(struct mount_json, uid_maps) },
	{ .name = "gidMappings", .kind = JSON_KIND_ARRAY, .read = config_read_id_map,
	  .offset = offsetof(struct mount_json, gid_maps) },
};

/* File systems of the guest's kernel that a container may ask for; others are named and refused. */
static const struct {
	const char *asked, *type;
} file_systems[] = {
	{ "proc", "proc" },	{ "sysfs", "sysfs" },	  { "tmpfs", "tmpfs" },
	{ "devpts", "devpts" }, { "mqueue", "mqueue" },	  { "cgroup", "cgroup2" },
	{ "cgroup2", "cgroup2" }, { "ramfs", "tmpfs" },
};

static const char *file_system_find(const char *asked)
{
	for (size_t i = 0; i < N(file_systems); i++) {
		if (strcmp(file_systems[i].asked, asked) == 0)
			return file_systems[i].type;
	}
	return NULL;
}

static int apply_options(struct json_reader *reader, const struct string_list *options,
			 struct config_mount *mount)
{
	const char *why;

	for (size_t i = 0; i < options->n; i++) {
		if (mount_option_apply(mount, options->v[i], reader->arena, &why) != 0)
			return json_refuse(reader, "options[%zu]: \"%s\": %s", i, options->v[i],
					   why);
	}
	return 0;
}

/* An overlay is made of directories of the host: data is for its kernel. */
static int finish_file_system(struct json_reader *reader, const struct mount_json *read,
			      struct config_mount *mount)
{
	const char *unknown;
	size_t len;

	if (!read->type)
		return json_refuse(reader, "type: expected a file system or a bind mount");
	mount->is_bind = strcmp(read->type, "overlay") == 0;
	mount->type = mount->is_bind ? read->type : file_system_find(read->type);
	if (!mount->type)
		return json_refuse(reader, "type: \"%s\": expected bind, proc, sysfs, "
				   "tmpfs, devpts, mqueue, cgroup or overlay", read->type);
	mount->source = read->source ? read->source : mount->type;
	unknown = mount_data_unknown(mount->type, mount->data, &len);
	if (unknown)
		return json_refuse(reader, "options: \"%.*s\": unknown option of %s", (int)len,
				   unknown, mount->type);
	return 0;
}

static int finish_bind(struct json_reader *reader, const struct mount_json *read,
		       struct config_mount *mount)
{
	const struct container_config *config = reader->config;

	if (!read->source || read->source[0] == '\0')
		return json_refuse(reader, "source: expected the path of a file or directory");
	mount->type = "bind";
	mount->source = read->source;
	/* "For bind mounts, source may be relative to the bundle." */
	if (read->source[0] != '/')
		mount->source =
			arena_printf(reader->arena, "%s/%s", config->bundle, read->source);
	return 0;
}

/* config.md "Mounts": either mappings without an option, or an option with or without mappings. */
static int finish_idmap(struct json_reader *reader, const struct mount_json *read,
			struct config_mount *mount)
{
	if ((read->uid_maps.n == 0) != (read->gid_maps.n == 0))
		return json_refuse(reader, "uidMappings: expected them together with gidMappings");
	mount->uid_maps = read->uid_maps;
	mount->gid_maps = read->gid_maps;
	mount->idmapped = mount->idmapped || read->uid_maps.n > 0;
	if (mount->idmapped && !mount->is_bind)
		return json_refuse(reader, "uidMappings: expected of a bind mount");
	return 0;
}

int config_read_mount(struct json_reader *reader, json_t *value, void *to)
{
	struct container_config *config = to;
	struct mount_json read = { .destination = NULL };
	int err = json_read_object(reader, value, mount_members, N(mount_members), &read);
	struct config_mount mount = { .data = "" };

	if (err)
		return err;
	if (read.destination[0] == '\0')
		return json_refuse(reader, "destination: \"\": expected a path");
	mount.destination = read.destination;
	/* config.md "Mounts": deprecated, "interpreted as relative to "/"" */
	if (read.destination[0] != '/')
		mount.destination = arena_printf(reader->arena, "/%s", read.destination);
	if (mount.destination[strspn(mount.destination, "/")] == '\0')
		return json_refuse(reader, "destination: \"%s\": expected a path below the root, which is "
				   "root.path", mount.destination);
	mount.named = arena_printf(reader->arena, "%s: %s", reader->file, reader->path);
	mount.is_bind = read.type && strcmp(read.type, "bind") == 0;
	mount.recursive = false;
	for (size_t i = 0; i < read.options.n; i++) {
		/* whether it is a bind decides what the other options mean */
		if (strcmp(read.options.v[i], "bind") == 0 ||
		    strcmp(read.options.v[i], "rbind") == 0)
			mount.is_bind = true;
	}
	err = apply_options(reader, &read.options, &mount);
	if (!err)
		err = finish_idmap(reader, &read, &mount);
	if (err)
		return err;
	if (mount.is_bind)
		err = finish_bind(reader, &read, &mount);
	else
		err = finish_file_system(reader, &read, &mount);
	if (err)
		return err;
	if (mount.copy_up && strcmp(mount.type, "tmpfs") != 0)
		return json_refuse(reader, "options: tmpcopyup: expected only of a tmpfs");
	*config_add_mount(reader->arena, &config->mounts) = mount;
	return 0;
}
