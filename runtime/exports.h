/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nacre-fsd may show to the guest: the root file system and the volumes, each a detached clone
 * of the host's mounts (open_tree) with its own attributes, kept by a descriptor; and the
 * container's mount namespace on the host, in which fsd and monitor live.
 *
 * Paths are the host's, given by whoever may start containers: symbolic links in them are followed,
 * once, here. Paths inside the root file system are the image's and are resolved with openat2().
 */
#ifndef NACRE_RUNTIME_EXPORTS_H
#define NACRE_RUNTIME_EXPORTS_H

#include <stdbool.h>

#include "config.h"
#include "failure.h"

struct exports {
	int root_fd;
	bool root_readonly;
	int *volume_fds; /* in the order of the binds of config->mounts */
	bool *volume_readonly;
	const char **volume_targets;
	bool *volume_is_file;
	size_t n_volumes;
};

/*
 * Opens root and volumes and sets target_is_file of each bind of the configuration. Nothing is made
 * on the host. Returns 0 or -errno with the failure set; exports_close() in either case.
 */
int exports_open(struct exports *exports, struct container_config *config,
		 struct failure *failure);

void exports_close(struct exports *exports);

/* Whether something is mounted below `path`, a directory of the host; false if that cannot be found out. */
bool mounts_below(const char *path);

/*
 * A root file system that the container may only read becomes read-only for the guest as well, once
 * exports_make_needed() has been there. The last thing before others see something. Returns 0 or
 * -errno with the failure set.
 */
int exports_seal(const struct exports *exports, const struct container_config *config,
		 struct failure *failure);

/*
 * A tmpfs takes the mode of the directory that it covers; on what does not exist it is for everybody, as
 * the kernel has it. Where the directory is made before the guest sees it, the mount's options say so;
 * what they say themselves comes behind, and counts.
 */
void exports_note_new_tmpfs(int root_fd, struct container_config *config);

/*
 * Makes what nacre-init will look for in a root file system that it cannot write to, as runc does:
 * mount points (directories, empty files for binds of files), places of devices and the links of /dev,
 * the working directory. root_fd is a clone of it that is not read-only yet. Links of the image are
 * followed inside of it only. Returns 0 or -errno with the failure set.
 */
int exports_make_needed(int root_fd, const struct container_config *config, struct failure *failure);

#endif
