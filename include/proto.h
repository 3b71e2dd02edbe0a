/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control protocol, version 1: what nacre-monitor and nacre-init say to each other.
 *
 * Transport. nacre-init, from a privileged vsock port of the guest (below 1024), connects to port
 * PROTO_VSOCK_PORT of the host (CID 2) and keeps a few such connections idle. nacre-vmm joins each
 * of them to one connection that it accepted on its listening UNIX socket, oldest first, and passes
 * bytes; it understands none of them. Guest ports of 1024 and above are refused by the VMM, and
 * binding one below takes CAP_NET_BIND_SERVICE in the guest's first user namespace: a container
 * cannot reach this protocol.
 *
 * On every connection the host speaks first, with one MSG_HELLO, which says what the connection is:
 *
 *   ROLE_CONTROL  messages both ways until one side closes. One per session; a session is one
 *                 process that the host asked for: a container's first, or one that joins it
 *                 (exec). When the host's side closes, nacre-init kills what the session started.
 *   ROLE_STREAM   after the hello, raw bytes of one standard stream of the session that has the same
 *                 token. STREAM_STDIN flows to the guest, STREAM_STDOUT and STREAM_STDERR to the
 *                 host, STREAM_TTY both ways, STREAM_PRESERVED and up as the plan says. End of file
 *                 is the half-close of the sender.
 *   ROLE_QUERY    questions about a container that runs, and orders to it, from `nacre` itself.
 *                 Nothing depends on the connection.
 *
 * Order on a control connection, > to the guest, < to the host:
 *
 *   > HELLO  > RESEED  > SET_CLOCK  the guest may be a clone: its random numbers become its own, a clock
 *                               that is behind is set
 *            > PLAN             the container is made, its process held just before exec; or
 *   > HELLO  > EXEC             a process joins the running container, held in the same way
 *   < HELLO_ACK
 *   < CREATED  or  < FAILED     FAILED ends the session
 *   > START                     may be sent at once; acted on after CREATED
 *   < STARTED  or  < FAILED     STARTED: execve() of the process succeeded
 *   > SIGNAL, > WINSIZE, ...    at any time after CREATED
 *   < CLOCK_ASK                 at any time after CREATED; answered by > CLOCK_TELL. The guest asks
 *                               again and again, and at once on > CLOCK_HINT
 *   < OOM                       at any time after STARTED: the kernel killed in the container for want
 *                               of memory, once or more; only to the session that made the container
 *   < NOTIFY                    at any time after STARTED, if the plan has PLAN_NOTIFY
 *   < RESOLVE                   at any time after START, if that carried PLAN_RESOLVER: bytes for
 *                               the resolver in the container's network namespace on the host; what
 *                               that says is in > RESOLVED
 *   < EXITED                    after every stream was written out and the file systems were synced;
 *                               the last message
 *
 * On a query connection each message of the host is answered before the next is read; FAILED can be
 * the answer to any:
 *
 *   > HELLO                     < HELLO_ACK
 *   > KILL, SYNC, UPDATE, SET_CLOCK   < DONE
 *   > LIST                      < PROCESSES, as many as it takes  < DONE
 *   > STATS                     < FIGURES
 *   > LAYERS                    < LAYERS_FOUND
 *   > WATCH                     < OOM, each time that the kernel killed for want of memory; nothing
 *                               may be asked behind it
 *
 * Both sides treat the other as hostile: a length out of bounds, an unknown type, a message out of
 * order ends the connection, on the guest's side also what the session started.
 */
#ifndef NACRE_PROTO_H
#define NACRE_PROTO_H

#include <assert.h>

#include "bytes.h"

#define PROTO_VERSION	 1u
#define PROTO_MAGIC	 0x3152434eu /* "NCR1" */
#define PROTO_VSOCK_PORT 1u
#define PROTO_HOST_CID	 2u

