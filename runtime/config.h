/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container shall be: one structure, filled from a bundle's config.json or from the options
 * of `nacre run`, checked wholly before anything happens on the host. Strings belong to the arena,
 * to the parsed JSON or to argv, and live as long as the structure.
 */
#ifndef NACRE_RUNTIME_CONFIG_H
#define NACRE_RUNTIME_CONFIG_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "device_filter.h"
#include "failure.h"
#include "plan.h"
#include "seccomp_profile.h"

struct json_t;
struct net;

#define CONFIG_OOM_SCORE_NONE INT64_MIN
#define CONFIG_NO_LIMIT (-1)
/*
 * Container ids that exist where config.json asks for no user namespace; more, if process.user names a
 * higher one, but none that the host may have for VMMs (subid.h).
 */
#define CONFIG_ID_COUNT 65536u
#define CONFIG_ID_LIMIT 0x70000000u
/* Bind mounts of one container. */
#define CONFIG_BINDS_MAX 128u
/* Bounds of the memory that options and nacre.conf give a container, and of a VM's processors. */
#define CONFIG_MEMORY_MIN (UINT64_C(24) << 20)
#define CONFIG_LIMIT_MIN  4096u /* of config.json's limit: a page, the kernel's own unit */
#define CONFIG_MEMORY_MAX (UINT64_C(64) << 30)
#define CONFIG_MEMORY_EXPECTED "24M to 64G"
#define CONFIG_CPUS_MAX 32u
#define CONFIG_CPU_PERIOD 100000u /* the kernel's own default, in us */
#define CONFIG_CPUS_EXPECTED "1 to 32"

struct config_id_map {
	uint32_t container, host, size;
};

struct config_id_maps {
	struct config_id_map *v;
	size_t n, room;
};

struct config_rlimit {
	uint32_t resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

struct config_rlimits {
	struct config_rlimit *v;
	size_t n, room;
};

struct config_mount {
	const char *destination; /* absolute, in the container */
	const char *type;	 /* "bind", or "overlay", when is_bind */
	const char *source;	 /* of a bind: absolute, on the host */
	const char *data;	 /* options of the file system, "" if none */
	uint32_t flags;		 /* MS_*, without MS_BIND, MS_REC and propagation */
	uint32_t propagation;	 /* MS_PRIVATE..., | MS_REC; 0: as the default is */
	bool is_bind;		/* it is mounted on the host, and shared with the VM */
	bool copy_up;		/* tmpfs: filled with what it covers */
	bool recursive;		/* bind: with the mounts below the source */
	bool readonly_below;	/* recursive: MS_RDONLY is of those, too */
	bool times_below;	/* recursive: times of access are of those, too */
	bool target_is_file;	/* bind: found when the source is opened */
	bool idmapped, idmap_recursive;
	struct config_id_maps uid_maps, gid_maps; /* idmapped: an owner there is `host` here */
	const char *named;	/* for messages: "mounts[3]" or "--volume A:B" */
};

struct config_mounts {
	struct config_mount *v;
	size_t n, room;
};

struct config_pair {
	const char *name, *value;
};

struct config_pairs {
	struct config_pair *v;
	size_t n, room;
};

/* A line for a file of the host's cgroup alone, and the field of config.json that asks for it. */
struct config_host_file {
	const char *name, *value, *field;
};

struct config_host_files {
	struct config_host_file *v;
	size_t n, room;
};

struct config_device {
	const char *path;
	char kind; /* enum plan_device_kind */
	uint32_t major, minor, mode, uid, gid;
};

struct config_devices {
	struct config_device *v;
	size_t n, room;
};

struct config_block {
	const char *file, *guest;
	const char *named; /* for messages */
	bool read_only;
	int fd; /* once it is open; or -1 */
	uint64_t bytes;
};

struct config_blocks {
	struct config_block *v;
	size_t n, room;
};

struct config_ids {
	uint32_t *v;
	size_t n, room;
};

struct config_process {
	bool terminal;
	bool plain_lines; /* of a terminal whose output goes to a file or pipe: no CR in it */
	uint16_t rows, cols; /* consoleSize; 0 if not given */
	struct string_list args, env;
	const char *cwd;
	uint32_t uid, gid, umask;
	struct config_ids groups;
	uint64_t caps[CAP_SET_COUNT];
	struct config_rlimits rlimits;
	bool no_new_privileges;
	bool init_reaper;
	int64_t oom_score_adj; /* -1000 to 1000, or CONFIG_OOM_SCORE_NONE: not given */
	const char *selinux_label;    /* NULL: not given */
	const char *apparmor_profile; /* NULL: not given */
};

struct config_resources {
	int64_t memory_limit; /* bytes; CONFIG_NO_LIMIT */
	int64_t memory_swap;  /* bytes of memory and swap; CONFIG_NO_LIMIT; 0: not given */
	int64_t memory_reservation;
	bool memory_check; /* an update gives no less than is used */
	int64_t pids_limit; /* 0: not given; below 0: none */
	int64_t cpu_quota;  /* us in each period; 0 or below: none */
	uint64_t cpu_period;
	int64_t cpu_burst; /* us beyond the quota, saved up; 0: none; below 0: not given */
	uint64_t cpu_shares; /* 0: not given */
	int64_t cpu_idle; /* 0 or 1; below 0: not given */
	struct device_rules devices;
	const char *cpuset_cpus, *cpuset_mems; /* of the host; NULL: not given */
	struct config_pairs unified;	       /* for the guest */
	struct config_host_files host_files;
};

/* OCI runtime-spec 1.2 config.md "POSIX-platform Hooks", in the order in which they run. */
enum config_hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER, /* in the guest */
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KIND_COUNT
};

