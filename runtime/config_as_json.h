/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as the config.json that it could have been read from. */
#ifndef NACRE_RUNTIME_CONFIG_AS_JSON_H
#define NACRE_RUNTIME_CONFIG_AS_JSON_H

#include "config.h"

/*
 * Of a configuration that config_set_defaults() made: process, root, mounts without binds,
 * namespaces, masked and read-only paths, id mappings. A new reference.
 */
struct json_t *config_as_json(const struct container_config *config);

#endif
