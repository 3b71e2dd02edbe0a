/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of creation.h share: the making of a container, and of templates for it. */
#ifndef NACRE_RUNTIME_CREATION_PARTS_H
#define NACRE_RUNTIME_CREATION_PARTS_H

#include <stdbool.h>

#include "creation.h"

/* Whether there will be an interface that a tap serves, or a device for one that comes. */
bool creation_has_net(const struct creation *creation);

/* Chooses the labels of SELinux. 0, or -errno with the failure set. */
int creation_make_labels(struct creation *creation);

/* Makes what others can see: state and cgroup. 0, or -errno with the failure set. */
int creation_make_state(struct creation *creation);

/*
 * Opens a machine like this one that has booted, if there is one and this one may begin as its copy. After the
 * size was chosen and the interfaces were read, before the plan is compiled.
 */
void creation_open_template(struct creation *creation);

/*
 * Makes that template and opens it, if there is none, one may be, and it is time for it (templates_claim()). True
 * when it is open: the plan is to be compiled once more. What fails here keeps no container from booting.
 */
bool creation_make_template_first(struct creation *creation);

/* Fills the configuration of a container of nacre's own, with the other's nacre.conf. 0, or -errno with the failure set. */
int creation_configure_own(struct creation *creation, const struct creation *other);

/*
 * Does the work in a child that says nothing, dies with its parent, and has streams and signals to itself; waits for it
 * for `ms` milliseconds, and ends it then. 0, or -errno with the failure set to the child's.
 */
typedef int creation_work(void *ctx, struct failure *failure);
int creation_in_child(creation_work *work, void *ctx, int ms, struct failure *failure);

/*
 * Begins a container as a copy of the template, which is open for reading and writing, and waits for its end
 * (creation_trial.c). 0, or -errno with the failure set.
 */
int creation_try_template(struct creation *made, int template_fd, bool net);

/* Whether the VMM of a container that is there has booted: it does where the template is of another processor than this. */
bool creation_has_booted(const struct creation *creation);

/* Removes a template whose copy did not come up. After the session's end. */
void creation_discard_template(struct creation *creation);

#endif
