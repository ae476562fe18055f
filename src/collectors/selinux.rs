//! `/sys/fs/selinux`: whether the kernel enforces SELinux's policy. Routers do not have it.

use crate::host::{Error, Host};
use crate::page::{Family, Page, gauge};
use crate::scan::{decimal, lines, split_once};

const ENABLED: Family = gauge("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false");
const CONFIG_MODE: Family = gauge("node_selinux_config_mode", "Configured SELinux enforcement mode");
const CURRENT_MODE: Family = gauge("node_selinux_current_mode", "Current SELinux enforcement mode");

/// Adds whether it is enabled and, if so, how it is configured and what it does now.
///
/// # Errors
/// None: a kernel without it has it disabled.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let enforce = host.sys(&[b"fs/selinux/enforce"]);
    page.single(&ENABLED, enforce.is_some());
    if let Some(mode) = enforce.and_then(|text| decimal(&text)) {
        page.single(&CURRENT_MODE, mode);
        let configured = host.file(&[b"etc/selinux/config"]).ok().and_then(|text| configured(&text));
        page.single(&CONFIG_MODE, configured.unwrap_or(-1));
    }
    Ok(())
}

/// What `SELINUX=` says, in the numbers of the current mode; disabled is -1.
fn configured(text: &[u8]) -> Option<i64> {
    let mode = lines(text)
        .filter_map(|line| split_once(line, b'='))
        .find(|(name, _)| name.trim_ascii() == b"SELINUX")
        .map(|(_, mode)| mode.trim_ascii())?;
    [(&b"enforcing"[..], 1), (b"permissive", 0)].iter().find(|(name, _)| *name == mode).map(|(_, mode)| *mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        assert_eq!(configured(b"# SELINUX=x\nSELINUXTYPE=targeted\nSELINUX=enforcing\n"), Some(1));
        assert_eq!(configured(b"SELINUX=permissive\n"), Some(0));
        for odd in [&b""[..], b"SELINUX", b"SELINUX=disabled", b"SELINUX=\xff"] {
            assert_eq!(configured(odd), None, "{odd:?}");
        }
    }
}
