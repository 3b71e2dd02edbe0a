#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Pods: a sandbox without a VM, its first container with one, a second one that is refused.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/podman.sh
. "$E2E_DIR/lib/podman.sh"

LIMITS[test_a_pod]=120
LIMITS[test_a_pod_of_podman]=300

# Creates a container of bundle/ and goes on. Sets PID.
create()	# ID
{
	"$NACRE" "${E2E_ROOT[@]}" create --bundle bundle --pid-file pid "$1" > "output-$1" 2>&1 < /dev/null
	expect_equal "status of create $1" 0 $? || show "$(< "output-$1")"
	PID=$(< pid)
}

verb()	# ARGUMENT…
{
	nacre "$@"
	expect_status 0
	expect_silent
}

is_in_state()	# ID STATUS
{
	nacre state "$1"
	[[ $OUT == *"\"status\": \"$2\""* ]]
}

annotate()	# JSON MEMBERS
{
	edit '"ociVersion"' "\"annotations\": {$1}, \"ociVersion\""
}

# The bundle of a container of the pod whose sandbox is the process SANDBOX_PID.
make_member()	# COMMAND…
{
	make_bundle "$@"
	edit '"hostname": "runc",' ''
	annotate '"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "nacre-e2e-pod"'
	edit '"type": "network"' "\"type\": \"network\", \"path\": \"/proc/$SANDBOX_PID/ns/net\""
	edit '"type": "ipc"' "\"type\": \"ipc\", \"path\": \"/proc/$SANDBOX_PID/ns/ipc\""
	edit '"type": "uts"' "\"type\": \"uts\", \"path\": \"/proc/$SANDBOX_PID/ns/uts\""
}

test_a_pod()
{
	make_bundle /pause
	edit '"hostname": "runc"' '"hostname": "nacre-pod"'
	edit '"linux": {' '"linux": {"sysctl": {"net.ipv4.ip_default_ttl": "33"}, '
	annotate '"io.kubernetes.cri.container-type": "sandbox"'
	create nacre-e2e-pod
	SANDBOX_PID=$PID
	expect_equal "VMMs of a sandbox" "" "$(process_named nacre-vmm)"
	is_in_state nacre-e2e-pod created || failed "the sandbox is not created"
	verb start nacre-e2e-pod
	is_in_state nacre-e2e-pod running || failed "the sandbox does not run"
	[ "/proc/$SANDBOX_PID/root/bin" -ef "$ROOTFS/bin" ] || failed "the sandbox' / is not its own"
	[ "$(readlink "/proc/$SANDBOX_PID/ns/net")" != "$(readlink /proc/self/ns/net)" ] ||
		failed "the sandbox is in the host's network namespace"
	expect_match "capabilities and filter of the sandbox" $'CapEff:\t0+\n.*NoNewPrivs:\t1\n.*Seccomp:\t2' \
		"$(< "/proc/$SANDBOX_PID/status")"
	nacre exec nacre-e2e-pod true
	expect_status 1
	expect_one_line 'nacre-e2e-pod: the sandbox of a pod has no VM'
	nacre ps --format json nacre-e2e-pod
	expect_success '[]'
	nacre ps nacre-e2e-pod
	expect_status 0
	expect_match "the headings alone" '^UID .*CMD$' "$OUT"
	verb pause nacre-e2e-pod
	is_in_state nacre-e2e-pod paused || failed "the sandbox is not paused"
	verb resume nacre-e2e-pod
	is_in_state nacre-e2e-pod running || failed "the sandbox does not run again"

	make_member sh -c 'hostname; cat /proc/sys/net/ipv4/ip_default_ttl; echo ready; while :; do sleep 0.2; done'
	create nacre-e2e-member
	[ "$(readlink "/proc/$PID/ns/net")" = "$(readlink "/proc/$SANDBOX_PID/ns/net")" ] ||
		failed "the container is not in the pod's network namespace"
	verb start nacre-e2e-member
	wait_until $((5 * E2E_SLOW)) has_line output-nacre-e2e-member ready || failed "the container does not run"
	expect_equal "what the container has of its pod" $'nacre-pod\n33\nready' "$(< output-nacre-e2e-member)"
	nacre create --bundle bundle nacre-e2e-second
	expect_status 1
	expect_one_line 'nacre-e2e-second: pod nacre-e2e-pod has the container nacre-e2e-member already'

	# when it has stopped there is room for another: a restart
	verb kill nacre-e2e-member KILL
	wait_until $((5 * E2E_SLOW)) is_in_state nacre-e2e-member stopped || failed "the container does not stop"
	make_member true
	create nacre-e2e-second
	verb start nacre-e2e-second
	wait_until $((5 * E2E_SLOW)) is_in_state nacre-e2e-second stopped || failed "the second container does not stop"
	verb delete nacre-e2e-member
	verb delete nacre-e2e-second
	verb kill --all nacre-e2e-pod TERM
	wait_until $((5 * E2E_SLOW)) is_in_state nacre-e2e-pod stopped || failed "the sandbox does not stop"
	verb delete nacre-e2e-pod
	expect_equal "nothing left" "" "$(left_behind)"
}

# By cgroupfs podman 4.3 forbids all devices in a pod's cgroup: crun then cannot make /dev/null.
test_a_pod_of_podman()
{
	[ "$RUNTIME" = "$NACRE" ] || skip "other runtimes cannot make devices in the cgroup of podman's pod"
	podman_is_ready
	need_command catatonit
	podman_pod_lives --memory 64m
	expect_equal "state of the runtime" "" "$(ls "$STORE/state")"
}

run_subject "$@"
podman_is_done
