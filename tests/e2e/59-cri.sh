#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# containerd's CRI plugin, as a kubelet drives it: a pod with one container and a network of CNI, exec, logs,
# stats, stop, rm. NACRE_TEST_RUNTIME=runc runs the same against another runtime.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containerd.sh
. "$E2E_DIR/lib/containerd.sh"

LIMITS[test_a_pod]=300

RUNTIME=${NACRE_TEST_RUNTIME:-$NACRE}
PLUGINS=/usr/lib/cni

# An image of the built-in tree at ./image.tar, as `docker save` writes one.
make_image()
{
	local sum

	mkdir image
	tar -C "$ROOTFS" -cf image/layer.tar .
	sum=$(sha256sum < image/layer.tar)
	printf '{"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sleep", "100000"], "Env": ["PATH=/bin"]},
		"rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' "${sum%% *}" > image/config.json
	echo '[{"Config": "config.json", "RepoTags": ["localhost/busybox:latest"], "Layers": ["layer.tar"]}]' > image/manifest.json
	tar -C image -cf image.tar .
}

# containerd with everything of its own below ./c. Sets DAEMON.
start_containerd()
{
	need_command containerd ctr containerd-shim-runc-v2 iptables
	/usr/bin/python3 -c 'import grpc' 2> /dev/null || skip "python3-grpcio is not installed"
	[ "$E2E_PLACE" = emulated ] || skip "containerd makes bridges here: in an emulated host only"
	[ -x $PLUGINS/ptp ] || skip "containernetworking-plugins is not installed"
	mkdir c c/net
	cat > c/config.toml <<- EOF
		version = 2
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "localhost/busybox:latest"
		restrict_oom_score_adj = true
		[plugins."io.containerd.grpc.v1.cri".cni]
		bin_dir = "$PLUGINS"
		conf_dir = "$PWD/c/net"
		[plugins."io.containerd.grpc.v1.cri".containerd]
		default_runtime_name = "tested"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested]
		runtime_type = "io.containerd.runc.v2"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested.options]
		BinaryName = "$(command -v "$RUNTIME")"
	EOF
	echo '{"cniVersion": "0.4.0", "name": "nacre-e2e-cri", "plugins": [{"type": "ptp",
		"ipam": {"type": "host-local", "dataDir": "'"$PWD"'/c/addresses", "subnet": "10.97.3.0/24"}}]}' > c/net/10-net.conflist
	run_containerd
	make_image
	in_ctr images import image.tar > imported 2>&1 || give_up "the image is not imported: $(< imported)"
}

in_ctr()	# ARGUMENT…
{
	ctr --address "$PWD/c/sock" --namespace k8s.io "$@"
}

test_a_pod()
{
	local answers i

	start_containerd
	mkdir logs volume
	echo from the host > volume/file
	cat > asked <<- EOF
		RunPodSandbox {"config": {"metadata": {"name": "pod", "uid": "u1", "namespace": "default"}, "hostname": "nacre-pod", "log_directory": "$PWD/logs", "linux": {"sysctls": {"net.ipv4.ip_default_ttl": "33"}}}}
		PodSandboxStatus {"pod_sandbox_id": "@pod"}
		CreateContainer {"pod_sandbox_id": "@pod", "sandbox_config": "@config", "config": {"metadata": {"name": "one"}, "image": {"image": "localhost/busybox:latest"}, "command": ["sh", "-c", "echo up; echo oops >&2; trap \"echo term; exit 5\" TERM; while :; do sleep 0.2; done"], "log_path": "one.log", "mounts": [{"container_path": "/v", "host_path": "$PWD/volume"}], "linux": {"resources": {"memory_limit_in_bytes": 67108864}}}}
		StartContainer {"container_id": "@container"}
		ExecSync {"container_id": "@container", "timeout": 60, "cmd": ["sh", "-c", "hostname; cat /proc/sys/net/ipv4/ip_default_ttl /v/file /sys/fs/cgroup/memory.max; ip -o -4 addr show eth0 | grep -c 10.97.3; echo bad >&2; exit 4"]}
		ExecSync {"container_id": "@container", "timeout": 60, "cmd": ["no-such-program"]}
		wait 20 ContainerStats {"container_id": "@container"} working_set_bytes
		ContainerStatus {"container_id": "@container"}
		StopContainer {"container_id": "@container", "timeout": 30}
		ContainerStatus {"container_id": "@container"}
		RemoveContainer {"container_id": "@container"}
		StopPodSandbox {"pod_sandbox_id": "@pod"}
		RemovePodSandbox {"pod_sandbox_id": "@pod"}
	EOF
	"$E2E_DIR/lib/cri.py" "$PWD/c/sock" < asked > answers 2> err || show "$(< err)"
	mapfile -t answers < answers
	i=0
	expect_answer 'RunPodSandbox {"pod_sandbox_id": "[0-9a-f]+"}'
	expect_answer 'PodSandboxStatus {"status": {"network": {"ip": "10.97.3.[0-9]+"}}}'
	expect_answer 'CreateContainer {"container_id": "[0-9a-f]+"}'
	expect_answer 'StartContainer {}'
	expect_answer 'ExecSync {"exit_code": 4, "stderr": "bad\\n", "stdout": "nacre-pod\\n33\\nfrom the host\\n67108864\\n1\\n"}'
	expect_answer 'ExecSync error: .*executable file .*not found in .PATH.*'
	expect_answer 'ContainerStats .*"usage_core_nano_seconds": {"value": [1-9][0-9]*}.*"working_set_bytes": {"value": [1-9][0-9]*}}}}'
	expect_answer 'ContainerStatus {"status": {"state": 1}}'
	expect_answer 'StopContainer {}'
	expect_answer 'ContainerStatus {"status": {"exit_code": 5, "reason": "Error", "state": 2}}'
	expect_answer 'RemoveContainer {}'
	expect_answer 'StopPodSandbox {}'
	expect_answer 'RemovePodSandbox {}'
	[ ! -e logs/one.log ] || sed 's/^[^ ]* //' logs/one.log | sort > logs/sorted
	expect_equal "its log" $'stderr F oops\nstdout F term\nstdout F up' "$(cat logs/sorted)"
	[ "$N_FAILED" -eq 0 ] || show "$(tail -n 20 c/log)"
}

expect_answer()	# REGULAR-EXPRESSION, with { as a plain character
{
	expect_match "what was answered" "^${1//\{/\\\{}\$" "${answers[i]-}"
	i=$((i + 1))
}

run_subject "$@"
