/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a new tmpfs with what the image has at that place: the mount option "tmpcopyup". */
#ifndef NACRE_INIT_COPY_UP_H
#define NACRE_INIT_COPY_UP_H

/*
 * Copies what is in the directory `from` (an O_PATH descriptor is enough) into the directory `to`:
 * directories, files, links, pipes, with owner, mode and times, and the mode, owner and times of the
 * directory itself. Devices and sockets are passed over, nothing that is mounted below `from` is
 * followed. The tree is an image's, and hostile: nothing is followed by name twice, depth is
 * bounded. 0 or -errno.
 */
int copy_up(int from, int to);

#endif
