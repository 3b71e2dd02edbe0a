/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The annotations nacre.* of config.json. They come from whoever may start a pod, and so act only where
 * nacre.conf lists them in allow_annotations.
 */
#ifndef NACRE_RUNTIME_ANNOTATIONS_H
#define NACRE_RUNTIME_ANNOTATIONS_H

#include "conf.h"
#include "config.h"
#include "failure.h"

/*
 * Sets in conf what the allowed ones say and adds the block volumes that nacre.block names, separated by
 * commas; a warning for each that is not allowed or not known. 0, or -EINVAL with the failure set.
 */
int annotations_apply(struct container_config *config, struct conf *conf, struct failure *failure);

#endif
