/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nacre-vmm's virtio-fs device and nacre-fsd say to each other.
 *
 * One SOCK_SEQPACKET pair per container. The VMM copies a FUSE request out of guest memory once,
 * puts a struct broker_header before it and sends it; nacre-fsd answers with the same tag before the FUSE
 * reply (struct fuse_out_header and body). A packet holds one reply, or one request, before which there may
 * be others that have no answer; what they say of their lengths makes up the packet. Wire types of FUSE are those of
 * <linux/fuse.h>, protocol 7.36, in the byte order of the machine, as FUSE has it.
 *
 * Never sent here: FUSE_INIT and FUSE_DESTROY (the VMM answers them), FUSE_INTERRUPT (dropped),
 * FUSE_READ and FUSE_WRITE (the VMM does them on the donated descriptor). FUSE_FORGET and
 * FUSE_BATCH_FORGET are sent and have no answer, nor has what is sent with BROKER_TAG_QUIET.
 *
 * Node ids. FUSE node 1 is the VMM's own: a directory that lists one entry per container, its name
 * the container's number in decimal. Every other node id carries, in its bits 48 to 62, the number
 * of the container plus 1; the VMM routes by these bits and answers EXDEV when the two nodes of a
 * RENAME, RENAME2 or LINK differ in them. nacre-fsd is told its number and gives out whole ids.
 * broker_root_node() is its own root, which has two entries: `root` (the container's root file
 * system) and `mounts` (a directory with the volumes, `0`, `1`, ...: directories or files).
 *
 * A guest mounts up to two virtio-fs devices of one VM, which differ in what FUSE negotiates per
 * session: BROKER_CLASS_ROOT has the writeback cache and long timeouts and shows `root` only,
 * BROKER_CLASS_VOLUME writes through, with timeouts of at most 1 s, and shows `mounts` only. The
 * header says through which the request came.
 *
 * Handles. nacre-fsd numbers open files and directories with small integers, below BROKER_HANDLES.
 * The answer to OPEN and CREATE of a regular file carries exactly one descriptor (SCM_RIGHTS), which
 * the VMM keeps under (container, fh) until RELEASE and checks: regular file, access mode as
 * asked, no O_APPEND. Answers to anything else carry none, but one: a LOOKUP that says BROKER_OPEN_AHEAD
 * is asked to open what it finds, for reading, so that an OPEN need not be asked for. If nacre-fsd does (it
 * need not), a struct fuse_open_out follows the entry, as in the answer to CREATE, with its descriptor.
 *
 * A handle whose answer says BROKER_MAY_KEEP may be used again by the VMM: after RELEASE it can serve the next
 * OPEN of the same node for reading, and nacre-fsd hears of no RELEASE before the VMM is done with it.
 */
#ifndef NACRE_BROKER_H
#define NACRE_BROKER_H

#include <assert.h>

#include "bytes.h"

struct broker_header {
	uint32_t tag;	/* chosen by the VMM, given back; below BROKER_TAGS */
	uint16_t class; /* enum broker_class */
	uint16_t flags; /* of a request: BROKER_OPEN_AHEAD */
};
static_assert(sizeof(struct broker_header) == 8, "wire size");

enum broker_class { BROKER_CLASS_ROOT = 0, BROKER_CLASS_VOLUME = 1, BROKER_CLASS_COUNT };

/* Requests in flight at once, over all devices of a VM. */
#define BROKER_TAGS    256u
/* A tag that is none: the session of this class is over. */
#define BROKER_TAG_RESET UINT32_MAX
/* Nobody waits for an answer, and none is sent: a RELEASE that the VMM has answered already. */
#define BROKER_TAG_QUIET (UINT32_MAX - 1)
/* LOOKUP: see above. */
#define BROKER_OPEN_AHEAD 1u
/* In fuse_open_out.padding, which the guest gets as 0. */
#define BROKER_MAY_KEEP 1u
/* Open handles of one container at once; one more is ENFILE. */
#define BROKER_HANDLES 16384u
/* Longest FUSE request and reply on the socket, struct broker_header not counted. */
#define BROKER_MSG_MAX (64u * 1024u + 4096u)

#define BROKER_NODE_SHIFT 48
#define BROKER_NODE_MASK  ((UINT64_C(1) << BROKER_NODE_SHIFT) - 1)

static inline uint64_t broker_root_node(uint32_t container)
{
	return ((uint64_t)container + 1) << BROKER_NODE_SHIFT | 1;
}

#endif
