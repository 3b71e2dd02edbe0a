#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# As an ordinary user who may open /dev/kvm. Only in an emulated host: a user is added.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

ATTACKS=$E2E_BUILD/attacks
# shellcheck source-path=SCRIPTDIR source=../attacks/configurations.sh
. "$E2E_DIR/../attacks/configurations.sh"

LIMITS[test_attacks_on_a_user]=150
LIMITS[test_attacks_on_a_user_without_capabilities]=300
LIMITS[test_attacks_on_a_user_with_all_that_config_json_can_give]=300
LIMITS[test_attacks_on_a_process_of_a_user_that_joins]=300

need_user()
{
	[ "$E2E_PLACE" = emulated ] || skip "adds a user"
	need_command newuidmap useradd runuser
	add_user
	chown "$E2E_JOE:" .
	chmod 755 "$E2E_TOP" "$E2E_WORK"
}

NACRE_OF_JOE=(runuser -u "$E2E_JOE" -- env XDG_RUNTIME_DIR=/run/user/3000 "$NACRE")
# nacre, as the user; WITHIN is a command before it.
WITHIN=()
as_joe()	# ARGUMENT…
{
	"${WITHIN[@]}" "${NACRE_OF_JOE[@]}" "$@" \
		< "${INPUT:-/dev/null}" > out 2> err
	STATUS=$?
	take_output
}

test_a_container_of_a_user()
{
	need_user
	cp -a "$ROOTFS" rootfs
	chown -R nacre-joe: rootfs
	as_joe run --name nacre-e2e-joe-file --memory 64M --cpus 1 --rootfs "$PWD/rootfs" -- sh -c '
		id -u; touch /file && chown 33:44 /file && stat -c %u:%g /file; cat /proc/self/uid_map'
	expect_status 0
	expect_silent
	expect_match "what it sees" $'^0\n33:44\n +0 +2147483648 +65536$' "$OUT"
	expect_equal "the owner outside" "$(($(first_id /etc/subuid) + 32)):$(($(first_id /etc/subgid) + 43))" \
		"$(stat -c %u:%g rootfs/file)"
	[ ! -e /run/user/3000/nacre/nacre-e2e-joe-file ] || failed "state is left"
}

# A template of the user's own, in the user's cache; root's, or one given to another, is none for them.
test_a_template_of_a_user()
{
	need_user
	cp -a "$ROOTFS" rootfs
	chown -R nacre-joe: rootfs
	unset NACRE_CONFIG # the lane's
	export XDG_CACHE_HOME=$PWD/cache
	chmod 666 /dev/net/tun
	as_joe template --memory 64M --cpus 1
	expect_status 0
	expect_match "what template prints" "^$PWD/cache/nacre/templates/128M-1-[0-9a-f]{8}.template
$PWD/cache/nacre/templates/128M-1-net-[0-9a-f]{8}.template\$" "$OUT"
	mkdir volume
	chown nacre-joe: volume
	as_joe run --memory 64M --cpus 1 --rootfs "$PWD/rootfs" --timing "$PWD/timing" --volume "$PWD/volume:/v" -- \
		sh -c 'echo text > /v/file; id -u'
	expect_success 0
	expect_equal "the file" text "$(< volume/file)"
	expect_match "times of a copy" '"before_init_connected": 0}' "$(< timing)"
	chown 0:0 cache/nacre/templates/128M-1-[0-9a-f]*.template
	as_joe run --memory 64M --cpus 1 --rootfs "$PWD/rootfs" --timing "$PWD/timing" -- true
	expect_success ""
	! grep -q '"before_init_connected": 0}' timing || failed "a template of root's was used"

	# and one that is made for the second container of a size
	for _ in 1 2; do
		as_joe run --memory 72M --cpus 1 --rootfs "$PWD/rootfs" --timing "$PWD/timing" -- true
		expect_success ""
	done
	expect_match "times of the second" '"before_init_connected": 0}' "$(< timing)"
}

is_joes_state()	# ID STATUS
{
	as_joe state "$1"
	[[ $OUT == *"\"status\": \"$2\""* ]]
}

# Each verb is a process that begins as the user, outside of the namespaces that create made.
test_verbs_of_a_user()
{
	need_user
	make_bundle sh -c 'trap "echo term; exit 7" TERM; echo ready; while :; do sleep 0.1; done'
	"${NACRE_OF_JOE[@]}" create --bundle bundle nacre-e2e-joe-verbs > output 2>&1 < /dev/null
	expect_equal "status of create" 0 $?
	as_joe exec nacre-e2e-joe-verbs echo early
	expect_success early
	as_joe start nacre-e2e-joe-verbs
	expect_success ""
	wait_until $((5 * E2E_SLOW)) has_line output ready || show "$(< output)"
	as_joe exec nacre-e2e-joe-verbs id -u
	expect_success 0
	as_joe ps nacre-e2e-joe-verbs
	expect_match "its processes" 'sh -c trap' "$OUT"
	as_joe kill nacre-e2e-joe-verbs TERM
	expect_success ""
	wait_until $((5 * E2E_SLOW)) is_joes_state nacre-e2e-joe-verbs stopped || failed "it does not end"
	expect_equal "output" $'ready\nterm' "$(< output)"
	as_joe delete nacre-e2e-joe-verbs
	expect_success ""
	[ ! -e /run/user/3000/nacre/nacre-e2e-joe-verbs ] || failed "state is left"
}

