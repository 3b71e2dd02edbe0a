/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ROOTs of one host. Engines have one each (podman, containerd for each of its namespaces), and what keeps
 * containers apart, host ids and categories, is to be apart from those of all. So every ROOT is noted in one
 * directory beside the default one, and host ids and categories are chosen under its lock:
 *
 *   /run/nacre-roots/DEVICE-INODE    symbolic link to a ROOT; a user's: $XDG_RUNTIME_DIR/nacre-roots
 *
 * The file `.ends` there is of vm_ends.h; names with a dot are no links. Of other users' containers nothing can be
 * known, and nothing need be: their ids are others.
 */
#ifndef NACRE_RUNTIME_STATE_ROOTS_H
#define NACRE_RUNTIME_STATE_ROOTS_H

#include "arena.h"
#include "state_sweep.h"

/*
 * Takes the lock of `all`, that directory, made if need be, and notes ROOT there; before the lock of ROOT is
 * taken. Returns a descriptor that holds the lock, or -errno: a host that has no place for it, where containers
 * of several ROOTs are apart by chance alone.
 */
int roots_lock(const char *all, int root_fd, const char *root);

/*
 * Notes what the containers of all ROOTs but root_fd's hold. Removes links to what is gone; nothing of the
 * ROOTs themselves. Under the lock.
 */
void roots_sweep(struct sweep *sweep, int all_fd, int root_fd, struct arena *arena);

#endif
