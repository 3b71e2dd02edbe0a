/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leaf cgroup made by systemd, as a transient scope that is delegated to us (systemd.scope(5),
 * https://systemd.io/CGROUP_DELEGATION). A scope needs a process from the start: a child that waits
 * keeps it until the first companion is there. systemd is told the limits as well, so that it does
 * not undo them at a reload.
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

#define SYSTEMD	  "org.freedesktop.systemd1"
#define MANAGER	  "org.freedesktop.systemd1.Manager"
#define OBJECT	  "/org/freedesktop/systemd1"

/* What is used of libsystemd. */
static struct {
	__typeof__(sd_bus_default_system) *default_system;
	__typeof__(sd_bus_default_user) *default_user;
	__typeof__(sd_bus_unref) *unref;
	__typeof__(sd_bus_match_signal) *match_signal;
	__typeof__(sd_bus_message_new_method_call) *new_method_call;
	__typeof__(sd_bus_message_append) *append;
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

int cgroup_systemd_names(const char *path, const char *id, bool rootless, const char **slice,
			 const char **unit, struct arena *arena, struct failure *failure)
{
	const char *first = path ? strchr(path, ':') : NULL;
	const char *second = first ? strchr(first + 1, ':') : NULL;
	const char *prefix = "nacre", *name = id;
	size_t len;

	*slice = rootless ? "user.slice" : "system.slice";
	if (path && *path) {
		if (!second)
			return failure_set(failure, -EINVAL, "linux.cgroupsPath: \"%s\": expected "
					   "SLICE:PREFIX:NAME for systemd", path);
		if (first > path)
			*slice = arena_printf(arena, "%.*s", (int)(first - path), path);
		prefix = arena_printf(arena, "%.*s", (int)(second - first - 1), first + 1);
		name = second + 1;
	}
	len = strlen(*slice);
	if (len <= 6 || strcmp(*slice + len - 6, ".slice") != 0)
		return failure_set(failure, -EINVAL, "linux.cgroupsPath: \"%s\": expected a slice, "
				   "NAME.slice, before the first colon", path);
	*unit = *prefix ? arena_printf(arena, "%s-%s.scope", prefix, name) :
			  arena_printf(arena, "%s.scope", name);
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

/* StartTransientUnit("ssa(sv)a(sa(sv))"), org.freedesktop.systemd1(5). */
static int request_append(sd_bus_message *m, const char *slice, const char *unit, pid_t keeper,
			  const struct container_config *config, const struct vm_size *size)
{
	const struct config_resources *resources = &config->resources;
	int r = bus_api.append(m, "ss", unit, "fail");

	if (r >= 0)
		r = bus_api.append(m, "a(sv)", 9,
			"Description", "s", config->id,
			"Slice", "s", slice,
			"Delegate", "b", 1,
			"DefaultDependencies", "b", 0,
			"CollectMode", "s", "inactive-or-failed",
			"PIDs", "au", 1, (uint32_t)keeper,
			"MemoryMax", "t", cgroup_memory_max(size),
			"TasksMax", "t", (uint64_t)1024,
			"CPUWeight", "t", resources->cpu_shares ?
				config_cpu_weight(resources->cpu_shares) : (uint64_t)100);
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

static int scope_start(sd_bus *bus, const char *slice, const char *unit, pid_t keeper,
		       const struct container_config *config, const struct vm_size *size,
		       struct failure *failure)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *request = NULL, *answer = NULL;
	struct job job = { .path = NULL };
	int r = bus_api.match_signal(bus, NULL, SYSTEMD, OBJECT, MANAGER, "JobRemoved",
				     on_job_removed, &job);

	if (r >= 0)
		r = bus_api.new_method_call(bus, &request, SYSTEMD, OBJECT, MANAGER,
					    "StartTransientUnit");
	if (r >= 0)
		r = request_append(request, slice, unit, keeper, config, size);
	if (r >= 0)
		r = bus_api.call(bus, request, JOB_TIMEOUT_US, &error, &answer);
	if (r >= 0)
		r = bus_api.read(answer, "o", &job.path);
	if (r < 0)
		failure_set(failure, r, "systemd refuses %s in %s: %s", unit, slice,
			    error.message ? error.message : strerror(-r));
	else
		r = job_wait(bus, &job, unit, failure);
	bus_api.error_free(&error);
	bus_api.message_unref(request);
	bus_api.message_unref(answer);
	return r < 0 ? r : 0;
}

int cgroup_systemd_create(struct cgroup *cgroup, const struct container_config *config,
			  const struct vm_size *size, struct arena *arena,
			  struct failure *failure)
{
	bool rootless = rootless_active();
	const char *slice = NULL, *unit = NULL;
	sd_bus *bus = NULL;
	int err = cgroup_systemd_names(config->cgroups_path, config->id, rootless, &slice, &unit,
				       arena, failure);

	if (!err)
		err = load_library(failure);
	if (err)
		return err;
	err = rootless ? bus_api.default_user(&bus) : bus_api.default_system(&bus);
	if (err < 0)
		return failure_set(failure, err, "systemd's cgroups: cannot reach systemd over "
				   "D-Bus: %s", strerror(-err));
	err = keeper_start(cgroup, failure);
	if (!err)
		err = scope_start(bus, slice, unit, cgroup->keeper_pid, config, size, failure);
	bus_api.unref(bus);
	if (!err)
		cgroup->leaf = cgroup_of(arena_printf(arena, "%d", (int)cgroup->keeper_pid), arena);
	if (!err && !cgroup->leaf)
		err = failure_set(failure, -ENOENT, "systemd made %s, but not in a cgroup v2", unit);
	if (err)
		cgroup_settle(cgroup);
	return err;
}
