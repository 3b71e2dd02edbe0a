/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock as the companions use it: every right that the running kernel knows is taken away, and
 * nacre-fsd gives itself back what it needs below its exports. Names and layout are those of
 * <linux/landlock.h>, whose copy in Debian 12 ends with ABI 2: kernels after 6.1 can refuse more.
 */
#ifndef NACRE_LANDLOCK_H
#define NACRE_LANDLOCK_H

#include <linux/landlock.h>
#include <stdint.h>

/* Documentation/userspace-api/landlock.rst: what came with which ABI. */
#define LANDLOCK_FS_ABI1      ((1ull << 13) - 1) /* EXECUTE to MAKE_SYM */
#define LANDLOCK_FS_REFER     (1ull << 13)	 /* ABI 2: link and rename between directories */
#define LANDLOCK_FS_TRUNCATE  (1ull << 14)	 /* ABI 3 */
#define LANDLOCK_FS_IOCTL_DEV (1ull << 15)	 /* ABI 5 */
#define LANDLOCK_ABI_NET      4
#define LANDLOCK_NET_TCP      3ull		 /* ABI 4: bind and connect */
#define LANDLOCK_NET_CONNECT  2ull
#define LANDLOCK_SCOPE_ALL    3ull		 /* ABI 6: abstract UNIX sockets, signals */

/* struct landlock_net_port_attr of ABI 4. */
struct landlock_port {
	uint64_t allowed_access, port;
};
#define LANDLOCK_RULE_PORT 2

/* struct landlock_ruleset_attr of ABI 6. An older kernel takes it as long as what it lacks is 0. */
struct landlock_everything {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/* All that a kernel with this ABI (1 or more) can refuse. */
static inline struct landlock_everything landlock_everything_of(int abi)
{
	struct landlock_everything all = { .handled_access_fs = LANDLOCK_FS_ABI1 };

	if (abi >= 2)
		all.handled_access_fs |= LANDLOCK_FS_REFER;
	if (abi >= 3)
		all.handled_access_fs |= LANDLOCK_FS_TRUNCATE;
	if (abi >= LANDLOCK_ABI_NET)
		all.handled_access_net = LANDLOCK_NET_TCP;
	if (abi >= 5)
		all.handled_access_fs |= LANDLOCK_FS_IOCTL_DEV;
	if (abi >= 6)
		all.scoped = LANDLOCK_SCOPE_ALL;
	return all;
}

#endif
