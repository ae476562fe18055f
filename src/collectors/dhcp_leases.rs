//! How many addresses dnsmasq has leased, from the file that it keeps them in; with
//! `--collector.dhcp_leases.expose-leases` to whom.
//!
//! dnsmasq writes over the file in place, so that its last line may be half. Where it was built for a
//! router without a clock (Padavan, Asus), the first word is the lease's length and not its end.

use crate::collectors::Collect;
use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine, Text};
use crate::settings::Settings;
use crate::text::scan::{decimal, lines, rsplit_once, words};

const COUNT: Family = gauge!("dnsmasq_leases", "Number of DHCP leases handed out.");
const EXPIRY: [Family; 1] = [gauge!("dnsmasq_lease_expiry", "End of a DHCP lease as dnsmasq has it, 0 is never.")];

/// Where firmware keeps the file: OpenWrt; Padavan, DD-WRT; Asuswrt-Merlin and dnsmasq itself.
const PATHS: [&str; 3] = ["tmp/dhcp.leases", "tmp/dnsmasq.leases", "var/lib/misc/dnsmasq.leases"];
/// More leases than dnsmasq gives unless it is set to: no more are on the page.
const MOST: usize = 1000;

/// The leases.
#[derive(Debug)]
pub struct DhcpLeases {
    /// `--collector.dhcp_leases.file`.
    file: Option<&'static str>,
    exposes: bool,
    /// Which of the paths is looked at next.
    at: usize,
    /// How many are looked at until the file is found: all at first, and then one at a scrape.
    tries: usize,
}

impl DhcpLeases {
    /// The collector as the options say.
    pub fn new(settings: &Settings) -> Self {
        let (file, exposes) = (settings.dhcp_leases_file, settings.dhcp_leases_exposed);
        Self { file, exposes, at: 0, tries: PATHS.len() }
    }

    fn read<'m>(&mut self, machine: &'m Machine) -> Result<Text<'m>, Error> {
        if let Some(path) = self.file {
            let (directory, name) = rsplit_once(path.as_bytes(), b'/').unwrap_or((b".", path.as_bytes()));
            return machine.given_file(directory, name).map(|(text, _)| text);
        }
        for _ in 0..std::mem::replace(&mut self.tries, 1) {
            let path = PATHS.get(self.at).copied().unwrap_or_default();
            match machine.file(&[path.as_bytes()]) {
                Err(Error::Absent) => self.at = self.at.checked_sub(1).unwrap_or(PATHS.len().wrapping_sub(1)),
                result => return result,
            }
        }
        Err(Error::Absent)
    }
}

impl Collect for DhcpLeases {
    /// Adds the number of leases, and a row for each if that is asked for.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let text = self.read(machine)?;
        let mut count = 0_u32;
        let mut table = page.table(&EXPIRY);
        let mut is_ipv6 = false;
        // What follows the last line's end is half a line.
        for line in lines(rsplit_once(&text, b'\n').map_or(b"", |(whole, _)| whole)) {
            if line.starts_with(b"duid ") {
                is_ipv6 = true;
                continue;
            }
            let Some(lease) = parse(line) else {
                text.skip(line);
                continue;
            };
            count = count.wrapping_add(1);
            if self.exposes && table.len() < MOST {
                table.row().label("client_id", lease.client).label("computer_name", lease.name);
                // Of IPv6 there is a number of the client's own.
                let hardware = if is_ipv6 { b"" } else { lease.hardware };
                table.label("ip_addr", lease.address).label("mac_addr", hardware).count(Some(lease.expiry));
            }
        }
        table.finish();
        page.single(&COUNT, count);
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Lease<'t> {
    expiry: u64,
    hardware: &'t [u8],
    address: &'t [u8],
    name: &'t [u8],
    client: &'t [u8],
}

fn parse(line: &[u8]) -> Option<Lease<'_>> {
    let mut words = words(line);
    let expiry = decimal(words.next()?)?;
    let (hardware, address) = (words.next()?, words.next()?);
    // A star stands for what the client did not say.
    let mut word = || words.next().map(|word| if word == b"*" { b"" } else { word });
    Some(Lease { expiry, hardware, address, name: word()?, client: word()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        assert_eq!(
            parse(b"1790000000 00:11:22:33:44:55 192.168.1.100 phone 01:00:11:22:33:44:55"),
            Some(Lease {
                expiry: 1_790_000_000,
                hardware: b"00:11:22:33:44:55",
                address: b"192.168.1.100",
                name: b"phone",
                client: b"01:00:11:22:33:44:55",
            })
        );
        let nameless = parse(b"86400 06-00:11:22:33:44:55 192.168.1.101 * *").unwrap();
        assert_eq!((nameless.expiry, nameless.name, nameless.client), (86400, &b""[..], &b""[..]));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"1790000000", b"1790000000 00:11:22:33:44:55 192.168.1.1", b"x 1 2 3 4", b"-1 1 2 3 4"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }
}