/* Longest message, header included. Only MSG_PLAN and MSG_EXEC come near. */
#define PROTO_MSG_MAX	 (1u << 20)
/* Longest message of every other type, header included. */
#define PROTO_SMALL_MAX	 4096u
/* Longest body of MSG_START. */
#define PROTO_START_MAX	 3584u
/* Longest text in MSG_FAILED, without a NUL. */
#define PROTO_TEXT_MAX	 1024u

enum msg_type {
	MSG_HELLO = 1,	   /* > struct msg_hello */
	MSG_HELLO_ACK = 2, /* < struct msg_hello_ack */
	MSG_PLAN = 3,	   /* > a plan, see plan.h */
	MSG_CREATED = 4,   /* < nothing */
	MSG_START = 5,	   /* > nothing, or a plan of a network (plan.h), up to PROTO_START_MAX */
	MSG_STARTED = 6,   /* < nothing */
	MSG_FAILED = 7,	   /* < struct msg_failed, text behind it */
	MSG_SIGNAL = 8,	   /* > struct msg_signal */
	MSG_WINSIZE = 9,   /* > struct msg_winsize */
	MSG_EXITED = 10,   /* < struct msg_exited */
	MSG_RESEED = 11,   /* > 32 bytes of entropy, for a guest that was cloned from a snapshot */
	MSG_SET_CLOCK = 12,/* > struct msg_set_clock */
	MSG_EXEC = 13,	   /* > a plan of a process, see plan.h */
	MSG_DONE = 14,	   /* < nothing */
	MSG_KILL = 15,	   /* > struct msg_kill */
	MSG_SYNC = 16,	   /* > nothing: write the shared file systems out */
	MSG_UPDATE = 17,   /* > strings in pairs: a file of cgroup v2 in the container's cgroup, value */
	MSG_LIST = 18,	   /* > nothing */
	MSG_PROCESSES = 19,/* < 1 to PROTO_PROCESSES_MAX struct msg_process */
	MSG_STATS = 20,	   /* > nothing */
	MSG_FIGURES = 21,  /* < struct le64 for each of enum figure */
	MSG_WATCH = 22,	   /* > nothing */
	MSG_OOM = 23,	   /* < nothing */
	MSG_LAYERS = 24,   /* > nothing */
	MSG_LAYERS_FOUND = 25,/* < struct msg_layers */
	MSG_CLOCK_HINT = 26,/* > nothing: the host's clock was set */
	MSG_CLOCK_ASK = 27,/* < struct msg_clock_ask */
	MSG_CLOCK_TELL = 28,/* > struct msg_clock_tell */
	MSG_NOTIFY = 29,   /* < a message of sd_notify(3), 1 to PROTO_NOTIFY_MAX bytes */
	MSG_RESOLVE = 30,  /* < struct msg_resolve, bytes behind it */
	MSG_RESOLVED = 31  /* > struct msg_resolve, bytes behind it */
};

/* Before every message. `len` counts header and body. */
struct msg_header {
	struct le32 len;
	struct le16 type; /* enum msg_type */
	struct le16 zero; /* must be 0 */
	struct le32 container; /* number of the container in its VM, 0 for the first */
};
static_assert(sizeof(struct msg_header) == 12, "wire size");

enum msg_role { ROLE_CONTROL = 1, ROLE_STREAM = 2, ROLE_QUERY = 3 };
/* Most descriptors beside the standard ones that a process is given (plan.h, PLAN_FD). */
#define PROTO_PRESERVED_MAX 16u
enum msg_stream {
	STREAM_STDIN = 0,
	STREAM_STDOUT = 1,
	STREAM_STDERR = 2,
	STREAM_TTY = 3,
	STREAM_PRESERVED = 4, /* of descriptor 3; those of the next ones follow */
	STREAM_COUNT = STREAM_PRESERVED + PROTO_PRESERVED_MAX
};

#define PROTO_TOKEN_LEN 16u

