/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a configuration, and the checks that span its fields; see config.h. */
#include <errno.h>
#include <string.h>
#include <linux/sched.h>

#include <jansson.h>

#include "config.h"
#include "cpuset.h"

void config_init(struct container_config *config)
{
	*config = (struct container_config){
		.net_ns_fd = -1,
		.id_count = CONFIG_ID_COUNT,
		.process = { .umask = 0022, .cwd = "/", .oom_score_adj = CONFIG_OOM_SCORE_NONE },
		.resources = {
			.memory_limit = CONFIG_NO_LIMIT,
			.cpu_period = CONFIG_CPU_PERIOD,
			.cpu_burst = -1,
			.cpu_idle = -1,
		},
	};
}

void config_free(struct container_config *config)
{
	json_decref(config->json);
	json_decref(config->stored);
	arena_free(&config->arena);
	*config = (struct container_config){ .json = NULL };
}

static uint32_t maps_end(const struct config_id_maps *maps)
{
	uint32_t end = 0;

	for (size_t i = 0; i < maps->n; i++) {
		if (maps->v[i].container + maps->v[i].size > end)
			end = maps->v[i].container + maps->v[i].size;
	}
	return end;
}

uint32_t config_id_count(const struct container_config *config)
{
	uint32_t uids = maps_end(&config->uid_maps);
	uint32_t gids = maps_end(&config->gid_maps);

	if (config->uid_maps.n == 0 && config->gid_maps.n == 0)
		return config->id_count;
	return uids > gids ? uids : gids;
}

static void widen(struct container_config *config, uint32_t id)
{
	if (id >= config->id_count)
		config->id_count = id < CONFIG_ID_LIMIT ? id + 1 : CONFIG_ID_LIMIT;
}

void config_widen_ids(struct container_config *config)
{
	const struct config_process *process = &config->process;

	widen(config, process->uid);
	widen(config, process->gid);
	for (size_t i = 0; i < process->groups.n; i++)
		widen(config, process->groups.v[i]);
}

static bool id_exists(const struct container_config *config, const struct config_id_maps *maps,
		      uint32_t id)
{
	if (maps->n == 0)
		return id < config->id_count;
	for (size_t i = 0; i < maps->n; i++) {
		if (id >= maps->v[i].container && id - maps->v[i].container < maps->v[i].size)
			return true;
	}
	return false;
}

static int check_ids(const struct container_config *config, struct failure *failure)
{
	const struct config_process *process = &config->process;

	if (!id_exists(config, &config->uid_maps, process->uid))
		return failure_set(failure, -EINVAL,
				   "process.user.uid: %u: expected an id of the container's user "
				   "namespace (below %u)", process->uid, config_id_count(config));
	if (!id_exists(config, &config->gid_maps, process->gid))
		return failure_set(failure, -EINVAL,
				   "process.user.gid: %u: expected an id of the container's user "
				   "namespace (below %u)", process->gid, config_id_count(config));
	for (size_t i = 0; i < process->groups.n; i++) {
		if (!id_exists(config, &config->gid_maps, process->groups.v[i]))
			return failure_set(failure, -EINVAL,
					   "process.user.additionalGids[%zu]: %u: expected an id "
					   "of the container's user namespace (below %u)", i,
					   process->groups.v[i], config_id_count(config));
	}
	return 0;
}

/* interface "Leniency": host pid, ipc and network namespaces are refused by name. */
static int check_namespaces(const struct container_config *config, struct failure *failure)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} needed[] = {
		{ CLONE_NEWPID, "pid" }, { CLONE_NEWNET, "network" }, { CLONE_NEWIPC, "ipc" },
		{ CLONE_NEWNS, "mount" },
	};
	bool user = config->namespaces & CLONE_NEWUSER;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!(config->namespaces & needed[i].flag))
			return failure_set(failure, -EINVAL,
					   "linux.namespaces: expected \"%s\": a VM cannot share "
					   "the host's %s namespace", needed[i].name,
					   needed[i].name);
	}
	/* without mappings: as without a user namespace, since the guest gives one anyway */
	if (user && (config->uid_maps.n == 0 || config->gid_maps.n == 0) &&
	    (config->uid_maps.n > 0 || config->gid_maps.n > 0 || config->joins_user_ns))
		return failure_set(failure, -EINVAL,
				   "linux.uidMappings, linux.gidMappings: expected both with a "
				   "user namespace%s", config->joins_user_ns ? " that is joined" :
				   ", or neither");
	if (!user && (config->uid_maps.n > 0 || config->gid_maps.n > 0))
		return failure_set(failure, -EINVAL,
				   "linux.uidMappings, linux.gidMappings: expected only with a "
				   "user namespace in linux.namespaces");
	return 0;
}

uint64_t config_cpu_weight(uint64_t shares)
{
	if (shares < 2)
		shares = 2;
	if (shares > 262144)
		shares = 262144;
	return 1 + (shares - 2) * 9999 / 262142;
}

/* Engines write "" for what the user has not asked for. */
static int check_cpuset(struct container_config *config, struct failure *failure)
{
	struct config_resources *resources = &config->resources;
	const struct {
		const char *name, **list;
	} lists[] = { { "cpus", &resources->cpuset_cpus }, { "mems", &resources->cpuset_mems } };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const char *list = *lists[i].list;

		if (list && *list == '\0')
			*lists[i].list = NULL;
		else if (list && cpuset_count(list) < 0)
			return failure_set(failure, -EINVAL, "linux.resources.cpu.%s: \"%s\": "
					   "expected a list of numbers as in \"0-3,8\"",
					   lists[i].name, list);
	}
	return 0;
}

