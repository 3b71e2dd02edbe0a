/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel counts of a container: enum figure of include/proto.h, from its cgroup. */
#ifndef NACRE_INIT_FIGURES_H
#define NACRE_INIT_FIGURES_H

#include "proto.h"

/* Fills in all figures; one that this kernel does not have is 0. `cgroup` is the directory. */
void figures_read(int cgroup, struct le64 figures[FIGURE_COUNT]);

#endif
