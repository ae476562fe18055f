#!/bin/sh
# Debian's packages for mipsel; the scripts that build images read this file.

# Points apt to a state of its own in ./apt, so that it needs no privileges and
# leaves the machine's packages as they are.
apt_for_mipsel() {
    mkdir -p apt/lists/partial apt/archives/partial
    : >apt/status
    : >apt/preferences
    echo "deb [arch=mipsel signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
${DEBIAN_MIRROR:-http://deb.debian.org/debian} bookworm main" >apt/sources.list
    cat >apt/apt.conf <<CONF
Dir::State "$PWD/apt";
Dir::State::status "$PWD/apt/status";
Dir::Cache "$PWD/apt";
Dir::Etc::SourceList "$PWD/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "$PWD/apt/preferences";
Dir::Etc::PreferencesParts "/dev/null";
APT::Architecture "mipsel";
APT::Architectures "mipsel";
APT::Sandbox::User "";
CONF
    export APT_CONFIG="$PWD/apt/apt.conf"
    apt-get -q update
}

# The package of the malta board's kernel.
malta_kernel() {
    apt-cache depends linux-image-4kc-malta | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p'
}
