/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The removal of a container whose process has ended (OCI runtime-spec 1.2 runtime.md "Lifecycle", 12. and
 * 13.): delete's, and that of a start whose hook failed.
 */
#ifndef NACRE_RUNTIME_REMOVAL_H
#define NACRE_RUNTIME_REMOVAL_H

#include "state.h"

/*
 * Ends what runs still, undoes what create made, and runs the poststop hooks. The state is locked, and remains
 * the caller's to close. What cannot be undone is a warning.
 */
void removal_run(struct state *state);

#endif
