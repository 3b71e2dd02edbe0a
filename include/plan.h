/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: config.json, validated and compiled on the host into records that the guest carries out
 * in their order, without a JSON parser and without libseccomp.
 *
 * A plan is one struct plan_header and then records: a struct plan_record each, its body behind it,
 * zero bytes up to the next multiple of 8. Kernel, init and runtime of one release belong together,
 * so an unknown record type is an error, not something to skip. Strings have no NUL inside and end
 * with one that is counted in the length. The plan is written by `nacre`, which is trusted, but
 * nacre-init checks every bound all the same, and its decoder is fuzzed.
 *
 * A plan of a process, for one that joins a container (MSG_EXEC), has PLAN_PROCESS, PLAN_ARG,
 * PLAN_ENV, PLAN_CWD, PLAN_GROUP, PLAN_RLIMIT, PLAN_FD, PLAN_LABEL and PLAN_SECCOMP only, no namespaces in
 * plan_process.namespaces_lo and no PLAN_INIT_REAPER: the rest is the container's.
 */
#ifndef NACRE_PLAN_H
#define NACRE_PLAN_H

#include <assert.h>

#include "bytes.h"

#define PLAN_MAGIC   0x314e4c50u /* "PLN1" */
#define PLAN_VERSION 1u
#define PLAN_ALIGN   8u

/*
 * Where the guest's container ids begin. Container id c is id PLAN_ID_BASE + c in the guest's first
 * user namespace and on the FUSE wire; nacre-fsd's user namespace begins there too, so that the host
 * kernel turns it into the host's id.
 */
#define PLAN_ID_BASE 0x80000000u

struct plan_header {
	struct le32 magic;
	struct le16 version;
	struct le16 zero;
	struct le32 total_len; /* header and records, padding included */
	struct le32 n_records;
};
static_assert(sizeof(struct plan_header) == 16, "wire size");

/* Longest names that nacre-init takes, without the NUL. */
#define PLAN_SYSCTL_NAME_MAX 200u
#define PLAN_CGROUP_NAME_MAX 64u
/* Longest device filter, in instructions. */
#define PLAN_DEVICE_FILTER_MAX 4096u

enum plan_type {
	PLAN_PROCESS = 1,   /* struct plan_process; exactly one, the first record */
	PLAN_ARG = 2,	    /* string; at least one, in order */
	PLAN_ENV = 3,	    /* string "K=V" */
	PLAN_CWD = 4,	    /* string, absolute; exactly one */
	PLAN_GROUP = 5,	    /* le32: one supplementary group (container id) */
	PLAN_HOSTNAME = 6,  /* string */
	PLAN_DOMAINNAME = 7,/* string */
	PLAN_ROOT = 8,	    /* struct plan_root; exactly one, before every PLAN_MOUNT */
	PLAN_MOUNT = 9,	    /* struct plan_mount + 4 strings; in the order of config.json */
	PLAN_MASKED = 10,   /* string: path to hide */
	PLAN_READONLY = 11, /* string: path to make read-only */
	PLAN_RLIMIT = 12,   /* struct plan_rlimit */
	PLAN_SYSCTL = 13,   /* 2 strings: dotted name, value */
	PLAN_DEVICE = 14,   /* struct plan_device + string path */
	PLAN_CGROUP = 15,   /* 2 strings: file of cgroup v2 in the container's cgroup, value */
	PLAN_SECCOMP = 16,  /* struct plan_seccomp, then sock_filter instructions of 8 bytes */
	PLAN_DEVICE_FILTER = 17, /* at most one: eBPF instructions of 8 bytes, CGROUP_DEVICE */
	PLAN_LINK = 18,     /* struct plan_link + string: name of the interface */
	PLAN_NETLINK = 19,  /* struct plan_netlink + a message's body; behind every PLAN_LINK */
	PLAN_BLOCK = 20,    /* struct plan_block + string: path of the node */
	PLAN_HOOK = 21,     /* struct plan_hook + strings: path, arguments, environment; in order */
	PLAN_HOOK_STATE = 22, /* string: what hooks read, a JSON object without "pid" */
	PLAN_FD = 23,       /* struct plan_fd: descriptor 3 of the process, then 4, and so on */
	PLAN_NOTIFY = 24,   /* string: path of a socket to make, for sd_notify(3); see MSG_NOTIFY */
	PLAN_RESOLVER = 25, /* nothing: the container asks a resolver of its network namespace (proto.h) */
	PLAN_LABEL = 26,    /* string: SELinux label of the process, where the guest has a policy */
	PLAN_TYPE_COUNT
};

struct plan_record {
	struct le32 type; /* enum plan_type */
	struct le32 len;  /* of the body, padding not counted */
};
static_assert(sizeof(struct plan_record) == 8, "wire size");

enum plan_process_flags {
	PLAN_TERMINAL = 1u << 0,     /* the process gets a pty; else three pipes */
	PLAN_NO_NEW_PRIVS = 1u << 1,
	PLAN_INIT_REAPER = 1u << 2,  /* a reaper is PID 1, the process its child (--init) */
	PLAN_PLAIN_LINES = 1u << 3,  /* the pty puts no CR before a newline: no terminal shows it */
};

enum plan_cap_set { CAP_SET_BOUNDING, CAP_SET_EFFECTIVE, CAP_SET_INHERITABLE, CAP_SET_PERMITTED,
		    CAP_SET_AMBIENT, CAP_SET_COUNT };

