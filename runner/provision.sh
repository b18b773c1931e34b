#!/bin/sh
# Installs what a Debian machine needs for podcheck's other runtimes: Docker, containerd, runc, crun and the CNI plugins,
# all from Debian's own packages. Used by Vagrant, by continuous integration and by hand; may be run again at any time.
#
#     runner/provision.sh         the runtimes
#     runner/provision.sh vm      what runner/vm needs instead, to have them in virtual machines: QEMU, mmdebstrap, …
#
# podcheck starts private daemons of its own, so the packages' services need not run, and where they were not running
# before, they are not left running.
set -eu

if [ "$(id -u)" -ne 0 ]; then
    echo "provision.sh: run it as root: sudo runner/provision.sh" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "provision.sh: this script knows Debian's apt-get; install docker, containerd, runc and the CNI plugins yourself" >&2
    exit 1
fi

# shellcheck source=/dev/null
. /etc/os-release
case "${VERSION_CODENAME:-}" in
buster)
    # Past its end of life: only Debian's archive has it, with signatures past their date.
    sed -i -e 's|https\{0,1\}://deb.debian.org/debian|http://archive.debian.org/debian|' \
        -e 's|https\{0,1\}://security.debian.org/debian-security|http://archive.debian.org/debian-security|' \
        -e '/buster-updates/d' /etc/apt/sources.list
    echo 'Acquire::Check-Valid-Until "false";' >/etc/apt/apt.conf.d/99podcheck-archive
    ;;
esac

export DEBIAN_FRONTEND=noninteractive
case "${1:-}" in
"")
    wanted="docker.io containerd runc crun containernetworking-plugins"
    # Docker starts no container without apparmor_parser where the kernel has AppArmor, and only recommends its package.
    ! grep -qs Y /sys/module/apparmor/parameters/enabled || wanted="$wanted apparmor"
    ;;
vm) wanted="qemu-system-x86 mmdebstrap e2fsprogs xz-utils" ;;
*)
    echo "provision.sh: no argument, or vm: not '$1'" >&2
    exit 2
    ;;
esac
missing=""
for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
# Debian trixie and later have Docker's client in a package of its own.
[ "${1:-}" = vm ] || command -v docker >/dev/null 2>&1 || missing="$missing docker-cli"

if [ -z "$missing" ]; then
    echo "provision.sh: everything is here already"
    exit 0
fi

apt-get update -qq
available=""
for package in $missing; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        available="$available $package"
    else
        [ "$package" = docker-cli ] || echo "provision.sh: this Debian has no package $package; going on without it" >&2
    fi
done

# A policy that refuses to start services, for the time of the installation only, and only where there is none yet.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
# shellcheck disable=SC2086 # the list is meant to be split
apt-get install -y -qq --no-install-recommends $available >/dev/null
echo "provision.sh: installed$available"