struct msg_hello {
	struct le32 magic;
	struct le16 version;
	struct le16 role;   /* enum msg_role */
	struct le16 stream; /* enum msg_stream, 0 with the other roles */
	struct le16 zero;
	uint8_t token[PROTO_TOKEN_LEN]; /* random, one per session */
};
static_assert(sizeof(struct msg_hello) == 28, "wire size");

struct msg_hello_ack {
	struct le16 version;
	struct le16 zero;
};
static_assert(sizeof(struct msg_hello_ack) == 4, "wire size");

/*
 * What a failed session's caller should exit with, values of interface "Exit status"; but FAILED_HOOK,
 * which is FAILED_NACRE's and tells that a startContainer hook failed.
 */
enum failed_code { FAILED_HOOK = 124, FAILED_NACRE = 125, FAILED_NOT_EXECUTABLE = 126, FAILED_NOT_FOUND = 127 };

struct msg_failed {
	struct le16 code; /* enum failed_code */
	struct le16 text_len;
	/* text_len bytes of text, not blank, to be shown only through the sanitizer */
};
static_assert(sizeof(struct msg_failed) == 4, "wire size");

enum signal_scope {
	SIGNAL_PROCESS = 0, /* the session's process */
	SIGNAL_ALL = 1	    /* every process of the container */
};

struct msg_signal {
	struct le32 signo; /* Linux number, 1 to 64 */
	struct le32 scope; /* enum signal_scope */
};
static_assert(sizeof(struct msg_signal) == 8, "wire size");

struct msg_winsize {
	struct le16 rows, cols, xpixel, ypixel;
};
static_assert(sizeof(struct msg_winsize) == 8, "wire size");

enum exited_how { EXITED_CODE = 0, EXITED_SIGNAL = 1 };

struct msg_exited {
	struct le16 how;   /* enum exited_how */
	struct le16 value; /* exit code 0 to 255, or a signal that ends processes by default */
	struct le32 flags; /* enum exited_flags */
};
static_assert(sizeof(struct msg_exited) == 8, "wire size");

enum exited_flags { EXITED_OOM_KILLED = 1u << 0 };

struct msg_set_clock {
	struct le64 realtime_ns; /* CLOCK_REALTIME, ns since the epoch */
};
static_assert(sizeof(struct msg_set_clock) == 8, "wire size");

/*
 * The guest's clock is kept by asking, so that an answer which lay about (the VM was paused) is
 * known by its age: the stamp is the guest's own time of the question, and comes back.
 */
struct msg_clock_ask {
	struct le64 stamp;
};
static_assert(sizeof(struct msg_clock_ask) == 8, "wire size");

struct msg_clock_tell {
	struct le64 stamp;
	struct le64 realtime_ns;
};
static_assert(sizeof(struct msg_clock_tell) == 16, "wire size");

/* Longest message of sd_notify(3) that is passed on. */
#define PROTO_NOTIFY_MAX 1024u

/*
 * DNS (RFC 1035 §4.2). Of RESOLVE_DATAGRAM the bytes are one message; of RESOLVE_STREAM a part of what
 * passes over one TCP connection. RESOLVED without bytes says that the connection has ended: what was
 * asked over it will not be answered.
 */
enum resolve_transport { RESOLVE_DATAGRAM = 0, RESOLVE_STREAM = 1, RESOLVE_TRANSPORT_COUNT };

struct msg_resolve {
	struct le16 transport; /* enum resolve_transport */
	struct le16 zero;
};
static_assert(sizeof(struct msg_resolve) == 4, "wire size");

/* Most bytes behind it. */
#define PROTO_RESOLVE_MAX (PROTO_SMALL_MAX - sizeof(struct msg_header) - sizeof(struct msg_resolve))
/* Where such a resolver listens, on the host and so in the guest: 127.0.0.11, as Docker has it. */
#define PROTO_RESOLVER_ADDRESS { 127, 0, 0, 11 }
#define PROTO_RESOLVER_PORT    53u

#define PROTO_RESEED_LEN 32u

