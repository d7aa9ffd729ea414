# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# For the scripts of test/t and test/image: the selection of `make test TEST=`, globs of
# test names apart by commas. Without one every case runs.

# matches_one NAME GLOBS: does the name match one of the globs?
matches_one() {
	found=1 blanks=$IFS
	set -f
	IFS=,
	for glob in $2; do
		# shellcheck disable=SC2254 # it is a pattern
		case $1 in
		$glob) found=0 ;;
		esac
	done
	IFS=$blanks
	set +f
	return $found
}

# selected NAME: is this case asked for?
selected() {
	[ -z "${TEST:-}" ] || matches_one "$1" "$TEST"
}

# The plan stands first, so that a script that dies early fails. How many a selection
# leaves is known at the end only.
plan_first() { # plan_first CASES
	[ -n "${TEST:-}" ] || echo "1..$1"
}

plan_last() { # plan_last CASES-THAT-RAN
	[ -n "${TEST:-}" ] || return 0
	[ "$1" != 0 ] || echo "1..0 # SKIP no case of TEST=$TEST"
	[ "$1" = 0 ] || echo "1..$1"
}
