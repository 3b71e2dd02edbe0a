/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioctl() with an unsigned request: KVM's numbers have bit 31 set and musl declares an int. The
 * kernel looks at 32 bits only. Files that include <linux/kvm.h> only.
 */
#ifndef NACRE_VMM_KVM_CALL_H
#define NACRE_VMM_KVM_CALL_H

#include <stdint.h>
#include <sys/ioctl.h>

#ifdef __GLIBC__ /* the unit tests */
typedef unsigned long kvm_request;
#else
typedef int kvm_request;
#endif

static inline int kvm_call(int fd, unsigned long request, uintptr_t arg)
{
	return ioctl(fd, (kvm_request)request, arg);
}

static inline int kvm_call_ptr(int fd, unsigned long request, void *arg)
{
	return kvm_call(fd, request, (uintptr_t)arg);
}

#endif