struct msg_kill {
	struct le32 signo; /* Linux number, 1 to 64 */
	struct le32 pid;   /* as the container numbers it; 0: every process of the container */
};
static_assert(sizeof(struct msg_kill) == 8, "wire size");

#define PROTO_COMMAND_MAX 128u
#define PROTO_COMM_MAX	  16u
#define PROTO_STAT_MAX	  8u

/* Texts are padded with NUL, and shown only through a sanitizer. */
struct msg_process {
	struct le32 pid, parent; /* as the container numbers them; 0: a parent outside */
	struct le32 uid;	 /* effective, container id */
	struct le32 tty;	 /* device number as in /proc/PID/stat; 0: none */
	struct le64 started; /* s since the epoch */
	struct le64 cpu_ms;  /* spent, by user and system */
	struct le64 resident, virtual_size; /* bytes */
	uint8_t stat[PROTO_STAT_MAX];	    /* state and its marks, as ps(1) writes them */
	uint8_t comm[PROTO_COMM_MAX];	    /* the program's name */
	uint8_t command[PROTO_COMMAND_MAX]; /* arguments, cut */
};
static_assert(sizeof(struct msg_process) == 200, "wire size");

#define PROTO_PROCESSES_MAX 20u
static_assert(sizeof(struct msg_header) + PROTO_PROCESSES_MAX * sizeof(struct msg_process) <=
		      PROTO_SMALL_MAX, "fits a small message");

/* What the guest's kernel counts of a container. Bytes, microseconds, numbers; ~0: no limit. */
enum figure {
	FIGURE_CPU_USAGE, /* microseconds, as the next two */
	FIGURE_CPU_USER,
	FIGURE_CPU_SYSTEM,
	FIGURE_CPU_PERIODS,
	FIGURE_CPU_THROTTLED_PERIODS,
	FIGURE_CPU_THROTTLED, /* microseconds */
	FIGURE_MEMORY,
	FIGURE_MEMORY_LIMIT,
	FIGURE_MEMORY_PEAK,
	FIGURE_MEMORY_FAILURES, /* how often the limit was met */
	FIGURE_OOM_KILLS,
	FIGURE_SWAP,
	FIGURE_SWAP_LIMIT,
	FIGURE_PIDS,
	FIGURE_PIDS_LIMIT,
	FIGURE_ANON, /* from here on lines of memory.stat */
	FIGURE_FILE,
	FIGURE_KERNEL_STACK,
	FIGURE_SLAB,
	FIGURE_SOCK,
	FIGURE_SHMEM,
	FIGURE_FILE_MAPPED,
	FIGURE_FILE_DIRTY,
	FIGURE_FILE_WRITEBACK,
	FIGURE_INACTIVE_ANON,
	FIGURE_ACTIVE_ANON,
	FIGURE_INACTIVE_FILE,
	FIGURE_ACTIVE_FILE,
	FIGURE_UNEVICTABLE,
	FIGURE_PGFAULT,
	FIGURE_PGMAJFAULT,
	FIGURE_COUNT
};
/* What the guest's kernel says of the container's first process and of its cgroup, now. */
struct msg_layers {
	struct le64 caps[5];	    /* in the order of enum plan_cap_set */
	struct le64 memory_max, pids_max; /* ~0: no limit */
	struct le64 nofile;	    /* hard limit */
	struct le32 namespaces;	    /* CLONE_NEW* that are not those of nacre-init */
	struct le32 seccomp;	    /* mode: 2 is a filter */
	struct le32 seccomp_filters;
	struct le32 no_new_privs;
	struct le32 uid_outside, uid_count; /* first line of uid_map, as the guest numbers ids */
	struct le32 n_readonly, n_masked;   /* mounts of the process */
	struct le32 oom_score_adj;  /* two's complement */
	struct le32 zero;
	uint8_t release[64];	    /* uname(2); padded with NUL; shown only through a sanitizer */
	uint8_t label[128];	    /* SELinux's of the process, likewise; empty without a policy */
};
static_assert(sizeof(struct msg_layers) == 296, "wire size");

#endif
