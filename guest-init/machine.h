/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest machine around the containers: its file systems, log, clock, entropy, and its end.
 * Paths here are those of init's own mount namespace, which no container shares.
 */
#ifndef NACRE_INIT_MACHINE_H
#define NACRE_INIT_MACHINE_H

#include <stdint.h>

/* Where the virtio-fs device of class root is mounted: NUMBER/root is a container's root. */
#define MACHINE_ROOTS "/run/nacre/fs"
/* Where the one of class volume is mounted: NUMBER/mounts/N is a container's export N. */
#define MACHINE_VOLUMES "/run/nacre/volumes"
/* An empty directory on which each container puts its root, in its own mount namespace. */
#define MACHINE_PIVOT "/run/nacre/pivot"
/* Device nodes that containers ask for: NUMBER/N. Below the only mount that allows devices. */
#define MACHINE_DEVICES "/dev/nacre"
/* The file system of cgroups, and in it the parent of the containers'. */
#define MACHINE_CGROUPS "/sys/fs/cgroup"
#define MACHINE_CGROUP  "/sys/fs/cgroup/nacre"

/*
 * Open files of a process whose plan says nothing: systemd's defaults, which containers are used to.
 * The kernel's own hard limit is 4096. The hard one is also init's.
 */
#define MACHINE_FILES_SOFT 1024u
#define MACHINE_FILES_HARD 524288u

/*
 * Gives the machine its file systems, with a root that pivot_root(2) accepts, and its log. Called
 * once, first of all. Any failure is the end of the machine.
 */
void machine_mount(void);

/*
 * Parameters of the kernel that this machine wants otherwise than the kernel's makers. Called once,
 * after machine_mount().
 */
void machine_set_parameters(void);

/* Writes one line, with the name of this program before it, to the kernel's log. */
void machine_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Resets the machine: what has to be said has been said. The kernel's command line has reboot=t. */
_Noreturn void machine_reset(void);

/* For what cannot go on: one line to the kernel's log, then the reset. */
_Noreturn void machine_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Mixes `len` bytes (at most 64) into the kernel's generator, credits them and reseeds it. -errno.
 */
int machine_reseed(const uint8_t *seed, uint32_t len);

/* Writes the shared file systems out. May take as long as the host does. */
void machine_sync(void);

/* Sets CLOCK_REALTIME to `ns` since the epoch. 0 or -errno. */
int machine_set_clock(uint64_t ns);

/* The same, if that is later than the clock is. */
int machine_set_clock_forward(uint64_t ns);

/*
 * The same, but a small difference is made up for slowly: no second is lost or seen twice. `ns` may be wrong by
 * `tolerance` ns either way, and the clock is corrected as far as is certain.
 */
int machine_adjust_clock(uint64_t ns, uint64_t tolerance);

#endif
