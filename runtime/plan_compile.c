/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a configuration into a plan; see plan_compile.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linux/sched.h>

#include "plan.h"
#include "blocks.h"
#include "hooks_plan.h"
#include "net.h"
#include "plan_compile.h"
#include "preserved.h"
#include "seccomp_builtin.h"
#include "seccomp_compile.h"
#include "vm_size.h"

/*
 * Namespaces that every container has, whatever config.json asks for: in the guest nothing is
 * gained by sharing them, and the layer stays (interface "User namespace").
 */
#define NAMESPACES_ALWAYS                                                                          \
	(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS |                 \
	 CLONE_NEWCGROUP | CLONE_NEWUSER)

/* `namespaces` are new ones: 0 for a process that joins. */
static void add_process(const struct container_config *config, uint32_t namespaces,
			struct plan_buffer *plan)
{
	const struct config_process *process = &config->process;
	struct plan_process record = {
		.flags = le32_of((process->terminal ? PLAN_TERMINAL : 0u) |
				 (process->plain_lines ? PLAN_PLAIN_LINES : 0u) |
				 (process->no_new_privileges ? PLAN_NO_NEW_PRIVS : 0u) |
				 (process->init_reaper ? PLAN_INIT_REAPER : 0u)),
		.uid = le32_of(process->uid),
		.gid = le32_of(process->gid),
		.umask = le32_of(process->umask),
		.namespaces_lo = le32_of(namespaces),
		.id_count = le32_of(config_id_count(config)),
		.oom_score_adj = le32_of(process->oom_score_adj == CONFIG_OOM_SCORE_NONE ?
						 0 : (uint32_t)process->oom_score_adj),
		.rows = le16_of(process->rows),
		.cols = le16_of(process->cols),
	};
	struct le32 group;

	for (unsigned int i = 0; i < CAP_SET_COUNT; i++)
		record.caps[i] = le64_of(process->caps[i]);
	plan_buffer_add(plan, PLAN_PROCESS, &record, sizeof(record), NULL);
	for (size_t i = 0; i < process->args.n; i++)
		plan_buffer_add_string(plan, PLAN_ARG, process->args.v[i]);
	for (size_t i = 0; i < process->env.n; i++)
		plan_buffer_add_string(plan, PLAN_ENV, process->env.v[i]);
	plan_buffer_add_string(plan, PLAN_CWD, process->cwd);
	for (size_t i = 0; i < process->groups.n; i++) {
		group = le32_of(process->groups.v[i]);
		plan_buffer_add(plan, PLAN_GROUP, &group, sizeof(group), NULL);
	}
	for (size_t i = 0; i < process->rlimits.n; i++) {
		struct plan_rlimit limit = {
			.resource = le32_of(process->rlimits.v[i].resource),
			.soft = le64_of(process->rlimits.v[i].soft),
			.hard = le64_of(process->rlimits.v[i].hard),
		};

		plan_buffer_add(plan, PLAN_RLIMIT, &limit, sizeof(limit), NULL);
	}
	preserved_add_to_plan(config->preserved, plan);
	if (process->selinux_label && *process->selinux_label)
		plan_buffer_add_string(plan, PLAN_LABEL, process->selinux_label);
}

/* Engines put lists of theirs and of their users behind each other: each path once. */
static void add_paths(const struct string_list *paths, enum plan_type type, struct plan_buffer *plan)
{
	for (size_t i = 0; i < paths->n; i++) {
		size_t k = 0;

		while (k < i && strcmp(paths->v[k], paths->v[i]) != 0)
			k++;
		if (k == i)
			plan_buffer_add_string(plan, type, paths->v[i]);
	}
}

static void add_mounts(const struct container_config *config, struct plan_buffer *plan)
{
	struct plan_root root = {
		.flags = le32_of(config->root_readonly ? PLAN_ROOT_READONLY : 0u),
		.propagation = le32_of(config->root_propagation),
	};
	uint32_t index = 0;

	plan_buffer_add(plan, PLAN_ROOT, &root, sizeof(root), NULL);
	for (size_t i = 0; i < config->mounts.n; i++) {
		const struct config_mount *mount = &config->mounts.v[i];
		struct plan_mount record = {
			.kind = le32_of(mount->is_bind ? PLAN_MOUNT_EXPORT : PLAN_MOUNT_FS),
			.index = le32_of(mount->is_bind ? index++ : 0),
			.flags = le32_of(mount->flags),
			.propagation = le32_of(mount->propagation),
			.target_is_file = le32_of(mount->target_is_file),
			.copy_up = le32_of(mount->copy_up),
		};
		/* what is mounted on the host is nothing that the guest has to know */
		const char *strings[] = { mount->destination, mount->type,
					  mount->is_bind ? "" : mount->source,
					  mount->is_bind ? "" : mount->data, NULL };

		plan_buffer_add(plan, PLAN_MOUNT, &record, sizeof(record), strings);
	}
	add_paths(&config->masked_paths, PLAN_MASKED, plan);
	add_paths(&config->readonly_paths, PLAN_READONLY, plan);
}

static void add_devices(const struct container_config *config, struct plan_buffer *plan)
{
	for (size_t i = 0; i < config->devices.n; i++) {
		const struct config_device *device = &config->devices.v[i];
		struct plan_device record = {
			.kind = le32_of((uint32_t)device->kind),
			.major = le32_of(device->major),
			.minor = le32_of(device->minor),
			.mode = le32_of(device->mode),
			.uid = le32_of(device->uid),
			.gid = le32_of(device->gid),
		};

		plan_buffer_add(plan, PLAN_DEVICE, &record, sizeof(record),
				(const char *const[]){ device->path, NULL });
	}
}

