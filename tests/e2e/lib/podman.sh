# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Driving podman with $RUNTIME, in a storage of the subject's own.

RUNTIME=${NACRE_TEST_RUNTIME:-$NACRE}
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
	mkdir -p "$STORE" /etc/containers
	[ -e /etc/containers/policy.json ] ||
		echo '{"default":[{"type":"insecureAcceptAnything"}]}' > /etc/containers/policy.json
	cat > "$STORE/containers.conf" <<- EOF
		[containers]
		log_driver="k8s-file"
		netns="none"
		[network]
		network_backend="netavark"
		[engine]
		runtime_supports_json=["crun", "nacre"]
	EOF
	tar -C "$ROOTFS" -cf "$STORE/image.tar" .
	in_podman import --quiet "$STORE/image.tar" "$IMAGE" > /dev/null || give_up "podman import failed"
	: > "$STORE/ready"
}

in_podman()	# ARGUMENT…
{
	CONTAINERS_CONF=$STORE/containers.conf podman --root "$STORE/root" --runroot "$STORE/run" \
		--tmpdir "$STORE/tmp" --cgroup-manager cgroupfs --events-backend file \
		--runtime "$RUNTIME" --runtime-flag "root=$STORE/state" "$@"
}

# Runs podman to its end. Sets STATUS, OUT, ERR.
podman_does()	# ARGUMENT…
{
	in_podman "$@" < /dev/null > out 2> err
	STATUS=$?
	take_output
}

# Runs podman, which must succeed with that output.
podman_says()	# OUT ARGUMENT…
{
	local wanted=$1

	shift
	podman_does "$@"
	expect_equal "status of: podman $*" 0 "$STATUS" || show "$ERR"
	expect_equal "output of: podman $*" "$wanted" "$OUT"
}

# After the subject's last test.
podman_is_done()
{
	# shellcheck disable=SC2046  # words
	umount $(sed -n "s,^[^ ]* [^ ]* [^ ]* [^ ]* \($STORE[^ ]*\) .*,\1,p" /proc/self/mountinfo | sort -r) 2> /dev/null
	rm -rf --one-file-system "$STORE"
}
