//! `uname(2)`: what the kernel calls itself and the machine.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};

const INFO: Family = gauge!("node_uname_info", "Labeled system information as provided by the uname system call.");

/// Adds the kernel's names.
///
/// # Errors
/// None: the kernel always has a name.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let uname = machine.uname();
    page.family(&INFO).sample(
        &[
            ("domainname", uname.domainname().to_bytes()),
            ("machine", uname.machine().to_bytes()),
            ("nodename", uname.nodename().to_bytes()),
            ("release", uname.release().to_bytes()),
            ("sysname", uname.sysname().to_bytes()),
            ("version", uname.version().to_bytes()),
        ],
        true,
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Sorted;

    #[test]
    fn all_six_names() {
        let (machine, mut page, mut out) = (Machine::default(), Page::default(), Sorted::default());
        collect(&machine, &mut page).unwrap();
        page.write(&mut out, |_| true);
        let out = out.to_vec();
        let sysname = out.windows(15).any(|text| text == b"sysname=\"Linux\"");
        assert!(sysname, "{}", String::from_utf8_lossy(&out));
        assert_eq!(out.iter().filter(|&&byte| byte == b'=').count(), 6);
    }
}
