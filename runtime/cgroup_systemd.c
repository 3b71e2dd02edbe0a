/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leaf cgroup made by systemd, as a transient scope that is delegated to us (systemd.scope(5),
 * https://systemd.io/CGROUP_DELEGATION). A scope needs a process from the start: a child that waits
 * keeps it until the first companion is there. systemd is told the limits as well, so that it does
 * not undo them at a reload (cgroup_properties.c).
 *
 * libsystemd is loaded when it is needed: it and what it pulls in would cost every start its time.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "cgroup_parts.h"
#include "fd.h"
#include "rootless.h"
#include "spawn.h"

/* How long systemd may take to start a scope. */
#define JOB_TIMEOUT_US UINT64_C(10000000)
/* How long it may take to forget a scope that is empty: after delete the same container may come again. */
#define EXISTS_WAIT_US UINT64_C(2000000)

#define SYSTEMD	  "org.freedesktop.systemd1"
#define MANAGER	  "org.freedesktop.systemd1.Manager"
#define OBJECT	  "/org/freedesktop/systemd1"
#define UNIT_EXISTS SYSTEMD ".UnitExists"
#define OUT_OF_RANGE "org.freedesktop.DBus.Error.InvalidArgs"

/* What is used of libsystemd. */
static struct {
	__typeof__(sd_bus_default_system) *default_system;
	__typeof__(sd_bus_default_user) *default_user;
	__typeof__(sd_bus_unref) *unref;
	__typeof__(sd_bus_match_signal) *match_signal;
	__typeof__(sd_bus_message_new_method_call) *new_method_call;
	__typeof__(sd_bus_message_append) *append;
	__typeof__(sd_bus_message_append_array) *append_array;
	__typeof__(sd_bus_message_open_container) *open_container;
	__typeof__(sd_bus_message_close_container) *close_container;
	__typeof__(sd_bus_message_read) *read;
	__typeof__(sd_bus_message_unref) *message_unref;
	__typeof__(sd_bus_call) *call;
	__typeof__(sd_bus_process) *process;
	__typeof__(sd_bus_wait) *wait;
	__typeof__(sd_bus_error_free) *error_free;
} bus_api;

static const struct {
	const char *name;
	void *to;
} symbols[] = {
	{ "sd_bus_default_system", &bus_api.default_system },
	{ "sd_bus_default_user", &bus_api.default_user },
	{ "sd_bus_unref", &bus_api.unref },
	{ "sd_bus_match_signal", &bus_api.match_signal },
	{ "sd_bus_message_new_method_call", &bus_api.new_method_call },
	{ "sd_bus_message_append", &bus_api.append },
	{ "sd_bus_message_append_array", &bus_api.append_array },
	{ "sd_bus_message_open_container", &bus_api.open_container },
	{ "sd_bus_message_close_container", &bus_api.close_container },
	{ "sd_bus_message_read", &bus_api.read },
	{ "sd_bus_message_unref", &bus_api.message_unref },
	{ "sd_bus_call", &bus_api.call },
	{ "sd_bus_process", &bus_api.process },
	{ "sd_bus_wait", &bus_api.wait },
	{ "sd_bus_error_free", &bus_api.error_free },
};

static int load_library(struct failure *failure)
{
	void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return failure_set(failure, -ENOENT, "systemd's cgroups: expected libsystemd.so.0: %s",
				   dlerror());
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (!symbol)
			return failure_set(failure, -ENOENT, "libsystemd.so.0: no %s",
					   symbols[i].name);
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	return 0;
}

/* The child that keeps the scope: waits until our end of the pipe is closed. */
static int keeper_start(struct cgroup *cgroup, struct failure *failure)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return failure_set(failure, -errno, "pipe: %s", strerror(errno));
	pid = spawn_clone(0, -1, NULL);
	if (pid == 0) {
		close(ends[1]);
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
		_exit(0);
	}
	close(ends[0]);
	if (pid < 0) {
		close(ends[1]);
		return failure_set(failure, pid, "cannot fork: %s", strerror(-pid));
	}
	cgroup->keeper_fd = ends[1];
	cgroup->keeper_pid = pid;
	return 0;
}

/* One "(sv)". */
static int property_append(sd_bus_message *m, const struct cgroup_property *property)
{
	int r;

	if (!property->bytes)
		return bus_api.append(m, "(sv)", property->name, "t", property->number);
	r = bus_api.open_container(m, 'r', "sv");
	if (r >= 0)
		r = bus_api.append(m, "s", property->name);
	if (r >= 0)
		r = bus_api.open_container(m, 'v', "ay");
	if (r >= 0)
		r = bus_api.append_array(m, 'y', property->bytes, property->n_bytes);
	if (r >= 0)
		r = bus_api.close_container(m);
	return r < 0 ? r : bus_api.close_container(m);
}