# The one id that the bundle asks for is the user's, with and without subordinate ids.
test_the_bundle_of_spec_rootless()
{
	need_user
	mkdir bundle
	cp -a "$ROOTFS" bundle/rootfs
	chown -R nacre-joe: bundle
	chmod 700 bundle/rootfs
	as_joe spec --rootless --bundle bundle
	expect_success ""
	echo 'id -u; touch /new; tr -s " " < /proc/self/uid_map' > bundle/rootfs/probe
	sed -i 's/"terminal": true/"terminal": false/; s/"readonly": true/"readonly": false/
		s,^ *"sh"$,"sh"\, "/probe",' bundle/config.json
	as_joe run --bundle bundle nacre-e2e-joe-spec
	expect_success $'0\n 0 2147483648 1'
	expect_equal "the owner outside" nacre-joe:nacre-joe "$(stat -c %U:%G bundle/rootfs/new)"
	rm bundle/rootfs/new
	WITHIN=(unshare -m sh -c 'mount --bind /dev/null /etc/subuid && mount --bind /dev/null /etc/subgid && exec "$@"' sh)
	as_joe run --bundle bundle nacre-e2e-joe-spec
	WITHIN=()
	expect_success $'0\n 0 2147483648 1'
	expect_equal "the owner outside" nacre-joe:nacre-joe "$(stat -c %U:%G bundle/rootfs/new)"
	sed -i 's/"hostID": 3000/"hostID": 0/' bundle/config.json
	as_joe run --bundle bundle nacre-e2e-joe-spec
	expect_status 125
	expect_one_line 'linux.uidMappings\[0\]: hostID 0, size 1: expected your own id or ids that /etc/subuid gives you'
}

test_layers_of_a_user()
{
	need_user
	as_joe run --layers --memory 64M --cpus 1 --rootfs "$ROOTFS" -- echo hello
	expect_status 0
	expect_out hello
	expect_match "no host root" '^10 no host root +on +host: monitor is uid ' "$(grep '^10' err)"
	case $ERR in
	*MISSING*) failed "a layer is missing" && show "$ERR" ;;
	esac
}

test_a_delegated_cgroup()
{
	local leaf=$CGROUPS/nacre-e2e-joe

	need_user
	mkdir "$leaf"
	echo +memory +pids > "$CGROUPS/cgroup.subtree_control"
	echo +memory +pids > "$leaf/cgroup.subtree_control"
	delegate_cgroup "$leaf/sub"
	echo "$BASHPID" > "$leaf/sub/shell/cgroup.procs"
	as_joe run --layers --memory 64M --cpus 1 --name nacre-e2e-joe --rootfs "$ROOTFS" -- true
	expect_status 0
	expect_match "its cgroup" "^ 3 cgroups +on +host: $leaf/sub/nacre/nacre-e2e-joe: memory.max [0-9]+, memory.oom.group 1" \
		"$(grep '^ 3' err)"
	make_bundle true
	edit '"resources": {' '"resources": {"cpu": {"cpus": "0"}, '
	as_joe run --bundle "$PWD/bundle" nacre-e2e-joe
	expect_status 125
	expect_match "why not" 'cpu.cpus: "0": the cpuset controller is missing or not delegated' "$ERR"
	echo "$BASHPID" > "$CGROUPS/cgroup.procs"
	wait_until $((5 * E2E_SLOW)) remove_cgroups "$leaf/sub/nacre" "$leaf/sub/shell" "$leaf/sub" "$leaf" ||
		failed "cgroups are left: $(find "$leaf" -type d)"
}

# The attacks of 66-attacks.sh, on a container whose tree and volume are the user's.
attack_with()	# CONFIGURATION
{
	need_user
	cp -a "$ROOTFS" rootfs
	cp -a "$ATTACKS" attacks
	make_volume
	chown -R "$E2E_JOE:" rootfs attacks v
	ROOTFS=$PWD/rootfs ATTACKS=$PWD/attacks
	run_attacks "$1" "${NACRE_OF_JOE[@]}" > out 2> err
	STATUS=$?
	take_output
	expect_status 0
	expect_equal "what came of the attacks (< expected, > seen)" "" "$(diff <(expected_of "$1") out)" || show "$ERR"
}

test_attacks_on_a_user()
{
	attack_with default
}

test_attacks_on_a_user_without_capabilities()
{
	attack_with bare
}

test_attacks_on_a_user_with_all_that_config_json_can_give()
{
	attack_with wide
}

test_attacks_on_a_process_of_a_user_that_joins()
{
	attack_with exec
}

run_subject "$@"
