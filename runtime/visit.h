/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be done in another namespace is done by a thread that enters it (setns(2) concerns the thread
 * alone) and ends, while nacre's own waits: so nobody has to come back, which the namespace that nacre was
 * started in may refuse (below podman of an ordinary user it belongs to a user namespace above).
 */
#ifndef NACRE_RUNTIME_VISIT_H
#define NACRE_RUNTIME_VISIT_H

typedef int visit_fn(void *ctx);

/*
 * Runs `work` in the namespace ns_fd, of the kind `type` (CLONE_NEW*), or with -1 in a new one. *result is
 * what it returns. 0, or -errno when the namespace cannot be made or entered.
 */
int visit_namespace(int ns_fd, int type, visit_fn *work, void *ctx, int *result);

#endif
