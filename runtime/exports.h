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
 * Opens root and volumes and sets target_is_file of each bind of the configuration. Nothing becomes
 * visible on the host. Returns 0 or -errno with the failure set; exports_close() in either case.
 */
int exports_open(struct exports *exports, struct container_config *config,
		 struct failure *failure);

void exports_close(struct exports *exports);

/*
 * Makes what is missing of the mounts' destinations in a root file system that the guest will not be
 * able to write to, as runc does: directories, empty files for binds of files. root_fd is a clone of
 * it that is not read-only yet. Links of the image are followed inside of it only. Returns 0 or
 * -errno with the failure set.
 */
int exports_make_mount_points(int root_fd, const struct container_config *config,
			      struct failure *failure);

#endif