static int properties_append(sd_bus_message *m, const struct cgroup_properties *properties)
{
	int r = 0;

	for (size_t i = 0; i < properties->n && r >= 0; i++)
		r = property_append(m, &properties->v[i]);
	return r;
}

static bool is_error(const sd_bus_error *error, const char *name)
{
	return error->name && strcmp(error->name, name) == 0;
}

/* What is asked of systemd for a new scope. */
struct scope {
	const char *slice, *unit, *id;
	pid_t keeper;
	struct cgroup_properties properties;
};

/* StartTransientUnit("ssa(sv)a(sa(sv))"), org.freedesktop.systemd1(5). */
static int request_append(sd_bus_message *m, const struct scope *scope)
{
	int r = bus_api.append(m, "ss", scope->unit, "fail");

	if (r >= 0)
		r = bus_api.open_container(m, 'a', "(sv)");
	if (r >= 0)
		r = bus_api.append(m, "(sv)(sv)(sv)(sv)(sv)(sv)",
			"Description", "s", scope->id,
			"Slice", "s", scope->slice,
			"Delegate", "b", 1,
			"DefaultDependencies", "b", 0,
			"CollectMode", "s", "inactive-or-failed",
			"PIDs", "au", 1, (uint32_t)scope->keeper);
	if (r >= 0)
		r = properties_append(m, &scope->properties);
	if (r >= 0)
		r = bus_api.close_container(m);
	return r < 0 ? r : bus_api.append(m, "a(sa(sv))", 0);
}

