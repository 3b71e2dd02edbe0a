/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the reader of config.json: what `runc spec` prints, with one value changed. */
#ifndef NACRE_TEST_CONFIG_HARNESS_H
#define NACRE_TEST_CONFIG_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "runtime/caps.h"
#include "runtime/config.h"
#include "runtime/json_document.h"
#include "runtime/config_as_json.h"

#define BUNDLE "/some/bundle"

/* as `runc spec` prints it, without the terminal */
static const char spec[] =
	"{\"ociVersion\":\"1.0.2-dev\",\"process\":{\"terminal\":false,\"user\":{\"uid\":0,\"gid\":0},"
	"\"args\":[\"sh\"],\"env\":[\"PATH=/bin\",\"TERM=xterm\"],\"cwd\":\"/\",\"capabilities\":{"
	"\"bounding\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"],"
	"\"effective\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],\"ambient\":[]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":512}],"
	"\"noNewPrivileges\":true},\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
	"\"hostname\":\"runc\",\"mounts\":["
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
	"\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]},"
	"{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]},"
	"{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"data\","
	"\"options\":[\"rbind\",\"ro\",\"rprivate\"]}],"
	"\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},"
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
	"{\"type\":\"uts\"},{\"type\":\"mount\"}],"
	"\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\"]}}";

struct read {
	struct container_config config;
	struct failure failure;
	int err;
};

static struct read read_text(const char *text)
{
	struct read read = { .err = 0 };

	config_init(&read.config);
	read.err = config_read_text(&read.config, text, strlen(text), BUNDLE, &read.failure);
	return read;
}

/* The specification with one value put at a path ("process.user.uid"; "+" appends); NULL removes. */
static struct read read_with(const char *path, const char *value)
{
	json_t *root = json_loads(spec, 0, NULL);
	json_t *at = root;
	char copy[128], *save = NULL;
	char *part, *next;
	struct read read;
	char *text;

	assert_non_null(root);
	assert_true(strlen(path) < sizeof(copy));
	strcpy(copy, path);
	part = strtok_r(copy, ".", &save);
	while ((next = strtok_r(NULL, ".", &save)) != NULL) {
		json_t *down = json_is_array(at) ? json_array_get(at, (size_t)atoi(part))
						 : json_object_get(at, part);

		if (!down) {
			down = json_object();
			json_object_set_new(at, part, down);
		}
		at = down;
		part = next;
	}
	if (strcmp(part, "+") == 0)
		json_array_append_new(at, json_loads(value, JSON_DECODE_ANY, NULL));
	else if (json_is_array(at))
		json_array_set_new(at, (size_t)atoi(part), json_loads(value, JSON_DECODE_ANY, NULL));
	else if (value)
		json_object_set_new(at, part, json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(at, part);
	text = json_dumps(root, 0);
	read = read_text(text);
	free(text);
	json_decref(root);
	return read;
}

#endif
