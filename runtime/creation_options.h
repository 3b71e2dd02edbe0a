/* SPDX-License-Identifier: Apache-2.0 */
/* Options that create and run have in common, as rows for their tables (options.h). */
#ifndef NACRE_RUNTIME_CREATION_OPTIONS_H
#define NACRE_RUNTIME_CREATION_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct creation_options {
	const char *bundle, *config, *kernel, *console_log, *pid_file, *console_socket;
	uint64_t preserve_fds;
	bool no_pivot, no_new_keyring, no_subreaper; /* for callers that give them: of no effect in a VM */
};

/* Rows for a struct creation_options at `base` in the verb's structure. */
#define CREATION_OPTION_ROWS(base)                                                                 \
	{ .name = "bundle", .letter = 'b', .kind = OPTION_STRING, .argument = "DIR",               \
	  .offset = (base) + offsetof(struct creation_options, bundle),                            \
	  .help = "the OCI bundle in DIR, named ID" },                                             \
	{ .name = "config", .letter = 'f', .kind = OPTION_STRING, .argument = "FILE",              \
	  .offset = (base) + offsetof(struct creation_options, config),                            \
	  .help = "in place of the bundle's config.json" },                                        \
	{ .name = "pid-file", .kind = OPTION_STRING, .argument = "FILE",                           \
	  .offset = (base) + offsetof(struct creation_options, pid_file),                          \
	  .help = "write the container's pid here" },                                              \
	{ .name = "console-socket", .kind = OPTION_STRING, .argument = "SOCKET",                   \
	  .offset = (base) + offsetof(struct creation_options, console_socket),                    \
	  .help = "send the container's terminal to this UNIX socket" },                           \
	{ .name = "preserve-fds", .kind = OPTION_NUMBER, .argument = "N",                          \
	  .offset = (base) + offsetof(struct creation_options, preserve_fds), .max = 1024,         \
	  .expected = "a number of descriptors",                                                   \
	  .help = "pass on descriptors 3 to N+2, if they are streams" },                           \
	{ .name = "no-pivot", .kind = OPTION_FLAG,                                                 \
	  .offset = (base) + offsetof(struct creation_options, no_pivot),                          \
	  .help = "accepted; of no effect in a VM" },                                              \
	{ .name = "no-new-keyring", .kind = OPTION_FLAG,                                           \
	  .offset = (base) + offsetof(struct creation_options, no_new_keyring),                    \
	  .help = "accepted; of no effect in a VM" },                                              \
	{ .name = "no-subreaper", .kind = OPTION_FLAG,                                             \
	  .offset = (base) + offsetof(struct creation_options, no_subreaper),                      \
	  .help = "accepted; of no effect in a VM" },                                              \
	{ .name = "kernel", .kind = OPTION_STRING, .argument = "FILE",                             \
	  .offset = (base) + offsetof(struct creation_options, kernel),                            \
	  .help = "the guest's kernel (else the installed one)" },                                 \
	{ .name = "console-log", .kind = OPTION_STRING, .argument = "FILE",                        \
	  .offset = (base) + offsetof(struct creation_options, console_log),                       \
	  .help = "write the guest kernel's console here" }

#endif
