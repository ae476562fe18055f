# Stands for OpenWrt's rules.mk, package.mk and rust-package.mk: `make install` does what the
# package's Makefile says, with the program in $(PKG_INSTALL_DIR)/bin and the source in $(SOURCE).
INSTALL_DIR:=install -d -m 0755
INSTALL_BIN:=install -m 0755
INSTALL_CONF:=install -m 0600
override PKG_BUILD_DIR:=$(SOURCE)
RustBinPackage=
define BuildPackage
install:
	$(call Package/$(1)/install,$(DESTINATION))
endef
