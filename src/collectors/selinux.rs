//! `/sys/fs/selinux`: whether the kernel enforces SELinux's policy. Routers do not have it.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, lines, split_once};

const ENABLED: Family = gauge!("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false");
const CONFIG_MODE: Family = gauge!("node_selinux_config_mode", "Configured SELinux enforcement mode");
const CURRENT_MODE: Family = gauge!("node_selinux_current_mode", "Current SELinux enforcement mode");

/// The modes' numbers; disabled is -1.
const MODES: [(&[u8], i64); 2] = [(b"enforcing", 1), (b"permissive", 0)];

/// Adds whether it is enabled and, if so, how it is configured and what it does now.
///
/// # Errors
/// None: a kernel without it has it disabled.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let enforce = machine.sys(&[b"fs/selinux/enforce"]);
    page.single(&ENABLED, enforce.is_some());
    if let Some(mode) = enforce.as_deref().and_then(decimal) {
        page.single(&CURRENT_MODE, mode);
        let config = machine.file(&[b"etc/selinux/config"]).ok();
        page.single(&CONFIG_MODE, configured(config.as_deref().unwrap_or_default()));
    }
    Ok(())
}

/// What `SELINUX=` says, in the numbers of the current mode.
fn configured(text: &[u8]) -> i64 {
    for line in lines(text) {
        if let Some((name, mode)) = split_once(line, b'=')
            && name.trim_ascii() == b"SELINUX"
        {
            let mode = mode.trim_ascii();
            return MODES.iter().find(|(name, _)| *name == mode).map_or(-1, |(_, number)| *number);
        }
    }
    -1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        assert_eq!(configured(b"# SELINUX=x\nSELINUXTYPE=targeted\nSELINUX=enforcing\n"), 1);
        assert_eq!(configured(b"SELINUX=permissive\n"), 0);
        for odd in [&b""[..], b"SELINUX", b"SELINUX=disabled", b"SELINUX=\xff"] {
            assert_eq!(configured(odd), -1, "{odd:?}");
        }
    }
}