struct config_hook {
	const char *path; /* absolute */
	struct string_list args, env; /* args: argv[0] first; empty: the path alone */
	bool has_env; /* env was given, if only an empty one; else it is inherited */
	uint32_t timeout_s; /* 0: none */
};

struct config_hooks {
	struct config_hook *v;
	size_t n, room;
};

/* What a container is in a pod. */
enum pod_role { POD_NONE, POD_SANDBOX, POD_MEMBER };

struct container_config {
	struct arena arena;
	struct json_t *json; /* NULL when made from options */
	struct json_t *stored; /* what strings belong to of one made from options and read back */
	bool skip_host_devices; /* linux.devices that the VM has not are left out */
	bool is_stored;	     /* read back from the state: its warnings have been said */
	const char *id;
	const char *bundle; /* absolute; NULL when made from options */
	const char *config_file; /* --config; NULL: the bundle's config.json */
	const char *root_path; /* absolute */
	bool root_readonly;
	uint32_t root_propagation;
	const char *hostname, *domainname; /* NULL: not set */
	struct config_process process;
	struct config_mounts mounts;
	struct config_blocks blocks;
	struct config_hooks hooks[HOOK_KIND_COUNT];
	uint32_t namespaces; /* CLONE_NEW* that config.json lists */
	bool joins_user_ns;	 /* the user namespace has a path: of a pod's member */
	const char *net_ns_path; /* of the network namespace to join; NULL: a new one */
	int net_ns_fd;		 /* the network namespace, once it is open; or -1 */
	bool net_passt;		 /* --net passt */
	struct net *net;	 /* interfaces (net.h), once they are known; NULL: none */
	const char *notify_path; /* of the socket of sd_notify(3) in the container; NULL: none */
	struct preserved *preserved; /* descriptors (preserved.h); NULL: none */
	struct config_id_maps uid_maps, gid_maps; /* empty: id_count ids, the host's own */
	uint32_t id_count; /* CONFIG_ID_COUNT, or config_widen_ids() has seen to more */
	struct config_pairs sysctls;
	struct string_list masked_paths, readonly_paths;
	struct config_devices devices;
	size_t n_skipped_devices; /* by skip_host_devices */
	struct config_resources resources;
	struct seccomp_profile *seccomp; /* NULL: unconfined but for the base filter */
	const char *cgroups_path; /* NULL: not set */
	uint32_t cpus;		  /* of the VM; 0: by the resources or the host */
};

ARENA_LIST_ADD(config_add_id_map, struct config_id_maps, struct config_id_map)
ARENA_LIST_ADD(config_add_rlimit, struct config_rlimits, struct config_rlimit)
ARENA_LIST_ADD(config_add_mount, struct config_mounts, struct config_mount)
ARENA_LIST_ADD(config_add_block, struct config_blocks, struct config_block)
ARENA_LIST_ADD(config_add_pair, struct config_pairs, struct config_pair)
ARENA_LIST_ADD(config_add_host_file, struct config_host_files, struct config_host_file)
ARENA_LIST_ADD(config_add_device, struct config_devices, struct config_device)
ARENA_LIST_ADD(config_add_hook, struct config_hooks, struct config_hook)
ARENA_LIST_ADD(config_add_group, struct config_ids, uint32_t)

/* An empty configuration: every number at its "not given". */
void config_init(struct container_config *config);

void config_free(struct container_config *config);

/*
 * Reads DIR/config.json, or config->config_file, into an initialized configuration and checks it (config_check() included).
 * Returns 0, or -errno with the failure set.
 */
int config_read_bundle(struct container_config *config, const char *dir, struct failure *failure);

/* As config_read_bundle(), of a text in memory; `bundle` is the absolute path of the bundle. */
int config_read_text(struct container_config *config, const char *text, size_t len,
		     const char *bundle, struct failure *failure);

/* As config_read_text(), from a descriptor up to its end. */
int config_read_fd(struct container_config *config, int fd, const char *bundle, struct failure *failure);

/* Reads the value of "hooks" alone into an initialized configuration. As config_read_bundle(). */
int config_read_hooks_alone(struct container_config *config, struct json_t *hooks,
			    struct failure *failure);

/*
 * The role that a whole config.json (NULL: none), or an object with its "annotations", gives the
 * container; of a member *sandbox_id is set, which is the JSON's.
 */
enum pod_role config_pod_role(const struct json_t *json, const char **sandbox_id);

/* "prestart", "createRuntime"... */
const char *config_hook_name(enum config_hook_kind kind);

/*
 * Fills in what Docker gives a container that asks for nothing: capabilities, masked and read-only
 * paths, mounts, environment. config->process.uid and .terminal must be set before.
 */
void config_set_defaults(struct container_config *config);

/*
 * cpu.shares (2 to 262144, 1024 by default) as cpu.weight (1 to 10000, 100 by default), on the
 * straight line that runc and crun of Debian 12 use; newer ones have a curve, on which 1024 are 100.
 */
uint64_t config_cpu_weight(uint64_t shares);

/* How many container ids exist: the end of the highest mapping. */
uint32_t config_id_count(const struct container_config *config);

/* A container whose process.user has higher ids has as many as that takes. */
void config_widen_ids(struct container_config *config);

/* What a command without a name is: no program is found by it, which has an exit status of its own. */
#define CONFIG_NOT_FOUND (-ENOEXEC)

/*
 * Checks what spans several fields, whatever the configuration was made from. Returns 0, or -EINVAL
 * or CONFIG_NOT_FOUND with the failure set.
 */
int config_check(struct container_config *config, struct failure *failure);

/* The part of config_check() that concerns "linux.resources". */
int config_check_resources(struct container_config *config, struct failure *failure);

#endif
