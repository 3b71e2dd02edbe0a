# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Runs attacks in one of the configurations that README.md describes. For the end-to-end tests and
# for mutants. Needs ATTACKS, the directory with what `make attacks` built, and ROOTFS.

# The outcomes, one "NAME WORD" a line, of all attacks that CONFIGURATION expects something of, in one
# start of a container. Makes its files in the working directory; NACRE with its global options starts
# the container.
run_attacks()	# CONFIGURATION NACRE [GLOBAL-OPTION…]
{
	local configuration=$1 names=()

	shift
	mapfile -t names < <(attacks_of "$configuration")
	make_volume
	case $configuration in
	default)
		"$@" run --memory 128M --cpus 1 --rootfs "$ROOTFS" --volume "$ATTACKS:/attacks:ro" \
			--volume "$PWD/v:/v" -- /attacks/driver /attacks/bin "${names[@]}"
		;;
	crun)
		attack_bundle "$configuration" "${names[@]}"
		crun run --bundle "bundle-$configuration" nacre-attacks
		;;
	exec)
		attack_joining "$@"
		;;
	*)
		attack_bundle "$configuration" "${names[@]}"
		"$@" run --bundle "bundle-$configuration" "nacre-attacks-$configuration"
		;;
	esac < /dev/null
}

# exec_catch as process 1, and processes that join until it has met eight.
attack_joining()	# NACRE [GLOBAL-OPTION…]
{
	local catcher status

	make_attack_bundle wide '"/attacks/bin/exec_catch", "8"'
	"$@" run --bundle bundle-wide nacre-attacks-exec > said &
	catcher=$!
	while kill -0 "$catcher" 2> /dev/null; do
		grep -q '^ready' said || { sleep 0.2; continue; }
		"$@" exec nacre-attacks-exec /bin/true 2> /dev/null
	done
	wait "$catcher"
	status=$?
	case $status in
	0) echo "exec_catch success" ;;
	200) echo "exec_catch contained" ;;
	*) echo "exec_catch: nacre ended with $status" >&2 ;; # no outcome: a guest may have been lost
	esac
}

attacks_of()	# CONFIGURATION
{
	local configuration name word

	while read -r configuration name word; do
		[ "$configuration" != "$1" ] || echo "$name"
	done < "$ATTACKS/expected"
}

# What an attack should come to, in the order and the form of run_attacks.
expected_of()	# CONFIGURATION
{
	local configuration name word

	while read -r configuration name word; do
		[ "$configuration" != "$1" ] || echo "$name $word"
	done < "$ATTACKS/expected"
}

# A volume with a way out in it, and beside it what nobody may reach.
make_volume()
{
	mkdir -p v
	echo secret > canary
	echo file > v/file
	ln -sfn "$PWD/canary" v/hostlink
	[ -e v/node ] || mknod v/node c 1 5
}

attack_bundle()	# CONFIGURATION NAME…
{
	local args='"/attacks/driver", "/attacks/bin"' name

	for name in "${@:2}"; do
		args+=", \"$name\""
	done
	make_attack_bundle "$1" "$args"
}

make_attack_bundle()	# CONFIGURATION JSON-OF-ARGUMENTS
{
	local config args=$2

	mkdir -p "bundle-$1"
	config=$(< "$ATTACKS/$1.json")
	config=${config//'"@ARGS@"'/$args}
	config=${config//@ROOTFS@/$ROOTFS}
	config=${config//@ATTACKS@/$ATTACKS}
	printf '%s\n' "${config//@V@/$PWD/v}" > "bundle-$1/config.json"
}
