//! Word from the kernel that an interface has come or gone.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, netlink};

use super::listen::Listener;

/// The group of messages on interfaces that come, change and go.
const RTMGRP_LINK: u32 = 1;

/// A socket that the kernel writes to when an interface comes or goes, if a listener depends on one.
#[must_use]
pub fn watch(listeners: &[Listener]) -> Option<OwnedFd> {
    listeners.iter().find(|listener| listener.interface.is_some())?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // No protocol is 0, and 0 is NETLINK_ROUTE.
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None).ok()?;
    rustix::net::bind(&socket, &netlink::SocketAddrNetlink::new(0, RTMGRP_LINK)).ok()?;
    Some(socket)
}

/// Takes what the kernel has written. What it says is not read: whoever asks looks for himself.
pub fn drain(watcher: &OwnedFd) {
    let mut message = [0_u8; 512];
    // An overrun is reported as an error, and the next read goes on; what is left after so many wakes
    // the server again.
    for _ in 0..256 {
        if let Err(Errno::AGAIN) = rustix::net::recv(watcher, &mut message, RecvFlags::empty()) {
            return;
        }
    }
}
