#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# containerd's CRI plugin, as a kubelet drives it: a pod with one container and a network of CNI, exec, logs,
# stats, stop, rm; and crictl, with what only it asks. NACRE_TEST_RUNTIME=runc runs the same against another
# runtime.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containerd.sh
. "$E2E_DIR/lib/containerd.sh"

LIMITS[test_a_pod]=300
LIMITS[test_crictl]=600

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

# Sets STATUS, OUT, ERR.
crictl_does()	# ARGUMENT…
{
	in_crictl "$@" < /dev/null > out 2> err
	STATUS=$?
	take_output
}

crictl_says()	# REGULAR-EXPRESSION ARGUMENT…
{
	local says=$1

	shift
	crictl_does "$@"
	expect_equal "status of crictl $*" 0 "$STATUS" || show "$ERR"
	expect_match "what crictl $* says" "$says" "$OUT"
}

in_crictl()	# ARGUMENT…
{
	"$CRICTL" --config /dev/null --timeout 120s --runtime-endpoint "unix://$PWD/c/sock" \
		--image-endpoint "unix://$PWD/c/sock" "$@"
}

test_crictl()
{
	local pod one command

	full_only "a build of crictl"
	CRICTL=${E2E_DEBIAN%/*}/crictl/crictl
	[ -x "$CRICTL" ] || skip "$(cat "${CRICTL%/*}.why")"
	need_command script
	start_containerd
	mkdir logs volume
	echo from the host > volume/file
	cat > pod.json <<- EOF
		{"metadata": {"name": "pod", "uid": "u1", "namespace": "default"}, "hostname": "nacre-pod",
		 "log_directory": "$PWD/logs", "linux": {"sysctls": {"net.ipv4.ip_default_ttl": "33"}}}
	EOF
	cat > one.json <<- EOF
		{"metadata": {"name": "one"}, "image": {"image": "localhost/busybox:latest"}, "log_path": "one.log",
		 "command": ["sh", "-c", "echo up; trap 'echo term; exit 5' TERM; while :; do sleep 0.2; done"],
		 "mounts": [{"container_path": "/v", "host_path": "$PWD/volume", "readonly": true}],
		 "linux": {"resources": {"memory_limit_in_bytes": 67108864}}}
	EOF
	crictl_says 'tested' info
	crictl_says '^[0-9a-f]{64}$' runp pod.json
	pod=$OUT
	crictl_says '^[0-9a-f]{64}$' create "$pod" one.json pod.json
	one=$OUT
	crictl_says "^$one\$" start "$one"
	crictl_says $'^nacre-pod\nfrom the host\n67108864$' exec -s "$one" sh -c \
		'hostname; cat /v/file /sys/fs/cgroup/memory.max; touch /v/x 2> /dev/null && echo writable; true'
	crictl_does exec -s "$one" sh -c 'exit 4'
	expect_match "what exec -s says of an exit code" 'exited with 4' "$ERR"
	crictl_does exec "$one" sh -c 'echo streamed; exit 4'
	expect_out streamed
	[ "$STATUS" -ne 0 ] || failed "crictl exec ends well though its program failed"
	expect_equal "exec -i" "by stdin" "$(echo by stdin | in_crictl exec -i "$one" cat 2>&1)"
	export CRICTL
	export -f in_crictl
	printf -v command '%q ' in_crictl exec -it "$one" sh -c '[ -t 0 ] && [ -t 1 ] && echo terminal
		for i in 1 2 3 4 5 6 7 8 9; do [ "$(stty size)" != "33 77" ] || { echo sized; exit 0; }; sleep 0.5; done'
	SHELL=$BASH script -eqc "stty rows 33 cols 77; $command" /dev/null < /dev/null > out 2> err
	STATUS=$?
	take_output
	expect_equal "status of exec -it" 0 "$STATUS" || show "$OUT"
	expect_match "its output" $'terminal\r.*sized\r' "$OUT"
	crictl_does exec -s "$one" no-such-program
	[ "$STATUS" -ne 0 ] || failed "a missing program runs"
	expect_match "what is said of a missing program" 'executable file .*not found in .PATH' "$ERR"

	crictl_says "^$pod\$" pods -q --state ready
	crictl_says "^$one\$" ps -q --state running
	wait_until $((20 * E2E_SLOW)) has_memory "$one" || failed "stats: no working set: $(in_crictl stats -o json 2>&1 | head -c 300)"
	crictl_says . update --memory 50331648 "$one"
	crictl_says '^50331648$' exec -s "$one" cat /sys/fs/cgroup/memory.max
	crictl_says '^up$' logs "$one"
	crictl_says '10\.97\.3\.[0-9]+' inspectp -o go-template --template '{{.status.network.ip}}' "$pod"

	crictl_says "^$one\$" stop --timeout 30 "$one"
	crictl_says '^CONTAINER_EXITED 5$' inspect -o go-template --template '{{.status.state}} {{.status.exitCode}}' "$one"
	crictl_says $'^up\nterm$' logs "$one"
	crictl_says "^$one\$" rm "$one"
	crictl_says . stopp "$pod"
	crictl_says . rmp "$pod"
	crictl_says '^$' pods -q
	[ "$N_FAILED" -eq 0 ] || show "$(tail -n 20 c/log)"
}

has_memory()	# CONTAINER
{
	[[ $(in_crictl stats -o json --id "$1" 2>&1 | tr -d ' \n') =~ \"workingSetBytes\":\{\"value\":\"[1-9] ]]
}

run_subject "$@"