int config_check_resources(struct container_config *config, struct failure *failure)
{
	const struct config_resources *resources = &config->resources;

	/* the VM has its overhead besides; a limit that is too low ends the process, as with runc */
	if (resources->memory_limit > 0 &&
	    ((uint64_t)resources->memory_limit < CONFIG_LIMIT_MIN ||
	     (uint64_t)resources->memory_limit > CONFIG_MEMORY_MAX))
		return failure_set(failure, -EINVAL,
				   "linux.resources.memory.limit: %lld: expected 4K to 64G",
				   (long long)resources->memory_limit);
	if (resources->memory_limit > 0 && resources->memory_swap > 0 &&
	    resources->memory_swap < resources->memory_limit)
		return failure_set(failure, -EINVAL,
				   "linux.resources.memory.swap: %lld: expected at least \"limit\", "
				   "%lld", (long long)resources->memory_swap,
				   (long long)resources->memory_limit);
	if (resources->cpu_period < 1000 || resources->cpu_period > 1000000)
		return failure_set(failure, -EINVAL,
				   "linux.resources.cpu.period: %llu: expected 1000 to 1000000 us",
				   (unsigned long long)resources->cpu_period);
	if (resources->cpu_quota > 0 &&
	    (uint64_t)resources->cpu_quota > CONFIG_CPUS_MAX * resources->cpu_period)
		return failure_set(failure, -EINVAL,
				   "linux.resources.cpu.quota: %lld: expected at most %u processors",
				   (long long)resources->cpu_quota, CONFIG_CPUS_MAX);
	if (resources->cpu_burst > 0 && (resources->cpu_quota <= 0 ||
					 resources->cpu_burst > resources->cpu_quota))
		return failure_set(failure, -EINVAL,
				   "linux.resources.cpu.burst: %lld: expected at most \"quota\"",
				   (long long)resources->cpu_burst);
	return check_cpuset(config, failure);
}

static int check_process(const struct container_config *config, struct failure *failure)
{
	const struct config_process *process = &config->process;

	if (process->args.n == 0)
		return failure_set(failure, -EINVAL, "process.args: expected a command");
	/* in runc's words: by them podman and Docker know that it is their user who named none */
	if (process->args.v[0][0] == '\0')
		return failure_set(failure, CONFIG_NOT_FOUND, "process.args: expected a command: "
				   "exec: \"\": executable file not found in $PATH");
	for (size_t i = 0; i < process->env.n; i++) {
		const char *equals = strchr(process->env.v[i], '=');

		if (!equals || equals == process->env.v[i])
			return failure_set(failure, -EINVAL,
					   "process.env[%zu]: \"%s\": expected NAME=VALUE", i,
					   process->env.v[i]);
	}
	return 0;
}

static int check_devices(const struct container_config *config, struct failure *failure)
{
	for (size_t i = 0; i < config->devices.n; i++) {
		const struct config_device *device = &config->devices.v[i];

		if (!id_exists(config, &config->uid_maps, device->uid) ||
		    !id_exists(config, &config->gid_maps, device->gid))
			return failure_set(failure, -EINVAL,
					   "linux.devices[%zu]: expected uid and gid of the "
					   "container's user namespace", i);
	}
	return 0;
}

static bool cgroups_path_is_valid(const char *path)
{
	const char *first = strchr(path, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;

	if (strstr(path, "..") || (second && strchr(second + 1, ':')))
		return false;
	/* systemd's form: all three or none, and in none of them a directory */
	return !first || (second && second[1] && !strchr(path, '/'));
}

/* Two answers to one question, which runc and crun refuse. */
static int check_domainname(const struct container_config *config, struct failure *failure)
{
	if (config->domainname && strlen(config->domainname) > 64)
		return failure_set(failure, -EINVAL, "domainname: expected at most 64 bytes");
	for (size_t i = 0; config->domainname && i < config->sysctls.n; i++) {
		const struct config_pair *sysctl = &config->sysctls.v[i];

		if (strcmp(sysctl->name, "kernel.domainname") == 0 &&
		    strcmp(sysctl->value, config->domainname) != 0)
			return failure_set(failure, -EINVAL, "linux.sysctl: kernel.domainname: \"%s\": "
					   "expected the same as domainname, \"%s\"", sysctl->value,
					   config->domainname);
	}
	return 0;
}

int config_check(struct container_config *config, struct failure *failure)
{
	size_t binds = 0;
	int err = check_process(config, failure);

	if (!err)
		err = check_namespaces(config, failure);
	if (!err)
		err = check_ids(config, failure);
	if (!err)
		err = config_check_resources(config, failure);
	if (err)
		return err;
	if (config->hostname && strlen(config->hostname) > 64)
		return failure_set(failure, -EINVAL, "hostname: expected at most 64 bytes");
	err = check_domainname(config, failure);
	if (err)
		return err;
	for (size_t i = 0; i < config->mounts.n; i++)
		binds += config->mounts.v[i].is_bind;
	if (binds > CONFIG_BINDS_MAX)
		return failure_set(failure, -EINVAL, "mounts: expected at most %u bind mounts",
				   CONFIG_BINDS_MAX);
	if (config->cgroups_path && !cgroups_path_is_valid(config->cgroups_path))
		return failure_set(failure, -EINVAL, "linux.cgroupsPath: \"%s\": expected a path "
				   "without \"..\", or SLICE:PREFIX:NAME for systemd",
				   config->cgroups_path);
	return check_devices(config, failure);
}
