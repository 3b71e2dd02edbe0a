/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of processors or memory nodes as cpuset(7) "List Format" has them: "0-3,8". */
#ifndef NACRE_RUNTIME_CPUSET_H
#define NACRE_RUNTIME_CPUSET_H

/* How many numbers a list names, or -EINVAL when it is none. Numbers are at most 65535. */
int cpuset_count(const char *list);

#endif
