/* SPDX-License-Identifier: Apache-2.0 */
/* What `nacre --version` finds in the program's file. Nothing refers to it: kept all the same. */
#if __has_attribute(retain)
#define KEPT __attribute__((used, retain))
#else
#define KEPT __attribute__((used))
#endif

static const char version[] KEPT = "nacre-init version " NACRE_VERSION "+" NACRE_COMMIT;
