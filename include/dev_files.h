/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every container has in /dev: nacre-init makes it; in a root file system that it cannot write to,
 * nacre has made the places before.
 */
#ifndef NACRE_DEV_FILES_H
#define NACRE_DEV_FILES_H

/*
 * OCI runtime-spec 1.2 config-linux.md "Default Devices"; /dev/ptmx is a link, /dev/console is there
 * with a terminal only.
 */
static const char *const dev_nodes[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
};
#define DEV_NODE_COUNT (sizeof(dev_nodes) / sizeof(dev_nodes[0]))

#define DEV_CONSOLE "/dev/console"

/* OCI runtime-spec 1.2 runtime-linux.md "Dev symbolic links", and the instance of devpts. */
static const struct {
	const char *name, *target;
} dev_links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};
#define DEV_LINK_COUNT (sizeof(dev_links) / sizeof(dev_links[0]))

#endif
