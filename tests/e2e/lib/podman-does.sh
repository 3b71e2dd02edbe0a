# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Asking podman, whoever drives it: in_podman is podman.sh's or podman-user.sh's.

RUNTIME=${NACRE_TEST_RUNTIME:-$NACRE}

accept_any_image()
{
	mkdir -p /etc/containers
	[ -e /etc/containers/policy.json ] ||
		echo '{"default":[{"type":"insecureAcceptAnything"}]}' > /etc/containers/policy.json
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