/* Namespaces of the container; the bits are CLONE_NEW* of <linux/sched.h>. */
struct plan_process {
	struct le32 flags; /* enum plan_process_flags */
	struct le32 uid;   /* container ids: PLAN_ID_BASE is not added yet */
	struct le32 gid;
	struct le32 umask;
	struct le32 namespaces_lo; /* CLONE_NEW* bits below 2^32 */
	struct le32 id_count;	   /* container ids 0 to id_count - 1 exist */
	struct le32 oom_score_adj; /* two's complement */
	struct le32 zero;
	struct le16 rows, cols, xpixel, ypixel; /* first size of the terminal, 0 if unknown */
	struct le64 caps[CAP_SET_COUNT]; /* bit n is capability n */
};
static_assert(sizeof(struct plan_process) == 80, "wire size");

enum plan_root_flags { PLAN_ROOT_READONLY = 1u << 0 };

struct plan_root {
	struct le32 flags; /* enum plan_root_flags */
	struct le32 propagation; /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, | MS_REC; 0: private */
};
static_assert(sizeof(struct plan_root) == 8, "wire size");

enum plan_mount_kind {
	PLAN_MOUNT_FS = 1,     /* mount(source, target, type, flags, data) */
	PLAN_MOUNT_EXPORT = 2, /* bind of export `index` of nacre-fsd: mounts/N over virtio-fs */
};

struct plan_mount {
	struct le32 kind;	 /* enum plan_mount_kind */
	struct le32 index;	 /* PLAN_MOUNT_EXPORT: N */
	struct le32 flags;	 /* MS_* of <linux/mount.h>; never MS_BIND */
	struct le32 propagation; /* as in struct plan_root; 0: leave */
	struct le32 target_is_file; /* the source is not a directory: make a file to mount on */
	struct le32 copy_up;	 /* 1, of a tmpfs: fill it with what it covers (tmpcopyup) */
	/* strings: target (absolute, inside the container), type, source, data (may be "") */
};
static_assert(sizeof(struct plan_mount) == 24, "wire size");

/* RLIMIT_NOFILE goes no higher: fs.nr_open of the guest, as large as systemd makes that of hosts. */
#define PLAN_NOFILE_MAX 1073741816u

struct plan_rlimit {
	struct le32 resource; /* RLIMIT_* */
	struct le32 zero;
	struct le64 soft, hard; /* ~0 is RLIM_INFINITY */
};
static_assert(sizeof(struct plan_rlimit) == 24, "wire size");

enum plan_device_kind { PLAN_DEVICE_CHAR = 'c', PLAN_DEVICE_BLOCK = 'b', PLAN_DEVICE_FIFO = 'p' };

struct plan_device {
	struct le32 kind; /* enum plan_device_kind */
	struct le32 major, minor;
	struct le32 mode; /* permission bits */
	struct le32 uid, gid; /* container ids */
};
static_assert(sizeof(struct plan_device) == 24, "wire size");

struct plan_seccomp {
	struct le32 flags; /* SECCOMP_FILTER_FLAG_* */
	struct le32 n_insns;
};
static_assert(sizeof(struct plan_seccomp) == 8, "wire size");

/*
 * A plan of a network comes with MSG_START, for what was attached after the plan was made. It has the
 * header and PLAN_LINK, PLAN_NETLINK, PLAN_SYSCTL and PLAN_RESOLVER records only.
 */

/* Longest name of an interface, and body of a message, that nacre-init takes. */
#define PLAN_LINK_NAME_MAX 15u
#define PLAN_NETLINK_MAX   4096u

/*
 * A network interface. In the container it has the index that it has on the host, so that the
 * messages below can name it as the host's kernel did.
 */
struct plan_link {
	uint8_t device[6]; /* which network device of the VM: its MAC address */
	uint8_t mac[6];	   /* the interface's, which may be another */
	struct le32 index;
	struct le32 mtu;
	struct le32 flags; /* IFF_* that are to be set: IFF_UP, IFF_NOARP, IFF_ALLMULTI, IFF_PROMISC */
};
static_assert(sizeof(struct plan_link) == 24, "wire size");

/*
 * An address, route, rule or neighbour: a message of rtnetlink(7) as the host's kernel dumped it, of
 * which the body is behind this header. That it exists already is no error.
 */
struct plan_netlink {
	struct le16 type; /* RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE, RTM_NEWNEIGH */
	struct le16 zero;
};
static_assert(sizeof(struct plan_netlink) == 4, "wire size");

/* A block device of the VM, which the process may read and write. */
struct plan_block {
	struct le32 index; /* among the VM's block devices */
};
static_assert(sizeof(struct plan_block) == 4, "wire size");

#define PLAN_BLOCKS_MAX 26u

/* What passes between the process and a descriptor of the host: include/proto.h, STREAM_PRESERVED. */
enum plan_fd_kind {
	PLAN_FD_READ = 1,  /* the process reads: a pipe */
	PLAN_FD_WRITE = 2, /* the process writes: a pipe */
	PLAN_FD_BOTH = 3,  /* a stream socket */
};

struct plan_fd {
	struct le32 kind; /* enum plan_fd_kind */
};
static_assert(sizeof(struct plan_fd) == 4, "wire size");

/*
 * A hook of the kind startContainer, run by the container's process between START and its exec, as the
 * plan's user. Its standard input is PLAN_HOOK_STATE with the process' pid.
 */
struct plan_hook {
	struct le32 timeout_s; /* 0: none */
	struct le32 n_args;    /* strings behind the path, argv[0] first; at least 1 */
	struct le32 n_env;     /* strings behind these */
	struct le32 inherits;  /* 1: its environment is the process's, and n_env 0; else 0 */
};
static_assert(sizeof(struct plan_hook) == 16, "wire size");

#endif
