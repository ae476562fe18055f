#!/bin/sh
# OpenWrt's CI runs it on each processor: test.sh PACKAGE VERSION
case $1 in
router_exporter) router_exporter --version | grep -F "version $2" ;;
esac
