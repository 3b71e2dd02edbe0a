/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the reader of config.json, one file each; config_json.c puts them together. */
#ifndef NACRE_RUNTIME_CONFIG_PARTS_H
#define NACRE_RUNTIME_CONFIG_PARTS_H

#include "config.h"
#include "json_reader.h"

/* Each reads one value into a struct container_config; 0, or -EINVAL with the failure set. */
int config_read_process(struct json_reader *reader, json_t *value, void *config);
/* Adds to the struct config_id_maps at `maps`. */
int config_read_id_map(struct json_reader *reader, json_t *value, void *maps);
int config_read_mount(struct json_reader *reader, json_t *value, void *config);
int config_read_linux(struct json_reader *reader, json_t *value, void *config);
int config_read_seccomp(struct json_reader *reader, json_t *value, void *config);
int config_read_block_io(struct json_reader *reader, json_t *value, void *config);
int config_read_hooks(struct json_reader *reader, json_t *value, void *config);
int config_read_resources(struct json_reader *reader, json_t *value, void *config);

#endif