struct job {
	const char *path; /* set by the answer */
	char result[32];  /* of the job that was removed */
	char early[8][128], early_result[8][32]; /* removed before the answer was read */
	unsigned int n_early;
};

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct job *job = userdata;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (bus_api.read(m, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	if (job->path && strcmp(path, job->path) == 0) {
		snprintf(job->result, sizeof(job->result), "%s", result);
	} else if (!job->path && job->n_early < 8) {
		snprintf(job->early[job->n_early], sizeof(job->early[0]), "%s", path);
		snprintf(job->early_result[job->n_early++], sizeof(job->early_result[0]), "%s",
			 result);
	}
	return 0;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int job_wait(sd_bus *bus, struct job *job, const char *unit, struct failure *failure)
{
	uint64_t deadline = now_us() + JOB_TIMEOUT_US;

	for (unsigned int i = 0; i < job->n_early; i++) {
		if (strcmp(job->early[i], job->path) == 0)
			snprintf(job->result, sizeof(job->result), "%s", job->early_result[i]);
	}
	while (!job->result[0]) {
		int r = bus_api.process(bus, NULL);
		uint64_t now = now_us();

		if (r < 0 || now >= deadline)
			return failure_set(failure, r < 0 ? r : -ETIMEDOUT,
					   "systemd did not start %s: %s", unit,
					   strerror(r < 0 ? -r : ETIMEDOUT));
		if (r == 0)
			bus_api.wait(bus, deadline - now);
	}
	if (strcmp(job->result, "done") != 0)
		return failure_set(failure, -EIO, "systemd did not start %s: %s", unit,
				   job->result);
	return 0;
}

/* Asks for the scope once; job->path is set then, which belongs to *answer. 0 or -errno with `error`. */
static int scope_ask(sd_bus *bus, const struct scope *scope, struct job *job, sd_bus_message **answer,
		     sd_bus_error *error)
{
	sd_bus_message *request = NULL;
	int r = bus_api.new_method_call(bus, &request, SYSTEMD, OBJECT, MANAGER,
					"StartTransientUnit");

	if (r >= 0)
		r = request_append(request, scope);
	if (r >= 0)
		r = bus_api.call(bus, request, JOB_TIMEOUT_US, error, answer);
	if (r >= 0)
		r = bus_api.read(*answer, "o", &job->path);
	bus_api.message_unref(request);
	return r;
}

/*
 * Whether another try may do: systemd may not have seen yet that the last one of this name is empty, and an older
 * one knows no idle units, of which the file is written all the same.
 */
static bool scope_may_do(struct scope *scope, const sd_bus_error *error)
{
	return is_error(error, UNIT_EXISTS) ||
	       (is_error(error, OUT_OF_RANGE) && cgroup_properties_drop_idle(&scope->properties));
}

static int scope_start(sd_bus *bus, struct scope *scope, struct failure *failure)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t deadline = now_us() + EXISTS_WAIT_US;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *answer = NULL;
	struct job job = { .path = NULL };
	int r = bus_api.match_signal(bus, NULL, SYSTEMD, OBJECT, MANAGER, "JobRemoved",
				     on_job_removed, &job);

	if (r >= 0)
		r = scope_ask(bus, scope, &job, &answer, &error);
	while (r < 0 && now_us() < deadline && scope_may_do(scope, &error)) {
		bus_api.error_free(&error);
		nanosleep(&pause, NULL);
		r = scope_ask(bus, scope, &job, &answer, &error);
	}
	if (r < 0)
		failure_set(failure, r, "systemd refuses %s in %s: %s", scope->unit, scope->slice,
			    error.message ? error.message : strerror(-r));
	else
		r = job_wait(bus, &job, scope->unit, failure);
	bus_api.error_free(&error);
	bus_api.message_unref(answer);
	return r < 0 ? r : 0;
}

static int bus_open(sd_bus **bus, bool rootless, struct failure *failure)
{
	int err = load_library(failure);

	if (err)
		return err;
	err = rootless ? bus_api.default_user(bus) : bus_api.default_system(bus);
	return err < 0 ? failure_set(failure, err, "systemd's cgroups: cannot reach systemd over "
				     "D-Bus: %s", strerror(-err)) : 0;
}

int cgroup_systemd_create(struct cgroup *cgroup, const struct container_config *config,
			  const struct cgroup_limits *limits, struct arena *arena,
			  struct failure *failure)
{
	struct scope scope = { .id = config->id };
	bool rootless = rootless_active();
	sd_bus *bus = NULL;
	int err = cgroup_systemd_names(config->cgroups_path, config->id, rootless, &scope.slice,
				       &scope.unit, arena, failure);

	if (!err)
		err = bus_open(&bus, rootless, failure);
	if (err)
		return err;
	cgroup_properties_of(&scope.properties, limits, arena);
	err = keeper_start(cgroup, failure);
	scope.keeper = cgroup->keeper_pid;
	if (!err)
		err = scope_start(bus, &scope, failure);
	bus_api.unref(bus);
	if (!err)
		cgroup->leaf = cgroup_of(arena_printf(arena, "%d", (int)cgroup->keeper_pid), arena);
	if (!err && !cgroup->leaf)
		err = failure_set(failure, -ENOENT, "systemd made %s, but not in a cgroup v2",
				  scope.unit);
	if (err)
		cgroup_settle(cgroup);
	return err;
}

/* SetUnitProperties("sba(sv)"); true: until the unit ends. */
static int properties_ask(sd_bus *bus, const char *unit, const struct cgroup_properties *properties,
			  sd_bus_error *error)
{
	sd_bus_message *request = NULL, *answer = NULL;
	int r = bus_api.new_method_call(bus, &request, SYSTEMD, OBJECT, MANAGER,
					"SetUnitProperties");

	if (r >= 0)
		r = bus_api.append(request, "sb", unit, 1);
	if (r >= 0)
		r = bus_api.open_container(request, 'a', "(sv)");
	if (r >= 0)
		r = properties_append(request, properties);
	if (r >= 0)
		r = bus_api.close_container(request);
	if (r >= 0)
		r = bus_api.call(bus, request, JOB_TIMEOUT_US, error, &answer);
	bus_api.message_unref(request);
	bus_api.message_unref(answer);
	return r;
}

static int properties_set(sd_bus *bus, const char *unit, struct cgroup_properties *properties,
			  struct failure *failure)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = properties_ask(bus, unit, properties, &error);

	if (r < 0 && is_error(&error, OUT_OF_RANGE) && cgroup_properties_drop_idle(properties)) {
		bus_api.error_free(&error);
		r = properties_ask(bus, unit, properties, &error);
	}
	if (r < 0)
		failure_set(failure, r, "systemd does not change %s: %s", unit,
			    error.message ? error.message : strerror(-r));
	bus_api.error_free(&error);
	return r < 0 ? r : 0;
}

int cgroup_systemd_update(const char *leaf, const struct container_config *config,
			  const struct cgroup_limits *limits, struct arena *arena,
			  struct failure *failure)
{
	const char *slice = NULL, *unit = NULL, *name = strrchr(leaf, '/');
	struct cgroup_properties properties = { .n = 0 };
	struct failure no_names = { .text = "" };
	bool rootless = rootless_active();
	sd_bus *bus = NULL;
	int err;

	/* nacre made it where the path says so: its last part is the unit */
	if (cgroup_systemd_names(config->cgroups_path, config->id, rootless, &slice, &unit, arena,
				 &no_names) != 0 || !name || strcmp(name + 1, unit) != 0)
		return 0;
	err = bus_open(&bus, rootless, failure);
	cgroup_properties_of(&properties, limits, arena);
	if (!err)
		err = properties_set(bus, unit, &properties, failure);
	if (bus)
		bus_api.unref(bus);
	return err;
}
