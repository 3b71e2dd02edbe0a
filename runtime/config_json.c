/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json: the document and its top level (OCI runtime-spec 1.2 config.md). The parts are in
 * config_process.c, config_mounts.c, config_linux.c and config_resources.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_parts.h"
#include "fd.h"
#include "json_document.h"

#define CONFIG_FILE "config.json"

#define AT(field) offsetof(struct container_config, field)
#define N(table)  (sizeof(table) / sizeof((table)[0]))

static int read_version(struct json_reader *reader, json_t *value)
{
	const char *version = json_string_value(value);

	/* interface "Leniency": any 1.x */
	if (!version || strncmp(version, "1.", 2) != 0 || version[2] < '0' || version[2] > '9')
		return json_refuse(reader, "ociVersion: \"%s\": expected 1.x",
				   version ? version : "");
	return 0;
}

static int read_root(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "path", .kind = JSON_KIND_STRING, .required = true,
		  .offset = AT(root_path) },
		{ .name = "readonly", .kind = JSON_KIND_BOOL, .offset = AT(root_readonly) },
	};
	struct container_config *config = to;
	int err = json_read_object(reader, value, table, N(table), config);

	if (err)
		return err;
	if (config->root_path[0] == '\0')
		return json_refuse(reader, "path: expected the path of a directory");
	if (config->root_path[0] != '/')
		config->root_path =
			arena_printf(&config->arena, "%s/%s", config->bundle, config->root_path);
	return 0;
}

static int read_annotations(struct json_reader *reader, json_t *value, void *to)
{
	(void)to;
	for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
		const char *name = json_object_iter_key(at);

		if (!json_is_string(json_object_iter_value(at)))
			return json_refuse(reader, "%s: expected a string", name);
		if (name[0] == '\0')
			return json_refuse(reader, "\"\": expected a name that is not empty");
	}
	return 0;
}

/* config.md, in its order */
static const struct json_member top_members[] = {
	{ .name = "ociVersion", .kind = JSON_KIND_ACCEPTED, .required = true },
	{ .name = "root", .kind = JSON_KIND_OBJECT, .required = true, .read = read_root },
	{ .name = "mounts", .kind = JSON_KIND_ARRAY, .read = config_read_mount },
	{ .name = "process", .kind = JSON_KIND_OBJECT, .required = true,
	  .read = config_read_process },
	{ .name = "hostname", .kind = JSON_KIND_STRING, .offset = AT(hostname) },
	{ .name = "domainname", .kind = JSON_KIND_STRING, .offset = AT(domainname) },
	{ .name = "hooks", .kind = JSON_KIND_OBJECT, .read = config_read_hooks },
	{ .name = "annotations", .kind = JSON_KIND_OBJECT, .read = read_annotations },
	{ .name = "linux", .kind = JSON_KIND_OBJECT, .required = true, .read = config_read_linux },
	{ .name = "solaris", .kind = JSON_KIND_REFUSED, .why = "expected a Linux container" },
	{ .name = "windows", .kind = JSON_KIND_REFUSED, .why = "expected a Linux container" },
	{ .name = "zos", .kind = JSON_KIND_REFUSED, .why = "expected a Linux container" },
	{ .name = "vm", .kind = JSON_KIND_REFUSED,
	  .why = "the VM is nacre's own; expected no \"vm\"" },
};

/* For messages. */
static const char *config_name(const struct container_config *config)
{
	return config->config_file ? config->config_file : CONFIG_FILE;
}

/* config_check() names fields; here they are of a file. */
static int check_named(struct container_config *config, struct failure *failure)
{
	struct failure found = { .text = "" };
	int err = config_check(config, &found);

	if (err)
		failure_set(failure, err, "%s: %s", config_name(config), found.text);
	return err;
}

/* Takes the document over; NULL is one that could not be read, for the reason in `error`. */
static int read_document(struct container_config *config, json_t *json, const json_error_t *error,
			 const char *bundle, struct failure *failure)
{
	struct json_reader reader = {
		.file = config_name(config),
		.arena = &config->arena,
		.failure = failure,
		.config = config,
		.quiet = config->is_stored,
	};
	int err;

	config->bundle = bundle;
	config->json = json;
	if (!json)
		return failure_set(failure, -EINVAL,
				   "%s: expected JSON: line %d, column %d: %s", config_name(config),
				   error->line, error->column, error->text);
	if (!json_is_object(json))
		return json_refuse(&reader, "expected an object");
	/* the version first: it says how to read the rest */
	if (json_object_get(json, "ociVersion")) {
		err = read_version(&reader, json_object_get(json, "ociVersion"));
		if (err)
			return err;
	}
	err = json_read_object(&reader, json, top_members, N(top_members), config);
	if (err)
		return err;
	config_widen_ids(config);
	return check_named(config, failure);
}

int config_read_text(struct container_config *config, const char *text, size_t len,
		     const char *bundle, struct failure *failure)
{
	json_error_t error;
	json_t *json = json_document_parse(text, len, &error);

	return read_document(config, json, &error, bundle, failure);
}

int config_read_fd(struct container_config *config, int fd, const char *bundle, struct failure *failure)
{
	json_error_t error;
	json_t *json = json_document_read(fd, &error);

	return read_document(config, json, &error, bundle, failure);
}

/* Where to read from: DIR/config.json, or another file, whose path is the caller's, as with crun. */
static const char *config_path(struct container_config *config, const char *dir)
{
	if (config->config_file && strcmp(config->config_file, CONFIG_FILE) != 0)
		return config->config_file;
	return arena_printf(&config->arena, "%s/" CONFIG_FILE, dir);
}

int config_read_bundle(struct container_config *config, const char *dir, struct failure *failure)
{
	char absolute[PATH_MAX];
	autoclose int fd = -1;
	const char *bundle, *path;
	struct stat st;

	if (!realpath(dir, absolute))
		return failure_set(failure, -errno, "--bundle %s: expected a directory: %s", dir,
				   strerror(errno));
	bundle = arena_printf(&config->arena, "%s", absolute);
	path = config_path(config, bundle);
	/* nothing that would have to be waited for */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return failure_set(failure, -errno, "%s: expected the bundle's configuration: %s",
				   path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return failure_set(failure, -EINVAL, "%s: expected a regular file", path);
	if (st.st_size > (off_t)JSON_DOCUMENT_MAX)
		return failure_set(failure, -EFBIG, "%s: expected at most %zu bytes", path,
				   JSON_DOCUMENT_MAX);
	return config_read_fd(config, fd, bundle, failure);
}
