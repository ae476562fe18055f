# Stands for OpenWrt's /lib/functions.sh: what its package scripts and init scripts
# call, as far as router_exporter's do. Each call of a package's script is noted.

package_list() {
    if [ -f "$root/lib/apk/packages/$pkgname.list" ]; then
        echo "$root/lib/apk/packages/$pkgname.list"
    else
        echo "$root/usr/lib/opkg/info/$pkgname.list"
    fi
}

default_postinst() {
    echo "postinst${PKG_UPGRADE:+ upgrade}" >>/tmp/calls
    for script in $(grep '^/etc/init.d/' "$(package_list)"); do
        [ "${PKG_UPGRADE:-}" = 1 ] || "$script" enable
        "$script" start
    done
}

default_prerm() {
    echo "prerm${PKG_UPGRADE:+ upgrade}" >>/tmp/calls
    for script in $(grep '^/etc/init.d/' "$(package_list)"); do
        [ "${PKG_UPGRADE:-}" = 1 ] || "$script" disable
        "$script" stop
    done
}

# The settings of /etc/config/NAME, which has one section, "main".
config_load() {
    config_file=/etc/config/$1
}
config_get() {
    value=$(sed -n "s/^[[:space:]]*option $3 '\(.*\)'/\1/p" "$config_file")
    eval "$1=\${value:-\${4:-}}"
}
config_get_bool() {
    config_get "$@"
}
