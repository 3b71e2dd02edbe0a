/* SPDX-License-Identifier: Apache-2.0 */
/* What `nacre doctor` finds out about this host. */
#ifndef NACRE_RUNTIME_DOCTOR_H
#define NACRE_RUNTIME_DOCTOR_H

#include "arena.h"

enum finding_kind {
	FINDING_OK,
	FINDING_LESS,	 /* works, with something less: `advice` says what to do */
	FINDING_MISSING, /* nacre cannot run containers */
	FINDING_COUNT
};

struct finding {
	enum finding_kind kind;
	const char *text;   /* what is, one line */
	const char *advice; /* what to do about it, NULL if nothing */
};

/* KVM: there, ours to use, hardware or software (doctor_kvm.c). */
struct finding doctor_kvm(struct arena *arena);

/* Each of the others looks at one thing (doctor_host.c). */
typedef struct finding doctor_fn(struct arena *arena);
doctor_fn doctor_installation, doctor_cgroup, doctor_moves, doctor_ends, doctor_delegation, doctor_userns,
	doctor_subids, doctor_selinux, doctor_apparmor, doctor_landlock, doctor_net;

#endif
