/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre.conf; see conf.h. One "key = value" per line; '#' begins a comment. The files belong to
 * whoever runs nacre, but a mistake in them gets one line, and nothing is started.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "config.h"
#include "fd.h"
#include "report.h"
#include "rootless.h"
#include "selinux.h"
#include "size.h"

#define CONF_FILE_MAX 65536
#define TYPE_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."
#define BOOT_TIMEOUT_S 30
#define BOOT_TIMEOUT_S_MAX 3600

/* What the VMM takes: 2^40. */
#define NET_RATE_MAX	  (UINT64_C(1) << 40)
#define NET_RATE_EXPECTED "a number per second, 1 to 1024G"

#define SELINUX_TYPE_EXPECTED "a type of SELinux's policy: letters, digits, '_' and '.'"

enum conf_kind { CONF_NUMBER, CONF_SIZE, CONF_PATH, CONF_TYPE, CONF_SWITCH, CONF_ANNOTATIONS };

static const struct {
	const char *key;
	enum conf_kind kind;
	size_t offset;
	uint64_t min, max;
	const char *expected;
	bool annotated; /* an annotation that is allowed may set it; others are for the administrator alone */
} keys[] = {
	{ "boot_timeout", CONF_NUMBER, offsetof(struct conf, boot_timeout_s), 1, BOOT_TIMEOUT_S_MAX,
	  "seconds, 1 to 3600", true },
	{ "memory", CONF_SIZE, offsetof(struct conf, memory), CONFIG_MEMORY_MIN, CONFIG_MEMORY_MAX,
	  CONFIG_MEMORY_EXPECTED, true },
	{ "cpus", CONF_NUMBER, offsetof(struct conf, cpus), 1, CONFIG_CPUS_MAX,
	  CONFIG_CPUS_EXPECTED, true },
	{ "passt", CONF_PATH, offsetof(struct conf, passt), 0, 0, "an absolute path", false },
	{ "templates", CONF_PATH, offsetof(struct conf, templates), 0, 0, "an absolute path", false },
	{ "make_templates", CONF_SWITCH, offsetof(struct conf, make_templates), 0, 0, "on or off",
	  false },
	{ "kernel", CONF_PATH, offsetof(struct conf, kernel), 0, 0, "an absolute path",
	  true },
	{ "net_to_guest_bytes", CONF_SIZE, offsetof(struct conf, net_to_guest_bytes), 1,
	  NET_RATE_MAX, NET_RATE_EXPECTED, true },
	{ "net_to_guest_frames", CONF_NUMBER, offsetof(struct conf, net_to_guest_frames), 1,
	  NET_RATE_MAX, NET_RATE_EXPECTED, true },
	{ "net_from_guest_bytes", CONF_SIZE, offsetof(struct conf, net_from_guest_bytes), 1,
	  NET_RATE_MAX, NET_RATE_EXPECTED, true },
	{ "net_from_guest_frames", CONF_NUMBER, offsetof(struct conf, net_from_guest_frames), 1,
	  NET_RATE_MAX, NET_RATE_EXPECTED, true },
	{ "vhost_net", CONF_SWITCH, offsetof(struct conf, vhost_net), 0, 0, "on or off", false },
	{ "skip_host_devices", CONF_SWITCH, offsetof(struct conf, skip_host_devices), 0, 0,
	  "on or off", false },
	{ "selinux_vmm_type", CONF_TYPE, offsetof(struct conf, selinux_vmm_type), 0, 0,
	  SELINUX_TYPE_EXPECTED, false },
	{ "selinux_fsd_type", CONF_TYPE, offsetof(struct conf, selinux_fsd_type), 0, 0,
	  SELINUX_TYPE_EXPECTED, false },
	{ "selinux_monitor_type", CONF_TYPE, offsetof(struct conf, selinux_monitor_type), 0, 0,
	  SELINUX_TYPE_EXPECTED, false },
	{ "allow_annotations", CONF_ANNOTATIONS, offsetof(struct conf, allow_annotations), 0, 0,
	  "names of annotations, " CONF_ANNOTATION_PREFIX "KEY, separated by blanks", false },
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

/* N_KEYS where there is none. */
static size_t find_key(const char *name)
{
	size_t k = 0;

	while (k < N_KEYS && strcmp(keys[k].key, name) != 0)
		k++;
	return k;
}

bool conf_annotation_is_key(const char *annotation)
{
	size_t len = strlen(CONF_ANNOTATION_PREFIX);
	size_t k = strncmp(annotation, CONF_ANNOTATION_PREFIX, len) == 0 ? find_key(annotation + len) :
									   N_KEYS;

	return k < N_KEYS && keys[k].annotated;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static bool set_annotations(struct string_list *list, const char *value, struct arena *arena)
{
	char *rest = arena_printf(arena, "%s", value), *name;

	list->n = 0; /* the later file's list takes the place of the earlier's */
	while ((name = strsep(&rest, " \t"))) {
		if (!*name)
			continue;
		if (strcmp(name, CONF_ANNOTATION_BLOCK) != 0 && !conf_annotation_is_key(name))
			return false;
		string_list_add(arena, list, name);
	}
	return true;
}

/* Whether the value is what key k takes; sets it. */
static bool set_value(struct conf *conf, size_t k, const char *value, struct arena *arena)
{
	void *field = (char *)conf + keys[k].offset;
	uint64_t number;

	switch (keys[k].kind) {
	case CONF_ANNOTATIONS:
		return set_annotations(field, value, arena);
	case CONF_PATH:
		*(const char **)field = arena_printf(arena, "%s", value);
		return value[0] == '/';
	case CONF_TYPE:
		*(const char **)field = arena_printf(arena, "%s", value);
		return *value && strspn(value, TYPE_CHARACTERS) == strlen(value);
	case CONF_SWITCH:
		*(bool *)field = strcmp(value, "on") == 0;
		return *(bool *)field || strcmp(value, "off") == 0;
	case CONF_SIZE:
		if (size_parse(value, &number) != 0)
			return false;
		break;
	case CONF_NUMBER:
		if (number_parse(value, keys[k].max, &number) != 0)
			return false;
		break;
	}
	*(uint64_t *)field = number;
	return number >= keys[k].min && number <= keys[k].max;
}

static int read_line(struct conf *conf, char *line, const char *file, unsigned int number,
		     struct arena *arena, struct failure *failure)
{
	char *comment = strchr(line, '#');
	char *equals, *key, *value;
	size_t k;

	if (comment)
		*comment = '\0';
	key = trim(line);
	if (!*key)
		return 0;
	equals = strchr(key, '=');
	if (!equals)
		return failure_set(failure, -EINVAL, "%s:%u: expected KEY = VALUE", file, number);
	*equals = '\0';
	value = trim(equals + 1);
	key = trim(key);
	k = find_key(key);
	if (k == N_KEYS)
		return failure_set(failure, -EINVAL, "%s:%u: %s: unknown key", file, number, key);
	if (!set_value(conf, k, value, arena))
		return failure_set(failure, -EINVAL, "%s:%u: %s = %s: expected %s", file, number,
				   key, value, keys[k].expected);
	return 0;
}

int conf_read_text(struct conf *conf, char *text, const char *file, struct arena *arena,
		   struct failure *failure)
{
	unsigned int number = 0;
	char *line;
	int err = 0;

	while (!err && (line = strsep(&text, "\n")))
		err = read_line(conf, line, file, ++number, arena, failure);
	return err;
}

bool conf_allows(const struct conf *conf, const char *annotation)
{
	for (size_t i = 0; i < conf->allow_annotations.n; i++) {
		if (strcmp(conf->allow_annotations.v[i], annotation) == 0)
			return true;
	}
	return false;
}

int conf_set_annotation(struct conf *conf, const char *annotation, const char *value,
			struct arena *arena, struct failure *failure)
{
	size_t k = find_key(annotation + strlen(CONF_ANNOTATION_PREFIX));

	if (!set_value(conf, k, value, arena))
		return failure_set(failure, -EINVAL, "annotations: %s: %s: expected %s", annotation,
				   value, keys[k].expected);
	return 0;
}

static int read_open(struct conf *conf, int fd, const char *file, struct arena *arena, struct failure *failure)
{
	char *text = arena_take(arena, CONF_FILE_MAX + 1);
	ssize_t len = read(fd, text, CONF_FILE_MAX + 1);

	if (len < 0)
		return failure_set(failure, -errno, "%s: %s", file, strerror(errno));
	if (len > CONF_FILE_MAX)
		return failure_set(failure, -EFBIG, "%s: expected at most 64 KiB", file);
	text[len] = '\0';
	return conf_read_text(conf, text, file, arena, failure);
}

/* A file that need not exist, unless NACRE_CONFIG named it. */
static int read_file(struct conf *conf, const char *file, bool needed, struct arena *arena,
		     struct failure *failure)
{
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && !needed && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return failure_set(failure, -errno, "%s: %s", file, strerror(errno));
	return read_open(conf, fd, file, arena, failure);
}

/* What an owner is that has no number in the user namespace: the host's root in one of podman's, or anybody. */
#define UID_UNMAPPED 65534u

/* The caller's, or the administrator's. */
static bool is_own(const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == 0 ||
	       (st->st_uid == UID_UNMAPPED && geteuid() == 0 && rootless_active());
}

/*
 * The caller's own file. HOME may be another user's, as sudo and setpriv leave it: nobody can tell what is there, and
 * it would name programs for the caller to run.
 */
static int read_own_file(struct conf *conf, const char *file, struct arena *arena, struct failure *failure)
{
	autoclose int fd = -1;
	struct stat st = { .st_uid = 0 };

	if (stat(file, &st) < 0 && (errno == EACCES || errno == ENOENT || errno == ENOTDIR))
		return 0;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 ? errno != EACCES || is_own(&st) : fstat(fd, &st) < 0)
		return failure_set(failure, -errno, "%s: %s", file, strerror(errno));
	if (is_own(&st))
		return read_open(conf, fd, file, arena, failure);
	report_warning("%s: left out: it is another user's", file);
	return 0;
}

int conf_read(struct conf *conf, struct arena *arena, struct failure *failure)
{
	const char *only = getenv("NACRE_CONFIG");
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	int err;

	*conf = (struct conf){
		.boot_timeout_s = BOOT_TIMEOUT_S,
		.make_templates = true,
		.selinux_vmm_type = SELINUX_VMM_TYPE,
		.selinux_fsd_type = SELINUX_FSD_TYPE,
		.selinux_monitor_type = SELINUX_MONITOR_TYPE,
	};
	if (only && *only)
		return read_file(conf, only, true, arena, failure);
	err = read_file(conf, "/etc/nacre/nacre.conf", false, arena, failure);
	if (err)
		return err;
	if (xdg && *xdg == '/')
		return read_own_file(conf, arena_printf(arena, "%s/nacre/nacre.conf", xdg), arena,
				     failure);
	if (home && *home == '/')
		return read_own_file(conf, arena_printf(arena, "%s/.config/nacre/nacre.conf", home),
				     arena, failure);
	return 0;
}

void conf_apply_size(const struct conf *conf, struct container_config *config)
{
	struct config_resources *resources = &config->resources;

	if (resources->memory_limit <= 0 && conf->memory > 0)
		resources->memory_limit = (int64_t)conf->memory;
	/* a quota and a cpuset say how many processors there are to be */
	if (config->cpus == 0 && resources->cpu_quota <= 0 && !resources->cpuset_cpus)
		config->cpus = (uint32_t)conf->cpus;
}
