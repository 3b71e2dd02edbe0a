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

# A pod with one container, from its making to its end. A second container is refused.
podman_pod_lives()	# [OPTION…] : of the container
{
	podman_does pod create --name nacre-e2e-pod --hostname nacre-pod --network none
	expect_equal "status of pod create" 0 "$STATUS" || show "$ERR"
	podman_does run -d --pod nacre-e2e-pod --name nacre-e2e-member "$@" localhost/busybox \
		sh -c 'trap "exit 5" TERM; hostname; while :; do sleep 0.2; done'
	expect_equal "status of run -d" 0 "$STATUS" || show "$ERR"
	podman_says nacre-pod exec nacre-e2e-member hostname
	podman_does run --rm --pod nacre-e2e-pod localhost/busybox true
	expect_match "a second container" "pod [0-9a-f]+ has the container [0-9a-f]+ already" "$ERR"
	podman_does pod stop nacre-e2e-pod
	expect_equal "status of pod stop" 0 "$STATUS" || show "$ERR"
	podman_says 5 inspect --format '{{.State.ExitCode}}' nacre-e2e-member
	podman_says nacre-pod logs nacre-e2e-member
	podman_does pod rm nacre-e2e-pod
	expect_equal "status of pod rm" 0 "$STATUS" || show "$ERR"
}