static void __attribute__((format(printf, 3, 4)))
add_cgroup(struct plan_buffer *plan, const char *file, const char *format, ...)
{
	char value[64];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	plan_buffer_add_pair(plan, PLAN_CGROUP, file, value);
}

/*
 * The guest has no swap, so that every limit of it holds; what the host may swap out of the VM is
 * cgroup_limits.c's.
 */
static void add_memory(const struct config_resources *resources, struct plan_buffer *plan)
{
	if (resources->memory_limit > 0)
		add_cgroup(plan, "memory.max", "%" PRId64, resources->memory_limit);
	if (resources->memory_reservation > 0)
		add_cgroup(plan, "memory.low", "%" PRId64, resources->memory_reservation);
	else if (resources->memory_reservation < 0)
		add_cgroup(plan, "memory.low", "max");
}

void plan_add_resources(const struct config_resources *resources, struct plan_buffer *plan)
{
	add_memory(resources, plan);
	if (resources->pids_limit > 0)
		add_cgroup(plan, "pids.max", "%" PRId64, resources->pids_limit);
	else if (resources->pids_limit < 0)
		add_cgroup(plan, "pids.max", "max");
	/* the kernel takes no quota below the burst */
	if (resources->cpu_burst == 0)
		add_cgroup(plan, "cpu.max.burst", "0");
	if (resources->cpu_quota > 0)
		add_cgroup(plan, "cpu.max", "%" PRId64 " %" PRIu64, resources->cpu_quota,
			   resources->cpu_period);
	else if (resources->cpu_quota < 0)
		add_cgroup(plan, "cpu.max", "max %" PRIu64, resources->cpu_period);
	/* the kernel takes no weight of a group that is idle */
	if (resources->cpu_idle == 0)
		add_cgroup(plan, "cpu.idle", "0");
	if (resources->cpu_shares > 0)
		add_cgroup(plan, "cpu.weight", "%" PRIu64, config_cpu_weight(resources->cpu_shares));
	if (resources->cpu_idle > 0)
		add_cgroup(plan, "cpu.idle", "1");
	if (resources->cpu_burst > 0)
		add_cgroup(plan, "cpu.max.burst", "%" PRId64, resources->cpu_burst);
	for (size_t i = 0; i < resources->unified.n; i++) {
		plan_buffer_add_pair(plan, PLAN_CGROUP, resources->unified.v[i].name,
				     resources->unified.v[i].value);
	}
}

/*
 * A cpuset of config.json has the host's numbers, and acts there; inside, the container has the VM's
 * processors and its one node of memory.
 */
static void add_cpuset(const struct container_config *config, struct plan_buffer *plan)
{
	/* with a cpuset the host does not count */
	uint32_t cpus = config->resources.cpuset_cpus ? vm_size_of(config, 0, 0).cpus : 0;

	if (cpus == 1)
		add_cgroup(plan, "cpuset.cpus", "0");
	else if (cpus > 1)
		add_cgroup(plan, "cpuset.cpus", "0-%" PRIu32, cpus - 1);
	if (config->resources.cpuset_mems)
		add_cgroup(plan, "cpuset.mems", "0");
}

static int plan_finish(struct plan_buffer *plan, struct failure *failure)
{
	if (plan_buffer_end(plan) != 0)
		return failure_set(failure, -E2BIG,
				   "the configuration is too large: expected args, env, mounts and "
				   "the like in 1 MiB");
	return 0;
}

static int add_seccomp(const struct container_config *config, struct plan_buffer *plan,
		       struct failure *failure)
{
	if (seccomp_add_builtin(config->seccomp, plan))
		return 0;
	return seccomp_compile(config->seccomp, plan, failure);
}

int plan_compile(const struct container_config *config, struct plan_buffer *plan,
		 struct failure *failure)
{
	int err;

	plan_buffer_begin(plan);
	add_process(config, (config->namespaces & CLONE_NEWTIME) | NAMESPACES_ALWAYS, plan);
	if (config->hostname)
		plan_buffer_add_string(plan, PLAN_HOSTNAME, config->hostname);
	if (config->domainname)
		plan_buffer_add_string(plan, PLAN_DOMAINNAME, config->domainname);
	add_mounts(config, plan);
	for (size_t i = 0; i < config->sysctls.n; i++)
		plan_buffer_add_pair(plan, PLAN_SYSCTL, config->sysctls.v[i].name,
				     config->sysctls.v[i].value);
	add_devices(config, plan);
	plan_add_resources(&config->resources, plan);
	add_cpuset(config, plan);
	err = device_filter_compile(&config->resources.devices, plan, failure);
	if (!err)
		err = add_seccomp(config, plan, failure);
	if (err)
		return err;
	blocks_add_to_plan(config, plan);
	hooks_add_to_plan(config, plan);
	if (config->notify_path)
		plan_buffer_add_string(plan, PLAN_NOTIFY, config->notify_path);
	if (config->net)
		net_add_to_plan(config->net, plan);
	return plan_finish(plan, failure);
}

int plan_compile_process(const struct container_config *config, struct plan_buffer *plan,
			 struct failure *failure)
{
	int err;

	plan_buffer_begin(plan);
	add_process(config, 0, plan);
	err = add_seccomp(config, plan, failure);
	return err ? err : plan_finish(plan, failure);
}
