/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of config.json that nacre carries out, straight from the tables by which it reads them: for
 * `nacre features` and `nacre spec`. Each function gives the word number `i`, NULL behind the last.
 */
#ifndef NACRE_RUNTIME_KNOWN_WORDS_H
#define NACRE_RUNTIME_KNOWN_WORDS_H

#include <stddef.h>
#include <stdint.h>

typedef const char *known_words_fn(size_t i);

known_words_fn known_hook;		 /* config_hooks.c */
known_words_fn known_namespace;		 /* config_linux.c */
known_words_fn known_mount_option;	 /* mount_options.c */
known_words_fn known_seccomp_action;	 /* config_seccomp.c */
known_words_fn known_seccomp_operator;	 /* config_seccomp.c */
known_words_fn known_seccomp_flag;	 /* config_seccomp.c */
known_words_fn known_capability;	 /* caps.c: number i */
known_words_fn known_annotation;	 /* config_pod.c: changes what is run */

/* The CLONE_NEW* bit of namespace number i. */
uint32_t known_namespace_flag(size_t i);

/* The option that sets one MS_* flag, NULL if none does. */
const char *known_mount_option_of(uint32_t flag);

/* "RLIMIT_NOFILE" and so on, NULL if unknown. */
const char *known_rlimit_of(uint32_t resource);

#endif
