//! Gives up what the exporter does not need once it listens.

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Gid, Resource, Uid, getegid, geteuid, getgid, getpriority_process, getuid, set_dumpable_behavior,
    setpriority_process,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_keep_capabilities, set_no_new_privs, set_thread_gid,
    set_thread_groups, set_thread_uid,
};

use crate::process::syscalls;
use crate::text::errno::Meaning;
use crate::text::scan;

/// The most bytes of /etc/passwd and of /etc/group.
const FILE_LIMIT: usize = 1 << 20;

/// The most of each that the exporter may ever have, in the kernel's units.
const LIMITS: [(Resource, u64); 3] = [
    // No memory of a process that saw credentials is written anywhere.
    (Resource::Core, 0),
    // 64 connections, and the files that the collectors keep open.
    (Resource::Nofile, syscalls::MOST_DESCRIPTORS.unsigned_abs() as u64),
    // A few times what it ever maps; a bug must not take the router's memory with it.
    (Resource::As, 64 << 20),
];

/// A router's own work comes before being watched at it.
const NICENESS: i32 = 5;

/// Who `--user` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl User {
    /// Looks a name or a number up in `etc`/passwd and `etc`/group. A number needs no entry there,
    /// and is its own group then.
    ///
    /// # Errors
    /// One line that names the user.
    pub fn find(etc: &str, user: &str) -> Result<Self, String> {
        let read = |name| syscalls::read_own(&[etc, name].concat(), FILE_LIMIT).map_or(Vec::new(), |(_, text)| text);
        let found = Self::parse(&read("/passwd"), &read("/group"), user.as_bytes());
        found.ok_or_else(|| ["there is no user '", user, "'"].concat())
    }

    fn parse(passwd: &[u8], group: &[u8], user: &[u8]) -> Option<Self> {
        let mut found = id(user).map(|number| (&b""[..], number, number));
        for line in scan::lines(passwd) {
            if let Some([name, uid, gid]) = fields(line)
                && let (Some(uid), Some(gid)) = (id(uid), id(gid))
                && (name == user || found.is_some_and(|(_, number, _)| number == uid))
            {
                found = Some((name, uid, gid));
                break;
            }
        }
        let (name, uid, gid) = found?;
        let mut groups = vec![Gid::from_raw(gid)];
        for line in scan::lines(group) {
            if let Some([_, other, members]) = fields(line)
                && let Some(other) = id(other).filter(|other| *other != gid)
                && !name.is_empty()
                && members.split(|byte| *byte == b',').any(|member| member == name)
            {
                groups.push(Gid::from_raw(other));
            }
        }
        Some(Self { uid: Uid::from_raw(uid), gid: Gid::from_raw(gid), groups })
    }

    /// Becomes this user for good, without any of root's rights but that to set up networks where
    /// `keeps_net_admin`: WireGuard answers nobody else. Where root itself has not got it, it is done
    /// without.
    ///
    /// # Errors
    /// One line on what the kernel refused. The process must not go on then: it may be anybody.
    pub fn assume(&self, keeps_net_admin: bool) -> Result<(), String> {
        if geteuid() == self.uid && getuid() == self.uid {
            return Ok(());
        }
        self.change(keeps_net_admin).map_err(|(what, error)| {
            format!("cannot change to user {}: {what}: {}", self.uid.as_raw(), Meaning(error))
        })?;
        // The kernel gives /proc/self to root after such a change, and the exporter reads there.
        let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
        Ok(())
    }

    /// Changes; an error is what the kernel refused, and how.
    fn change(&self, keeps_net_admin: bool) -> Result<(), (&'static str, Errno)> {
        let Self { uid, gid, groups } = self;
        // In this order: who is not root any more may not change the rest. There is one thread, so
        // the thread's are the process's.
        set_thread_groups(groups).map_err(|error| ("groups", error))?;
        set_thread_gid(*gid).map_err(|error| ("group", error))?;
        // The kernel takes all rights from who is not root any more, unless it is asked not to.
        let _ = set_keep_capabilities(keeps_net_admin);
        set_thread_uid(*uid).map_err(|error| ("user", error))?;
        if keeps_net_admin {
            let keep = |kept| {
                let inheritable = CapabilitySet::empty();
                set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })
            };
            keep(CapabilitySet::NET_ADMIN)
                .or_else(|_| keep(CapabilitySet::empty()))
                .map_err(|error| ("capabilities", error))?;
        }
        let is_done = [getuid(), geteuid()] == [*uid; 2] && [getgid(), getegid()] == [*gid; 2];
        let is_final = uid.is_root() || set_thread_uid(Uid::ROOT).is_err();
        if is_done && is_final { Ok(()) } else { Err(("the change did not hold", Errno::PERM)) }
    }
}

/// Sets the limits that hold from the start on. What an old kernel does not know is done without.
pub fn restrict() {
    for (resource, most) in &LIMITS {
        syscalls::limit(*resource, *most);
    }
    // Linux 3.5.
    let _ = set_no_new_privs(true);
    if getpriority_process(None).is_ok_and(|niceness| niceness < NICENESS) {
        let _ = setpriority_process(None, NICENESS);
    }
}

/// The first, the third and the fourth field of a line.
fn fields(line: &[u8]) -> Option<[&[u8]; 3]> {
    let (first, rest) = scan::split_once(line, b':')?;
    let (_, rest) = scan::split_once(rest, b':')?;
    let (third, rest) = scan::split_once(rest, b':')?;
    let (fourth, _) = scan::split_once(rest, b':').unwrap_or((rest, b""));
    Some([first, third, fourth])
}

/// A number that `(uid_t) -1`, which means "leave it as it is", is not.
fn id(text: &[u8]) -> Option<u32> {
    u32::try_from(scan::decimal(text)?).ok().filter(|number| *number != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/ash\n\
        broken\n\
        odd:x:-1:0::/:\n\
        daemon:*:1:1:daemon:/var:/bin/false\n\
        nobody:*:65534:65533:nobody:/var:/bin/false\n";
    const GROUP: &str = "root:x:0:\n\
        broken:x\n\
        metrics:x:100:daemon,nobody\n\
        more:x:101:nobody2\n\
        nogroup:x:65533:nobody\n";

    fn user(uid: u32, gids: &[u32]) -> Option<User> {
        let groups: Vec<Gid> = gids.iter().map(|gid| Gid::from_raw(*gid)).collect();
        Some(User { uid: Uid::from_raw(uid), gid: groups[0], groups })
    }

    #[test]
    fn users_are_found_by_name_and_by_number() {
        let find = |text: &str| User::parse(PASSWD.as_bytes(), GROUP.as_bytes(), text.as_bytes());
        assert_eq!(find("nobody"), user(65_534, &[65_533, 100]));
        assert_eq!(find("65534"), find("nobody"));
        assert_eq!(find("daemon"), user(1, &[1, 100]));
        assert_eq!(find("1000"), user(1000, &[1000]));
        for wrong in ["", "nobod", "broken", "odd", "-1", "+1", "4294967295", "4294967296", "x"] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_machine_without_the_files_has_numbers_only() {
        let absent = "/absent";
        assert_eq!(User::find(absent, "99").ok(), user(99, &[99]));
        assert!(User::find(absent, "nobody").unwrap_err().contains("'nobody'"));
    }
}
