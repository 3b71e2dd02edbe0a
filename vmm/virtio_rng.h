/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-rng (virtio 1.2 §5.4): entropy from the host kernel. */
#ifndef NACRE_VMM_VIRTIO_RNG_H
#define NACRE_VMM_VIRTIO_RNG_H

#include "dev.h"

/* Fills *dev. Main thread, before confinement. */
void virtio_rng_init(struct virtio_dev *dev);

#endif
