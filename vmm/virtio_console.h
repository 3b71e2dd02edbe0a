/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-console (virtio 1.2 §5.3), output only: the debug console of --console-log. */
#ifndef NACRE_VMM_VIRTIO_CONSOLE_H
#define NACRE_VMM_VIRTIO_CONSOLE_H

#include "dev.h"

/* Bytes of output that are kept; what comes after is dropped. */
#define CONSOLE_LOG_MAX (1024u * 1024u)

/* Fills *dev; what the guest writes goes to out_fd. Main thread, before confinement. */
void virtio_console_init(struct virtio_dev *dev, int out_fd);

#endif
