/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-fs devices; see share.h. */
#include "share.h"

#include "kernel.h"

int share_mount(const char *tag, const char *path)
{
	/*
	 * nodev: device nodes in a container's tree would be the guest's devices. Locked in the
	 * containers' mount namespaces, as every flag here.
	 */
	return kernel_mount(tag, path, "virtiofs", MS_NODEV, NULL);
}
