/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template: a file with a machine as it is when nacre-init, booted, first calls the host. VMs that are
 * started from it begin there (docs/templates.md). Up to that point nothing in the guest belongs to a
 * container, and no file system is shared. It has the device for volumes, whether there will be any or not.
 *
 *	0		struct template_key, which `nacre` writes and compares
 *	TEMPLATE_STATE	what nacre-vmm writes and reads (vmm/template.h)
 *
 * A template is only good for the very programs, kernel and host that made it: whatever the key says must
 * be equal to the byte. So what lies behind it needs no versions, and is in the host's own order of bytes.
 */
#ifndef NACRE_VMTEMPLATE_H
#define NACRE_VMTEMPLATE_H

#include <assert.h>
#include <stdint.h>

#define TEMPLATE_MAGIC UINT64_C(0x31504d544352434e) /* "NCRCTMP1" */
#define TEMPLATE_STATE 4096u

/* A file, by what changes when another takes its place. */
struct template_file {
	uint64_t device, inode, size;
	int64_t mtime_ns, ctime_ns;
};

struct template_key {
	uint64_t magic;
	struct template_file vmm, init, kernel;
	uint64_t memory; /* bytes of the VM */
	uint32_t cpus;
	uint32_t net; /* 1: with a network interface */
	char host_release[65], host_version[65]; /* uname(2): KVM's behaviour */
	char zero[6];
};
static_assert(sizeof(struct template_key) == 8 + 3 * 40 + 16 + 136, "no padding");
static_assert(sizeof(struct template_key) <= TEMPLATE_STATE, "room for it");

#endif
