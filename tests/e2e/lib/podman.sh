# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Driving podman with $RUNTIME, in a storage of the subject's own.

# shellcheck source-path=SCRIPTDIR source=podman-does.sh
. "$E2E_DIR/lib/podman-does.sh"
# shellcheck disable=SC2034  # for the subjects
IMAGE=localhost/busybox
# podman leaves a mount in it; the name is one that left_behind passes over.
STORE=$E2E_TOP/$SUBJECT/test

podman_is_ready()
{
	need_command podman conmon crun
	[ "$E2E_PLACE" = emulated ] || [ -e /etc/containers/policy.json ] ||
		skip "no /etc/containers/policy.json"
	[ ! -e "$STORE/ready" ] || return 0
	mkdir -p "$STORE"
	accept_any_image
	cat > "$STORE/containers.conf" <<- EOF
		[containers]
		log_driver="k8s-file"
		netns="none"
		[network]
		network_backend="netavark"
		[engine]
		runtime_supports_json=["crun", "nacre"]
	EOF
	# not --runtime-flag, of which podman's own process that cleans up after a container knows nothing
	mkdir -p "$STORE/bin"
	printf '#!/bin/sh\nexec "%s" --root "%s" "$@"\n' "$(command -v "$RUNTIME")" "$STORE/state" \
		> "$STORE/bin/${RUNTIME##*/}"
	chmod 755 "$STORE/bin/${RUNTIME##*/}"
	tar -C "$ROOTFS" -cf "$STORE/image.tar" .
	in_podman import --quiet "$STORE/image.tar" "$IMAGE" > /dev/null || give_up "podman import failed"
	: > "$STORE/ready"
}

in_podman()	# ARGUMENT…
{
	CONTAINERS_CONF=$STORE/containers.conf podman --root "$STORE/root" --runroot "$STORE/run" \
		--tmpdir "$STORE/tmp" --cgroup-manager cgroupfs --events-backend file \
		--runtime "$STORE/bin/${RUNTIME##*/}" "$@"
}

# After the subject's last test.
podman_is_done()
{
	# shellcheck disable=SC2046  # words
	umount $(sed -n "s,^[^ ]* [^ ]* [^ ]* [^ ]* \($STORE[^ ]*\) .*,\1,p" /proc/self/mountinfo | sort -r) 2> /dev/null
	rm -rf --one-file-system "$STORE"
}
